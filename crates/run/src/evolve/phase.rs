//! What a fact about a phase changes.

use std::collections::BTreeSet;
use std::sync::Arc;

use imbl::Vector;
use op_plan::Plan;
use op_plan::plan::Action;

use super::{close, control, machine, skip_pending};
use crate::event::SkipCause;
use crate::run::{Ended, FanRun, Former, PhaseRun, PhaseState, Run, StepRun, StepState, Timer};
use crate::time::Timestamp;

fn change(run: &mut Run, phase: usize) -> &mut PhaseRun {
    Arc::make_mut(&mut run.phases[phase])
}

pub(super) fn started(run: &mut Run, phase: usize, at: Timestamp, deadline: Option<Timestamp>) {
    forget(run, phase);
    run.open.remove(&phase);
    run.running.insert(phase);
    run.timers.extend(deadline.map(|deadline| (deadline, Timer::Phase(phase))));
    let is_free = |step: &usize| run.steps[*step].waits == 0 && run.steps[*step].state == StepState::Pending;
    run.ready.extend(run.plan.steps_of(phase).filter(is_free).collect::<Vec<_>>());
    run.position.last = Some(phase);
    // Of a phase that runs again, nothing may be left to do.
    if run.phases[phase].left == 0 {
        run.closing.insert(phase);
    }
    let phase = change(run, phase);
    phase.entries += 1;
    phase.first = phase.visit;
    phase.state = PhaseState::Running;
    phase.started_at = Some(at);
    phase.deadline = deadline;
}

pub(super) fn timed_out(run: &mut Run, phase: usize) {
    remove_limit(run, phase);
    change(run, phase).timed_out = true;
    close(run, phase);
}

pub(super) fn succeeded(run: &mut Run, phase: usize, at: Timestamp) {
    ended(run, phase, at, PhaseState::Succeeded, "");
    settle(run, phase, false);
}

pub(super) fn failed(run: &mut Run, phase: usize, at: Timestamp, reason: &str) {
    ended(run, phase, at, PhaseState::Failed, reason);
    run.failed.push_back(phase);
    settle(run, phase, true);
}

pub(super) fn tolerated(run: &mut Run, phase: usize, at: Timestamp, reason: &str) {
    ended(run, phase, at, PhaseState::Tolerated, reason);
    for step in run.plan.steps_of(phase) {
        if run.steps[step].state == StepState::Failed {
            Arc::make_mut(&mut run.steps[step]).state = StepState::Tolerated;
        }
    }
    settle(run, phase, false);
}

pub(super) fn skipped(run: &mut Run, phase: usize, at: Timestamp, cause: &SkipCause) {
    run.open.remove(&phase);
    skip_pending(run, phase, cause, at);
    let state = change(run, phase);
    state.entries += 1;
    state.state = PhaseState::Skipped;
    state.reason = cause.to_string();
    state.ended_at = Some(at);
    settle(run, phase, *cause != SkipCause::Condition);
}

/// The phase runs once more; what it did so far stays to be undone.
pub(super) fn repeated(run: &mut Run, phase: usize, visit: u32) {
    remember(run, phase);
    run.closing.remove(&phase);
    for step in run.plan.steps_of(phase) {
        begin_again(run, step, visit);
        if run.steps[step].waits == 0 {
            run.ready.insert(step);
        }
    }
    let left = run.plan.steps_of(phase).len();
    let state = change(run, phase);
    (state.visit, state.left, state.busy, state.failed) = (visit, left, 0, None);
}

/// The phase is as it was before it began, but for its visits.
pub(super) fn reset(run: &mut Run, phase: usize, visit: u32) {
    unsettle(run, phase);
    let steps = run.plan.steps_of(phase);
    let left = steps.len();
    steps.for_each(|step| begin_again(run, step, visit));
    let entries = run.phases[phase].entries;
    *change(run, phase) = PhaseRun { visit, entries, left, ..PhaseRun::default() };
}

/// Some steps of the phase are as if they had not been; the others keep what they returned, and of lists that go on stays what
/// was done.
pub(super) fn reset_some(run: &mut Run, phase: usize, again: &BTreeSet<usize>, lists: &BTreeSet<usize>) {
    unsettle(run, phase);
    let before = &run.phases[phase];
    let (visit, from) = match before.state {
        PhaseState::Pending => (before.visit, before.goes_on),
        // It did not begin.
        PhaseState::Skipped => (before.visit + 1, before.goes_on),
        _ => (before.visit + 1, Some(before.visit)),
    };
    let plan = Arc::clone(&run.plan);
    let steps = plan.steps_of(phase);
    let is_partial = steps.clone().any(|step| !again.contains(&step) || lists.contains(&step));
    let goes_on = from.filter(|_| is_partial);
    for step in steps.clone().filter(|step| again.contains(step)) {
        let before = Arc::clone(&run.steps[step]);
        begin_again(run, step, visit);
        let fan = before.fan.as_ref().filter(|_| lists.contains(&step)).map(FanRun::rest);
        let former = if is_partial { given_up(&plan, step, &before, fan.as_ref()) } else { Vector::new() };
        let is_open = |after: &&usize| {
            !control::is_kept(run.steps[steps.start + **after].state)
                || again.contains(&(steps.start + **after))
        };
        let waits = plan.step(step).after.iter().filter(is_open).count();
        let step = Arc::make_mut(&mut run.steps[step]);
        (step.waits, step.fan, step.former) = (waits, fan, former);
        if plan.draft().flow.is_graph() {
            step.output = None;
            step.stored.clear();
        }
    }
    let left = steps.filter(|step| again.contains(step)).count();
    *change(run, phase) = PhaseRun { visit, goes_on, left, ..PhaseRun::default() };
}

/// Calls of a step that runs again whose runs of plans are undone with the visit that goes on, but those that are kept.
fn given_up(plan: &Plan, step: usize, before: &StepRun, kept: Option<&FanRun>) -> Vector<Former> {
    let is_kept = |call: &Former| call.item.is_some_and(|item| kept.is_some_and(|fan| fan.is_done(item)));
    let mut calls = before.former.clone();
    if let Action::Plan { .. } = plan.step(step).action {
        calls.extend(before.own_calls().filter(|call| !is_kept(call)));
    }
    calls
}

/// The visit that the phase was to go on from is undone: nothing of it is kept.
pub(super) fn undone_before(run: &mut Run, phase: usize) {
    change(run, phase).goes_on = None;
    for step in run.plan.steps_of(phase) {
        let step = Arc::make_mut(&mut run.steps[step]);
        (step.fan, step.former) = (None, Vector::new());
    }
}

/// A visit of which something is kept is undone together with the one that goes on from it, once that began.
fn forget(run: &mut Run, phase: usize) {
    let Some(from) = run.phases[phase].goes_on else { return };
    if let Some(at) = run.ended.iter().rposition(|ended| (ended.phase, ended.visit) == (phase, from)) {
        run.ended.remove(at);
    }
}

fn unsettle(run: &mut Run, phase: usize) {
    match run.phases[phase].state {
        PhaseState::Pending | PhaseState::Running => {}
        _ => run.settled = run.settled.saturating_sub(1),
    }
}

fn begin_again(run: &mut Run, step: usize, visit: u32) {
    let waits = run.plan.step(step).after.len();
    let fresh: StepRun = run.steps[step].afresh(visit, waits);
    run.steps[step] = Arc::new(fresh);
}

/// Keeps the visit for what may undo it.
fn remember(run: &mut Run, phase: usize) {
    let has_undo = run.plan.phases()[phase].undo_calls() > 0;
    let steps: Vector<_> =
        run.plan.steps_of(phase).filter(|_| has_undo).map(|step| run.steps[step].clone()).collect();
    let order = run.ended.last().map_or(0, |ended| ended.order + 1);
    run.ended.push_back(Arc::new(Ended { order, phase, visit: run.phases[phase].visit, steps }));
}

fn ended(run: &mut Run, phase: usize, at: Timestamp, state: PhaseState, reason: &str) {
    run.running.remove(&phase);
    remember(run, phase);
    remove_limit(run, phase);
    skip_rest(run, phase, at);
    run.closing.remove(&phase);
    let phase = change(run, phase);
    phase.state = state;
    reason.clone_into(&mut phase.reason);
    phase.ended_at = Some(at);
}

fn remove_limit(run: &mut Run, phase: usize) {
    if let Some(deadline) = run.phases[phase].deadline {
        run.timers.remove(&(deadline, Timer::Phase(phase)));
    }
}

/// Steps of an ended phase that never started do not start any more.
fn skip_rest(run: &mut Run, phase: usize, at: Timestamp) {
    let cause = match run.phases[phase].failed {
        Some(step) => SkipCause::Sibling(run.plan.step(step).id.clone()),
        None => SkipCause::Halted,
    };
    skip_pending(run, phase, &cause, at);
}

/// What depends on the phase waits for one less; it is blocked when the phase did not go well.
fn settle(run: &mut Run, phase: usize, blocks: bool) {
    run.settled += 1;
    machine::left(run, phase);
    let plan = Arc::clone(&run.plan);
    for dependent in plan.dependents_of(phase) {
        let state = change(run, *dependent);
        state.waits = state.waits.saturating_sub(1);
        if blocks {
            state.blocked.get_or_insert(phase);
        }
        if state.waits == 0 {
            run.open.insert(*dependent);
        }
    }
}
