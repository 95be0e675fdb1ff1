//! What an agent shows.

use op_engine::ports::{AgentState, AgentStatus};

use super::{Properties, micros};
use crate::fault::ending;

/// Name and sentence of why the link to an agent is down; empty while there is nothing to say.
pub(crate) fn last_error(of: &AgentStatus) -> (String, String) {
    match of.state {
        AgentState::BackingOff | AgentState::Unhealthy if !of.reason.is_empty() => {
            (ending("AgentUnavailable"), of.reason.clone())
        }
        AgentState::Idle
        | AgentState::Connecting
        | AgentState::Ready
        | AgentState::Unhealthy
        | AgentState::BackingOff
        | AgentState::Draining => (String::new(), String::new()),
    }
}

/// Its operations, and whether each can be called.
pub(crate) fn operations(of: &AgentStatus) -> Vec<(String, bool)> {
    let operations = of.operations.iter();
    operations.map(|(name, status)| (name.clone(), status.operation.unavailable.is_none())).collect()
}

/// When it was connected, in microseconds since 1970; 0 while it is not.
pub(crate) fn connected(of: &AgentStatus) -> u64 {
    if of.state == AgentState::Ready { micros(of.since) } else { 0 }
}

/// Round trip of its last ping in microseconds; 0 while unknown.
pub(crate) fn latency(of: &AgentStatus) -> u64 {
    of.latency.map_or(0, |latency| u64::try_from(latency.as_micros()).unwrap_or(u64::MAX))
}

/// What `PropertiesChanged` tells of it.
pub(crate) fn properties(of: &AgentStatus) -> Properties {
    Properties::from([
        ("Endpoint", of.endpoint.clone().into()),
        ("Operations", operations(of).into()),
        ("RunOnConnection", of.run_on_connection.into()),
        ("ConnectionState", of.state.word().into()),
        ("LastError", last_error(of).into()),
        ("ConnectedTimestamp", connected(of).into()),
        ("Restarts", of.restarts.into()),
    ])
}
