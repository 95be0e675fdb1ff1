//! The herald: the one task that tells the bus what happens.
//!
//! Events of all runs, changes of agents and what handlers of calls know already come in; objects and signals go out, in an order
//! that the order of calls has no part in. Everything that goes out costs a token of one bucket: what has none waits, is
//! overtaken by what happens meanwhile, and is told as it is then. Nothing waits for the herald but who asked for an answer.
//!
//! - `run`, `card`: what was told of each thing, and what comes next; `next`: the words for it
//! - `queue`: who comes next; `bucket`: how much goes out; `kept`: how long runs stay after their end
//! - `news`: what comes in; `emit`: what goes out; `line`: the connection, lost and found

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::{BoxStream, Fuse};
use op_engine::handle::tail::TailError;
use op_engine::ports::{AgentStatus, Audited, EventFilter, ReadError, Standing};
use op_run::RunId;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::bus::Bus;
use crate::house::{House, Subject, Word};
use crate::link::{Link, OpenError};

mod bucket;
mod card;
mod emit;
mod kept;
mod line;
mod news;
mod next;
mod queue;
mod run;

use bucket::Bucket;
use card::{AgentCard, CallCard, DaemonCard, PlanCard};
use kept::Kept;
use line::Retry;
use queue::Queue;
use run::RunCard;

/// Signals a second, of all kinds together.
const SIGNALS: u32 = 100;

/// Tellings of progress a second, of all runs together.
const PROGRESS: u32 = 20;

/// Time between two lines in the log about signals that were left out.
const COMPLAINT: Duration = Duration::from_mins(1);

/// Something that only its owner touches: what may not be shared can then be part of what is.
struct Alone<T>(Mutex<T>);

impl<T> Alone<T> {
    fn new(of: T) -> Self {
        Self(Mutex::new(of))
    }

    fn get(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

type Tail = BoxStream<'static, Result<Audited, TailError>>;

pub(crate) struct Herald {
    house: Arc<House>,
    bus: Bus,
    link: Option<Link>,
    retry: Retry,
    words: mpsc::UnboundedReceiver<Word>,
    tail: Alone<Tail>,
    changes: Alone<Fuse<BoxStream<'static, AgentStatus>>>,
    standing: watch::Receiver<Standing>,
    runs: HashMap<RunId, RunCard>,
    agents: BTreeMap<String, AgentCard>,
    plans: BTreeMap<String, PlanCard>,
    calls: HashMap<u64, CallCard>,
    daemon: DaemonCard,
    queue: Queue,
    bucket: Bucket,
    progress: Bucket,
    /// Who waits until something is told.
    waiting: HashMap<Subject, Vec<oneshot::Sender<()>>>,
    /// Runs that ended, and runs that ended long ago and that somebody asked for: these displace no others.
    ended: Kept,
    revived: Kept,
    /// Calls that ended, and when, oldest first.
    ended_calls: VecDeque<(Instant, u64)>,
    /// When signals that were left out were logged, and how many there were.
    complained: (Instant, u64),
}

impl Herald {
    /// A herald that knows everything that is there, and has told nobody.
    pub(crate) async fn new(
        house: Arc<House>,
        bus: Bus,
        words: mpsc::UnboundedReceiver<Word>,
    ) -> Result<Self, OpenError> {
        let now = Instant::now();
        let tail = Alone::new(listen(&house).await?);
        let changes = Alone::new(house.engine.agents().watch().fuse());
        let standing = house.service.standing();
        let mut herald = Self {
            bus,
            link: None,
            retry: Retry::new(now),
            words,
            tail,
            changes,
            standing,
            runs: HashMap::new(),
            agents: BTreeMap::new(),
            plans: BTreeMap::new(),
            calls: HashMap::new(),
            daemon: DaemonCard::new(now),
            queue: Queue::default(),
            bucket: Bucket::new(SIGNALS, now),
            progress: Bucket::new(PROGRESS, now),
            waiting: HashMap::new(),
            ended: Kept::default(),
            revived: Kept::default(),
            ended_calls: VecDeque::new(),
            complained: (now, 0),
            house,
        };
        herald.standing.borrow_and_update();
        herald.look_around().await?;
        Ok(herald)
    }

    /// Tells of everything until the house is shut down.
    pub(crate) async fn serve(&mut self) -> Result<(), ReadError> {
        let shutdown = self.house.shutdown.clone();
        while !shutdown.is_cancelled() {
            let wake = self.wake();
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                () = line::lost(self.link.as_ref()) => self.hang_up().await,
                Some(word) = self.words.recv() => self.hear(word).await?,
                event = self.tail.get().next() => self.follow(event).await?,
                Some(status) = self.changes.get().next() => self.take_agent(status),
                Ok(()) = self.standing.changed() => self.take_standing(),
                () = tokio::time::sleep_until(wake) => {}
            }
            self.call_back().await;
            self.keep_house(Instant::now());
            self.tell().await;
        }
        self.close().await;
        Ok(())
    }

    /// When to look again although nothing happens.
    fn wake(&self) -> Instant {
        let keep = self.house.pace.keep_runs;
        let (ended, revived) = (self.ended.wake(keep), self.revived.wake(keep));
        let calls = self.ended_calls.front().map(|(at, _)| *at + self.house.pace.keep_calls);
        let told = if self.queue.is_waiting() { Some(self.bucket.next()) } else { self.queue.wake() };
        let line = self.link.is_none().then(|| self.retry.at());
        let look = Instant::now() + self.house.pace.check;
        [ended, revived, calls, told, line].into_iter().flatten().fold(look, Instant::min)
    }

    /// Lets go of what has been on the bus long enough.
    fn keep_house(&mut self, now: Instant) {
        let keep = self.house.pace.keep_runs;
        while let Some(run) = self.ended.pop(now, keep).or_else(|| self.revived.pop(now, keep)) {
            if let Some(card) = self.runs.get_mut(&run) {
                card.leave();
                self.queue.push(Subject::Run(run));
            }
        }
        let keep = self.house.pace.keep_calls;
        while self.ended_calls.front().is_some_and(|(at, _)| *at + keep <= now) {
            let Some((_, call)) = self.ended_calls.pop_front() else { break };
            if let Some(card) = self.calls.get_mut(&call) {
                card.leave();
                self.queue.push(Subject::Call(call));
            }
        }
        self.complain(now);
    }

    /// Says now and then how many signals were left out.
    fn complain(&mut self, now: Instant) {
        let (at, logged) = self.complained;
        let suppressed = self.house.suppressed.load(Ordering::Relaxed);
        if suppressed > logged && now >= at + COMPLAINT {
            let hint = "clients that need every event follow them over gRPC";
            tracing::info!(suppressed, hint, "more happens than the message bus is told");
            self.complained = (now, suppressed);
        }
    }
}

/// Events from now on.
async fn listen(house: &House) -> Result<Tail, ReadError> {
    house.engine.tail(EventFilter { limit: 0, ..EventFilter::default() }).await
}
