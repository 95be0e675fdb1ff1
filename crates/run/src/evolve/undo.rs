//! What a fact about the undoing of phases changes.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::control::remove_limit;
use super::phase;
use crate::answer::{Evidence, Failure};
use crate::event::StopCause;
use crate::key::Work;
use crate::run::{Ended, PhaseState, Run, State, StepState, Timer, Trial, Undoing};
use crate::time::Timestamp;
use imbl::Vector;

pub(super) fn begun(run: &mut Run, phases: &[String], visits: &[u32]) {
    run.state = State::RollingBack;
    run.paused = None;
    run.ended_at = None;
    let ended = index(&run.ended);
    let visits = phases.iter().enumerate().filter_map(|(at, phase)| {
        let phase = run.plan.find_phase(phase)?;
        let at = ended.get(&(phase, visits.get(at).copied()))?;
        run.ended.get(*at).cloned()
    });
    let visits = visits.collect();
    // An undo has its own limits: cutting it short would leave things half done.
    remove_limit(run);
    run.undoing = Undoing { visits, ..Undoing::default() };
    mark_front(run);
}

/// Where the visits of phases stand; the last one of each also without its number.
fn index(ended: &Vector<Arc<Ended>>) -> HashMap<(usize, Option<u32>), usize> {
    let places = ended.iter().enumerate();
    places.flat_map(|(at, ended)| [None, Some(ended.visit)].map(|visit| ((ended.phase, visit), at))).collect()
}

/// What could not be undone is tried again, or stays as it is.
pub(super) fn resolved(run: &mut Run, accepted: bool) {
    run.state = State::RollingBack;
    run.ended_at = None;
    run.reason.clear();
    run.undoing.failed = None;
    if accepted {
        run.undoing.is_accepted = true;
        next(run);
    } else {
        run.undoing.trial.before = run.undoing.trial.attempts;
        mark_front(run);
    }
}

pub(super) fn started(
    run: &mut Run,
    at: Timestamp,
    place: usize,
    attempt: u32,
    arguments: &Value,
    deadline: Option<Timestamp>,
) {
    let Some((phase, visit)) = run.undoing.visits.front().map(|ended| (ended.phase, ended.visit)) else {
        return;
    };
    if place >= run.plan.phases()[phase].undo_calls() {
        return;
    }
    let work = Work::Undo { phase, place };
    run.timers.extend(deadline.map(|deadline| (deadline, Timer::Attempt(work))));
    run.undoing.place = place;
    run.undoing.active = true;
    run.undoing.trial.begin(at, (visit, attempt), arguments, deadline);
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

pub(super) fn undone(run: &mut Run) {
    if run.undoing.is_accepted {
        mark(run, PhaseState::UndoFailed, StepState::UndoFailed);
    } else {
        mark(run, PhaseState::Undone, StepState::Undone);
    }
    if let Some(done) = run.undoing.visits.pop_front() {
        if let Ok(at) = run.ended.binary_search_by_key(&done.order, |ended| ended.order) {
            run.ended.remove(at);
        }
        if run.phases[done.phase].goes_on == Some(done.visit) {
            phase::undone_before(run, done.phase);
        }
        // A machine that goes on after it does so from the first phase that is undone.
        run.position.last = Some(done.phase);
        run.position.at = None;
    }
    run.undoing.place = 0;
    run.undoing.is_accepted = false;
    run.undoing.trial = Trial::default();
    mark_front(run);
}

fn work(run: &Run) -> Option<Work> {
    let phase = run.undoing.visits.front()?.phase;
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
    let Some(ended) = run.undoing.visits.front() else { return };
    let phase = ended.phase;
    let is_last = run.phases[phase].visit == ended.visit;
    // Of an earlier visit nothing is shown any more, but what is kept of it.
    if !is_last && run.phases[phase].goes_on != Some(ended.visit) {
        return;
    }
    if is_last {
        Arc::make_mut(&mut run.phases[phase]).state = state;
    }
    for step in run.plan.steps_of(phase) {
        let step = Arc::make_mut(&mut run.steps[step]);
        if !matches!(step.state, StepState::Pending | StepState::Skipped) {
            step.state = of_steps;
        }
    }
}
