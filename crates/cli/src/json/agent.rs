//! Agents, their operations and what a call came to.

use op_proto::v1::call_outcome::Kind;
use op_proto::v1::{AgentStatus, BatchOutcome, BatchSummary, CallOutcome, OperationStatus, Session};
use serde_json::{Value, json};

use super::run::{evidence, failure};
use super::{at, nested, seconds, text};
use crate::render::state::Told as _;
use crate::render::{time, value};

/// An agent as it stands.
pub(crate) fn agent(agent: &AgentStatus) -> Value {
    json!({
        "name": agent.name,
        "state": agent.state().word(),
        "reason": text(&agent.reason),
        "since": at(agent.since.as_ref()),
        "endpoint": agent.endpoint,
        "run_on_connection": agent.run_on_connection,
        "version": text(&agent.version),
        "pid": (agent.pid != 0).then_some(agent.pid),
        "breaker": text(&agent.breaker),
        "active": agent.active,
        "queued": agent.queued,
        "restarts": agent.restarts,
        "calls": agent.calls,
        "faults": agent.faults,
        "latency_seconds": seconds(time::length(agent.latency.as_ref())),
        "operations": agent.operations.iter().map(operation).collect::<Vec<_>>(),
    })
}

/// How a call of a batch ended; `outcome` is null for one that was not begun.
pub(crate) fn batched(ended: &BatchOutcome, target: &str) -> Value {
    let outcome = ended.outcome.as_ref().map(outcome);
    json!({ "place": ended.place, "target": target, "outcome": outcome })
}

/// What came of a batch.
pub(crate) fn batch(summary: &BatchSummary) -> Value {
    json!({
        "succeeded": summary.succeeded,
        "successes": summary.successes,
        "failures": summary.failures,
        "skipped": summary.skipped,
        "value": summary.value.as_ref().map(|of| value::json(Some(of))),
        "remark": text(&summary.remark),
    })
}

/// A session and the agents that it leases.
pub(crate) fn session(session: &Session) -> Value {
    json!({
        "id": session.id,
        "user": session.user,
        "client": text(&session.client),
        "since": at(session.since.as_ref()),
        "calls": session.calls,
        "runs": session.runs,
        "agents": session.agents.iter().map(agent).collect::<Vec<_>>(),
    })
}

/// An operation of an agent, or a tool.
pub(crate) fn operation(operation: &OperationStatus) -> Value {
    json!({
        "name": operation.name,
        "description": operation.description,
        "input_schema": nested(&operation.input_schema),
        "output_schema": nested(&operation.output_schema),
        "effects": text(&operation.effects),
        "risk": text(&operation.risk),
        "idempotent": operation.idempotent,
        "streaming": operation.streaming,
        "unavailable": text(&operation.unavailable),
        "calls": operation.calls,
        "failures": operation.failures,
        "seconds": seconds(time::length(operation.total.as_ref())),
    })
}

/// What a call came to: `value` or `failure`, the other one null.
pub(crate) fn outcome(outcome: &CallOutcome) -> Value {
    let (value, failed) = match &outcome.kind {
        Some(Kind::Value(value)) => (value::json(Some(value)), Value::Null),
        Some(Kind::Failure(failed)) => (Value::Null, failure(failed)),
        None => (Value::Null, Value::Null),
    };
    json!({ "value": value, "failure": failed, "evidence": outcome.evidence.as_ref().map(evidence) })
}
