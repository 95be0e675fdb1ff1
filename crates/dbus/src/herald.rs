//! The herald: the one task that tells the bus what happens.
//!
//! Events of all runs, changes of agents and what handlers of calls know already come in; objects and signals go out, in an order
//! that the order of calls has no part in. Everything that goes out costs a token of one bucket: what has none waits, is
//! overtaken by what happens meanwhile, and is told as it is then. Nothing waits for the herald but who asked for an answer.
//!
//! - `run`, `card`: what was told of each thing, and what comes next; `next`: the words for it
//! - `queue`: who comes next; `bucket`: how much goes out
//! - `news`: what comes in; `emit`: what goes out; `line`: the connection, lost and found

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

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
mod line;
mod news;
mod next;
mod queue;
mod run;

use bucket::Bucket;
use card::{AgentCard, CallCard, DaemonCard, PlanCard};
use line::Retry;
use queue::Queue;
use run::RunCard;

/// Signals a second, of all kinds together.
const SIGNALS: u32 = 100;

/// Tellings of progress a second, of all runs together.
const PROGRESS: u32 = 20;

/// Runs that stay on the bus after their end.
const KEPT: usize = 64;

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
    /// Runs that ended, and when, oldest first; calls too.
    ended: VecDeque<(Instant, RunId)>,
    ended_calls: VecDeque<(Instant, u64)>,
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
            ended: VecDeque::new(),
            ended_calls: VecDeque::new(),
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
        let kept = self.ended.front().map(|(at, _)| *at + self.house.pace.keep_runs);
        let calls = self.ended_calls.front().map(|(at, _)| *at + self.house.pace.keep_calls);
        let told = if self.queue.is_waiting() { Some(self.bucket.next()) } else { self.queue.wake() };
        let line = self.link.is_none().then(|| self.retry.at());
        let look = Instant::now() + self.house.pace.check;
        [kept, calls, told, line].into_iter().flatten().fold(look, Instant::min)
    }

    /// Lets go of what has been on the bus long enough.
    fn keep_house(&mut self, now: Instant) {
        let keep = self.house.pace.keep_runs;
        while self.ended.len() > KEPT || self.ended.front().is_some_and(|(at, _)| *at + keep <= now) {
            let Some((_, run)) = self.ended.pop_front() else { break };
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
    }
}

/// Events from now on.
async fn listen(house: &House) -> Result<Tail, ReadError> {
    house.engine.tail(EventFilter { limit: 0, ..EventFilter::default() }).await
}
