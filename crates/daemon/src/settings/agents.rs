//! `agents.toml`: the pool and the agents.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use op_plan::catalogue::HUB;
use op_pool::{Backoff, BreakerSettings, PoolSettings};
use op_proto::Address;
use serde::Deserialize;

use super::fragment::{Millis, Span};

/// Where agents with a port listen when the file does not say.
const BASE_ADDRESS: &str = "http://127.0.0.1";

/// `agents.toml` as it is written. Every key can be left out; unknown ones are refused.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentsFile {
    /// What holds for all agents.
    #[serde(default)]
    pub pool: PoolTable,
    /// Agents that are held connected.
    #[serde(default)]
    pub run_on_connection: RunOnConnection,
    /// Agents that listen on a TCP port of the base address.
    #[serde(default)]
    pub ports: BTreeMap<String, u16>,
    /// Single agents.
    #[serde(default)]
    pub agents: BTreeMap<String, AgentTable>,
}

/// `[pool]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolTable {
    /// Scheme and host that ports belong to.
    pub base_address: Option<String>,
    /// How long one attempt to connect may take.
    pub connect_timeout_ms: Option<Millis>,
    /// Time limit of a call that brings none of its own.
    pub request_timeout_ms: Option<Millis>,
    /// How often an agent is pinged.
    pub health_check_interval: Option<Span>,
    /// How often a call that has not left the hub is tried again.
    pub max_retries: Option<u32>,
    /// First wait between attempts to connect.
    pub retry_base_delay: Option<Span>,
    /// Longest wait between attempts to connect.
    pub retry_max_delay: Option<Span>,
    /// Calls in flight per agent.
    pub max_concurrent_per_agent: Option<u32>,
    /// Calls waiting per agent.
    pub queue: Option<u32>,
    /// Transport faults in a row that open the breaker.
    pub circuit_threshold: Option<u32>,
    /// How long the breaker stays open before a probe.
    pub circuit_reset: Option<Span>,
    /// How long a lazy agent may be without a call before it is released.
    pub idle_release: Option<Span>,
    /// How long a cancelled call may take to end.
    pub grace: Option<Span>,
}

/// `[run_on_connection]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunOnConnection {
    /// Their names.
    pub agents: Option<Vec<String>>,
}

/// `[agents.NAME]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentTable {
    /// Where it listens: `unix:/path` or `tcp:HOST:PORT`.
    pub address: Option<String>,
    /// Whether the daemon starts it; bundled agents are started unless this is false.
    pub launch: Option<bool>,
    /// Calls in flight.
    pub max_concurrent: Option<u32>,
    /// How long one program or request of a bundled agent may take.
    pub time_limit: Option<Span>,
    /// Bytes of one output that a bundled agent keeps.
    pub output_bytes: Option<u64>,
    /// Environment variables that reach the programs of a bundled agent, beside those that always do.
    pub environment: Option<Vec<String>>,
    /// A folder of advisories in the format of `RustSec`, for `security_auditor`.
    pub advisories: Option<PathBuf>,
    /// What it may ask the hub for: `agent.operation`, `agent.*`, a tool by its bare name, or `*`.
    pub may_ask: Option<Vec<String>>,
}

/// One agent, merged.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentEntry {
    /// Name.
    pub name: String,
    /// Where it listens; `None` leaves the place to the daemon.
    pub address: Option<Address>,
    /// Held connected.
    pub run_on_connection: bool,
    /// Started by the daemon.
    pub launch: bool,
    /// What else its table says.
    pub table: AgentTable,
}

/// Why the agents cannot be taken as they stand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AgentsError {
    /// Two agents have one port.
    #[error("[ports] gives port {port} to both `{first}` and `{second}`; every agent needs its own")]
    Port {
        /// The port.
        port: u16,
        /// One agent.
        first: String,
        /// The other.
        second: String,
    },
    /// An address cannot be read.
    #[error("the address of agent `{name}`: {error}")]
    Address {
        /// The agent.
        name: String,
        /// Why.
        error: op_proto::address::ParseAddressError,
    },
    /// An agent has both a port and an address.
    #[error("agent `{0}` has both a port in [ports] and an address; keep one")]
    Both(String),
    /// A name of no agent that could be reached.
    #[error("agent `{0}` is neither bundled nor has it a port in [ports] or an address in [agents.{0}]")]
    Nowhere(String),
    /// A name that is the hub's own.
    #[error(
        "no agent can be called `{HUB}`: that is what agents call the hub when they ask it for an approval; rename it"
    )]
    Reserved,
    /// An agent that is not bundled cannot be started.
    #[error("agent `{0}` is not bundled, so the daemon cannot start it; remove `launch = true`")]
    Launch(String),
    /// An agent stands twice among those held connected.
    #[error("[run_on_connection] names `{0}` twice")]
    Twice(String),
}

impl AgentsFile {
    /// This file, with what a later one says on top, key by key.
    #[must_use]
    pub fn overlaid(mut self, later: Self) -> Self {
        self.pool = self.pool.overlaid(later.pool);
        self.run_on_connection.agents = later.run_on_connection.agents.or(self.run_on_connection.agents);
        self.ports.extend(later.ports);
        for (name, table) in later.agents {
            let below = self.agents.remove(&name).unwrap_or_default();
            self.agents.insert(name, below.overlaid(table));
        }
        self
    }

    /// The agents, in order of their names: the bundled ones, and all that the file names.
    ///
    /// # Errors
    /// When two agents share a port, an address cannot be read, or an agent can be reached nowhere.
    pub fn entries(&self, bundled: &[&str]) -> Result<Vec<AgentEntry>, AgentsError> {
        self.check_ports()?;
        let held = self.held()?;
        let names: BTreeSet<&str> = bundled
            .iter()
            .copied()
            .chain(self.ports.keys().map(String::as_str))
            .chain(self.agents.keys().map(String::as_str))
            .chain(held.iter().copied())
            .collect();
        names.into_iter().map(|name| self.entry(name, bundled.contains(&name), held.contains(name))).collect()
    }

    fn entry(&self, name: &str, is_bundled: bool, is_held: bool) -> Result<AgentEntry, AgentsError> {
        if name == HUB {
            return Err(AgentsError::Reserved);
        }
        let table = self.agents.get(name).cloned().unwrap_or_default();
        let address = self.address(name, &table)?;
        if address.is_none() && !is_bundled {
            return Err(AgentsError::Nowhere(name.to_owned()));
        }
        if table.launch == Some(true) && !is_bundled {
            return Err(AgentsError::Launch(name.to_owned()));
        }
        let launch = is_bundled && table.launch.unwrap_or(true);
        Ok(AgentEntry { name: name.to_owned(), address, run_on_connection: is_held, launch, table })
    }

    fn address(&self, name: &str, table: &AgentTable) -> Result<Option<Address>, AgentsError> {
        let text = match (self.ports.get(name), &table.address) {
            (Some(_), Some(_)) => return Err(AgentsError::Both(name.to_owned())),
            (Some(port), None) => {
                let base = self.pool.base_address.as_deref().unwrap_or(BASE_ADDRESS);
                format!("{}:{port}", base.trim_end_matches('/'))
            }
            (None, Some(address)) => address.clone(),
            (None, None) => return Ok(None),
        };
        let parsed = text.parse().map_err(|error| AgentsError::Address { name: name.to_owned(), error });
        parsed.map(Some)
    }

    fn check_ports(&self) -> Result<(), AgentsError> {
        let mut taken = BTreeMap::new();
        for (name, port) in &self.ports {
            if let Some(first) = taken.insert(port, name) {
                let (first, second) = (first.clone(), name.clone());
                return Err(AgentsError::Port { port: *port, first, second });
            }
        }
        Ok(())
    }

    fn held(&self) -> Result<BTreeSet<&str>, AgentsError> {
        let mut held = BTreeSet::new();
        for name in self.run_on_connection.agents.iter().flatten() {
            if !held.insert(name.as_str()) {
                return Err(AgentsError::Twice(name.clone()));
            }
        }
        Ok(held)
    }
}

impl PoolTable {
    fn overlaid(self, later: Self) -> Self {
        Self {
            base_address: later.base_address.or(self.base_address),
            connect_timeout_ms: later.connect_timeout_ms.or(self.connect_timeout_ms),
            request_timeout_ms: later.request_timeout_ms.or(self.request_timeout_ms),
            health_check_interval: later.health_check_interval.or(self.health_check_interval),
            max_retries: later.max_retries.or(self.max_retries),
            retry_base_delay: later.retry_base_delay.or(self.retry_base_delay),
            retry_max_delay: later.retry_max_delay.or(self.retry_max_delay),
            max_concurrent_per_agent: later.max_concurrent_per_agent.or(self.max_concurrent_per_agent),
            queue: later.queue.or(self.queue),
            circuit_threshold: later.circuit_threshold.or(self.circuit_threshold),
            circuit_reset: later.circuit_reset.or(self.circuit_reset),
            idle_release: later.idle_release.or(self.idle_release),
            grace: later.grace.or(self.grace),
        }
    }

    /// What the pool is built from.
    pub fn settings(&self) -> PoolSettings {
        let default = PoolSettings::default();
        let span = |span: Option<Span>, default: Duration| span.map_or(default, |Span(span)| span);
        PoolSettings {
            connect_timeout: self.connect_timeout_ms.map_or(default.connect_timeout, |Millis(time)| time),
            request_timeout: self.request_timeout_ms.map_or(default.request_timeout, |Millis(time)| time),
            health_interval: span(self.health_check_interval, default.health_interval),
            backoff: Backoff {
                base: span(self.retry_base_delay, default.backoff.base),
                max: span(self.retry_max_delay, default.backoff.max),
                ..default.backoff
            },
            max_retries: self.max_retries.unwrap_or(default.max_retries),
            max_concurrent: self.max_concurrent_per_agent.unwrap_or(default.max_concurrent),
            queue: self.queue.unwrap_or(default.queue),
            breaker: BreakerSettings {
                threshold: self.circuit_threshold.unwrap_or(default.breaker.threshold),
                reset: span(self.circuit_reset, default.breaker.reset),
            },
            idle_release: span(self.idle_release, default.idle_release),
            grace: span(self.grace, default.grace),
            ..default
        }
    }
}

impl AgentTable {
    fn overlaid(self, later: Self) -> Self {
        Self {
            address: later.address.or(self.address),
            launch: later.launch.or(self.launch),
            max_concurrent: later.max_concurrent.or(self.max_concurrent),
            time_limit: later.time_limit.or(self.time_limit),
            output_bytes: later.output_bytes.or(self.output_bytes),
            environment: later.environment.or(self.environment),
            advisories: later.advisories.or(self.advisories),
            may_ask: later.may_ask.or(self.may_ask),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUNDLED: [&str; 2] = ["rust_pro", "tools"];

    fn entries(text: &str) -> Result<Vec<AgentEntry>, AgentsError> {
        toml::from_str::<AgentsFile>(text).expect(text).entries(&BUNDLED)
    }

    #[test]
    fn bundled_agents_need_no_words() {
        let entries = entries("").expect("nothing is wrong");
        let names: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, BUNDLED);
        assert!(
            entries.iter().all(|entry| entry.launch && entry.address.is_none() && !entry.run_on_connection)
        );
    }

    #[test]
    fn an_agent_with_a_port_listens_at_the_base_address() {
        let entries = entries("[ports]\ndebugger = 50057").expect("nothing is wrong");
        let debugger = entries.iter().find(|entry| entry.name == "debugger").expect("is there");
        assert_eq!(debugger.address, Some("tcp:127.0.0.1:50057".parse().expect("an address")));
        assert!(!debugger.launch, "only bundled agents are started");
    }

    #[test]
    fn one_port_for_two_agents_is_refused_with_both_names() {
        let error = entries("[ports]\na = 1\nb = 1").expect_err("is refused");
        assert_eq!(error, AgentsError::Port { port: 1, first: "a".into(), second: "b".into() });
    }

    #[test]
    fn an_agent_that_can_be_reached_nowhere_is_refused() {
        let nowhere = entries("[run_on_connection]\nagents = [\"ghost\"]");
        assert_eq!(nowhere, Err(AgentsError::Nowhere("ghost".into())));
        let launch = entries("[agents.ghost]\naddress = \"unix:/x\"\nlaunch = true");
        assert_eq!(launch, Err(AgentsError::Launch("ghost".into())));
        let both = entries("[ports]\ntools = 1\n[agents.tools]\naddress = \"unix:/x\"");
        assert_eq!(both, Err(AgentsError::Both("tools".into())));
        let twice = entries("[run_on_connection]\nagents = [\"tools\", \"tools\"]");
        assert_eq!(twice, Err(AgentsError::Twice("tools".into())));
    }

    #[test]
    fn no_agent_has_the_name_of_the_hub() {
        assert_eq!(entries("[agents.hub]\naddress = \"unix:/x\""), Err(AgentsError::Reserved));
    }

    #[test]
    fn a_later_file_overlays_an_earlier_one_key_by_key() {
        let below: AgentsFile =
            toml::from_str("[ports]\na = 1\nb = 2\n[agents.tools]\nmax_concurrent = 3").expect("below");
        let above: AgentsFile =
            toml::from_str("[ports]\nb = 3\n[agents.tools]\noutput_bytes = 9").expect("above");
        let merged = below.overlaid(above);
        assert_eq!(merged.ports, BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 3)]));
        let tools = &merged.agents["tools"];
        assert_eq!((tools.max_concurrent, tools.output_bytes), (Some(3), Some(9)));
    }

    #[test]
    fn every_key_of_the_pool_changes_what_the_pool_is_built_from() {
        let default = PoolTable::default().settings();
        let keys = [
            "connect_timeout_ms = 7",
            "request_timeout_ms = 7",
            "health_check_interval = \"7s\"",
            "max_retries = 7",
            "retry_base_delay = \"7s\"",
            "retry_max_delay = \"7s\"",
            "max_concurrent_per_agent = 7",
            "queue = 7",
            "circuit_threshold = 7",
            "circuit_reset = \"7s\"",
            "idle_release = \"7s\"",
            "grace = \"7s\"",
        ];
        let read = |key: &str| toml::from_str::<PoolTable>(key).expect(key);
        for (at, key) in keys.iter().enumerate() {
            let settings = read(key).settings();
            assert_ne!(settings, default, "{key}");
            assert_eq!(PoolTable::default().overlaid(read(key)).settings(), settings, "{key} overlays");
            assert_eq!(read(key).overlaid(PoolTable::default()).settings(), settings, "{key} stays");
            for other in &keys[at + 1..] {
                assert_ne!(read(other).settings(), settings, "{key} and {other} are the same");
            }
        }
        let base =
            entries("[pool]\nbase_address = \"http://127.0.0.2\"\n[ports]\na = 7").expect("nothing is wrong");
        assert!(
            base.iter().any(|entry| entry.address == Some("tcp:127.0.0.2:7".parse().expect("an address")))
        );
    }
}
