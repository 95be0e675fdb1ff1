//! Agents, operations and the outcome of calls for the wire.

use op_engine::ports::{AgentState, AgentStatus, OperationStatus};
use op_plan::Effects;
use op_proto::v1 as wire;
use op_run::Answer;

use super::run::{evidence, failure};
use super::{duration, payload, timestamp};

pub(crate) fn status(of: AgentStatus) -> wire::AgentStatus {
    wire::AgentStatus {
        state: state(of.state).into(),
        operations: of.operations.iter().map(|(name, status)| operation(name, status)).collect(),
        latency: of.latency.map(duration),
        since: Some(timestamp(of.since)),
        pid: of.pid.unwrap_or_default(),
        breaker: of.breaker.word().to_owned(),
        name: of.name,
        reason: of.reason,
        endpoint: of.endpoint,
        run_on_connection: of.run_on_connection,
        version: of.version,
        active: of.active,
        queued: of.queued,
        restarts: of.restarts,
        calls: of.calls,
        faults: of.faults,
    }
}

fn state(of: AgentState) -> wire::AgentState {
    match of {
        AgentState::Idle => wire::AgentState::Idle,
        AgentState::Connecting => wire::AgentState::Connecting,
        AgentState::Ready => wire::AgentState::Ready,
        AgentState::Unhealthy => wire::AgentState::Unhealthy,
        AgentState::BackingOff => wire::AgentState::BackingOff,
        AgentState::Draining => wire::AgentState::Draining,
    }
}

pub(crate) fn operation(name: &str, of: &OperationStatus) -> wire::OperationStatus {
    let about = &of.operation;
    wire::OperationStatus {
        name: name.to_owned(),
        description: about.description.clone(),
        input_schema: about.input.to_string(),
        output_schema: about.output.to_string(),
        effects: match about.effects {
            Effects::Read => "read".to_owned(),
            Effects::Write => "write".to_owned(),
            Effects::External => "external".to_owned(),
        },
        idempotent: about.idempotent,
        streaming: about.streaming,
        unavailable: about.unavailable.clone().unwrap_or_default(),
        calls: of.calls,
        failures: of.failures,
        total: Some(duration(of.total)),
        risk: about.risk.word().to_owned(),
    }
}

pub(crate) fn outcome(of: &Answer) -> wire::CallOutcome {
    let kind = match of {
        Answer::Succeeded { value, .. } => wire::call_outcome::Kind::Value(payload(value)),
        Answer::Failed { failure: of, .. } => wire::call_outcome::Kind::Failure(failure(of)),
    };
    wire::CallOutcome { kind: Some(kind), evidence: Some(evidence(of.evidence())) }
}
