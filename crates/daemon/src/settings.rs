//! Settings in three stages: fragments as they are written, merged, and settings that have no holes.

use std::path::PathBuf;
use std::time::Duration;

use op_agents::ModelSettings;
use op_engine::{Grants, Limits};
use op_pool::PoolSettings;

pub mod agents;
pub mod daemon;
pub mod fragment;
pub(crate) mod roles;

pub use agents::{AgentEntry, AgentsFile};
pub use daemon::DaemonFile;

/// What bundled agents run as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AgentsAs {
    /// Child processes of the daemon.
    #[default]
    Children,
    /// Units of systemd, `op-agent@NAME.service`.
    Units,
}

/// The message bus that the daemon is controlled over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum BusChoice {
    /// None.
    #[default]
    Off,
    /// That of the session, where there is one and the name is free.
    Session,
    /// That of the host; without it the daemon does not come up.
    System,
    /// One at an address; without it the daemon does not come up.
    Address(String),
}

/// Everything the daemon is built from, but its plans.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Where what must last is kept.
    pub state: PathBuf,
    /// The Unix socket for clients.
    pub socket: PathBuf,
    /// The TCP port for clients, on loopback.
    pub listen: Option<std::net::SocketAddr>,
    /// Users that may talk to the daemon beside root and its own.
    pub users: Vec<u32>,
    /// Folders that agents may work in.
    pub roots: Vec<PathBuf>,
    /// Folder with a file for each secret.
    pub credentials: Option<PathBuf>,
    /// Whether the kernel must hold agents to their roots.
    pub sandbox: op_agents::settings::Confinement,
    /// What the engine is bounded by.
    pub limits: Limits,
    /// Largest arguments of a call, in bytes of JSON.
    pub arguments: usize,
    /// Largest size of all results of steps together that are kept for other runs, in bytes.
    pub results: u64,
    /// What the pool is built from.
    pub pool: PoolSettings,
    /// The agents, in order of their names.
    pub agents: Vec<AgentEntry>,
    /// What those run as that the daemon starts.
    pub agents_as: AgentsAs,
    /// The message bus that it is controlled over.
    pub bus: BusChoice,
    /// The language model that plays roles.
    pub models: Option<ModelSettings>,
}

impl Settings {
    /// Where the journal is.
    pub fn journal(&self) -> PathBuf {
        self.state.join("journal.db")
    }

    /// What agents may ask the hub for.
    pub fn grants(&self) -> Grants {
        let granted = self.agents.iter().filter_map(|agent| {
            let patterns = agent.table.may_ask.clone()?;
            Some((agent.name.clone(), patterns))
        });
        granted.collect()
    }

    /// Where the sockets of the agents are.
    pub fn agent_sockets(&self) -> PathBuf {
        self.socket.with_file_name("agents")
    }
}

/// Largest arguments of a call when nothing else is set.
pub(crate) const ARGUMENTS: usize = 4 << 20;

/// Time that calls in flight get when the daemon goes down and nothing else is set.
pub(crate) const DRAIN: Duration = Duration::from_secs(10);

/// How long an answer of a model may take when nothing else is set: a local one without a graphics card is slow.
pub(crate) const MODEL_PATIENCE: Duration = Duration::from_mins(5);
