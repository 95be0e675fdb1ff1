//! Sessions: opening, closing, and what is told of them.

use std::collections::HashMap;

use futures::stream::{BoxStream, StreamExt as _};
use op_run::{Run, Timestamp};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::Engine;
use crate::ports::{AgentState, AgentStatus, Breaker};
use crate::session::{SessionError, SessionRecord};
use crate::start::new_id;

/// A session as long as its client holds it; dropping it closes it.
pub struct Session {
    engine: Engine,
    id: String,
    over: CancellationToken,
}

/// What is told of a session.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionStatus {
    /// The session in one line.
    pub record: SessionRecord,
    /// The agents that it leases, as they stand, in order of their names.
    pub agents: Vec<AgentStatus>,
}

impl Session {
    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The session and its agents as they stand, and then each of them that changes. `None` when it was closed meanwhile.
    pub fn attend(&self) -> Option<(SessionStatus, BoxStream<'static, AgentStatus>)> {
        let record = self.engine.hall.sessions.get(&self.id)?;
        let changes = self.engine.agents().watch();
        let status = self.engine.standing(record);
        let mut told: HashMap<_, _> =
            status.agents.iter().map(|agent| (agent.name.clone(), Stand::of(agent))).collect();
        let changes = changes.filter(move |agent| {
            let now = Stand::of(agent);
            let is_news = told.get_mut(&agent.name).is_some_and(|told| {
                *told != now && {
                    *told = now;
                    true
                }
            });
            std::future::ready(is_news)
        });
        Some((status, changes.boxed()))
    }

    /// Resolves when somebody closes it.
    pub fn closed(&self) -> WaitForCancellationFutureOwned {
        self.over.clone().cancelled_owned()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.engine.end_session(&self.id);
    }
}

/// What of an agent is told anew when it changes. Counters and round trips change all the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stand {
    state: AgentState,
    since: Timestamp,
    pid: Option<u32>,
    restarts: u32,
    breaker: Breaker,
}

impl Stand {
    fn of(agent: &AgentStatus) -> Self {
        let AgentStatus { state, since, pid, restarts, breaker, .. } = *agent;
        Self { state, since, pid, restarts, breaker }
    }
}

impl Engine {
    /// Opens a session for a user: connects what is missing of the agents that run on connection, side by side, and leases them.
    /// Does not wait for them.
    ///
    /// # Errors
    /// When as many sessions as allowed are open.
    pub fn open_session(&self, user: &str, client: &str) -> Result<Session, SessionError> {
        let lease = self.agents().lease();
        let record = SessionRecord {
            id: new_id().to_string(),
            user: user.to_owned(),
            client: client.to_owned(),
            since: self.hall.ports.clock.now(),
            calls: 0,
            runs: 0,
            agents: lease.agents(),
        };
        let id = record.id.clone();
        let over = self.hall.sessions.open(record, lease, self.hall.limits.sessions)?;
        tracing::info!(session = id, user, client, "opened");
        Ok(Session { engine: self.clone(), id, over })
    }

    /// Closes a session of a user, or whoever's it is where no user is named. Runs that it started go on.
    ///
    /// # Errors
    /// When there is none.
    pub fn close_session(&self, session: &str, user: Option<&str>) -> Result<(), SessionError> {
        if let Some(user) = user {
            self.hall.sessions.check(session, user)?;
        }
        if self.end_session(session) { Ok(()) } else { Err(SessionError::Unknown(session.to_owned())) }
    }

    /// The sessions that are open, the oldest first.
    pub fn sessions(&self) -> Vec<SessionStatus> {
        self.hall.sessions.list().into_iter().map(|record| self.standing(record)).collect()
    }

    /// Sessions that are kept in memory, those included that were closed and have runs under way, and how many sessions and users
    /// calls are counted of.
    pub fn kept_sessions(&self) -> (usize, usize) {
        (self.hall.sessions.len(), self.hall.rates.len())
    }

    /// Whether there was one to close.
    fn end_session(&self, session: &str) -> bool {
        let Some(closed) = self.hall.sessions.close(session) else { return false };
        self.hall.rates.forget(session);
        if closed.is_over {
            self.agents().session_over(session);
        }
        // Last: who nobody leases any more may be hung up on.
        drop(closed.lease);
        tracing::info!(session, "closed");
        true
    }

    /// A run that carries a session begins, or goes on after its end.
    pub(crate) fn join_session(&self, run: &Run, is_new: bool) {
        self.hall.sessions.begin_run(run, is_new);
    }

    /// A run is over: what agents kept for it alone, or for a session that is closed, can go.
    pub(crate) fn leave_session(&self, run: &Run) {
        if let Some(session) = self.hall.sessions.end_run(run) {
            self.agents().session_over(session);
        }
    }

    /// A call of this user for this session begins; where it is for none, nothing is held.
    ///
    /// # Errors
    /// When the session is not one of this user.
    pub(super) fn hold_session(&self, session: &str, user: &str) -> Result<Option<Held>, SessionError> {
        if session.is_empty() {
            return Ok(None);
        }
        self.hall.sessions.begin_call(session, user)?;
        Ok(Some(Held { engine: self.clone(), session: session.to_owned() }))
    }

    fn standing(&self, record: SessionRecord) -> SessionStatus {
        let is_leased = |agent: &AgentStatus| record.agents.contains(&agent.name);
        let agents = self.agents().list().into_iter().filter(is_leased).collect();
        SessionStatus { record, agents }
    }
}

/// A session that is not over before a call has ended.
pub(super) struct Held {
    engine: Engine,
    session: String,
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.engine.hall.sessions.end_call(&self.session) {
            self.engine.agents().session_over(&self.session);
        }
    }
}
