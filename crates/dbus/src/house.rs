//! What objects on the bus stand on: the engine, the rule of who may do what, and the way to the herald.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use op_engine::ports::Service;
use op_engine::{Engine, Warden};
use op_run::{Run, RunId};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::calls::CallView;
use crate::guests::Guests;
use crate::view::{Board, lock};

/// How fast things go that a test does not want to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Time between two looks at whether the bus still answers.
    pub check: Duration,
    /// How long a run stays on the bus after its end.
    pub keep_runs: Duration,
    /// How long a call stays on the bus after its end.
    pub keep_calls: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            check: Duration::from_secs(10),
            keep_runs: Duration::from_mins(10),
            keep_calls: Duration::from_mins(1),
        }
    }
}

/// Something that stands on the bus.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Subject {
    /// The daemon itself.
    Daemon,
    /// An agent.
    Agent(String),
    /// A plan.
    Plan(String),
    /// A run.
    Run(RunId),
    /// A call.
    Call(u64),
}

/// What somebody knows before the herald does.
#[derive(Debug)]
pub(crate) enum News {
    /// The daemon changed.
    Daemon,
    /// An agent changed, or somebody asks for it.
    Agent(String),
    /// A run is so now.
    Run(Arc<Run>),
    /// Somebody asks for a plan.
    Plan(String),
    /// A call begins.
    Call(Arc<CallView>),
}

/// What the herald hears.
#[derive(Debug)]
pub(crate) enum Word {
    /// Tell the news; then the sender hears of it.
    Settle(News, oneshot::Sender<()>),
    /// Something may be told of it that could not before.
    Look(Subject),
    /// Nobody is starting a run any more.
    Started,
    /// A call ended; whether its caller is gone.
    Ended(u64, bool),
}

/// What objects on the bus stand on, on whatever connection.
pub(crate) struct House {
    pub(crate) engine: Engine,
    pub(crate) warden: Warden,
    pub(crate) service: Arc<dyn Service>,
    pub(crate) endpoints: Vec<String>,
    pub(crate) pace: Pace,
    /// When the door was opened, in microseconds since 1970.
    pub(crate) began: u64,
    pub(crate) board: Board,
    /// Signals that were coalesced away.
    pub(crate) suppressed: AtomicU64,
    pub(crate) tasks: TaskTracker,
    pub(crate) shutdown: CancellationToken,
    words: mpsc::UnboundedSender<Word>,
    holds: Mutex<Holds>,
    starting: AtomicUsize,
    numbers: AtomicU64,
}

/// What is held back, on the connection that holds.
#[derive(Debug, Default)]
struct Holds {
    /// Which connection it is.
    connection: u64,
    counts: HashMap<Subject, usize>,
}

/// What objects on one connection stand on.
pub(crate) struct Lobby {
    pub(crate) house: Arc<House>,
    pub(crate) guests: Guests,
}

impl House {
    pub(crate) fn new(
        engine: Engine,
        warden: Warden,
        service: Arc<dyn Service>,
        endpoints: Vec<String>,
        shutdown: CancellationToken,
        pace: Pace,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Word>) {
        let (words, heard) = mpsc::unbounded_channel();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let house = Self {
            engine,
            warden,
            service,
            endpoints,
            pace,
            began: u64::try_from(now.as_micros()).unwrap_or(u64::MAX),
            board: Board::default(),
            suppressed: AtomicU64::new(0),
            tasks: TaskTracker::new(),
            shutdown,
            words,
            holds: Mutex::default(),
            starting: AtomicUsize::new(0),
            numbers: AtomicU64::new(0),
        };
        (Arc::new(house), heard)
    }

    /// Returns once the properties of what the news is about are told, or there is nobody to tell them to.
    pub(crate) async fn settle(&self, news: News) {
        let (told, heard) = oneshot::channel();
        self.say(Word::Settle(news, told));
        // Dropped unanswered when the connection is over; then nobody waits for the answer either.
        let _ = heard.await;
    }

    pub(crate) fn say(&self, word: Word) {
        // The herald is gone only when the door is.
        let _ = self.words.send(word);
    }

    /// Until this is dropped, no signal but `PropertiesChanged` goes out for it.
    pub(crate) fn hold(self: &Arc<Self>, subject: Subject) -> Hold {
        let mut holds = lock(&self.holds);
        *holds.counts.entry(subject.clone()).or_default() += 1;
        Hold { house: Arc::clone(self), connection: holds.connection, subject }
    }

    pub(crate) fn is_held(&self, subject: &Subject) -> bool {
        lock(&self.holds).counts.contains_key(subject)
    }

    /// Lets go of everything that is held: the connection is over, and a reply that is stuck on it holds nothing back elsewhere.
    pub(crate) fn release(&self) {
        let mut holds = lock(&self.holds);
        holds.connection += 1;
        holds.counts.clear();
    }

    /// Until this is dropped, runs that nobody claims yet are not announced: one of them may be that of a caller who must have
    /// its answer first.
    pub(crate) fn starting(self: &Arc<Self>) -> Starting {
        self.starting.fetch_add(1, Ordering::AcqRel);
        Starting(Arc::clone(self))
    }

    pub(crate) fn is_starting(&self) -> bool {
        self.starting.load(Ordering::Acquire) > 0
    }

    /// A number for a call; none is used twice.
    pub(crate) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn suppress(&self, signals: u64) {
        self.suppressed.fetch_add(signals, Ordering::Relaxed);
    }
}

/// Keeps signals for something back.
pub(crate) struct Hold {
    house: Arc<House>,
    connection: u64,
    subject: Subject,
}

impl std::fmt::Debug for Hold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Hold").field(&self.subject).finish()
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut holds = lock(&self.house.holds);
        if holds.connection != self.connection {
            return;
        }
        if let Some(count) = holds.counts.get_mut(&self.subject) {
            *count -= 1;
            if *count == 0 {
                holds.counts.remove(&self.subject);
            }
        }
        drop(holds);
        self.house.say(Word::Look(self.subject.clone()));
    }
}

/// Keeps runs that nobody claims back.
pub(crate) struct Starting(Arc<House>);

impl Drop for Starting {
    fn drop(&mut self) {
        if self.0.starting.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.say(Word::Started);
        }
    }
}
