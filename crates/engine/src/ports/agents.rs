//! The port to the agents: what is known of them, and their links.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use op_plan::{Catalogue, Effects, Operation, Performer, Risk};
use op_run::Timestamp;

/// State of the link to an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentState {
    /// Not connected, and nobody asked for it.
    Idle,
    /// Being started or connected.
    Connecting,
    /// Takes calls.
    Ready,
    /// Connected, and reports that it is not serving.
    Unhealthy,
    /// Waits before the next attempt to connect.
    BackingOff,
    /// Finishes what it has and goes away.
    Draining,
}

impl AgentState {
    /// The word for people and programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Connecting => "connecting",
            Self::Ready => "ready",
            Self::Unhealthy => "unhealthy",
            Self::BackingOff => "backing_off",
            Self::Draining => "draining",
        }
    }
}

/// State of the breaker of an agent. Transport faults alone open it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breaker {
    /// Calls pass.
    Closed,
    /// Calls are answered at once as unavailable.
    Open,
    /// One probe passes.
    HalfOpen,
}

impl Breaker {
    /// The word for people and programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// An operation of an agent, and what was counted of it.
#[derive(Debug, Clone, PartialEq)]
pub struct OperationStatus {
    /// What it is.
    pub operation: Arc<Operation>,
    /// Calls answered.
    pub calls: u64,
    /// Calls that did not succeed.
    pub failures: u64,
    /// Time of all calls together.
    pub total: Duration,
}

/// An agent as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentStatus {
    /// Name.
    pub name: String,
    /// State of its link.
    pub state: AgentState,
    /// Why it is in that state; empty when there is nothing to say.
    pub reason: String,
    /// Where it listens.
    pub endpoint: String,
    /// Held connected at all times rather than connected at first call.
    pub run_on_connection: bool,
    /// What it performs; empty while unknown.
    pub operations: BTreeMap<String, OperationStatus>,
    /// Version it reports; empty while unknown.
    pub version: String,
    /// Operations in flight.
    pub active: u32,
    /// Operations waiting for a place.
    pub queued: u32,
    /// How often its process was started again.
    pub restarts: u32,
    /// Calls answered.
    pub calls: u64,
    /// Calls that failed in transport.
    pub faults: u64,
    /// Round trip of the last ping.
    pub latency: Option<Duration>,
    /// When it entered its state.
    pub since: Timestamp,
    /// Process id when the pool started it.
    pub pid: Option<u32>,
    /// Its breaker.
    pub breaker: Breaker,
}

/// Why an agent is not connected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// No agent has this name.
    #[error("no agent is called `{0}`")]
    Unknown(String),
    /// It could not be reached.
    #[error("agent `{name}` at {endpoint} could not be reached: {reason}")]
    Unreachable {
        /// The agent.
        name: String,
        /// Where it should listen.
        endpoint: String,
        /// Why.
        reason: String,
    },
}

/// Holds agents connected that run on connection, until it is dropped.
pub struct Lease {
    agents: Arc<[String]>,
    release: Option<Box<dyn FnOnce() + Send + Sync>>,
}

impl Lease {
    /// A lease of these agents, and what is to be done at its end.
    pub fn new(
        agents: impl IntoIterator<Item = String>,
        release: impl FnOnce() + Send + Sync + 'static,
    ) -> Self {
        Self { agents: agents.into_iter().collect(), release: Some(Box::new(release)) }
    }

    /// Names of the agents that are held.
    pub fn agents(&self) -> Arc<[String]> {
        Arc::clone(&self.agents)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.release.take().into_iter().for_each(|release| release());
    }
}

impl std::fmt::Debug for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Lease").field(&self.agents).finish()
    }
}

/// Knows the agents.
#[async_trait]
pub trait Agents: Send + Sync + 'static {
    /// Every agent as it stands, in order of their names.
    fn list(&self) -> Vec<AgentStatus>;

    /// Every agent once, and then each change. A slow reader misses states in between, never the newest.
    fn watch(&self) -> BoxStream<'static, AgentStatus>;

    /// Connects an agent; when it returns `Ok` the agent takes calls.
    async fn connect(&self, name: &str) -> Result<AgentStatus, ConnectError>;

    /// Releases the link to an agent and stops its process if the pool started it; calls in flight are cancelled.
    async fn disconnect(&self, name: &str) -> Result<AgentStatus, ConnectError>;

    /// Begins to connect the agents that run on connection, side by side, and returns at once. As long as the lease lasts they
    /// are connected again whenever a link breaks, and none is released as idle.
    fn lease(&self) -> Lease;

    /// Tells the agents that performed something for a session, and are connected, that it is over. Never waits.
    fn session_over(&self, session: &str);

    /// What plans can name: what agents described, and what is known of the bundled ones before they are connected.
    fn catalogue(&self) -> Catalogue;

    /// What can go wrong with an operation; `None` while nobody knows.
    fn risk(&self, performer: &Performer) -> Option<Risk>;

    /// What an operation touches; `None` while nobody knows.
    fn effects(&self, performer: &Performer) -> Option<Effects>;

    /// Whether an operation can be named, as the catalogue says; asked for every call.
    fn has(&self, performer: &Performer) -> bool;
}
