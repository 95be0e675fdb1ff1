//! What doors call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use futures::FutureExt as _;
use op_plan::{Catalogue, Plan};
use op_run::{Run, RunId};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::audit::Audit;
use crate::conductor::{Conductor, INBOX, Left, Message, World};
use crate::feed::Feed;
use crate::names::Plans;
use crate::ports::{Agents, Clock, Journal, Perform};

pub mod call;
pub mod control;
pub mod query;
pub mod tail;

/// What an engine is bounded by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Runs under way at the same time.
    pub runs: usize,
    /// Bytes of output kept of each attempt.
    pub output: usize,
    /// Time that calls in flight get when the daemon goes down.
    pub drain: Duration,
    /// How long a call by a client may take that does not say.
    pub call: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { runs: 10_000, output: 1 << 20, drain: Duration::from_secs(10), call: Duration::from_secs(30) }
    }
}

/// The adapters that an engine works with.
#[derive(Clone)]
pub struct Ports {
    /// Keeps events.
    pub journal: Arc<dyn Journal>,
    /// Performs calls, guards included.
    pub perform: Arc<dyn Perform>,
    /// Knows the agents.
    pub agents: Arc<dyn Agents>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

/// Starts, steers and tells of runs. Clones are handles to the same engine.
#[derive(Clone)]
pub struct Engine {
    hall: Arc<Hall>,
}

struct Hall {
    ports: Ports,
    limits: Limits,
    plans: RwLock<Arc<Plans>>,
    live: Mutex<HashMap<RunId, Live>>,
    audit: Audit,
    tasks: TaskTracker,
    shutdown: CancellationToken,
    /// Why the daemon cannot go on; the first cause stays.
    fatal: watch::Sender<Option<String>>,
}

/// A run that a conductor has.
#[derive(Clone)]
struct Live {
    inbox: mpsc::Sender<Message>,
    feed: Arc<Feed>,
}

/// A run that is known and has no conductor yet.
pub(crate) struct Entered {
    run: RunId,
    pub(crate) feed: Arc<Feed>,
    messages: mpsc::Receiver<Message>,
}

impl Engine {
    /// An engine without runs.
    pub fn new(ports: Ports, plans: Plans, limits: Limits) -> Self {
        let hall = Hall {
            ports,
            limits,
            plans: RwLock::new(Arc::new(plans)),
            live: Mutex::new(HashMap::new()),
            audit: Audit::new(),
            tasks: TaskTracker::new(),
            shutdown: CancellationToken::new(),
            fatal: watch::Sender::new(None),
        };
        Self { hall: Arc::new(hall) }
    }

    /// The plans that can be run.
    pub fn plans(&self) -> Arc<Plans> {
        Arc::clone(&self.hall.plans.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the plans. Runs under way keep theirs.
    pub fn set_plans(&self, plans: Plans) {
        *self.hall.plans.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(plans);
    }

    /// What plans can name.
    pub fn catalogue(&self) -> Catalogue {
        self.hall.ports.agents.catalogue()
    }

    /// The agents.
    pub fn agents(&self) -> &dyn Agents {
        &*self.hall.ports.agents
    }

    /// Number of runs under way.
    pub fn live_runs(&self) -> usize {
        self.live().len()
    }

    /// Resolves with the cause when the engine cannot go on: a task of it broke off, or the journal takes nothing any more.
    pub async fn failed(&self) -> String {
        let mut fatal = self.hall.fatal.subscribe();
        let cause = fatal.wait_for(Option::is_some).await.expect("the engine holds the sender").clone();
        cause.expect("waited for")
    }

    /// Starts no runs any more, lets calls in flight end for as long as the limits say, and puts every run to sleep. When it
    /// returns, no task of the engine is left. Runs go on at the next start.
    pub async fn shutdown(&self) {
        self.hall.shutdown.cancel();
        self.hall.tasks.close();
        self.hall.tasks.wait().await;
    }

    pub(crate) fn journal(&self) -> &Arc<dyn Journal> {
        &self.hall.ports.journal
    }

    fn live(&self) -> std::sync::MutexGuard<'_, HashMap<RunId, Live>> {
        self.hall.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find_live(&self, run: &RunId) -> Option<Live> {
        self.live().get(run).cloned()
    }

    fn world(&self) -> World {
        World {
            journal: Arc::clone(&self.hall.ports.journal),
            perform: Arc::clone(&self.hall.ports.perform),
            clock: Arc::clone(&self.hall.ports.clock),
            audit: self.hall.audit.clone(),
            shutdown: self.hall.shutdown.clone(),
            drain: self.hall.limits.drain,
            output_limit: self.hall.limits.output,
        }
    }

    /// Makes a run known. A new one is before its start is on disk, so that whoever finds it in the journal finds it here
    /// too. `None` when it is known already, or as many runs as `limit` are.
    pub(crate) fn enter(&self, run: &Run, limit: usize) -> Option<Entered> {
        let mut live = self.live();
        if live.contains_key(run.id()) || live.len() >= limit {
            return None;
        }
        let (inbox, messages) = mpsc::channel(INBOX);
        let feed = Arc::new(Feed::new(run.clone()));
        live.insert(run.id().clone(), Live { inbox, feed: Arc::clone(&feed) });
        Some(Entered { run: run.id().clone(), feed, messages })
    }

    /// Forgets a run.
    pub(crate) fn leave(&self, run: &RunId) {
        self.live().remove(run);
    }

    /// Gives a run, all of whose events are on disk, to a conductor.
    pub(crate) fn conduct(&self, entered: Entered, is_recovered: bool) {
        let Entered { run: id, feed, messages } = entered;
        let conductor = Conductor::new(self.world(), feed, messages, is_recovered);
        let engine = self.clone();
        self.hall.tasks.spawn(async move {
            let left = std::panic::AssertUnwindSafe(conductor.conduct()).catch_unwind().await;
            engine.leave(&id);
            match left {
                Ok(Left::Over | Left::Asleep) => {}
                Ok(Left::Broken(error)) => engine.fail(format!("run {id} cannot go on: {error}")),
                Err(_) => engine.fail(format!("the task of run {id} broke off")),
            }
        });
    }

    fn fail(&self, cause: String) {
        tracing::error!(cause, "the engine cannot go on");
        self.hall.fatal.send_if_modified(|fatal| {
            let is_first = fatal.is_none();
            fatal.get_or_insert(cause);
            is_first
        });
    }

    /// The plan of this id, or of `workstack_ID`.
    ///
    /// # Errors
    /// When there is none; the error tells the nearest one.
    pub fn find_plan(&self, name: &str) -> Result<Arc<Plan>, crate::names::NameError> {
        crate::names::plan(name, &self.plans())
    }
}
