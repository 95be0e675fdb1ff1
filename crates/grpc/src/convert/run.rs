//! Runs, phases and steps for the wire.

use op_engine::ports::{Channel, Chunk, RunRecord};
use op_plan::plan::Action;
use op_proto::v1 as wire;
use op_run::event::Waiting;
use op_run::run::{FanRun, GateRun, PhaseState, State, StepState};
use op_run::{Evidence, Failure, Run};
use serde_json::{Map, Value};
use tonic::Status;

use super::{duration, payload, timestamp};
use crate::failure::bad_field;

pub(crate) fn state(of: State) -> wire::RunState {
    match of {
        State::Pending => wire::RunState::Pending,
        State::Running => wire::RunState::Running,
        State::Waiting => wire::RunState::Waiting,
        State::Paused => wire::RunState::Paused,
        State::RollingBack => wire::RunState::RollingBack,
        State::Completed => wire::RunState::Completed,
        State::Failed => wire::RunState::Failed,
        State::Cancelled => wire::RunState::Cancelled,
        State::RolledBack => wire::RunState::RolledBack,
        State::Stuck => wire::RunState::Stuck,
    }
}

/// States that a filter names.
pub(crate) fn states(field: &str, of: &[i32]) -> Result<Vec<State>, Status> {
    let mut states = Vec::new();
    for value in of {
        match wire::RunState::try_from(*value) {
            Ok(wire::RunState::Pending) => states.push(State::Pending),
            Ok(wire::RunState::Running) => states.push(State::Running),
            Ok(wire::RunState::Waiting) => states.push(State::Waiting),
            Ok(wire::RunState::Paused) => states.push(State::Paused),
            Ok(wire::RunState::RollingBack) => states.push(State::RollingBack),
            Ok(wire::RunState::Completed) => states.push(State::Completed),
            Ok(wire::RunState::Failed) => states.push(State::Failed),
            Ok(wire::RunState::Cancelled) => states.push(State::Cancelled),
            Ok(wire::RunState::RolledBack) => states.push(State::RolledBack),
            Ok(wire::RunState::Stuck) => states.push(State::Stuck),
            Ok(wire::RunState::Unspecified) | Err(_) => {
                return Err(bad_field(field, format!("{value} is not the state of a run")));
            }
        }
    }
    Ok(states)
}

fn phase_state(of: PhaseState) -> wire::PhaseState {
    match of {
        PhaseState::Pending => wire::PhaseState::Pending,
        PhaseState::Running => wire::PhaseState::Running,
        PhaseState::Succeeded => wire::PhaseState::Succeeded,
        PhaseState::Failed => wire::PhaseState::Failed,
        PhaseState::Tolerated => wire::PhaseState::Tolerated,
        PhaseState::Skipped => wire::PhaseState::Skipped,
        PhaseState::Undoing => wire::PhaseState::Undoing,
        PhaseState::Undone => wire::PhaseState::Undone,
        PhaseState::UndoFailed => wire::PhaseState::UndoFailed,
    }
}

fn step_state(of: StepState) -> wire::StepState {
    match of {
        StepState::Pending => wire::StepState::Pending,
        StepState::Running => wire::StepState::Running,
        StepState::Waiting => wire::StepState::Waiting,
        StepState::Succeeded => wire::StepState::Succeeded,
        StepState::Failed => wire::StepState::Failed,
        StepState::Tolerated => wire::StepState::Tolerated,
        StepState::Skipped => wire::StepState::Skipped,
        StepState::Undoing => wire::StepState::Undoing,
        StepState::Undone => wire::StepState::Undone,
        StepState::UndoFailed => wire::StepState::UndoFailed,
    }
}

pub(crate) fn summary(record: &RunRecord) -> wire::RunSummary {
    wire::RunSummary {
        id: record.id.to_string(),
        plan: record.plan.clone(),
        state: state(record.state).into(),
        started_at: Some(timestamp(record.started_at)),
        ended_at: record.ended_at.map(timestamp),
        user: record.user.clone(),
        labels: record.labels.clone().into_iter().collect(),
        settled_phases: record.settled_phases,
        total_phases: record.total_phases,
        reason: record.reason.clone(),
    }
}

pub(crate) fn run(of: &Run) -> wire::Run {
    let inputs = of.origin().map(|origin| &origin.inputs);
    let inputs: Map<String, Value> = inputs
        .into_iter()
        .flatten()
        .filter(|(name, _)| !is_secret(of, name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    wire::Run {
        summary: Some(summary(&RunRecord::of(of))),
        phases: (0..of.plan().phases().len()).map(|at| phase(of, at)).collect(),
        sequence: of.sequence(),
        output: of.output().map(payload),
        inputs: Value::Object(inputs).to_string(),
    }
}

fn is_secret(of: &Run, input: &str) -> bool {
    let input = of.plan().draft().inputs.get(input);
    input.is_some_and(|input| input.kind == op_plan::InputType::Secret)
}

fn phase(of: &Run, at: usize) -> wire::Phase {
    let (plan, state) = (&of.plan().phases()[at], of.phase(at));
    let dependency = |at: &usize| of.plan().phases()[*at].id.clone();
    wire::Phase {
        id: plan.id.clone(),
        name: plan.name.clone(),
        state: phase_state(state.state).into(),
        started_at: state.started_at.map(timestamp),
        ended_at: state.ended_at.map(timestamp),
        steps: of.plan().steps_of(at).map(|at| step(of, at)).collect(),
        depends_on: plan.depends_on.iter().map(dependency).collect(),
        reason: state.reason.clone(),
        visit: state.visit,
    }
}

fn step(of: &Run, at: usize) -> wire::Step {
    let state = of.step(at);
    wire::Step {
        id: of.plan().step(at).id.clone(),
        performer: performer(of, at),
        role: of.player(at).and_then(|player| player.role.clone()).unwrap_or_default(),
        gate: state.gate.as_ref().filter(|of| of.is_shut()).map(|of| gate(of)),
        items: state.fan.as_ref().map(items),
        state: step_state(state.state).into(),
        attempts: state.trial.attempts,
        started_at: state.started_at.map(timestamp),
        ended_at: state.ended_at.map(timestamp),
        failure: state.trial.failure.as_ref().map(failure),
        evidence: state.trial.evidence.as_ref().map(evidence),
    }
}

fn performer(of: &Run, step: usize) -> String {
    match &of.plan().step(step).action {
        Action::Call(_) => of.player(step).map(|player| player.performer.to_string()).unwrap_or_default(),
        Action::Plan { plan, .. } => format!("plan {}", plan.id()),
        Action::Pass => String::new(),
    }
}

fn gate(of: &GateRun) -> wire::Gate {
    let (kind, text, call, digest) = match &of.waits_for {
        Waiting::Delay => ("delay", String::new(), String::new(), String::new()),
        Waiting::Signal(signal) => ("signal", signal.clone(), String::new(), String::new()),
        Waiting::Approval { message, call, digest } => {
            let call = if call.is_null() { String::new() } else { call.to_string() };
            ("approval", message.clone(), call, digest.clone())
        }
    };
    wire::Gate { kind: kind.to_owned(), text, call, digest, deadline: of.deadline.map(timestamp) }
}

fn items(of: &FanRun) -> wire::Items {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let done = of.outputs.iter().flatten().count();
    let begun = of.trials.iter().filter(|trial| trial.attempts > 0).count();
    wire::Items { total: count(of.items.len()), done: count(done), begun: count(begun) }
}

pub(crate) fn failure(of: &Failure) -> wire::Failure {
    wire::Failure {
        kind: of.kind.word().to_owned(),
        reason: of.reason.clone(),
        message: of.message.clone(),
        hint: of.hint.clone(),
        detail: of.detail.as_ref().map(payload),
    }
}

pub(crate) fn evidence(of: &Evidence) -> wire::Evidence {
    wire::Evidence {
        peer: of.peer.clone(),
        duration: Some(duration(of.duration)),
        exit_code: of.exit_code,
        bytes: of.bytes,
        kept: of
            .kept
            .as_ref()
            .map(|kept| wire::Kept { run: kept.run.to_string(), at: Some(timestamp(kept.at)) }),
    }
}

pub(crate) fn chunk(of: Chunk) -> wire::OutputChunk {
    let channel = match of.channel {
        Channel::Stdout => wire::OutputChannel::Stdout,
        Channel::Stderr => wire::OutputChannel::Stderr,
    };
    wire::OutputChunk { channel: channel.into(), data: of.data }
}
