//! `org.opdbus.Orchestrator1.Agent`.

use std::sync::{Arc, Mutex};

use op_engine::ports::{AgentStatus, Right};
use zbus::message::Header;
use zbus::{Connection, interface};

use crate::fault::Fault;
use crate::house::{Lobby, News};
use crate::options::{Options, Table};
use crate::view::{agent, lock};

/// An agent on the bus.
pub(crate) struct AgentObject {
    lobby: Arc<Lobby>,
    name: String,
    view: Arc<Mutex<AgentStatus>>,
}

/// What is wanted of the link to an agent.
#[derive(Debug, Clone, Copy)]
enum Wanted {
    Connected,
    Disconnected,
    Renewed,
}

impl AgentObject {
    pub(crate) fn new(lobby: &Arc<Lobby>, name: &str, view: &Arc<Mutex<AgentStatus>>) -> Self {
        Self { lobby: Arc::clone(lobby), name: name.to_owned(), view: Arc::clone(view) }
    }

    async fn want(
        &self,
        wanted: Wanted,
        options: Table,
        header: &Header<'_>,
        connection: &Connection,
    ) -> Result<(), Fault> {
        let guest = self.lobby.guests.enter(header, connection).await?;
        Options::none(options)?;
        let verb = match wanted {
            Wanted::Connected => "start",
            Wanted::Disconnected => "stop",
            Wanted::Renewed => "restart",
        };
        let about = [("agent", self.name.as_str()), ("verb", verb)];
        self.lobby.admit(&guest, Right::ManageAgents, &about).await?;
        let agents = self.lobby.house.engine.agents();
        if let Wanted::Disconnected | Wanted::Renewed = wanted {
            agents.disconnect(&self.name).await.map_err(|error| Fault::of(&error))?;
            self.settle().await;
        }
        if let Wanted::Connected | Wanted::Renewed = wanted {
            agents.connect(&self.name).await.map_err(|error| Fault::of(&error))?;
            self.settle().await;
        }
        Ok(())
    }

    async fn settle(&self) {
        self.lobby.house.settle(News::Agent(self.name.clone())).await;
    }
}

/// An agent: a process that performs operations. Its path is the root of the daemon, `agent`, and its name.
#[interface(name = "org.opdbus.Orchestrator1.Agent")]
impl AgentObject {
    /// Connects the agent, and starts its process where the daemon keeps it. When it returns, the agent takes calls and its new
    /// state was told. It knows no options. Needs the right manage-agents.
    async fn start(
        &self,
        options: Table,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<(), Fault> {
        self.want(Wanted::Connected, options, &header, connection).await
    }

    /// Releases the link to the agent, and ends its process where the daemon started it; calls in flight are cancelled. It knows
    /// no options. Needs the right manage-agents.
    async fn stop(
        &self,
        options: Table,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<(), Fault> {
        self.want(Wanted::Disconnected, options, &header, connection).await
    }

    /// Stop, and then Start. It knows no options. Needs the right manage-agents.
    async fn restart(
        &self,
        options: Table,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<(), Fault> {
        self.want(Wanted::Renewed, options, &header, connection).await
    }

    /// Name of the agent.
    #[zbus(property(emits_changed_signal = "const"))]
    fn agent_id(&self) -> String {
        self.name.clone()
    }

    /// Where it listens.
    #[zbus(property)]
    fn endpoint(&self) -> String {
        lock(&self.view).endpoint.clone()
    }

    /// What it performs, and whether each can be called; empty while unknown.
    #[zbus(property)]
    fn operations(&self) -> Vec<(String, bool)> {
        agent::operations(&lock(&self.view))
    }

    /// Whether it is held connected at all times rather than connected at its first call.
    #[zbus(property)]
    fn run_on_connection(&self) -> bool {
        lock(&self.view).run_on_connection
    }

    /// State of the link: idle, connecting, ready, unhealthy, `backing_off` or draining; more words may be added.
    #[zbus(property)]
    fn connection_state(&self) -> String {
        lock(&self.view).state.word().to_owned()
    }

    /// Name and sentence of why the link is down; both empty while there is nothing to say.
    #[zbus(property)]
    fn last_error(&self) -> (String, String) {
        agent::last_error(&lock(&self.view))
    }

    /// When it was connected, in microseconds since 1970; 0 while it is not.
    #[zbus(property)]
    fn connected_timestamp(&self) -> u64 {
        agent::connected(&lock(&self.view))
    }

    /// How often its process was started again.
    #[zbus(property)]
    fn restarts(&self) -> u32 {
        lock(&self.view).restarts
    }

    /// Operations under way. Changes are not told.
    #[zbus(property(emits_changed_signal = "false"))]
    fn in_flight(&self) -> u32 {
        self.now().map_or(0, |status| status.active)
    }

    /// Round trip of its last ping in microseconds; 0 while unknown. Changes are not told.
    #[zbus(property(emits_changed_signal = "false"), name = "RttUSec")]
    fn latency(&self) -> u64 {
        self.now().map_or(0, |status| agent::latency(&status))
    }
}

impl AgentObject {
    /// The agent as it is right now: for what changes without being told.
    fn now(&self) -> Option<AgentStatus> {
        self.lobby.house.engine.agents().list().into_iter().find(|status| status.name == self.name)
    }
}
