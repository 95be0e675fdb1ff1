//! One event into the run: total, and no choice in it.
//!
//! A fact that names a phase or step that the plan does not have changes nothing but the sequence; a journal that holds one is
//! refused by [`replay`](crate::replay) long before, since its plan has another digest.

mod phase;
mod step;
mod undo;

use std::sync::Arc;

use serde_json::Value;

use crate::event::{Event, Fact, SkipCause};
use crate::run::{Halt, Origin, Run, State, StepState, Timer};
use crate::time::Timestamp;

/// Takes an event into the run.
pub fn evolve(run: &mut Run, event: &Event) {
    run.sequence += 1;
    let at = event.at;
    match &event.fact {
        Fact::RunStarted { cast, inputs, user, labels, deadline, .. } => begin(
            run,
            Origin {
                cast: cast.clone(),
                inputs: inputs.clone(),
                user: user.clone(),
                labels: labels.clone(),
                at,
                deadline: *deadline,
            },
        ),
        Fact::PhaseStarted { phase, deadline } => with_phase(run, phase, |run, phase| {
            phase::started(run, phase, at, *deadline);
        }),
        Fact::PhaseTimedOut { phase } => with_phase(run, phase, phase::timed_out),
        Fact::PhaseSucceeded { phase } => {
            with_phase(run, phase, |run, phase| phase::succeeded(run, phase, at));
        }
        Fact::PhaseFailed { phase, reason } => {
            with_phase(run, phase, |run, phase| phase::failed(run, phase, at, reason));
        }
        Fact::PhaseTolerated { phase, reason } => {
            with_phase(run, phase, |run, phase| phase::tolerated(run, phase, at, reason));
        }
        Fact::PhaseSkipped { phase, cause } => {
            with_phase(run, phase, |run, phase| phase::skipped(run, phase, at, cause));
        }
        Fact::StepStarted { step, attempt, arguments, deadline } => with_step(run, step, |run, step| {
            step::started(run, step, at, *attempt, arguments, *deadline);
        }),
        Fact::StepStopping { step, cause } => {
            with_step(run, step, |run, step| step::stopping(run, step, *cause));
        }
        Fact::StepSucceeded { step, output, evidence } => with_step(run, step, |run, step| {
            step::succeeded(run, step, at, output, evidence);
        }),
        Fact::RetryScheduled { step, failure, evidence, due } => with_step(run, step, |run, step| {
            step::retried(run, step, failure, evidence, *due);
        }),
        Fact::StepFailed { step, failure, evidence } => with_step(run, step, |run, step| {
            step::failed(run, step, at, failure, evidence.as_ref());
        }),
        Fact::CancelRequested { rollback, reason, .. } => {
            halt(run, Halt::Cancelled { rollback: *rollback, reason: reason.clone() });
        }
        Fact::RunTimedOut => halt(run, Halt::TimedOut),
        Fact::RollbackStarted { phases } => undo::begun(run, phases),
        Fact::UndoStarted { place, attempt, arguments, deadline, .. } => {
            undo::started(run, at, *place, *attempt, arguments, *deadline);
        }
        Fact::UndoStopping { .. } => undo::stopping(run),
        Fact::UndoSucceeded { evidence, .. } => undo::succeeded(run, evidence),
        Fact::UndoSkipped { .. } => undo::skipped(run),
        Fact::UndoRetryScheduled { failure, evidence, due, .. } => {
            undo::retried(run, failure, evidence, *due);
        }
        Fact::UndoFailed { phase, failure, evidence, .. } => undo::failed(run, phase, failure, evidence),
        Fact::PhaseUndone { phase } => with_phase(run, phase, undo::undone),
        Fact::RunCompleted { output } => complete(run, at, output),
        Fact::RunFailed { reason } => end(run, at, State::Failed, reason),
        Fact::RunCancelled { reason } => end(run, at, State::Cancelled, reason),
        Fact::RunRolledBack { reason } => end(run, at, State::RolledBack, reason),
        Fact::RunStuck { reason } => end(run, at, State::Stuck, reason),
    }
}

fn with_phase(run: &mut Run, id: &str, change: impl FnOnce(&mut Run, usize)) {
    if let Some(phase) = run.plan.find_phase(id) {
        change(run, phase);
    }
}

fn with_step(run: &mut Run, id: &str, change: impl FnOnce(&mut Run, usize)) {
    if let Some(step) = run.plan.find_step(id) {
        change(run, step);
    }
}

fn begin(run: &mut Run, origin: Origin) {
    run.state = State::Running;
    run.timers.extend(origin.deadline.map(|deadline| (deadline, Timer::Run)));
    run.origin = Some(Arc::new(origin));
}

fn remove_limit(run: &mut Run) {
    if let Some(deadline) = run.origin.as_ref().and_then(|origin| origin.deadline) {
        run.timers.remove(&(deadline, Timer::Run));
    }
}

fn halt(run: &mut Run, halt: Halt) {
    remove_limit(run);
    run.halt = Some(halt);
}

fn complete(run: &mut Run, at: Timestamp, output: &Value) {
    run.output = Some(output.clone());
    end(run, at, State::Completed, "");
}

fn end(run: &mut Run, at: Timestamp, state: State, reason: &str) {
    run.state = state;
    reason.clone_into(&mut run.reason);
    run.ended_at = Some(at);
    run.timers.clear();
    run.ready.clear();
    run.open.clear();
}

/// Nothing of a phase that runs starts any more.
fn close(run: &mut Run, phase: usize) {
    for step in run.plan.steps_of(phase) {
        run.ready.remove(&step);
    }
    if run.running.contains(&phase) {
        run.closing.insert(phase);
    }
}

/// The steps of a phase that never started do not start any more.
fn skip_pending(run: &mut Run, phase: usize, cause: &SkipCause, at: Timestamp) {
    for step in run.plan.steps_of(phase) {
        if run.steps[step].state == StepState::Pending {
            step::skipped(run, step, at, cause);
        }
    }
}
