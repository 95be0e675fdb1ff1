//! What becomes of a step when its call ended: it succeeded, it is tried again, somebody takes over, or it failed for good.

use op_plan::Performer;
use op_plan::plan::{Accept, FailureKind, Retry};
use serde_json::{Map, Value};

use super::{Draft, act};
use crate::answer::{Answer, Evidence, Failure};
use crate::event::{Fact, StopCause};
use crate::key::Work;
use crate::run::{Run, Trial};
use crate::scope::Local;
use crate::time::Timestamp;

pub(super) fn answered(draft: &mut Draft, work: Work, answer: &Answer) {
    let Some(trial) = draft.run.trial(work) else { return };
    match answer {
        // An answer that came all the same counts, also when the call was asked to stop: it was observed.
        Answer::Succeeded { value, evidence } => match rejection(&draft.run, work, value) {
            None => accepted(draft, work, value.clone(), evidence.clone()),
            Some(failure) => failed(draft, work, failure, evidence.clone()),
        },
        Answer::Failed { failure, evidence } => {
            let failure = blame(trial, failure);
            failed(draft, work, failure, evidence.clone());
        }
    }
}

/// Why an answer does not count as what was asked for.
fn rejection(run: &Run, work: Work, value: &Value) -> Option<Failure> {
    let step = run.plan.step(work.step()?);
    let message = match &step.accept {
        Accept::Any => return None,
        Accept::Approved => match value.get("approved") {
            Some(Value::Bool(false)) => "it was not approved".to_owned(),
            _ => return None,
        },
        Accept::When(condition) => {
            match condition.evaluate_condition(&Local::new(run, [("output", value.clone())])) {
                Ok(true) => return None,
                Ok(false) => format!("its answer does not meet `{condition}`"),
                Err(error) => return Some(act::unresolved(&error)),
            }
        }
    };
    Some(Failure::new(FailureKind::Rejected, "not_accepted", message).detail(value.clone()))
}

fn accepted(draft: &mut Draft, work: Work, value: Value, evidence: Evidence) {
    match work {
        Work::Step(step) => succeed(draft, step, value, evidence),
        Work::Item { step, item } => {
            let step = draft.step_id(step);
            draft.record(Fact::ItemSucceeded { step, item, output: value, evidence });
        }
        Work::Undo { .. } => {}
    }
}

/// A step did what was asked, if what it is to store can be made of its output.
pub(super) fn succeed(draft: &mut Draft, step: usize, output: Value, evidence: Evidence) {
    let id = draft.step_id(step);
    draft.record(match stored(&draft.run, step, &output) {
        Ok(stored) => Fact::StepSucceeded { step: id, output, stored, evidence },
        Err(failure) => {
            Fact::StepFailed { step: id, failure: failure.detail(output), evidence: Some(evidence) }
        }
    });
}

fn stored(run: &Run, step: usize, output: &Value) -> Result<Map<String, Value>, Failure> {
    let outputs = &run.plan.step(step).outputs;
    if outputs.is_empty() {
        return Ok(Map::new());
    }
    let scope = Local::new(run, [("output", output.clone())]);
    let stored = outputs.iter().map(|(name, mapping)| {
        let value =
            mapping.resolve(&scope).map_err(|error| act::unresolved(&format!("`{name}`: {error}")))?;
        Ok((name.clone(), value))
    });
    stored.collect()
}

fn failed(draft: &mut Draft, work: Work, failure: Failure, evidence: Evidence) {
    let plan = draft.plan();
    let (Some(at), Some(trial)) = (work.step(), draft.run.trial(work)) else { return };
    let has_failed = draft.run.steps[at].fan.as_ref().is_some_and(|fan| fan.failed.is_some());
    let is_trying = draft.run.phases[plan.phase_of(at)].is_trying() && !has_failed;
    let may_go_on = !draft.is_halting() && is_trying;
    let item = match work {
        Work::Item { item, .. } => Some(item),
        Work::Step(_) | Work::Undo { .. } => None,
    };
    let step = draft.step_id(at);
    let again = next(&plan.step(at).retry, trial, &failure, draft.at).filter(|_| may_go_on);
    let next = takes_over(&draft.run, work, &failure).filter(|_| may_go_on);
    draft.record(match (again, next, item) {
        (Some(due), _, _) => Fact::RetryScheduled { step, item, failure, evidence, due },
        (None, Some(performer), _) => Fact::StepFellBack { step, item, failure, evidence, performer },
        (None, None, Some(item)) => Fact::ItemFailed { step, item, failure, evidence: Some(evidence) },
        (None, None, None) => Fact::StepFailed { step, failure, evidence: Some(evidence) },
    });
}

/// Who takes over from a performer that could not do it. What was rejected, refused or stopped is not asked of another, and
/// an item of a list that a person approved is done by whom was shown.
fn takes_over(run: &Run, work: Work, failure: &Failure) -> Option<Performer> {
    use FailureKind::{Cancelled, Failed, Lost, Refused, Rejected, TimedOut, Unavailable, Unresolved};
    let step = work.step()?;
    let is_bound = matches!(work, Work::Item { .. }) && act::approved(run, step, "performer").is_some();
    let players = run.origin()?.cast.get(step)?;
    let next = players.get(run.trial(work)?.turn + 1).filter(|_| !is_bound)?;
    match failure.kind {
        Unavailable | Lost | Failed | TimedOut => Some(next.performer.clone()),
        Rejected | Refused | Cancelled | Unresolved => None,
    }
}

/// When the next attempt begins, if there is one.
pub(super) fn next(retry: &Retry, trial: &Trial, failure: &Failure, at: Timestamp) -> Option<Timestamp> {
    retry.wait(trial.attempts - trial.before, failure.kind).map(|wait| at.after(wait))
}

/// A call that was asked to stop failed for the reason it was stopped, whatever the performer says of its end.
pub(super) fn blame(trial: &Trial, failure: &Failure) -> Failure {
    let (kind, reason, message) = match trial.stopping {
        None => return failure.clone(),
        Some(StopCause::Cancelled) => {
            (FailureKind::Cancelled, "cancelled", "the run was cancelled".to_owned())
        }
        Some(StopCause::TimedOut) => (
            FailureKind::TimedOut,
            "timed_out",
            "it took longer than its time limit and was stopped".to_owned(),
        ),
    };
    Failure { detail: failure.detail.clone(), ..Failure::new(kind, reason, message) }
}
