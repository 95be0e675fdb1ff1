//! What a fact about a step changes.

use std::sync::Arc;

use op_plan::plan::FailureKind;
use serde_json::{Map, Value};

use super::{close, leave_call, say, take_out};
use crate::answer::{Evidence, Failure};
use crate::event::{SkipCause, StopCause, Waiting};
use crate::key::Work;
use crate::run::{PhaseRun, Run, StepRun, StepState, Timer};
use crate::time::Timestamp;

pub(super) fn change(run: &mut Run, step: usize) -> &mut StepRun {
    Arc::make_mut(&mut run.steps[step])
}

pub(super) fn phase_of(run: &mut Run, step: usize) -> &mut PhaseRun {
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
    run.active.insert(Work::Step(step));
    run.timers.extend(deadline.map(|deadline| (deadline, Timer::Attempt(Work::Step(step)))));
    let step = change(run, step);
    step.state = StepState::Running;
    step.started_at.get_or_insert(at);
    step.trial.begin(at, (step.visit, attempt), arguments, deadline);
}

pub(super) fn stopping(run: &mut Run, step: usize, cause: StopCause) {
    if let Some(deadline) = run.steps[step].trial.deadline {
        run.timers.remove(&(deadline, Timer::Attempt(Work::Step(step))));
    }
    change(run, step).trial.stopping = Some(cause);
}

pub(super) fn succeeded(
    run: &mut Run,
    step: usize,
    at: Timestamp,
    output: &Value,
    stored: &Map<String, Value>,
    evidence: &Evidence,
) {
    leave(run, step);
    settle(run, step, at, StepState::Succeeded);
    say(run, step, output);
    let state = change(run, step);
    state.output = Some(output.clone());
    state.stored.clone_from(stored);
    state.trial.end(None, Some(evidence));
    free_followers(run, step);
}

pub(super) fn retried(run: &mut Run, step: usize, failure: &Failure, evidence: &Evidence, due: Timestamp) {
    leave(run, step);
    phase_of(run, step).busy += 1;
    run.waiting.insert((due, Work::Step(step)));
    let step = change(run, step);
    step.state = StepState::Waiting;
    step.trial.end(Some(failure), Some(evidence));
    step.trial.due = Some(due);
}

/// The next of its players has it, with attempts of its own.
pub(super) fn fell_back(run: &mut Run, step: usize, failure: &Failure, evidence: &Evidence) {
    leave(run, step);
    let state = change(run, step);
    state.state = StepState::Pending;
    // Who was approved is not who takes over: that is another question.
    state.gate = state.gate.take().filter(|gate| !matches!(gate.waits_for, Waiting::Approval { .. }));
    state.trial.end(Some(failure), Some(evidence));
    state.trial.hand_on();
    ready(run, step);
}

pub(super) fn failed(
    run: &mut Run,
    step: usize,
    at: Timestamp,
    failure: &Failure,
    evidence: Option<&Evidence>,
) {
    leave(run, step);
    let is_optional = run.plan.step(step).optional;
    settle(run, step, at, if is_optional { StepState::Tolerated } else { StepState::Failed });
    // A rejection is an answer: others may read what was rejected, and why.
    if let (FailureKind::Rejected, Some(answer)) = (failure.kind, &failure.detail) {
        say(run, step, answer);
        change(run, step).output = Some(answer.clone());
    }
    change(run, step).trial.end(Some(failure), evidence);
    if is_optional {
        return free_followers(run, step);
    }
    phase_of(run, step).failed.get_or_insert(step);
    close(run, run.plan.phase_of(step));
}

pub(super) fn skipped(run: &mut Run, step: usize, at: Timestamp, cause: &SkipCause) {
    leave(run, step);
    if *cause == SkipCause::Vacant {
        settle(run, step, at, StepState::Skipped);
        free_followers(run, step);
    }
    // What does not run for any other cause is still left to do.
    let step = change(run, step);
    step.state = StepState::Skipped;
    step.ended_at = Some(at);
    step.skipped = Some(cause.clone());
}

/// The step can start, if its phase still tries.
pub(super) fn ready(run: &mut Run, step: usize) {
    if run.phases[run.plan.phase_of(step)].is_trying() {
        run.ready.insert(step);
    }
}

/// The step is neither ready, nor at its gate, nor with the performer, nor waiting for its next attempt any more.
pub(super) fn leave(run: &mut Run, step: usize) {
    take_out(&mut run.ready, &step);
    let was_gated = take_out(&mut run.gated, &step);
    let until = run.steps[step].gate.as_ref().filter(|_| was_gated).and_then(|gate| gate.deadline);
    if let Some(until) = until {
        run.timers.remove(&(until, Timer::Gate(step)));
    }
    let was_fanned = take_out(&mut run.fanned, &step);
    if leave_call(run, Work::Step(step)) || was_gated || was_fanned {
        let phase = phase_of(run, step);
        phase.busy = phase.busy.saturating_sub(1);
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
    for follower in Arc::clone(&run.followers)[step].iter().copied() {
        let state = change(run, follower);
        state.waits = state.waits.saturating_sub(1);
        if state.waits == 0 && state.state == StepState::Pending {
            ready(run, follower);
        }
    }
}
