//! Agents whose links come and go, an authority that says what a test says, and a daemon to reload.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::{BoxStream, iter};
use indexmap::IndexMap;
use op_engine::ports::{
    AgentState, AgentStatus, Agents, Authority, Breaker, Caller, ConnectError, Denied, Lease,
    OperationStatus, ReloadError, Right, Service, Standing,
};
use op_plan::catalogue::{Brief, Operations, Role};
use op_plan::{Catalogue, Effects, Operation, Performer, Risk};
use op_run::Timestamp;
use serde_json::json;
use tokio::sync::{broadcast, watch};

pub(crate) fn operation() -> Operation {
    Operation {
        description: "Reads a file".to_owned(),
        input: json!({ "type": "object" }),
        output: json!({}),
        effects: Effects::Read,
        risk: Risk::Low,
        idempotent: true,
        streaming: false,
        undo: None,
        unavailable: None,
    }
}

pub(crate) fn catalogue() -> Catalogue {
    let tools = BTreeMap::from([("file_read".to_owned(), operation())]);
    let agents = BTreeMap::from([("w".to_owned(), Operations::Open), ("tools".to_owned(), tools.into())]);
    let coder = Role { performer: Performer::new("w", "step"), brief: Brief::default() };
    Catalogue { agents, roles: IndexMap::from([("coder".to_owned(), coder)]), ..Catalogue::default() }
}

fn status(name: &str) -> AgentStatus {
    let counted = OperationStatus {
        operation: operation().into(),
        calls: 2,
        failures: 1,
        total: Duration::from_millis(1500),
    };
    AgentStatus {
        name: name.to_owned(),
        state: AgentState::Ready,
        reason: String::new(),
        endpoint: format!("unix:/run/{name}.sock"),
        run_on_connection: true,
        operations: BTreeMap::from([("file_read".to_owned(), counted)]),
        version: "0.1".to_owned(),
        active: 1,
        queued: 2,
        restarts: 3,
        calls: 4,
        faults: 5,
        latency: Some(Duration::from_micros(250)),
        since: Timestamp::from_millis(1_500),
        pid: Some(42),
        breaker: Breaker::Closed,
    }
}

/// Agents that connect and disconnect.
pub(crate) struct LiveAgents {
    agents: Mutex<BTreeMap<String, AgentStatus>>,
    changes: broadcast::Sender<AgentStatus>,
}

impl LiveAgents {
    pub(crate) fn new() -> Self {
        let agents = ["tools", "w"].map(|name| (name.to_owned(), status(name)));
        Self { agents: Mutex::new(BTreeMap::from(agents)), changes: broadcast::Sender::new(64) }
    }

    fn agents(&self) -> MutexGuard<'_, BTreeMap<String, AgentStatus>> {
        self.agents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes an agent, as the pool does by itself.
    pub(crate) fn change(&self, name: &str, change: impl FnOnce(&mut AgentStatus)) -> AgentStatus {
        let mut agents = self.agents();
        let status = agents.get_mut(name).expect("known");
        change(status);
        // Nobody has to watch.
        let _ = self.changes.send(status.clone());
        status.clone()
    }

    /// One more agent, of which nobody is told.
    pub(crate) fn add(&self, name: &str) {
        self.agents().insert(name.to_owned(), status(name));
    }

    /// One agent less, of which nobody is told.
    pub(crate) fn remove(&self, name: &str) {
        self.agents().remove(name).expect("known");
    }

    fn turn(&self, name: &str, state: AgentState) -> Result<AgentStatus, ConnectError> {
        if !self.agents().contains_key(name) {
            return Err(ConnectError::Unknown(name.to_owned()));
        }
        Ok(self.change(name, |status| {
            if state == AgentState::Ready && status.state != AgentState::Ready {
                status.restarts += 1;
            }
            status.state = state;
        }))
    }
}

#[async_trait]
impl Agents for LiveAgents {
    fn list(&self) -> Vec<AgentStatus> {
        self.agents().values().cloned().collect()
    }

    fn watch(&self) -> BoxStream<'static, AgentStatus> {
        let changes = following(self.changes.subscribe());
        iter(self.list()).chain(changes).boxed()
    }

    async fn connect(&self, name: &str) -> Result<AgentStatus, ConnectError> {
        self.turn(name, AgentState::Ready)
    }

    async fn disconnect(&self, name: &str) -> Result<AgentStatus, ConnectError> {
        self.turn(name, AgentState::Idle)
    }

    fn lease(&self) -> Lease {
        Lease::new(Vec::new(), || {})
    }

    fn session_over(&self, _session: &str) {}

    fn catalogue(&self) -> Catalogue {
        catalogue()
    }

    fn risk(&self, performer: &Performer) -> Option<Risk> {
        catalogue().operation(performer).map(|operation| operation.risk)
    }

    fn effects(&self, performer: &Performer) -> Option<Effects> {
        catalogue().operation(performer).map(|operation| operation.effects)
    }

    fn has(&self, performer: &Performer) -> bool {
        catalogue().has(performer)
    }
}

fn following(changes: broadcast::Receiver<AgentStatus>) -> BoxStream<'static, AgentStatus> {
    futures::stream::unfold(changes, |mut changes| async { Some((changes.recv().await.ok()?, changes)) })
        .boxed()
}

/// What an authority says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Yes,
    No,
    /// Only after a person has authenticated; a caller that allows that is asked, and the person does.
    Challenge,
    /// It is not there.
    Absent,
}

/// What an authority was asked: the right, the user, and what it was told.
pub(crate) type Question = (Right, Option<u32>, Vec<(String, String)>);

/// Says what a test says, and remembers what it was asked.
pub(crate) struct SaidAuthority {
    verdict: Mutex<Verdict>,
    asked: Mutex<Vec<Question>>,
}

impl SaidAuthority {
    pub(crate) fn new() -> Self {
        Self { verdict: Mutex::new(Verdict::Yes), asked: Mutex::default() }
    }

    pub(crate) fn say(&self, verdict: Verdict) {
        *self.verdict.lock().unwrap_or_else(PoisonError::into_inner) = verdict;
    }

    pub(crate) fn asked(&self) -> Vec<Question> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Authority for SaidAuthority {
    async fn allows(
        &self,
        caller: &Caller,
        right: Right,
        about: &[(&str, &str)],
        interactive: bool,
    ) -> Result<(), Denied> {
        let about = about.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push((right, caller.user, about));
        let verdict = *self.verdict.lock().unwrap_or_else(PoisonError::into_inner);
        match verdict {
            Verdict::Yes => Ok(()),
            Verdict::Challenge if interactive => Ok(()),
            Verdict::No => Err(Denied::Refused { caller: caller.name(), right }),
            Verdict::Challenge => Err(Denied::Unproven { caller: caller.name(), right }),
            Verdict::Absent => {
                let reason = "polkit is not there".to_owned();
                Err(Denied::Silent { caller: caller.name(), right, reason })
            }
        }
    }
}

/// A daemon whose configuration is good or bad.
pub(crate) struct SaidService {
    standing: watch::Sender<Standing>,
    level: Mutex<String>,
    /// What is wrong with the configuration the next time it is read.
    pub(crate) wrong: Mutex<Vec<String>>,
}

impl SaidService {
    pub(crate) fn new() -> Arc<Self> {
        let standing = Standing { generation: 1, errors: Vec::new() };
        Arc::new(Self {
            standing: watch::Sender::new(standing),
            level: Mutex::new("info".to_owned()),
            wrong: Mutex::default(),
        })
    }
}

#[async_trait]
impl Service for SaidService {
    async fn reload(&self) -> Result<u64, ReloadError> {
        let errors = self.wrong.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.standing.send_modify(|standing| {
            standing.generation += u64::from(errors.is_empty());
            standing.errors.clone_from(&errors);
        });
        if errors.is_empty() {
            Ok(self.standing.borrow().generation)
        } else {
            Err(ReloadError::Invalid { errors })
        }
    }

    fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    fn log_level(&self) -> String {
        self.level.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_log_level(&self, level: &str) -> Result<(), String> {
        if !["error", "warn", "info", "debug", "trace"].contains(&level) {
            return Err(format!("there is no level `{level}`"));
        }
        level.clone_into(&mut self.level.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(())
    }
}
