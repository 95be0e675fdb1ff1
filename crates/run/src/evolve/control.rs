//! What a fact about the run itself changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use op_plan::Player;

use super::phase;
use crate::event::{Fact, Retried};
use crate::run::{Halt, Origin, Pause, PhaseState, Position, Run, State, StepState, Timer, Undoing};
use crate::time::Timestamp;

/// A run that waits in a queue is held until it is admitted, and so are its limits.
pub(super) fn begun(run: &mut Run, at: Timestamp, fact: &Fact) {
    let Fact::RunStarted { cast, inputs, user, labels, deadline, concurrency, queued: is_queued, .. } = fact
    else {
        return;
    };
    run.state = State::Running;
    run.timers.extend(deadline.map(|deadline| (deadline, Timer::Run)));
    run.origin = Some(Arc::new(Origin {
        cast: cast.clone(),
        inputs: inputs.clone(),
        user: user.clone(),
        labels: labels.clone(),
        at,
        deadline: *deadline,
        limit: deadline.map(|deadline| deadline.since(at)),
        concurrency: concurrency.clone(),
    }));
    run.tally.watch(cast.iter().flatten());
    if *is_queued {
        queued(run, at);
    }
}

/// The run waits until there is a place for it.
fn queued(run: &mut Run, at: Timestamp) {
    paused(run, at, "", "");
    run.state = State::Pending;
}

/// The limits of the run and its phases stand still while it is held; those of calls in flight do not.
pub(super) fn paused(run: &mut Run, at: Timestamp, reason: &str, user: &str) {
    run.state = State::Paused;
    run.paused = Some(Arc::new(Pause { at, reason: reason.to_owned(), user: user.to_owned() }));
    for limit in limits(run) {
        run.timers.remove(&limit);
    }
}

pub(super) fn resumed(run: &mut Run, at: Timestamp) {
    run.state = State::Running;
    let Some(pause) = run.paused.take() else { return };
    shift(run, at.since(pause.at));
    run.timers.extend(limits(run));
}

fn shift(run: &mut Run, held: Duration) {
    if let Some(origin) = run.origin.as_mut().filter(|origin| origin.deadline.is_some()) {
        let origin = Arc::make_mut(origin);
        origin.deadline = origin.deadline.map(|deadline| deadline.after(held));
    }
    for phase in run.running.clone() {
        if run.phases[phase].deadline.is_some() {
            let phase = Arc::make_mut(&mut run.phases[phase]);
            phase.deadline = phase.deadline.map(|deadline| deadline.after(held));
        }
    }
}

/// Limits of the run and of its phases.
fn limits(run: &Run) -> Vec<(Timestamp, Timer)> {
    let whole = run.origin.as_ref().and_then(|origin| origin.deadline).filter(|_| run.halt.is_none());
    let of_phase = |phase: &usize| {
        let state = &run.phases[*phase];
        Some((state.deadline.filter(|_| !state.timed_out)?, Timer::Phase(*phase)))
    };
    let whole = whole.map(|deadline| (deadline, Timer::Run));
    whole.into_iter().chain(run.running.iter().filter_map(of_phase)).collect()
}

pub(super) fn remove_limit(run: &mut Run) {
    if let Some(deadline) = run.origin.as_ref().and_then(|origin| origin.deadline) {
        run.timers.remove(&(deadline, Timer::Run));
    }
}

pub(super) fn halt(run: &mut Run, halt: Halt) {
    remove_limit(run);
    run.state = State::Running;
    run.paused = None;
    run.halt = Some(halt);
}

pub(super) fn recast(run: &mut Run, cast: &BTreeMap<String, Vec<Player>>) {
    run.tally.watch(cast.values().flatten());
    let plan = Arc::clone(&run.plan);
    let Some(origin) = &mut run.origin else { return };
    let origin = Arc::make_mut(origin);
    for (step, players) in cast {
        if let Some(at) = plan.find_step(step) {
            origin.cast.set(at, players.clone());
        }
    }
}

/// The run goes on: some phases and steps are as if they had not been, the others keep what they returned.
pub(super) fn retried(run: &mut Run, at: Timestamp, retried: &Retried) {
    let plan = Arc::clone(&run.plan);
    let find = |steps: &[String]| -> BTreeSet<usize> {
        steps.iter().filter_map(|step| plan.find_step(step)).collect()
    };
    let (steps, lists) = (find(&retried.steps), find(&retried.lists));
    let phases = retried.phases.iter().filter_map(|phase| plan.find_phase(phase));
    let phases: BTreeSet<usize> = phases.collect();
    (run.state, run.halt, run.ended_at, run.output) = (State::Running, None, None, None);
    (run.undoing, run.rolled_back_by) = (Undoing::default(), None);
    run.reason.clear();
    phases.iter().for_each(|at| phase::reset_some(run, *at, &steps, &lists));
    if plan.draft().flow.is_graph() {
        run.failed.retain(|phase| !phases.contains(phase));
        phases.iter().for_each(|at| wait_again(run, *at));
    } else {
        set_out_again(run, &phases);
    }
    if let Some(origin) = &mut run.origin {
        Arc::make_mut(origin).deadline = retried.deadline;
    }
    run.timers.extend(retried.deadline.map(|deadline| (deadline, Timer::Run)));
    if retried.queued {
        queued(run, at);
    }
}

/// A machine goes on from a phase, or from where it stood, and may go round as often as at first.
fn set_out_again(run: &mut Run, phases: &BTreeSet<usize>) {
    let at = run.position.at.filter(|_| phases.is_empty());
    run.position = Position { at, last: run.position.last, came: run.position.came, ..Position::default() };
    run.failed.clear();
    for phase in 0..run.phases.len() {
        if run.phases[phase].entries > 0 {
            Arc::make_mut(&mut run.phases[phase]).entries = 0;
        }
    }
    run.open.extend(phases.iter().copied());
}

/// What a phase waits for, counted anew.
fn wait_again(run: &mut Run, phase: usize) {
    let plan = Arc::clone(&run.plan);
    let is_open = |at: &&usize| matches!(run.phases[**at].state, PhaseState::Pending | PhaseState::Running);
    let waits = plan.phases()[phase].depends_on.iter().filter(is_open).count();
    Arc::make_mut(&mut run.phases[phase]).waits = waits;
    if waits == 0 {
        run.open.insert(phase);
    }
}

/// Whether a step keeps what it returned when its phase runs again.
pub(super) fn is_kept(state: StepState) -> bool {
    matches!(state, StepState::Succeeded | StepState::Tolerated | StepState::Skipped)
}
