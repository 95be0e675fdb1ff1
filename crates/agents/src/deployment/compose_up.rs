//! `compose_up`: a deployment of one compose project, planned and applied at once.

use std::path::PathBuf;
use std::sync::Arc;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::Deserialize;

use super::apply::{Applied, perform, survey};
use super::compose::Compose;
use super::manifest::Manifest;
use super::outlook::Site;
use super::record::Store;
use super::step::Step;
use crate::tools::Desk;

/// A project that is to be up.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ComposeUp {
    /// The compose file; a relative path starts at the first root.
    file: PathBuf,
    /// The name of the project: small letters, digits, `-` and `_`.
    project: String,
    /// Only these services and what they depend on; all of them by default.
    #[serde(default)]
    services: Vec<String>,
    /// Do also what cannot be brought back.
    #[serde(default)]
    irreversible: bool,
}

/// Brings a project up, as the deployment `compose-PROJECT`.
pub(super) async fn compose_up(desk: Arc<Desk>, call: Call, args: ComposeUp) -> Result<Applied, Failure> {
    let ComposeUp { file, project, services, irreversible } = args;
    let name = format!("compose-{project}");
    let manifest = Manifest::of(name, Step::Compose(Compose { file, project, services }));
    manifest.check()?;
    let site = Site { desk: &desk, call: &call };
    let store = Store::lock(&desk, &manifest.name)?;
    let survey = survey(site, &store, manifest).await?;
    perform(site, &store, survey, irreversible).await
}
