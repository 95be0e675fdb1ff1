//! Law 8: outcome is data.

use std::time::Duration;

use op_plan::Plan;
use op_plan::plan::{FailureKind, Retry};
use op_run::event::StopCause;
use op_run::{Answer, Event, Evidence, Fact, Failure, Timestamp, Work};

use crate::law::{Verdict, Violation, ensure, walk};
use crate::ledger::Ledger;
use crate::story::{Story, Turn};

pub(crate) fn outcome_is_data(story: &Story) -> Verdict {
    walk(story, on_event, |_, _, _| Ok(()))
}

fn on_event(ledger: &Ledger, turn: &Turn, event: &Event) -> Verdict {
    let Some(work) = ledger.work_of(&event.fact) else { return Ok(()) };
    match &event.fact {
        Fact::StepStarted { attempt, .. } | Fact::UndoStarted { attempt, .. } => {
            begins_in_turn(ledger, work, *attempt, event.at)
        }
        Fact::RetryScheduled { failure, evidence, due, .. }
        | Fact::UndoRetryScheduled { failure, evidence, due, .. } => {
            is_observed(ledger, turn, work, failure, Some(evidence))?;
            is_declared(ledger, work, failure.kind, event.at, *due)
        }
        Fact::StepFailed { failure, evidence, .. } => {
            fails_rightly(ledger, turn, work, failure, evidence.as_ref())
        }
        Fact::UndoFailed { failure, evidence, .. } => {
            fails_rightly(ledger, turn, work, failure, Some(evidence))
        }
        _ => Ok(()),
    }
}

/// Attempts are counted without a gap, and one that repeats waits until it is due.
fn begins_in_turn(ledger: &Ledger, work: Work, attempt: u32, at: Timestamp) -> Verdict {
    let log = ledger.log(work);
    ensure(attempt == log.attempts + 1, || {
        format!("attempt {attempt} of {work:?} follows attempt {}", log.attempts)
    })?;
    let is_due = log.due.is_some_and(|due| due <= at);
    ensure(attempt == 1 || is_due, || format!("attempt {attempt} of {work:?} at {at} was due {:?}", log.due))
}

/// The kind of a failure is the one that was observed, or the cause for which the call was stopped.
fn is_observed(
    ledger: &Ledger,
    turn: &Turn,
    work: Work,
    failure: &Failure,
    evidence: Option<&Evidence>,
) -> Verdict {
    let Some((of, _, Answer::Failed { failure: seen, evidence: with })) = turn.answer() else {
        return Err(Violation(format!("{work:?} failed with {failure:?}, which was not observed")));
    };
    let stopping = ledger.log(work).flight.as_ref().and_then(|flight| flight.stopping);
    let is_same = match stopping {
        None => failure == seen,
        Some(cause) => failure.kind == kind_of(cause),
    };
    let holds = of == work && is_same && evidence == Some(with);
    ensure(holds, || format!("{work:?}, stopping for {stopping:?}, failed with {seen:?}, not {failure:?}"))
}

fn kind_of(cause: StopCause) -> FailureKind {
    match cause {
        StopCause::TimedOut => FailureKind::TimedOut,
        StopCause::Cancelled => FailureKind::Cancelled,
    }
}

/// The plan says that this kind is tried again, that often, and after that wait.
fn is_declared(ledger: &Ledger, work: Work, kind: FailureKind, at: Timestamp, due: Timestamp) -> Verdict {
    let retry = retry(&ledger.plan, work);
    let attempt = ledger.log(work).attempts;
    let holds = retry.on.contains(&kind) && attempt <= retry.max;
    ensure(holds, || format!("attempt {attempt} of {work:?} is repeated for {kind} though {retry:?}"))?;
    let wanted = at.after(wait(retry, attempt));
    ensure(due == wanted, || format!("attempt {attempt} of {work:?} is due at {due}, not at {wanted}"))
}

/// The wait by its definition, step by step.
fn wait(retry: &Retry, attempt: u32) -> Duration {
    let first = retry.delay.min(retry.max_delay);
    (1..attempt).fold(first, |wait, _| wait.mul_f64(retry.backoff).min(retry.max_delay))
}

fn retry(plan: &Plan, work: Work) -> &Retry {
    match work {
        Work::Step(step) | Work::Item { step, .. } => &plan.step(step).retry,
        Work::Undo { phase, place } => &plan.phases()[phase].undo[place].retry,
    }
}

/// A failure for good was observed and is not to be repeated, or is the run's own: of a call that was never made, or of a
/// repeat that was given up.
fn fails_rightly(
    ledger: &Ledger,
    turn: &Turn,
    work: Work,
    failure: &Failure,
    evidence: Option<&Evidence>,
) -> Verdict {
    let log = ledger.log(work);
    if log.flight.is_some() {
        is_observed(ledger, turn, work, failure, evidence)?;
        let retry = retry(&ledger.plan, work);
        let is_owed =
            retry.on.contains(&failure.kind) && log.attempts <= retry.max && may_repeat(ledger, work);
        return ensure(!is_owed, || {
            format!("{work:?} is not repeated for {} though {retry:?}", failure.kind)
        });
    }
    let is_own = match (&log.last, failure.kind) {
        (Some((last, seen)), _) if last == failure && evidence == Some(seen) => !may_repeat(ledger, work),
        (Some(_), FailureKind::TimedOut) => is_timed_out(ledger, work) && evidence.is_none(),
        (_, FailureKind::Unresolved) => refers(&ledger.plan, work),
        _ => false,
    };
    ensure(is_own, || format!("{work:?} failed with {failure:?} after {:?}", log.last))
}

fn is_timed_out(ledger: &Ledger, work: Work) -> bool {
    match work {
        Work::Step(step) | Work::Item { step, .. } => ledger.phases[ledger.plan.phase_of(step)].timed_out,
        Work::Undo { .. } => false,
    }
}

fn refers(plan: &Plan, work: Work) -> bool {
    let call = match work {
        Work::Step(step) | Work::Item { step, .. } => {
            plan.step(step).action.call().expect("random plans call somebody in each step")
        }
        Work::Undo { phase, place } => &plan.phases()[phase].undo[place].call,
    };
    !call.arguments.references().is_empty()
}

/// Whether anything may still start where the work belongs.
fn may_repeat(ledger: &Ledger, work: Work) -> bool {
    match work {
        Work::Undo { .. } => true,
        Work::Step(step) | Work::Item { step, .. } => {
            let phase = ledger.plan.phase_of(step);
            ledger.halted.is_none() && !ledger.gave_up(phase) && !ledger.undoes_all()
        }
    }
}
