//! Agents that are always the same.

use async_trait::async_trait;
use futures::stream::{BoxStream, StreamExt as _, iter};
use op_plan::{Catalogue, Performer};

use crate::ports::{AgentStatus, Agents, ConnectError};

/// A catalogue, and agents that never change.
#[derive(Debug, Clone, Default)]
pub struct FixedAgents {
    /// What plans can name.
    pub catalogue: Catalogue,
    /// The agents.
    pub agents: Vec<AgentStatus>,
}

impl FixedAgents {
    /// Agents of which nothing is known but the catalogue.
    pub fn of(catalogue: Catalogue) -> Self {
        Self { catalogue, agents: Vec::new() }
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

    fn catalogue(&self) -> Catalogue {
        self.catalogue.clone()
    }

    fn has(&self, performer: &Performer) -> bool {
        self.catalogue.has(performer)
    }
}
