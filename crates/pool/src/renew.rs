//! Other agents than before, while calls are under way.
//!
//! An agent whose settings did not change keeps its connection. One whose settings did, and one that is no longer wanted, is let
//! go of once its calls have ended, so that no step fails because somebody edited a file.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::mpsc;

use crate::agent::{Agent, Wish};
use crate::keeper::keep;
use crate::pool::{BuildError, Mould, Pool, check};
use crate::roster::Roster;
use crate::settings::AgentSettings;

/// What became of the agents, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Renewed {
    /// New ones, kept from now on.
    pub added: Vec<String>,
    /// Those that take their new settings as soon as they have no call.
    pub changed: Vec<String>,
    /// Those that take no calls any more, and end as soon as they have none.
    pub removed: Vec<String>,
}

impl Pool {
    /// Keeps these agents from now on instead of those it has, as far as they differ. To be called after
    /// [`start`](Self::start), by one at a time.
    ///
    /// # Errors
    /// When the agents do not fit together; then those before stay.
    pub fn renew(&self, agents: Vec<AgentSettings>) -> Result<Renewed, BuildError> {
        check(&self.mould.settings, &agents)?;
        let mut before: BTreeMap<_, _> =
            self.roster.agents().into_iter().map(|agent| (agent.settings.name.clone(), agent)).collect();
        let mut renewed = Renewed::default();
        for settings in agents {
            let name = settings.name.clone();
            match before.remove(&name) {
                None => {
                    self.add(settings);
                    renewed.added.push(name);
                }
                Some(agent) if agent.settings != settings => {
                    self.replace(agent, settings);
                    renewed.changed.push(name);
                }
                // What it was to become before is off.
                Some(agent) => agent.succession().next = None,
            }
        }
        for (name, agent) in before {
            self.remove(agent);
            renewed.removed.push(name);
        }
        Ok(renewed)
    }

    fn add(&self, settings: AgentSettings) {
        let leavers = self.roster.leavers(&settings);
        let (agent, wishes) = self.mould.make(settings);
        self.roster.seat(Arc::clone(&agent));
        self.tasks().keepers.spawn(follow(leavers, agent, wishes));
    }

    fn replace(&self, old: Arc<Agent>, settings: AgentSettings) {
        let is_awaited = {
            let mut succession = old.succession();
            succession.next = Some(settings);
            std::mem::replace(&mut succession.awaited, true)
        };
        if !is_awaited {
            self.tasks().keepers.spawn(succeed(self.mould.clone(), Arc::clone(&self.roster), old));
        }
    }

    fn remove(&self, old: Arc<Agent>) {
        old.succession().next = None;
        self.roster.unseat(&old.settings.name);
        self.tasks().keepers.spawn(async move { let_go(&old).await });
    }
}

/// Puts the next agent into the place of one as soon as that has no call, and keeps it.
async fn succeed(mould: Mould, roster: Arc<Roster>, old: Arc<Agent>) {
    tokio::select! {
        () = old.gate.empty() => {}
        () = old.closing.cancelled() => return,
    }
    let next = {
        let mut succession = old.succession();
        succession.awaited = false;
        succession.next.take()
    };
    let Some(settings) = next else { return };
    let leavers = roster.leavers(&settings);
    let (agent, wishes) = mould.make(settings);
    roster.seat(Arc::clone(&agent));
    let_go(&old).await;
    follow(leavers, agent, wishes).await;
}

/// Keeps an agent once those are gone that had its name or its address before: two at one address would take calls from each other.
async fn follow(leavers: Vec<Arc<Agent>>, agent: Arc<Agent>, wishes: mpsc::Receiver<Wish>) {
    for leaver in leavers {
        leaver.gone.cancelled().await;
    }
    want_held(&agent);
    keep(agent, wishes).await;
}

/// Ends an agent that nobody finds any more, after the calls that found it before.
async fn let_go(old: &Agent) {
    tokio::select! {
        () = old.gate.empty() => old.retired.store(true, Ordering::SeqCst),
        () = old.closing.cancelled() => {}
    }
    old.closing.cancel();
    old.gone.cancelled().await;
}

fn want_held(agent: &Agent) {
    if agent.is_held() {
        agent.want();
    }
}
