//! Sessions of clients: who has one, what was counted of it, and when it is over for the agents.
//!
//! A session that is closed is nobody's any more and counts against no limit. Runs that carry it may still be under way: its
//! agents hear that it is over when the last of them is.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use op_run::{Run, RunId, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::ports::Lease;

/// The label under which a run carries the session it was started in.
pub const LABEL: &str = "session";

/// The label of a run that another one runs, which shares the session of that one.
pub(crate) const PARENT: &str = "parent";

/// How many sessions there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    /// In all.
    pub total: usize,
    /// Of one user.
    pub user: usize,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self { total: 4096, user: 1024 }
    }
}

/// Why there is no session. Nothing happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// As many as allowed are open.
    #[error("{0} sessions are open, as many as allowed; open one when another was closed")]
    TooMany(usize),
    /// As many as one user may have are open.
    #[error("{user} has {limit} sessions open, as many as a user may have; close one first")]
    TooManyOfUser {
        /// The user.
        user: String,
        /// How many it may have.
        limit: usize,
    },
    /// There is none of this id, or it is somebody else's.
    #[error("no session `{0}` is open, or it is somebody else's")]
    Unknown(String),
}

/// A session in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRecord {
    /// Its id.
    pub id: String,
    /// Whose it is, in words.
    pub user: String,
    /// What the client says it is.
    pub client: String,
    /// Since when.
    pub since: Timestamp,
    /// Calls that named it.
    pub calls: u64,
    /// Runs that it started.
    pub runs: u64,
    /// Names of the agents that it leases.
    pub agents: Arc<[String]>,
}

/// The session that the calls of a run are made for: the one it was started in, or the run itself.
pub(crate) fn of_run(run: &Run) -> &str {
    label(run).unwrap_or(run.id().as_str())
}

fn label(run: &Run) -> Option<&str> {
    run.origin()?.labels.get(LABEL).map(String::as_str)
}

/// Whether a run was started by another one.
fn is_child(run: &Run) -> bool {
    run.origin().is_some_and(|origin| origin.labels.contains_key(PARENT))
}

/// The sessions by id.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<HashMap<String, Entry>>);

#[derive(Debug)]
struct Entry {
    record: SessionRecord,
    /// Runs that carry it and are not over.
    runs: HashSet<RunId>,
    /// Calls that are made for it and have not ended.
    calls: usize,
    over: CancellationToken,
    /// Gone once it is closed.
    lease: Option<Lease>,
}

/// What is left to do for a session that was closed.
#[derive(Debug)]
pub(crate) struct Closed {
    /// To be let go of outside of every lock.
    pub(crate) lease: Option<Lease>,
    /// Whether the agents are to hear that it is over.
    pub(crate) is_over: bool,
}

impl Sessions {
    /// Keeps a new session; the token is cancelled when it is closed.
    pub(crate) fn open(
        &self,
        record: SessionRecord,
        lease: Lease,
        limits: SessionLimits,
    ) -> Result<CancellationToken, SessionError> {
        let mut table = self.table();
        let open = table.values().filter(|entry| entry.is_open());
        let (mut total, mut own) = (0, 0);
        for entry in open {
            total += 1;
            own += usize::from(entry.record.user == record.user);
        }
        if total >= limits.total {
            return Err(SessionError::TooMany(limits.total));
        }
        if own >= limits.user {
            return Err(SessionError::TooManyOfUser { user: record.user, limit: limits.user });
        }
        let over = CancellationToken::new();
        let entry = Entry { lease: Some(lease), ..Entry::closed(record, over.clone()) };
        table.insert(entry.record.id.clone(), entry);
        Ok(over)
    }

    /// Closes a session; `None` when there is none that is open.
    pub(crate) fn close(&self, id: &str) -> Option<Closed> {
        let mut table = self.table();
        let entry = table.get_mut(id).filter(|entry| entry.is_open())?;
        entry.over.cancel();
        let lease = entry.lease.take();
        let is_over = entry.is_over();
        if is_over {
            table.remove(id);
        }
        Some(Closed { lease, is_over })
    }

    /// Whether this user has this session.
    pub(crate) fn check(&self, id: &str, user: &str) -> Result<(), SessionError> {
        let table = self.table();
        let is_own = |entry: &&Entry| entry.is_open() && entry.record.user == user;
        table.get(id).filter(is_own).map(drop).ok_or_else(|| SessionError::Unknown(id.to_owned()))
    }

    /// A call that this user makes for a session begins. The session is not over for the agents before it ends.
    pub(crate) fn begin_call(&self, id: &str, user: &str) -> Result<(), SessionError> {
        let mut table = self.table();
        let is_own = |entry: &&mut Entry| entry.is_open() && entry.record.user == user;
        let entry = table.get_mut(id).filter(is_own).ok_or_else(|| SessionError::Unknown(id.to_owned()))?;
        entry.record.calls += 1;
        entry.calls += 1;
        Ok(())
    }

    /// A call ended; tells whether the session is over with it.
    pub(crate) fn end_call(&self, id: &str) -> bool {
        let mut table = self.table();
        let Some(entry) = table.get_mut(id) else { return false };
        entry.calls -= 1;
        let is_over = entry.is_over();
        if is_over {
            table.remove(id);
        }
        is_over
    }

    /// A run that carries a session begins, or goes on after its end or a restart. A session that a daemon before this one knew is
    /// kept as one that is closed.
    pub(crate) fn begin_run(&self, run: &Run, is_new: bool) {
        let (Some(id), Some(origin)) = (label(run).filter(|_| !is_child(run)), run.origin()) else { return };
        let mut table = self.table();
        let entry = table.entry(id.to_owned()).or_insert_with(|| {
            let record = SessionRecord {
                id: id.to_owned(),
                user: origin.user.clone(),
                client: String::new(),
                since: origin.at,
                calls: 0,
                runs: 0,
                agents: Arc::default(),
            };
            Entry::closed(record, CancellationToken::new())
        });
        entry.runs.insert(run.id().clone());
        entry.record.runs += u64::from(is_new);
    }

    /// A run is over; tells the session that is over with it, if one is.
    pub(crate) fn end_run<'r>(&self, run: &'r Run) -> Option<&'r str> {
        if is_child(run) {
            return None;
        }
        let Some(id) = label(run) else { return Some(run.id().as_str()) };
        let mut table = self.table();
        let entry = table.get_mut(id)?;
        entry.runs.remove(run.id());
        if !entry.is_over() {
            return None;
        }
        table.remove(id);
        Some(id)
    }

    /// Those that are open, the oldest first.
    pub(crate) fn list(&self) -> Vec<SessionRecord> {
        let table = self.table();
        let mut open: Vec<_> =
            table.values().filter(|entry| entry.is_open()).map(|entry| entry.record.clone()).collect();
        open.sort_by(|one, other| (one.since, &one.id).cmp(&(other.since, &other.id)));
        open
    }

    pub(crate) fn get(&self, id: &str) -> Option<SessionRecord> {
        self.table().get(id).map(|entry| entry.record.clone())
    }

    /// Those that are kept, closed ones with runs under way included.
    pub(crate) fn len(&self) -> usize {
        self.table().len()
    }

    fn table(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn closed(record: SessionRecord, over: CancellationToken) -> Self {
        Self { record, runs: HashSet::new(), calls: 0, over, lease: None }
    }

    /// Whether it is closed, and nothing goes on for it.
    fn is_over(&self) -> bool {
        !self.is_open() && self.runs.is_empty() && self.calls == 0
    }

    fn is_open(&self) -> bool {
        self.lease.is_some()
    }
}
