//! What becomes of a step when its call ended: it succeeded, it is tried again, or it failed for good.

use op_plan::plan::{FailureKind, Retry};

use super::Draft;
use crate::answer::{Answer, Evidence, Failure};
use crate::event::{Fact, StopCause};
use crate::run::Trial;
use crate::time::Timestamp;

pub(super) fn answered(draft: &mut Draft, step: usize, answer: &Answer) {
    match answer {
        // An answer that came all the same counts, also when the call was asked to stop: it was observed.
        Answer::Succeeded { value, evidence } => draft.record(Fact::StepSucceeded {
            step: draft.step_id(step),
            output: value.clone(),
            evidence: evidence.clone(),
        }),
        Answer::Failed { failure, evidence } => {
            let failure = blame(&draft.run.steps[step].trial, failure);
            failed(draft, step, failure, evidence.clone());
        }
    }
}

fn failed(draft: &mut Draft, step: usize, failure: Failure, evidence: Evidence) {
    let id = draft.step_id(step);
    let plan = draft.plan();
    let may_retry = draft.is_open() && draft.run.phases[plan.phase_of(step)].is_trying();
    let attempt = draft.run.steps[step].trial.attempts;
    match next(&plan.step(step).retry, attempt, &failure, draft.at).filter(|_| may_retry) {
        Some(due) => draft.record(Fact::RetryScheduled { step: id, failure, evidence, due }),
        None => draft.record(Fact::StepFailed { step: id, failure, evidence: Some(evidence) }),
    }
}

/// When the next attempt begins, if there is one.
pub(super) fn next(retry: &Retry, attempt: u32, failure: &Failure, at: Timestamp) -> Option<Timestamp> {
    retry.wait(attempt, failure.kind).map(|wait| at.after(wait))
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
