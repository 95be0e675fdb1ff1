//! Undoing what was done, after the run had ended.

use super::Draft;
use super::control::unfit;
use crate::event::Fact;
use crate::input::Refused;
use crate::run::{Ended, Run, State};

/// A visit that a rollback would undo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolledBack {
    /// The phase, by position.
    pub phase: usize,
    /// Which visit of it.
    pub visit: u32,
}

/// What a rollback would undo, in this order.
///
/// # Errors
/// As the rollback itself.
pub fn preview(run: &Run, to: Option<&str>) -> Result<Vec<RolledBack>, Refused> {
    match run.state {
        State::Completed | State::Failed | State::Cancelled | State::RolledBack => {}
        _ => return Err(Refused::Unfit { state: run.state(), what: "rolled back" }),
    }
    let from = match to {
        None => 0,
        Some(phase) => last_visit(run, phase)? + 1,
    };
    let visits: Vec<_> = run.ended.iter().skip(from).rev().filter(|ended| acted(run, ended)).collect();
    if visits.is_empty() {
        return Err(Refused::NothingToUndo);
    }
    Ok(visits.into_iter().map(|ended| RolledBack { phase: ended.phase, visit: ended.visit }).collect())
}

/// Where the last visit of a phase stands among those that ended.
fn last_visit(run: &Run, phase: &str) -> Result<usize, Refused> {
    let unknown = || Refused::Unknown(phase.to_owned());
    let at = run.plan.find_phase(phase).ok_or_else(unknown)?;
    run.ended.iter().rposition(|ended| ended.phase == at).ok_or_else(unknown)
}

/// Whether there is something to undo: a visit without an undo list, or in which no call was ever made, has nothing.
pub(super) fn acted(run: &Run, ended: &Ended) -> bool {
    run.plan.phases()[ended.phase].undo_calls() > 0
        && ended.steps.iter().any(|step| step.calls().next().is_some())
}

pub(super) fn rollback(draft: &mut Draft, to: Option<&str>, user: &str) -> Result<(), Refused> {
    if draft.run.origin.is_none() {
        return Err(unfit(draft, "rolled back"));
    }
    let visits = preview(&draft.run, to)?;
    draft.record(Fact::RollbackRequested { to: to.map(str::to_owned), user: user.to_owned() });
    begin(draft, &visits);
    Ok(())
}

/// Begins to undo visits. That each is the last one of its phase is not worth a word.
pub(super) fn begin(draft: &mut Draft, visits: &[RolledBack]) {
    let is_last = |visit: &RolledBack| draft.run.phases[visit.phase].visit == visit.visit;
    let numbers = if visits.iter().all(is_last) {
        Vec::new()
    } else {
        visits.iter().map(|visit| visit.visit).collect()
    };
    let phases = visits.iter().map(|visit| draft.phase_id(visit.phase)).collect();
    draft.record(Fact::RollbackStarted { phases, visits: numbers });
}
