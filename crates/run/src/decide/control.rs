//! People who steer a run that is under way.

use std::collections::BTreeMap;

use op_plan::Player;

use super::Draft;
use super::ask::is_alive;
use super::limit::stop_all;
use crate::event::{Fact, StopCause};
use crate::input::Refused;
use crate::run::{State, StepState};

pub(super) fn cancel(draft: &mut Draft, rollback: bool, reason: &str, user: &str) -> Result<(), Refused> {
    match draft.run.state {
        State::Running | State::Paused => {}
        State::Pending if draft.run.origin.is_some() => {}
        other => return Err(Refused::State(other)),
    }
    if draft.is_cancelled() {
        return Err(Refused::Cancelling);
    }
    draft.record(Fact::CancelRequested { rollback, reason: reason.to_owned(), user: user.to_owned() });
    stop_all(draft, StopCause::Cancelled);
    Ok(())
}

pub(super) fn admit(draft: &mut Draft) -> Result<(), Refused> {
    if draft.run.state != State::Pending || draft.run.origin.is_none() {
        return Err(unfit(draft, "admitted"));
    }
    draft.record(Fact::RunAdmitted);
    Ok(())
}

pub(super) fn pause(draft: &mut Draft, reason: &str, user: &str) -> Result<(), Refused> {
    if draft.run.state != State::Running || draft.run.halt.is_some() {
        return Err(unfit(draft, "paused"));
    }
    draft.record(Fact::RunPaused { reason: reason.to_owned(), user: user.to_owned() });
    Ok(())
}

pub(super) fn resume(draft: &mut Draft, user: &str) -> Result<(), Refused> {
    if draft.run.state != State::Paused {
        return Err(unfit(draft, "resumed"));
    }
    draft.record(Fact::RunResumed { user: user.to_owned() });
    Ok(())
}

/// Others play steps that have not begun. A machine may come back to a step, so only what is under way keeps its player.
pub(super) fn recast(
    draft: &mut Draft,
    cast: &BTreeMap<String, Vec<Player>>,
    user: &str,
) -> Result<(), Refused> {
    if !is_alive(&draft.run) {
        return Err(unfit(draft, "cast anew"));
    }
    let is_graph = draft.run.plan.draft().flow.is_graph();
    for step in cast.keys() {
        let at = draft.run.plan.find_step(step).ok_or_else(|| Refused::Unknown(step.clone()))?;
        let state = draft.run.steps[at].state;
        let is_free = match state {
            StepState::Pending => {
                draft.run.steps[at].gate.is_none() && draft.run.steps[at].trial.attempts == 0
            }
            StepState::Running | StepState::Waiting => false,
            _ => !is_graph,
        };
        if !is_free {
            return Err(Refused::Begun { step: step.clone(), state: state.word() });
        }
    }
    draft.record(Fact::CastChanged { cast: cast.clone(), user: user.to_owned() });
    Ok(())
}

pub(super) fn resolve(draft: &mut Draft, accepted: bool, user: &str) -> Result<(), Refused> {
    if draft.run.state != State::Stuck {
        return Err(unfit(draft, "resolved"));
    }
    draft.record(Fact::StuckResolved { accepted, user: user.to_owned() });
    Ok(())
}

pub(super) fn unfit(draft: &Draft, what: &'static str) -> Refused {
    Refused::Unfit { state: draft.run.state(), what }
}
