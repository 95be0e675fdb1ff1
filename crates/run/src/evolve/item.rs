//! What a fact about the list of a step, or an item of it, changes.

use std::sync::Arc;

use imbl::Vector;
use serde_json::Value;

use super::leave_call;
use super::step::{change, leave, phase_of};
use crate::answer::{Evidence, Failure};
use crate::event::StopCause;
use crate::key::Work;
use crate::run::{FanRun, Run, StepState, Timer, Trial};
use crate::time::Timestamp;

pub(super) fn fanned(run: &mut Run, step: usize, at: Timestamp, items: &[Value]) {
    leave(run, step);
    phase_of(run, step).busy += 1;
    run.fanned.insert(step);
    let step = change(run, step);
    step.state = StepState::Running;
    step.started_at.get_or_insert(at);
    // One that is there goes on.
    step.fan.get_or_insert_with(|| FanRun { items: Arc::new(items.to_vec()), ..FanRun::default() });
}

pub(super) fn started(
    run: &mut Run,
    step: usize,
    item: usize,
    at: Timestamp,
    attempt: u32,
    arguments: &Value,
    deadline: Option<Timestamp>,
) {
    let work = Work::Item { step, item };
    let is_next = leave_call(run, work);
    run.active.insert(work);
    run.timers.extend(deadline.map(|deadline| (deadline, Timer::Attempt(work))));
    let step = change(run, step);
    let Some(fan) = &mut step.fan else { return };
    if !is_next {
        fan.busy += 1;
        fan.enter(item);
    }
    if let Some(trial) = fan.trials.get_mut(item) {
        Arc::make_mut(trial).begin(at, (step.visit, attempt), arguments, deadline);
    }
}

pub(super) fn stopping(run: &mut Run, step: usize, item: usize, cause: StopCause) {
    let work = Work::Item { step, item };
    if let Some(deadline) = run.trial(work).and_then(|trial| trial.deadline) {
        run.timers.remove(&(deadline, Timer::Attempt(work)));
    }
    with_trial(run, step, item, |trial| trial.stopping = Some(cause));
}

pub(super) fn retried(
    run: &mut Run,
    step: usize,
    item: usize,
    failure: &Failure,
    evidence: &Evidence,
    due: Timestamp,
) {
    let work = Work::Item { step, item };
    leave_call(run, work);
    run.waiting.insert((due, work));
    with_trial(run, step, item, |trial| {
        trial.end(Some(failure), Some(evidence));
        trial.due = Some(due);
    });
}

/// The next player has it, as soon as there is room.
pub(super) fn fell_back(
    run: &mut Run,
    step: usize,
    item: usize,
    at: Timestamp,
    failure: &Failure,
    evidence: &Evidence,
) {
    retried(run, step, item, failure, evidence, at);
    with_trial(run, step, item, Trial::hand_on);
}

pub(super) fn succeeded(run: &mut Run, step: usize, item: usize, output: &Value, evidence: &Evidence) {
    end(run, step, item, |fan| {
        fan.done += 1;
        set(&mut fan.outputs, item, Arc::new(output.clone()));
    });
    with_trial(run, step, item, |trial| trial.end(None, Some(evidence)));
}

pub(super) fn failed(
    run: &mut Run,
    step: usize,
    item: usize,
    failure: &Failure,
    evidence: Option<&Evidence>,
) {
    end(run, step, item, |fan| fan.failed = fan.failed.or(Some(item)));
    with_trial(run, step, item, |trial| trial.end(Some(failure), evidence));
}

/// An item that fails before its first call was never under way.
fn end(run: &mut Run, step: usize, item: usize, change_fan: impl FnOnce(&mut FanRun)) {
    let was_busy = leave_call(run, Work::Item { step, item });
    let Some(fan) = &mut change(run, step).fan else { return };
    if was_busy {
        fan.busy = fan.busy.saturating_sub(1);
    }
    fan.enter(item);
    change_fan(fan);
}

fn set(outputs: &mut Vector<Option<Arc<Value>>>, item: usize, output: Arc<Value>) {
    if let Some(place) = outputs.get_mut(item) {
        *place = Some(output);
    }
}

fn with_trial(run: &mut Run, step: usize, item: usize, change_trial: impl FnOnce(&mut Trial)) {
    if let Some(trial) = change(run, step).fan.as_mut().and_then(|fan| fan.trials.get_mut(item)) {
        change_trial(Arc::make_mut(trial));
    }
}
