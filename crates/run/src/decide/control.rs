//! Time that passes, and people who steer.

use op_plan::plan::FailureKind;

use super::Draft;
use crate::answer::Failure;
use crate::event::{Fact, StopCause};
use crate::input::Refused;
use crate::key::Work;
use crate::run::{Run, State, StepState, Timer};

/// Limits that have passed act, in the order they passed.
pub(super) fn limit(draft: &mut Draft) {
    while let Some((due, timer)) = draft.run.timers.get_min().copied() {
        if due > draft.at {
            return;
        }
        match timer {
            Timer::Run => time_out_run(draft),
            Timer::Phase(phase) => time_out_phase(draft, phase),
            Timer::Attempt(work) => stop(draft, work, StopCause::TimedOut),
        }
    }
}

pub(super) fn cancel(draft: &mut Draft, rollback: bool, reason: &str, user: &str) -> Result<(), Refused> {
    match draft.run.state {
        State::Running => {}
        other => return Err(Refused::State(other)),
    }
    if draft.is_cancelled() {
        return Err(Refused::Cancelling);
    }
    draft.record(Fact::CancelRequested { rollback, reason: reason.to_owned(), user: user.to_owned() });
    let active = active_steps(&draft.run);
    stop_all(draft, &active, StopCause::Cancelled);
    Ok(())
}

fn time_out_run(draft: &mut Draft) {
    draft.record(Fact::RunTimedOut);
    let active = active_steps(&draft.run);
    stop_all(draft, &active, StopCause::TimedOut);
}

/// Stops what runs in the phase, and gives up what waits for its next attempt; nothing else of it starts.
fn time_out_phase(draft: &mut Draft, phase: usize) {
    draft.record(Fact::PhaseTimedOut { phase: draft.phase_id(phase) });
    for step in draft.plan().steps_of(phase) {
        if draft.run.active.contains(&step) {
            stop(draft, Work::Step(step), StopCause::TimedOut);
        } else if draft.run.steps[step].state == StepState::Waiting {
            let failure =
                Failure::new(FailureKind::TimedOut, "timed_out", "the time limit of its phase passed");
            draft.record(Fact::StepFailed { step: draft.step_id(step), failure, evidence: None });
        }
    }
}

fn active_steps(run: &Run) -> Vec<usize> {
    run.active.iter().copied().collect()
}

fn stop_all(draft: &mut Draft, steps: &[usize], cause: StopCause) {
    for step in steps {
        stop(draft, Work::Step(*step), cause);
    }
}

/// Asks a call to stop, once: the first cause is the cause.
fn stop(draft: &mut Draft, work: Work, cause: StopCause) {
    match work {
        Work::Step(step) if draft.run.steps[step].trial.stopping.is_none() => {
            draft.record(Fact::StepStopping { step: draft.step_id(step), cause });
        }
        Work::Step(_) => {}
        Work::Undo { phase, place } => {
            draft.record(Fact::UndoStopping { phase: draft.phase_id(phase), place });
        }
    }
}
