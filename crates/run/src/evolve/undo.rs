//! What a fact about the undoing of phases changes.

use std::sync::Arc;

use serde_json::Value;

use super::remove_limit;
use crate::answer::{Evidence, Failure};
use crate::event::StopCause;
use crate::key::Work;
use crate::run::{PhaseState, Run, State, StepState, Timer, Trial, Undoing};
use crate::time::Timestamp;

pub(super) fn begun(run: &mut Run, phases: &[String]) {
    run.state = State::RollingBack;
    let phases = phases.iter().filter_map(|phase| run.plan.find_phase(phase)).collect();
    // An undo has its own limits: cutting it short would leave things half done.
    remove_limit(run);
    run.undoing = Undoing { phases, ..Undoing::default() };
    mark_front(run);
}

pub(super) fn started(
    run: &mut Run,
    at: Timestamp,
    place: usize,
    attempt: u32,
    arguments: &Value,
    deadline: Option<Timestamp>,
) {
    let Some(phase) = run.undoing.phases.front().copied() else { return };
    if place >= run.plan.phases()[phase].undo.len() {
        return;
    }
    let work = Work::Undo { phase, place };
    run.timers.extend(deadline.map(|deadline| (deadline, Timer::Attempt(work))));
    run.undoing.place = place;
    run.undoing.active = true;
    run.undoing.trial.begin(at, attempt, arguments, deadline);
}

pub(super) fn stopping(run: &mut Run) {
    remove_deadline(run);
    run.undoing.trial.stopping = Some(StopCause::TimedOut);
}

pub(super) fn succeeded(run: &mut Run, evidence: &Evidence) {
    remove_deadline(run);
    run.undoing.trial.end(None, Some(evidence));
    next(run);
}

pub(super) fn skipped(run: &mut Run) {
    next(run);
}

pub(super) fn retried(run: &mut Run, failure: &Failure, evidence: &Evidence, due: Timestamp) {
    remove_deadline(run);
    run.undoing.active = false;
    run.undoing.trial.end(Some(failure), Some(evidence));
    run.undoing.trial.due = Some(due);
}

pub(super) fn failed(run: &mut Run, phase: &str, failure: &Failure, evidence: &Evidence) {
    remove_deadline(run);
    run.undoing.active = false;
    run.undoing.trial.end(Some(failure), Some(evidence));
    run.undoing.failed = Some(format!("the undo of `{phase}` failed: {}", failure.message));
    mark(run, PhaseState::UndoFailed, StepState::UndoFailed);
}

pub(super) fn undone(run: &mut Run, _phase: usize) {
    mark(run, PhaseState::Undone, StepState::Undone);
    run.undoing.phases.pop_front();
    run.undoing.place = 0;
    run.undoing.trial = Trial::default();
    mark_front(run);
}

fn work(run: &Run) -> Option<Work> {
    let phase = *run.undoing.phases.front()?;
    Some(Work::Undo { phase, place: run.undoing.place })
}

fn next(run: &mut Run) {
    run.undoing.place += 1;
    run.undoing.active = false;
    run.undoing.trial = Trial::default();
}

fn remove_deadline(run: &mut Run) {
    if let (Some(work), Some(deadline)) = (work(run), run.undoing.trial.deadline) {
        run.timers.remove(&(deadline, Timer::Attempt(work)));
    }
}

fn mark_front(run: &mut Run) {
    mark(run, PhaseState::Undoing, StepState::Undoing);
}

/// Marks the phase that is being undone, and those of its steps that ran.
fn mark(run: &mut Run, state: PhaseState, of_steps: StepState) {
    let Some(phase) = run.undoing.phases.front().copied() else { return };
    Arc::make_mut(&mut run.phases[phase]).state = state;
    for step in run.plan.steps_of(phase) {
        let step = Arc::make_mut(&mut run.steps[step]);
        if !matches!(step.state, StepState::Pending | StepState::Skipped) {
            step.state = of_steps;
        }
    }
}
