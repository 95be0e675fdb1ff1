//! `plan`: what a manifest would change.

use std::path::PathBuf;
use std::sync::Arc;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::manifest::{Manifest, load};
use super::outlook::{PlannedStep, Site, Survey};
use super::record::Store;
use crate::tools::Desk;

/// What to plan.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Plan {
    /// The manifest: a file below the roots, in TOML, or in JSON if its name ends so. Either this or `inline`.
    manifest: Option<PathBuf>,
    /// The manifest itself. Either this or `manifest`.
    inline: Option<Manifest>,
}

/// What would change.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Planned {
    /// The name of the deployment.
    deployment: String,
    /// Stands for the manifest and everything that was seen; `apply` takes it.
    digest: String,
    /// How many changes there would be; 0 if everything is so already.
    changes: usize,
    /// Whether `rollback` could bring everything back.
    reversible: bool,
    /// The steps.
    steps: Vec<PlannedStep>,
}

/// Looks at what is there, and changes nothing.
pub(super) async fn plan(desk: Arc<Desk>, call: Call, args: Plan) -> Result<Planned, Failure> {
    let manifest = load(&desk, args.manifest, args.inline).await?;
    let store = desk.settings.state.as_ref().map(|_| Store::open(&desk, &manifest.name)).transpose()?;
    let survey = Survey::take(Site { desk: &desk, call: &call }, manifest, store.as_ref()).await?;
    Ok(Planned {
        deployment: survey.manifest.name.clone(),
        digest: survey.digest(),
        changes: survey.changes(),
        reversible: survey.outlooks.iter().all(|outlook| outlook.irreversible.is_none()),
        steps: survey.steps(),
    })
}
