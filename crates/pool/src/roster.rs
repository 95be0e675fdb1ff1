//! The agents of a pool by name, and word of changes among them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use futures::StreamExt;
use futures::stream::{BoxStream, select_all};
use op_engine::ports::AgentStatus;
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;

use crate::agent::Agent;
use crate::settings::AgentSettings;

/// The agents by name.
#[derive(Default)]
pub(crate) struct Roster {
    agents: RwLock<BTreeMap<String, Arc<Agent>>>,
    /// Those that lost their place and may still have calls, a connection or a process.
    leavers: Mutex<Vec<Arc<Agent>>>,
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
        let before = self.agents.write().unwrap_or_else(PoisonError::into_inner).insert(name, agent);
        self.left(before);
    }

    /// Nobody finds the agent any more.
    pub(crate) fn unseat(&self, name: &str) {
        let before = self.agents.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        self.left(before);
    }

    fn left(&self, before: Option<Arc<Agent>>) {
        self.leavers.lock().unwrap_or_else(PoisonError::into_inner).extend(before);
        self.round.send_modify(|round| *round += 1);
    }

    /// Those on their way out whose process or address an agent of these settings would have too. It is kept only when each of them
    /// is gone.
    pub(crate) fn leavers(&self, settings: &AgentSettings) -> Vec<Arc<Agent>> {
        let mut leavers = self.leavers.lock().unwrap_or_else(PoisonError::into_inner);
        leavers.retain(|agent| !agent.gone.is_cancelled());
        let is_before = |agent: &&Arc<Agent>| {
            agent.settings.name == settings.name || agent.settings.address == settings.address
        };
        leavers.iter().filter(is_before).cloned().collect()
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
