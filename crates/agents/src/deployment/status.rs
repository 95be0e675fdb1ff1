//! `status`: whether what was applied still is so.

use std::sync::Arc;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::manifest::name;
use super::outlook::{Site, in_step};
use super::record::{Progress, State, Store};
use crate::tools::Desk;

/// Which deployment.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Status {
    /// Its name.
    deployment: String,
}

/// How a deployment is.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Standing {
    /// Its name.
    deployment: String,
    /// The newest revision.
    revision: u64,
    /// How far that is.
    state: State,
    /// When it was begun, as RFC 3339.
    begun: String,
    /// How many steps are not as they were applied; of one that is not applied, 0.
    drifted: usize,
    /// The steps.
    steps: Vec<StepStanding>,
    /// The revisions that are kept, oldest first.
    revisions: Vec<u64>,
}

/// How a step is.
#[derive(Debug, Serialize, JsonSchema)]
struct StepStanding {
    /// What it is for.
    target: String,
    /// How it is.
    is: Is,
    /// What applying it again would change.
    changes: Vec<String>,
}

/// How a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Is {
    /// As it was applied.
    AsApplied,
    /// Something else than was applied.
    Drifted,
    /// Not applied, or taken back.
    NotApplied,
    /// Left as it is, since it could not be taken back.
    Left,
}

/// Looks at what is there, and holds it against what was applied.
pub(super) async fn status(desk: Arc<Desk>, call: Call, args: Status) -> Result<Standing, Failure> {
    name(&args.deployment)?;
    let store = Store::open(&desk, &args.deployment)?;
    let Some(record) = store.last()? else {
        return Err(Failure::rejected("not_found", format!("nothing was applied as `{}`", args.deployment)));
    };
    let site = Site { desk: &desk, call: &call };
    let mut steps = Vec::new();
    for (index, (step, progress)) in record.manifest.steps.iter().zip(&record.progress).enumerate() {
        let target = step.target();
        let (is, changes) = match progress {
            Progress::Done(after) => {
                let now =
                    step.look(site, Some(after)).await.map_err(|failure| in_step(index, &target, failure))?;
                (if now.seen.is_like(after) { Is::AsApplied } else { Is::Drifted }, now.changes)
            }
            Progress::Waiting | Progress::Begun | Progress::TakenBack => (Is::NotApplied, Vec::new()),
            Progress::Left => (Is::Left, Vec::new()),
        };
        site.call.stdout(format!("{target}: {is:?}\n")).await;
        steps.push(StepStanding { target, is, changes });
    }
    Ok(Standing {
        deployment: args.deployment,
        revision: record.revision,
        state: record.state,
        begun: record.begun.to_string(),
        drifted: steps.iter().filter(|step| step.is == Is::Drifted).count(),
        steps,
        revisions: store.revisions()?,
    })
}
