//! The way of a machine: from target to target, bounded.

use std::borrow::Cow;
use std::sync::Arc;

use op_plan::Plan;
use op_plan::expression::EvaluateError;
use op_plan::plan::{Flow, Target, Terminal, Transition};

use super::Draft;
use crate::event::{Destination, Fact};
use crate::run::{PhaseState, Run};

/// How often a phase may be visited when the plan does not say.
const MAX_VISITS: u32 = 10;

/// Leaves the phase that ended, by the first way that is open.
pub(super) fn travel(draft: &mut Draft) {
    let Some(from) = draft.run.position.at.filter(|_| draft.is_open()) else { return };
    let id = draft.phase_id(from);
    let (has_succeeded, way) = exit(&draft.run, from);
    match way {
        Ok(Some(Transition { to: Target::Phase(to), .. })) => go(draft, from, to),
        Ok(Some(Transition { to: Target::End(terminal), .. })) => {
            draft.record(Fact::Moved { from: id, to: Destination::End(terminal) });
        }
        Ok(None) => {
            let name = if has_succeeded { "completed" } else { "failed" };
            let terminal =
                Terminal { name: name.to_owned(), is_success: has_succeeded, message: String::new() };
            draft.record(Fact::Moved { from: id, to: Destination::End(terminal) });
        }
        Err(error) => {
            let reason = format!("where it goes from `{id}` cannot be told: {error}");
            draft.record(Fact::RunExhausted { reason });
        }
    }
}

fn go(draft: &mut Draft, from: usize, to: usize) {
    let plan = draft.plan();
    let Flow::Machine { max_visits, .. } = plan.draft().flow else { return };
    let state = &draft.run.phases[to];
    let visit = if state.state == PhaseState::Pending { state.visit } else { state.visit + 1 };
    let most = plan.phases()[to].max_visits.unwrap_or(MAX_VISITS);
    let is_worn = state.entries >= most;
    let id = draft.phase_id(to);
    let reason = if is_worn {
        format!("`{id}` was visited {most} times, as often as allowed")
    } else if draft.run.position.visits + 2 > max_visits {
        format!("{max_visits} steps were made, as many as allowed")
    } else {
        let to = Destination::Phase { phase: id, visit };
        return draft.record(Fact::Moved { from: draft.phase_id(from), to });
    };
    draft.record(Fact::RunExhausted { reason });
}

/// The way out of a phase that ended, and whether it is one for success. A phase that may fail goes on as if it had succeeded,
/// unless there is a way for its failure.
fn exit(run: &Run, phase: usize) -> (bool, Way) {
    let has_succeeded = match run.phases[phase].state {
        PhaseState::Succeeded | PhaseState::Skipped => true,
        PhaseState::Pending
        | PhaseState::Running
        | PhaseState::Failed
        | PhaseState::Tolerated
        | PhaseState::Undoing
        | PhaseState::Undone
        | PhaseState::UndoFailed => false,
    };
    let found = way(run, phase, has_succeeded);
    let goes_on =
        run.phases[phase].state == PhaseState::Tolerated && run.plan.phases()[phase].continue_on_failure;
    match found {
        Ok(None) if goes_on => (true, way(run, phase, true)),
        // A phase that failed for good leads to no other one, whatever can be told only now.
        Ok(Some(found)) if run.phases[phase].state == PhaseState::Failed && is_on(&found) => {
            (false, Ok(None))
        }
        found => (has_succeeded, found),
    }
}

type Way = Result<Option<Transition>, EvaluateError>;

/// The first way out of a phase that is open. Where it failed, it is `failed` to the conditions, also if that is tolerated.
fn way(run: &Run, phase: usize, on_success: bool) -> Way {
    let mut seen = Cow::Borrowed(run);
    if !on_success && run.phases[phase].state != PhaseState::Failed {
        Arc::make_mut(&mut seen.to_mut().phases[phase]).state = PhaseState::Failed;
    }
    for way in run.plan.phases()[phase].next.iter().filter(|way| way.on_success == on_success) {
        let is_open = match &way.when {
            Some(condition) => condition.evaluate_condition(&*seen)?,
            None => true,
        };
        if is_open {
            return Ok(Some(way.clone()));
        }
    }
    Ok(None)
}

/// Whether the failure of a phase leads on rather than to a failed end.
pub(super) fn leads_on(draft: &Draft, phase: usize) -> bool {
    way(&draft.run, phase, false).is_ok_and(|way| way.is_some_and(|way| is_on(&way)))
}

/// Whether the failure of a phase can lead on.
pub(super) fn has_way_out(plan: &Plan, phase: usize) -> bool {
    plan.phases()[phase].next.iter().any(|way| !way.on_success && is_on(way))
}

fn is_on(way: &Transition) -> bool {
    match &way.to {
        Target::Phase(_) => true,
        Target::End(terminal) => terminal.is_success,
    }
}
