//! What a fact about the gate of a step changes.

use std::sync::Arc;

use serde_json::Value;

use super::step::{change, leave, phase_of, ready};
use crate::event::Waiting;
use crate::run::{GateRun, Run, StepState, Timer};
use crate::time::Timestamp;

pub(super) fn shut(
    run: &mut Run,
    step: usize,
    at: Timestamp,
    waits_for: &Waiting,
    deadline: Option<Timestamp>,
) {
    leave(run, step);
    phase_of(run, step).busy += 1;
    run.gated.insert(step);
    run.timers.extend(deadline.map(|deadline| (deadline, Timer::Gate(step))));
    let step = change(run, step);
    step.state = StepState::Waiting;
    step.started_at.get_or_insert(at);
    let waits_for = waits_for.clone();
    step.gate = Some(Arc::new(GateRun { waits_for, since: at, deadline, answer: None }));
}

pub(super) fn passed(run: &mut Run, step: usize, answer: &Value) {
    leave(run, step);
    let state = change(run, step);
    state.state = StepState::Pending;
    let Some(gate) = state.gate.as_mut().map(Arc::make_mut) else { return };
    gate.answer = Some(answer.clone());
    if let Waiting::Signal(signal) = &gate.waits_for {
        let signal = signal.clone();
        if let Some(kept) = run.signals.iter().position(|(name, _)| *name == signal) {
            run.signals.remove(kept);
        }
    }
    ready(run, step);
}

pub(super) fn overdue(run: &mut Run, step: usize) {
    let Some(deadline) = run.steps[step].gate.as_ref().and_then(|gate| gate.deadline) else { return };
    run.timers.remove(&(deadline, Timer::Gate(step)));
    if let Some(gate) = &mut change(run, step).gate {
        Arc::make_mut(gate).deadline = None;
    }
}
