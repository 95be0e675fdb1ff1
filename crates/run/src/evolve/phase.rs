//! What a fact about a phase changes.

use std::sync::Arc;

use super::{close, skip_pending};
use crate::event::SkipCause;
use crate::run::{PhaseRun, PhaseState, Run, StepState, Timer};
use crate::time::Timestamp;

fn change(run: &mut Run, phase: usize) -> &mut PhaseRun {
    Arc::make_mut(&mut run.phases[phase])
}

pub(super) fn started(run: &mut Run, phase: usize, at: Timestamp, deadline: Option<Timestamp>) {
    run.open.remove(&phase);
    run.running.insert(phase);
    run.timers.extend(deadline.map(|deadline| (deadline, Timer::Phase(phase))));
    run.ready.extend(run.plan.steps_of(phase).filter(|step| run.steps[*step].waits == 0));
    let phase = change(run, phase);
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
    state.state = PhaseState::Skipped;
    state.reason = cause.to_string();
    state.ended_at = Some(at);
    settle(run, phase, *cause != SkipCause::Condition);
}

fn ended(run: &mut Run, phase: usize, at: Timestamp, state: PhaseState, reason: &str) {
    run.running.remove(&phase);
    run.ended.push_back(phase);
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
