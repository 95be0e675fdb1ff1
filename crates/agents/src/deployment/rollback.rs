//! `rollback`: what was there before.

use std::sync::Arc;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::apply::Applied;
use super::manifest::{invalid, name};
use super::outlook::Site;
use super::record::{Progress, Record, State, Store};
use super::step::TakenBack;
use crate::tools::Desk;

/// Which revision: one of a deployment, or what a call that is undone answered.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rollback {
    /// The name of the deployment. Either this or `output`.
    deployment: Option<String>,
    /// The number of the revision; the newest by default. Only the newest that is not rolled back can be.
    revision: Option<u64>,
    /// Leave what cannot be taken back as it is, and have done with the revision: the next can be applied.
    #[serde(default)]
    accept: bool,
    /// The arguments of the call that is undone. They are not needed: the revision is kept.
    #[serde(default)]
    #[expect(dead_code, reason = "whoever undoes a call hands over its arguments")]
    arguments: Value,
    /// What the call that is undone answered. Either this or `deployment`.
    output: Option<Applied>,
}

/// What was brought back.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct RolledBack {
    /// The name of the deployment.
    deployment: String,
    /// The revision that is taken back.
    revision: u64,
    /// Whether anything had to be done.
    changed: bool,
    /// Whether everything is as it was before; if not, the steps tell what was left and why.
    complete: bool,
    /// The steps, in the order in which they were taken back.
    steps: Vec<StepBack>,
}

/// A step that was taken back.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct StepBack {
    /// What it is for.
    target: String,
    /// What was done, and what was left.
    #[serde(flatten)]
    back: TakenBack,
    /// Why it could not be taken back; null if it was.
    pub(super) failure: Option<String>,
}

/// Takes back a revision; one that is taken back already is a result.
pub(super) async fn rollback(desk: Arc<Desk>, call: Call, args: Rollback) -> Result<RolledBack, Failure> {
    let (deployment, revision) = args.which()?;
    let store = Store::lock(&desk, &deployment)?;
    let Some(mut record) = wanted(&store, &deployment, revision)? else {
        return Err(Failure::rejected("not_found", format!("nothing was applied as `{deployment}`")));
    };
    let is_done = record.state == State::RolledBack;
    let steps = if is_done {
        Vec::new()
    } else {
        take_back(Site { desk: &desk, call: &call }, &store, &mut record, args.accept).await
    };
    if steps.iter().any(|step| step.failure.is_some()) {
        let message = format!("revision {} of `{deployment}` is not all taken back", record.revision);
        return Err(Failure::failed("not_restored", message)
            .hint(
                "mend what the steps tell and roll back again: what is taken back stays so; or leave the rest with `accept = true`",
            )
            .detail(json!({ "steps": steps })));
    }
    Ok(RolledBack {
        deployment,
        revision: record.revision,
        changed: steps.iter().any(|step| !step.back.done.is_empty()),
        complete: steps.iter().all(|step| step.back.left.is_empty()),
        steps,
    })
}

impl Rollback {
    fn which(&self) -> Result<(String, Option<u64>), Failure> {
        let (deployment, revision) = match (&self.deployment, &self.output) {
            (Some(deployment), None) => (deployment, self.revision),
            (None, Some(applied)) => (&applied.deployment, Some(applied.revision)),
            _ => {
                let message = "a revision is named by its deployment or by what `apply` answered";
                return Err(invalid(message).hint("give one of `deployment` and `output`"));
            }
        };
        name(deployment)?;
        Ok((deployment.clone(), revision))
    }
}

/// The revision that is asked for, if it stands on top of what is applied.
fn wanted(store: &Store, deployment: &str, revision: Option<u64>) -> Result<Option<Record>, Failure> {
    let revisions = store.revisions()?;
    let Some(newest) = revisions.last() else { return Ok(None) };
    let revision = revision.unwrap_or(*newest);
    let record = store.read(revision)?;
    if record.state == State::RolledBack {
        return Ok(Some(record));
    }
    for later in revisions.iter().filter(|later| **later > revision) {
        if store.read(*later)?.state != State::RolledBack {
            let message = format!("revision {later} of `{deployment}` was applied after revision {revision}");
            return Err(
                Failure::rejected("superseded", message).hint(format!("roll back revision {later} first"))
            );
        }
    }
    Ok(Some(record))
}

/// Takes back the steps of a revision that were begun, the last first, and goes on where one cannot be: nothing else depends on it.
/// Where that is accepted, such a step is left as it is.
pub(super) async fn take_back(
    site: Site<'_>,
    store: &Store,
    record: &mut Record,
    accept: bool,
) -> Vec<StepBack> {
    let mut steps = Vec::new();
    record.state = State::RolledBack;
    for index in (0..record.progress.len()).rev() {
        let after = match &record.progress[index] {
            Progress::Waiting | Progress::TakenBack | Progress::Left => continue,
            Progress::Begun => None,
            Progress::Done(after) => Some(after.clone()),
        };
        let step = &record.manifest.steps[index];
        let target = step.target();
        let taken = step.take_back(site, &record.before[index], after.as_ref()).await;
        let taken = taken.inspect(|_| record.progress[index] = Progress::TakenBack).or_else(|failure| {
            // A call that was stopped did not find out what cannot be taken back.
            if !accept || site.call.is_cancelled() {
                return Err(failure);
            }
            record.progress[index] = Progress::Left;
            Ok(TakenBack {
                left: vec![format!("it could not be taken back: {failure}")],
                ..TakenBack::default()
            })
        });
        let told = match &taken {
            Ok(back) if back.done.is_empty() && back.left.is_empty() => "already so".to_owned(),
            Ok(back) => [back.done.as_slice(), &back.left].concat().join("; "),
            Err(failure) => failure.message().to_owned(),
        };
        site.call.stdout(format!("{target}: {told}\n")).await;
        let failure = taken.as_ref().err().map(ToString::to_string);
        if failure.is_some() {
            record.state = State::Failed;
        }
        steps.push(StepBack { target, back: taken.unwrap_or_default(), failure });
    }
    if let Err(failure) = store.write(record).await {
        let back = TakenBack::default();
        steps.push(StepBack { target: "the record".to_owned(), back, failure: Some(failure.to_string()) });
    }
    steps
}
