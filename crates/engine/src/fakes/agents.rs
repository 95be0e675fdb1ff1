//! Agents that are always the same.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures::stream::{BoxStream, StreamExt as _, iter};
use op_plan::{Catalogue, Effects, Performer, Risk};

use crate::ports::{AgentStatus, Agents, ConnectError, Lease};

/// A catalogue, and agents that never change.
#[derive(Debug, Clone, Default)]
pub struct FixedAgents {
    /// What plans can name.
    pub catalogue: Catalogue,
    /// The agents.
    pub agents: Vec<AgentStatus>,
    leases: Arc<AtomicUsize>,
    over: Arc<Mutex<Vec<String>>>,
}

impl FixedAgents {
    /// Agents of which nothing is known but the catalogue.
    pub fn of(catalogue: Catalogue) -> Self {
        Self { catalogue, ..Self::default() }
    }

    /// These agents as well.
    #[must_use]
    pub fn with(self, agents: Vec<AgentStatus>) -> Self {
        Self { agents, ..self }
    }

    /// Leases that last.
    pub fn leases(&self) -> usize {
        self.leases.load(Ordering::SeqCst)
    }

    /// Sessions that it was told are over, in order.
    pub fn over(&self) -> Vec<String> {
        self.over.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn find(&self, name: &str) -> Result<AgentStatus, ConnectError> {
        let found = self.agents.iter().find(|agent| agent.name == name);
        found.cloned().ok_or_else(|| ConnectError::Unknown(name.to_owned()))
    }
}

#[async_trait]
impl Agents for FixedAgents {
    fn list(&self) -> Vec<AgentStatus> {
        self.agents.clone()
    }

    fn watch(&self) -> BoxStream<'static, AgentStatus> {
        iter(self.agents.clone()).boxed()
    }

    async fn connect(&self, name: &str) -> Result<AgentStatus, ConnectError> {
        self.find(name)
    }

    async fn disconnect(&self, name: &str) -> Result<AgentStatus, ConnectError> {
        self.find(name)
    }

    fn lease(&self) -> Lease {
        self.leases.fetch_add(1, Ordering::SeqCst);
        let leases = Arc::clone(&self.leases);
        let held = self.agents.iter().filter(|agent| agent.run_on_connection);
        Lease::new(held.map(|agent| agent.name.clone()), move || {
            leases.fetch_sub(1, Ordering::SeqCst);
        })
    }

    fn session_over(&self, session: &str) {
        self.over.lock().unwrap_or_else(PoisonError::into_inner).push(session.to_owned());
    }

    fn catalogue(&self) -> Catalogue {
        self.catalogue.clone()
    }

    fn risk(&self, performer: &Performer) -> Option<Risk> {
        self.catalogue.operation(performer).map(|operation| operation.risk)
    }

    fn effects(&self, performer: &Performer) -> Option<Effects> {
        self.catalogue.operation(performer).map(|operation| operation.effects)
    }

    fn has(&self, performer: &Performer) -> bool {
        self.catalogue.has(performer)
    }
}
