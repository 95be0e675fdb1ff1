//! What a fact about a step changes.

use std::sync::Arc;

use serde_json::Value;

use crate::answer::{Evidence, Failure};
use crate::event::{SkipCause, StopCause};
use crate::key::Work;
use crate::run::{PhaseRun, Run, StepRun, StepState, Timer};
use crate::time::Timestamp;

fn change(run: &mut Run, step: usize) -> &mut StepRun {
    Arc::make_mut(&mut run.steps[step])
}

fn phase_of(run: &mut Run, step: usize) -> &mut PhaseRun {
    let phase = run.plan.phase_of(step);
    Arc::make_mut(&mut run.phases[phase])
}

pub(super) fn started(
    run: &mut Run,
    step: usize,
    at: Timestamp,
    attempt: u32,
    arguments: &Value,
    deadline: Option<Timestamp>,
) {
    run.ready.remove(&step);
    if run.waiting.remove(&step).is_none() {
        phase_of(run, step).busy += 1;
    }
    run.active.insert(step);
    let due = run.steps[step].trial.due;
    run.timers.extend(deadline.map(|deadline| (deadline, Timer::Attempt(Work::Step(step)))));
    if let Some(due) = due {
        run.timers.remove(&(due, Timer::Retry(Work::Step(step))));
    }
    let step = change(run, step);
    step.state = StepState::Running;
    step.started_at.get_or_insert(at);
    step.trial.begin(at, attempt, arguments, deadline);
}

pub(super) fn stopping(run: &mut Run, step: usize, cause: StopCause) {
    remove_deadline(run, step);
    change(run, step).trial.stopping = Some(cause);
}

pub(super) fn succeeded(run: &mut Run, step: usize, at: Timestamp, output: &Value, evidence: &Evidence) {
    leave(run, step);
    settle(run, step, at, StepState::Succeeded);
    let state = change(run, step);
    state.output = Some(output.clone());
    state.trial.end(None, Some(evidence));
    free_followers(run, step);
}

pub(super) fn retried(run: &mut Run, step: usize, failure: &Failure, evidence: &Evidence, due: Timestamp) {
    remove_deadline(run, step);
    run.active.remove(&step);
    run.waiting.insert(step);
    run.timers.insert((due, Timer::Retry(Work::Step(step))));
    let step = change(run, step);
    step.state = StepState::Waiting;
    step.trial.end(Some(failure), Some(evidence));
    step.trial.due = Some(due);
}

pub(super) fn failed(
    run: &mut Run,
    step: usize,
    at: Timestamp,
    failure: &Failure,
    evidence: Option<&Evidence>,
) {
    leave(run, step);
    settle(run, step, at, StepState::Failed);
    change(run, step).trial.end(Some(failure), evidence);
    phase_of(run, step).failed.get_or_insert(step);
    // The rest of the phase does not start any more.
    for sibling in run.plan.steps_of(run.plan.phase_of(step)) {
        run.ready.remove(&sibling);
    }
}

pub(super) fn skipped(run: &mut Run, step: usize, at: Timestamp, cause: &SkipCause) {
    run.ready.remove(&step);
    settle(run, step, at, StepState::Skipped);
    change(run, step).skipped = Some(cause.clone());
}

fn remove_deadline(run: &mut Run, step: usize) {
    if let Some(deadline) = run.steps[step].trial.deadline {
        run.timers.remove(&(deadline, Timer::Attempt(Work::Step(step))));
    }
}

/// The step is neither ready, nor with the performer, nor waiting for its next attempt any more.
fn leave(run: &mut Run, step: usize) {
    remove_deadline(run, step);
    run.ready.remove(&step);
    let was_busy = run.active.remove(&step).is_some() | run.waiting.remove(&step).is_some();
    if was_busy {
        phase_of(run, step).busy -= 1;
    }
    if let Some(due) = change(run, step).trial.due.take() {
        run.timers.remove(&(due, Timer::Retry(Work::Step(step))));
    }
}

fn settle(run: &mut Run, step: usize, at: Timestamp, state: StepState) {
    phase_of(run, step).left -= 1;
    let step = change(run, step);
    step.state = state;
    step.ended_at = Some(at);
}

/// Steps of the same phase that waited for this one alone can start.
fn free_followers(run: &mut Run, step: usize) {
    let plan = Arc::clone(&run.plan);
    let steps = plan.steps_of(plan.phase_of(step));
    let place = step - steps.start;
    for follower in steps.filter(|follower| plan.step(*follower).after.contains(&place)) {
        let state = change(run, follower);
        state.waits -= 1;
        if state.waits == 0 && state.state == StepState::Pending {
            run.ready.insert(follower);
        }
    }
}
