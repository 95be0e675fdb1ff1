//! What a fact about a step changes.

use std::sync::Arc;

use serde_json::Value;

use super::close;
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
    leave(run, step);
    phase_of(run, step).busy += 1;
    run.active.insert(step);
    run.timers.extend(deadline.map(|deadline| (deadline, Timer::Attempt(Work::Step(step)))));
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
    leave(run, step);
    phase_of(run, step).busy += 1;
    run.waiting.insert((due, step));
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
    close(run, run.plan.phase_of(step));
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
    let due = run.steps[step].trial.due;
    let was_waiting = due.is_some_and(|due| run.waiting.remove(&(due, step)).is_some());
    if run.active.remove(&step).is_some() || was_waiting {
        phase_of(run, step).busy -= 1;
    }
}

fn settle(run: &mut Run, step: usize, at: Timestamp, state: StepState) {
    let phase = phase_of(run, step);
    phase.left = phase.left.saturating_sub(1);
    if phase.left == 0 {
        close(run, run.plan.phase_of(step));
    }
    let step = change(run, step);
    step.state = state;
    step.ended_at = Some(at);
}

/// Steps of the same phase that waited for this one alone can start, if the phase still tries.
fn free_followers(run: &mut Run, step: usize) {
    let plan = Arc::clone(&run.plan);
    let phase = plan.phase_of(step);
    let steps = plan.steps_of(phase);
    let place = step - steps.start;
    for follower in steps {
        let mentions = plan.step(follower).after.iter().filter(|after| **after == place).count();
        if mentions == 0 {
            continue;
        }
        let state = change(run, follower);
        state.waits = state.waits.saturating_sub(mentions);
        let is_free = state.waits == 0 && state.state == StepState::Pending;
        if is_free && run.phases[phase].is_trying() {
            run.ready.insert(follower);
        }
    }
}
