//! Time that passes.

use op_plan::plan::FailureKind;

use super::{Draft, ask};
use crate::answer::Failure;
use crate::event::{Fact, StopCause};
use crate::key::Work;
use crate::run::{StepState, Timer};

/// Limits that have passed act, in the order they passed.
pub(super) fn limit(draft: &mut Draft) {
    while let Some((due, timer)) = draft.run.timers.get_min().copied() {
        if due > draft.at {
            return;
        }
        match timer {
            Timer::Run => time_out_run(draft),
            Timer::Phase(phase) => time_out_phase(draft, phase),
            Timer::Gate(step) => ask::expired(draft, step),
            Timer::Attempt(work) => stop(draft, work, StopCause::TimedOut),
        }
    }
}

fn time_out_run(draft: &mut Draft) {
    draft.record(Fact::RunTimedOut);
    stop_all(draft, StopCause::TimedOut);
}

/// Stops what runs in the phase, and gives up what waits for its next attempt; nothing else of it starts.
fn time_out_phase(draft: &mut Draft, phase: usize) {
    draft.record(Fact::PhaseTimedOut { phase: draft.phase_id(phase) });
    let steps = draft.plan().steps_of(phase);
    let is_of_phase = |work: &Work| work.step().is_some_and(|step| steps.contains(&step));
    let active: Vec<_> = draft.run.active.iter().copied().filter(is_of_phase).collect();
    active.into_iter().for_each(|work| stop(draft, work, StopCause::TimedOut));
    for step in steps {
        let state = &draft.run.steps[step];
        if state.state == StepState::Waiting {
            let failure =
                Failure::new(FailureKind::TimedOut, "timed_out", "the time limit of its phase passed");
            draft.record(Fact::StepFailed { step: draft.step_id(step), failure, evidence: None });
        }
    }
}

/// Stops every call of a step that is in flight.
pub(super) fn stop_all(draft: &mut Draft, cause: StopCause) {
    for work in draft.run.active.clone() {
        stop(draft, work, cause);
    }
}

/// Asks a call to stop, once: the first cause is the cause.
fn stop(draft: &mut Draft, work: Work, cause: StopCause) {
    if draft.run.trial(work).is_none_or(|trial| trial.stopping.is_some()) {
        return;
    }
    let fact = match work {
        Work::Step(step) => Fact::StepStopping { step: draft.step_id(step), item: None, cause },
        Work::Item { step, item } => {
            Fact::StepStopping { step: draft.step_id(step), item: Some(item), cause }
        }
        Work::Undo { phase, place } => Fact::UndoStopping { phase: draft.phase_id(phase), place },
    };
    draft.record(fact);
}
