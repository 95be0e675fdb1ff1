//! What people want of runs, and what became of it.

use op_engine::handle::apply::Applied;
use op_engine::handle::control::Control;
use op_engine::handle::preview::{DryRun, DryStep, DryUndo};
use op_plan::InputType;
use op_proto::v1 as wire;
use serde_json::{Map, Value};
use tonic::Status;

use crate::failure::bad_field;

pub(crate) fn cancel(of: &wire::CancelRequest, user: &str) -> Control {
    let reason = if of.reason.is_empty() { format!("cancelled by {user}") } else { of.reason.clone() };
    Control::Cancel { rollback: of.rollback, reason }
}

pub(crate) fn pause(of: &wire::PauseRequest) -> Control {
    Control::Pause { reason: of.reason.clone() }
}

pub(crate) fn rollback(of: &wire::RollbackRequest) -> Control {
    Control::Rollback { to: Some(of.to.clone()).filter(|to| !to.is_empty()) }
}

pub(crate) fn retry(of: &wire::RetryRequest) -> Control {
    Control::Retry { from: Some(of.from.clone()).filter(|from| !from.is_empty()) }
}

pub(crate) fn signal(of: &wire::SignalRequest) -> Result<Control, Status> {
    if of.signal.is_empty() {
        return Err(bad_field("signal", "is missing"));
    }
    let data = match of.data.as_str() {
        "" => Value::Null,
        text => {
            serde_json::from_str(text).map_err(|error| bad_field("data", format!("must be JSON: {error}")))?
        }
    };
    Ok(Control::Signal { signal: of.signal.clone(), data })
}

pub(crate) fn approve(of: &wire::ApproveRequest) -> Control {
    Control::Approve {
        step: of.step.clone(),
        digest: of.digest.clone(),
        approved: of.approved,
        comment: of.comment.clone(),
    }
}

pub(crate) fn resolve(of: &wire::ResolveRequest) -> Result<Control, Status> {
    match of.resolution() {
        wire::Resolution::Retry => Ok(Control::Resolve { accept: false }),
        wire::Resolution::Accept => Ok(Control::Resolve { accept: true }),
        wire::Resolution::Unspecified => Err(bad_field("resolution", "is missing")),
    }
}

/// What is wanted of many runs; which ones is said elsewhere.
pub(crate) fn of_many(of: &wire::apply_request::Control, user: &str) -> Result<Control, Status> {
    use wire::apply_request::Control as Of;
    Ok(match of {
        Of::Cancel(of) => cancel(of, user),
        Of::Pause(of) => pause(of),
        Of::Resume(_) => Control::Resume,
        Of::Rollback(of) if of.dry_run => return Err(bad_field("rollback.dry_run", "is for a single run")),
        Of::Rollback(of) => rollback(of),
        Of::Retry(of) => retry(of),
        Of::Signal(of) => signal(of)?,
        Of::Approve(of) => approve(of),
        Of::Resolve(of) => resolve(of)?,
    })
}

pub(crate) fn applied(of: Applied) -> wire::ApplyResponse {
    let refused = of.refused.into_iter();
    wire::ApplyResponse {
        matched: of.matched as u64,
        steered: of.steered as u64,
        refused: refused.map(|(run, reason)| wire::NotSteered { run: run.to_string(), reason }).collect(),
        last: of.last.map(|run| run.to_string()).unwrap_or_default(),
    }
}

pub(crate) fn undone(of: &DryUndo) -> wire::UndonePhase {
    let calls = of.calls.iter().map(ToString::to_string).collect();
    wire::UndonePhase { phase: of.phase.clone(), visit: of.visit, calls }
}

pub(crate) fn previewed(of: &DryRun) -> wire::PreviewResponse {
    let kinds = &of.plan.draft().inputs;
    let is_secret = |name: &str| kinds.get(name).is_some_and(|input| input.kind == InputType::Secret);
    let inputs: Map<String, Value> = of
        .start
        .inputs
        .iter()
        .filter(|(name, _)| !is_secret(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    wire::PreviewResponse {
        plan: of.plan.id().to_owned(),
        inputs: Value::Object(inputs).to_string(),
        steps: of.steps.iter().map(step).collect(),
        warnings: of.start.fallbacks.iter().map(|fallback| fallback.message.clone()).collect(),
    }
}

fn step(of: &DryStep) -> wire::PreviewStep {
    wire::PreviewStep {
        phase: of.phase.clone(),
        step: of.step.clone(),
        performers: of.performers.iter().map(ToString::to_string).collect(),
        arguments: of.arguments.to_string(),
        waits_for: of.waits_for.clone(),
    }
}
