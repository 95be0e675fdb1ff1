//! What doors call.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use futures::FutureExt as _;
use op_plan::{Catalogue, Plan};
use op_run::{Run, RunId, Timestamp};
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::audit::Audit;
use crate::beat::Beat;
use crate::conductor::{Conductor, INBOX, Left, Message, World};
use crate::feed::Feed;
use crate::guard::rate::{RateLimits, Rates};
use crate::idle::Idle;
use crate::library::Library;
use crate::places::Places;
use crate::ports::{Agents, Clock, Journal, Perform, Results};
use crate::session::{SessionLimits, Sessions};

pub mod apply;
pub mod batch;
pub mod call;
pub mod control;
pub(crate) mod noted;
mod place;
pub mod preview;
pub mod query;
pub mod schedule;
pub mod session;
pub mod skill;
pub mod start;
pub mod suggest;
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
    /// Sessions that are open.
    pub sessions: SessionLimits,
    /// Calls of clients.
    pub rate: RateLimits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            runs: 10_000,
            output: 1 << 20,
            drain: Duration::from_secs(10),
            call: Duration::from_secs(30),
            sessions: SessionLimits::default(),
            rate: RateLimits::default(),
        }
    }
}

/// The adapters that an engine works with.
#[derive(Clone)]
pub struct Ports {
    /// Keeps events.
    pub journal: Arc<dyn Journal>,
    /// Performs calls, guards included.
    pub perform: Arc<dyn Perform>,
    /// Keeps what calls returned.
    pub results: Arc<dyn Results>,
    /// Knows the agents.
    pub agents: Arc<dyn Agents>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

/// Starts, steers and tells of runs. Clones are handles to the same engine.
#[derive(Clone)]
pub struct Engine {
    pub(crate) hall: Arc<Hall>,
}

pub(crate) struct Hall {
    pub(crate) ports: Ports,
    limits: Limits,
    library: RwLock<Arc<Library>>,
    /// When it was made.
    began: Timestamp,
    /// Tells of a new library.
    renewed: Notify,
    /// Whether new runs are refused until somebody says otherwise.
    draining: AtomicBool,
    places: Places,
    pub(crate) sessions: Sessions,
    pub(crate) rates: Arc<Rates>,
    /// Who holds it is the only one to change how far schedules are.
    schedules: tokio::sync::Mutex<()>,
    pub(crate) idle: Idle,
    live: Mutex<HashMap<RunId, Live>>,
    audit: Audit,
    pub(crate) tasks: TaskTracker,
    pub(crate) shutdown: CancellationToken,
    /// Why the daemon cannot go on; the first cause stays.
    fatal: watch::Sender<Option<String>>,
}

/// A run that a conductor has.
#[derive(Clone)]
pub(crate) struct Live {
    pub(crate) inbox: mpsc::Sender<Message>,
    pub(crate) feed: Arc<Feed>,
    beat: Arc<Beat>,
}

/// A run that is known and has no conductor yet.
pub(crate) struct Entered {
    run: RunId,
    pub(crate) feed: Arc<Feed>,
    messages: mpsc::Receiver<Message>,
    beat: Arc<Beat>,
}

impl Engine {
    /// An engine without runs.
    pub fn new(ports: Ports, library: impl Into<Library>, limits: Limits) -> Self {
        let began = ports.clock.now();
        let hall = Hall {
            began,
            ports,
            limits,
            library: RwLock::new(Arc::new(library.into())),
            renewed: Notify::new(),
            draining: AtomicBool::new(false),
            places: Places::default(),
            sessions: Sessions::default(),
            rates: Arc::new(Rates::new(limits.rate)),
            schedules: tokio::sync::Mutex::default(),
            idle: Idle::default(),
            live: Mutex::new(HashMap::new()),
            audit: Audit::new(),
            tasks: TaskTracker::new(),
            shutdown: CancellationToken::new(),
            fatal: watch::Sender::new(None),
        };
        Self { hall: Arc::new(hall) }
    }

    /// What can be run.
    pub fn library(&self) -> Arc<Library> {
        Arc::clone(&self.hall.library.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces what can be run. Runs under way keep their plans.
    pub fn set_library(&self, library: impl Into<Library>) {
        *self.hall.library.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(library.into());
        self.hall.renewed.notify_waiters();
    }

    /// Refuses new runs from now on, or takes them again. Runs under way go on, child plans of theirs included.
    pub fn set_draining(&self, draining: bool) {
        self.hall.draining.store(draining, Ordering::Relaxed);
    }

    /// Whether new runs are refused.
    pub fn is_draining(&self) -> bool {
        self.hall.draining.load(Ordering::Relaxed)
    }

    /// What plans can name.
    pub fn catalogue(&self) -> Catalogue {
        let mut catalogue = self.hall.ports.agents.catalogue();
        let library = self.library();
        catalogue.roles.extend(library.roles.clone());
        catalogue.skills = Arc::clone(&library.skills);
        catalogue
    }

    /// The agents.
    pub fn agents(&self) -> &dyn Agents {
        &*self.hall.ports.agents
    }

    /// Number of runs under way, those that only wait included.
    pub fn live_runs(&self) -> usize {
        self.live().len() + self.hall.idle.len()
    }

    /// A run whose conductor has been dealing with one thing for longer than this: it hangs, or the journal does. Runs that wait,
    /// also for room on the disk, are none.
    pub fn stalled(&self, longest: Duration) -> Option<RunId> {
        let now = self.hall.ports.clock.now();
        self.live().iter().find(|(_, live)| live.beat.busy(now) > longest).map(|(run, _)| run.clone())
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
        self.hall.idle.clear();
    }

    pub(crate) fn journal(&self) -> &Arc<dyn Journal> {
        &self.hall.ports.journal
    }

    pub(crate) fn live(&self) -> std::sync::MutexGuard<'_, HashMap<RunId, Live>> {
        self.hall.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn find_live(&self, run: &RunId) -> Option<Live> {
        self.live().get(run).cloned()
    }

    fn world(&self) -> World {
        World {
            journal: Arc::clone(&self.hall.ports.journal),
            perform: Arc::clone(&self.hall.ports.perform),
            results: Arc::clone(&self.hall.ports.results),
            engine: self.clone(),
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
        let (feed, beat) = (Arc::new(Feed::new(run.clone())), Arc::new(Beat::default()));
        live.insert(run.id().clone(), Live { inbox, feed: Arc::clone(&feed), beat: Arc::clone(&beat) });
        Some(Entered { run: run.id().clone(), feed, messages, beat })
    }

    /// The way into a run that has a conductor.
    pub(crate) fn inbox(&self, run: &RunId) -> Option<mpsc::Sender<Message>> {
        self.live().get(run).map(|live| live.inbox.clone())
    }

    /// Forgets a run.
    pub(crate) fn leave(&self, run: &RunId) {
        self.live().remove(run);
    }

    /// Gives a run, all of whose events are on disk, to a conductor.
    pub(crate) fn conduct(&self, entered: Entered, is_recovered: bool) {
        let Entered { run: id, feed, messages, beat } = entered;
        let conductor = Conductor::new(self.world(), feed, messages, beat, is_recovered);
        let engine = self.clone();
        self.hall.tasks.spawn(async move {
            let left = std::panic::AssertUnwindSafe(conductor.conduct()).catch_unwind().await;
            match left {
                // It has left already, while it could still hear.
                Ok(Left::Over | Left::Idle) => {}
                Ok(Left::Asleep) => engine.leave(&id),
                Ok(Left::Broken(error)) => {
                    engine.leave(&id);
                    engine.fail(format!("run {id} cannot go on: {error}"));
                }
                Err(_) => {
                    engine.leave(&id);
                    engine.fail(format!("the task of run {id} broke off"));
                }
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

    /// The plan of this id, or of `SHAPE_ID`.
    ///
    /// # Errors
    /// When there is none; the error tells the nearest one.
    pub fn find_plan(&self, name: &str) -> Result<Arc<Plan>, crate::names::NameError> {
        crate::names::plan(name, &self.library().plans)
    }
}
