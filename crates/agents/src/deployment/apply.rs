//! `apply`: what a plan says, done.

use std::path::PathBuf;
use std::sync::Arc;

use op_agent::{Call, Failure, Kind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::manifest::{Manifest, load};
use super::outlook::{PlannedStep, Site, Survey, in_step};
use super::record::{KEPT, Progress, Record, State, Store};
use super::rollback::take_back;
use crate::source::ratio;
use crate::tools::Desk;

/// Which plan.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Apply {
    /// The manifest that was planned: a file below the roots. Either this or `inline`.
    manifest: Option<PathBuf>,
    /// The manifest that was planned, itself. Either this or `manifest`.
    inline: Option<Manifest>,
    /// The digest of the plan. Where the manifest or what is there is another one by now, nothing is done.
    digest: String,
    /// Do also what cannot be brought back.
    #[serde(default)]
    irreversible: bool,
}

/// What was applied.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Applied {
    /// The name of the deployment.
    pub(super) deployment: String,
    /// The number of this revision of it; `rollback` takes it.
    pub(super) revision: u64,
    /// How many changes were made; 0 if everything was so already.
    pub(super) changes: usize,
    /// The steps, with what was changed.
    pub(super) steps: Vec<PlannedStep>,
    /// Why something that older revisions set aside is still there; null if nothing is. The next `apply` tries again to remove it.
    #[serde(default)]
    left_over: Option<String>,
}

/// Applies a plan. What it did is taken back when a step fails.
pub(super) async fn apply(desk: Arc<Desk>, call: Call, args: Apply) -> Result<Applied, Failure> {
    let manifest = load(&desk, args.manifest, args.inline).await?;
    let site = Site { desk: &desk, call: &call };
    let store = Store::lock(&desk, &manifest.name)?;
    let survey = survey(site, &store, manifest).await?;
    if survey.digest() != args.digest {
        let message = "the manifest or what is there is not what the plan saw";
        return Err(Failure::rejected("plan_stale", message)
            .hint("plan again, look at it, and apply that")
            .detail(json!({ "digest": survey.digest(), "steps": survey.steps() })));
    }
    perform(site, &store, survey, args.irreversible).await
}

/// Looks at everything, where no revision before is half done.
pub(super) async fn survey(site: Site<'_>, store: &Store, manifest: Manifest) -> Result<Survey, Failure> {
    let last = store.last()?;
    if let Some(last) = last.filter(|last| matches!(last.state, State::Unfinished | State::Failed)) {
        let message = format!("revision {} of `{}` is half done", last.revision, manifest.name);
        return Err(Failure::rejected("unfinished", message).hint(
            "`rollback` brings back what was there before it, and with `accept = true` leaves what it cannot bring back",
        ));
    }
    Survey::take(site, manifest, Some(store)).await
}

/// Does what a survey found to be done, as a new revision.
pub(super) async fn perform(
    site: Site<'_>,
    store: &Store,
    survey: Survey,
    irreversible: bool,
) -> Result<Applied, Failure> {
    let lost: Vec<_> = survey.steps().into_iter().filter(PlannedStep::is_irreversible).collect();
    if !lost.is_empty() && !irreversible {
        return Err(Failure::rejected(
            "irreversible",
            "some of it cannot be brought back, and nothing was done",
        )
        .hint("look at it, and set `irreversible = true` to do it all the same")
        .detail(json!({ "steps": lost })));
    }
    let mut record = record(store, &survey)?;
    store.write(&record).await?;
    for index in 0..survey.outlooks.len() {
        let done = step(site, store, &survey, &mut record, index).await;
        if let Err(failure) = done {
            let failure = in_step(index, &record.manifest.steps[index].target(), failure);
            return Err(given_up(site, store, record, failure).await);
        }
    }
    record.state = State::Applied;
    store.write(&record).await?;
    let left_over = prune(site, store).await.err().map(|failure| failure.to_string());
    if let Some(why) = &left_over {
        site.call.stderr(format!("what older revisions set aside is not all removed: {why}\n")).await;
    }
    Ok(Applied {
        deployment: record.manifest.name.clone(),
        revision: record.revision,
        changes: survey.changes(),
        steps: survey.steps(),
        left_over,
    })
}

fn record(store: &Store, survey: &Survey) -> Result<Record, Failure> {
    Ok(Record {
        revision: store.revisions()?.last().map_or(1, |last| last + 1),
        manifest: survey.manifest.clone(),
        digest: survey.digest(),
        begun: jiff::Timestamp::now(),
        state: State::Unfinished,
        before: survey.outlooks.iter().map(|outlook| outlook.seen.clone()).collect(),
        progress: survey.outlooks.iter().map(|_| Progress::Waiting).collect(),
    })
}

/// Does one step, which is on disk before it begins.
async fn step(
    site: Site<'_>,
    store: &Store,
    survey: &Survey,
    record: &mut Record,
    index: usize,
) -> Result<(), Failure> {
    let (step, outlook) = (&survey.manifest.steps[index], &survey.outlooks[index]);
    let target = step.target();
    site.call.progress(ratio(index, survey.outlooks.len()), &target);
    if outlook.changes.is_empty() {
        site.call.stdout(format!("{target}: already so\n")).await;
        record.progress[index] = Progress::Done(outlook.seen.clone());
        return store.write(record).await;
    }
    if site.call.is_cancelled() {
        return Err(Failure::cancelled("it was stopped before this step"));
    }
    site.call.stdout(format!("{target}: {}\n", outlook.changes.join("; "))).await;
    record.progress[index] = Progress::Begun;
    store.write(record).await?;
    let after = step.apply(site, &outlook.seen).await?;
    record.progress[index] = Progress::Done(after);
    store.write(record).await
}

/// Takes back what was done before a step failed. One that was cancelled has no time for it: its revision stays unfinished.
async fn given_up(site: Site<'_>, store: &Store, mut record: Record, failure: Failure) -> Failure {
    let revision = record.revision;
    if failure.kind() == Kind::Cancelled || site.call.is_cancelled() {
        return Failure::cancelled(format!("revision {revision} is half done; `rollback` takes it back"));
    }
    let taken_back = take_back(site, store, &mut record, false).await;
    let detail =
        json!({ "failure": failure.message(), "reason": failure.reason(), "taken_back": &taken_back });
    match taken_back.iter().find_map(|step| step.failure.as_ref()) {
        None => {
            failure.hint(format!("what was done before is taken back: revision {revision} is rolled back"))
        }
        Some(lost) => {
            failure.hint(format!("what was done before is not all taken back: {lost}; try `rollback`"))
        }
    }
    .detail(detail)
}

/// Forgets revisions that are older than those that are kept, and what they set aside; fails if one could not be forgotten.
async fn prune(site: Site<'_>, store: &Store) -> Result<(), Failure> {
    let revisions = store.revisions()?;
    let mut pruned = Ok(());
    for revision in &revisions[..revisions.len().saturating_sub(KEPT)] {
        pruned = pruned.and(forget(site, store, *revision).await);
    }
    pruned
}

async fn forget(site: Site<'_>, store: &Store, revision: u64) -> Result<(), Failure> {
    let record = store.read(revision)?;
    for (step, before) in record.manifest.steps.iter().zip(&record.before) {
        step.forget(site, before).await?;
    }
    store.forget(revision)
}
