//! What a pool is built from: values that are merged and checked for their form already.

use std::path::PathBuf;
use std::time::Duration;

use op_plan::catalogue::KnownOperations;
use op_proto::Address;

use crate::Backoff;

/// What holds for all agents.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolSettings {
    /// Name of this hub, for the agents' logs.
    pub hub: String,
    /// How long one attempt to connect may take, and how long a call waits for its agent to take calls.
    pub connect_timeout: Duration,
    /// Time limit of a call that a client makes without naming one. The engine applies it: by the time a call is here, one
    /// without limit is a step of a plan that has none.
    pub request_timeout: Duration,
    /// How often an agent is pinged; two pings without an answer break its link.
    pub health_interval: Duration,
    /// How often HTTP/2 asks whether the connection still stands.
    pub keepalive: Duration,
    /// How long to wait between attempts to connect.
    pub backoff: Backoff,
    /// How often a call that has not left the hub is tried again.
    pub max_retries: u32,
    /// Whether agents that run on connection are connected from the start; otherwise only while somebody leases them.
    pub hold: bool,
    /// Calls in flight per agent, where neither its settings nor the agent say less.
    pub max_concurrent: u32,
    /// Calls waiting per agent; more are answered as unavailable at once.
    pub queue: u32,
    /// When to stop bothering an agent.
    pub breaker: BreakerSettings,
    /// How long an agent that is not held connected may be without a call before it is released.
    pub idle_release: Duration,
    /// How long a cancelled call may take to end, and a stopped process to exit.
    pub grace: Duration,
    /// Largest message in bytes, in either direction.
    pub max_message: usize,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            hub: "op-dbus".to_owned(),
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(30),
            health_interval: Duration::from_secs(30),
            keepalive: Duration::from_secs(20),
            backoff: Backoff::default(),
            max_retries: 3,
            hold: true,
            max_concurrent: 10,
            queue: 1024,
            breaker: BreakerSettings::default(),
            idle_release: Duration::from_mins(5),
            grace: Duration::from_secs(5),
            max_message: 9 << 20,
        }
    }
}

/// When calls to an agent are answered as unavailable without trying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerSettings {
    /// Transport faults in a row that open the breaker.
    pub threshold: u32,
    /// How long it stays open before one call may probe.
    pub reset: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self { threshold: 5, reset: Duration::from_mins(1) }
    }
}

/// One agent.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentSettings {
    /// Name, as plans write it.
    pub name: String,
    /// Where it listens.
    pub address: Address,
    /// Held connected, rather than connected at its first call and released when idle.
    pub run_on_connection: bool,
    /// How to start it; without it the agent is only connected to.
    pub launch: Option<Launch>,
    /// Calls in flight, where it differs from the pool's.
    pub max_concurrent: Option<u32>,
    /// Operations that are known before the agent was connected.
    pub known: Option<KnownOperations>,
}

impl AgentSettings {
    /// An agent that is only connected to, and at its first call.
    pub fn new(name: impl Into<String>, address: Address) -> Self {
        Self {
            name: name.into(),
            address,
            run_on_connection: false,
            launch: None,
            max_concurrent: None,
            known: None,
        }
    }
}

/// How an agent is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Launch {
    /// As a child process of the hub.
    Child(ChildLaunch),
    /// As a unit of systemd.
    Unit(UnitLaunch),
}

/// How to start an agent as a child process. It must end when its standard input is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildLaunch {
    /// The program, by its path.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its whole environment: nothing is inherited.
    pub environment: Vec<(String, String)>,
}

/// How to start an agent as a unit. The unit listens at the agent's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitLaunch {
    /// Name of the unit, such as `op-agent@rust_pro.service`.
    pub unit: String,
    /// File from which the unit takes what the agent is told. It is written, for the user of the hub alone, before the unit starts.
    pub file: PathBuf,
    /// What the file says. A unit that runs and was told something else is started anew.
    pub told: String,
    /// Address of the bus on which systemd is; without it the bus of the system.
    pub bus: Option<String>,
}
