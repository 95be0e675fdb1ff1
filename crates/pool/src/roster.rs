//! The agents of a pool by name, and word of changes among them.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use futures::StreamExt;
use futures::stream::{BoxStream, select_all};
use op_engine::ports::AgentStatus;
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;

use crate::agent::Agent;

/// The agents by name.
#[derive(Default)]
pub(crate) struct Roster {
    agents: RwLock<BTreeMap<String, Arc<Agent>>>,
    /// Counted up when an agent comes, goes, or is another one than before.
    round: watch::Sender<u64>,
}

impl Roster {
    pub(crate) fn agent(&self, name: &str) -> Option<Arc<Agent>> {
        self.read().get(name).cloned()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.read().keys().cloned().collect()
    }

    /// All of them, in order of their names.
    pub(crate) fn agents(&self) -> Vec<Arc<Agent>> {
        self.read().values().cloned().collect()
    }

    /// Puts an agent in its place, or in that of the one of the same name.
    pub(crate) fn seat(&self, agent: Arc<Agent>) {
        let name = agent.settings.name.clone();
        self.agents.write().unwrap_or_else(PoisonError::into_inner).insert(name, agent);
        self.round.send_modify(|round| *round += 1);
    }

    /// Nobody finds the agent any more.
    pub(crate) fn unseat(&self, name: &str) {
        self.agents.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        self.round.send_modify(|round| *round += 1);
    }

    /// Every agent once, then each change; every agent again when they are others than before.
    pub(crate) fn watch(self: &Arc<Self>) -> BoxStream<'static, AgentStatus> {
        let roster = Arc::clone(self);
        let rounds = WatchStream::new(self.round.subscribe());
        let rounds = rounds.flat_map(move |_| {
            // Looked at before the agents are, so that no change falls between.
            let mut round = roster.round.subscribe();
            let changes = roster.agents().into_iter().map(changes).collect::<Vec<_>>();
            // Without agents it waits for the first.
            let changes = select_all(changes).chain(futures::stream::pending());
            changes.take_until(async move { round.changed().await })
        });
        rounds.boxed()
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<String, Arc<Agent>>> {
        self.agents.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn changes(agent: Arc<Agent>) -> BoxStream<'static, AgentStatus> {
    WatchStream::new(agent.standing.subscribe()).map(move |_| agent.status()).boxed()
}
