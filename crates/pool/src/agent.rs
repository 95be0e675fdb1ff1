//! One agent, as calls and people see it. Its keeper writes how it stands; everybody else reads.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use op_engine::ports::{self, AgentState, Clock};
use op_plan::{Effects, Risk};
use op_run::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::breaker::{Breaker, Pass};
use crate::described::Described;
use crate::gate::Gate;
use crate::served::Served;
use crate::session::Flights;
use crate::settings::{AgentSettings, Launch, PoolSettings};
use crate::wire::Wire;

/// Wishes that may wait for the keeper; more of them wish the same.
const WISHES: usize = 64;

/// One agent.
pub(crate) struct Agent {
    pub(crate) settings: AgentSettings,
    pub(crate) pool: Arc<PoolSettings>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Its calls that are with it.
    pub(crate) flights: Arc<Flights>,
    pub(crate) gate: Gate,
    pub(crate) standing: watch::Sender<Standing>,
    /// Cancelled when the agent is let go of for good.
    pub(crate) closing: CancellationToken,
    /// Whether it is let go of while the hub goes on, so that nothing of it may stay.
    pub(crate) retired: AtomicBool,
    /// Cancelled when its keeper has ended: no process of it is left.
    pub(crate) gone: CancellationToken,
    breaker: Mutex<Breaker>,
    /// Whether the breaker is closed and counted no fault, so that calls need not ask it.
    clean: AtomicBool,
    wishes: mpsc::Sender<Wish>,
    /// Leases that hold the agents of the pool that run on connection.
    pub(crate) leases: Arc<AtomicUsize>,
    /// Sessions for which it performed something.
    served: Mutex<Served>,
    /// Calls that wait for the link.
    waiting: AtomicU32,
    counts: Mutex<Counts>,
    succession: Mutex<Succession>,
    /// `name@address`, the peer in the evidence of calls.
    pub(crate) peer: String,
}

/// What somebody wants of the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    Wanted,
    Dismissed,
    /// Nobody leases it any more.
    Released,
}

/// How an agent stands.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    pub(crate) state: AgentState,
    pub(crate) reason: String,
    pub(crate) since: Timestamp,
    /// The connection, in whatever state.
    pub(crate) wire: Option<Wire>,
    /// What it said of itself when it was last connected.
    pub(crate) described: Option<Arc<Described>>,
    /// Faults of the link so far.
    pub(crate) faults: u64,
    pub(crate) restarts: u32,
    pub(crate) pid: Option<u32>,
    pub(crate) latency: Option<Duration>,
}

/// What was counted of an agent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    /// Calls answered.
    pub(crate) calls: u64,
    /// Calls that failed in transport.
    pub(crate) faults: u64,
    pub(crate) operations: BTreeMap<String, Tally>,
}

/// What was counted of an operation.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) calls: u64,
    pub(crate) failures: u64,
    pub(crate) total: Duration,
}

/// Who comes after an agent.
#[derive(Debug, Default)]
pub(crate) struct Succession {
    /// Whether somebody waits until the agent has no call.
    pub(crate) awaited: bool,
    /// What it is then; nobody comes without.
    pub(crate) next: Option<AgentSettings>,
}

/// How a call counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Count {
    Success,
    Failure,
    /// It failed in transport.
    Fault,
}

/// A call that the breaker lets through to see whether the agent answers again.
pub(crate) struct Probe<'a>(&'a Agent);

/// A call that waits for the link.
struct Waiting<'a>(&'a AtomicU32);

impl Agent {
    /// An agent, and the wishes that its keeper is to hear.
    pub(crate) fn new(
        settings: AgentSettings,
        pool: Arc<PoolSettings>,
        clock: Arc<dyn Clock>,
        closing: CancellationToken,
    ) -> (Self, mpsc::Receiver<Wish>) {
        let (wishes, heard) = mpsc::channel(WISHES);
        let standing = Standing {
            state: AgentState::Idle,
            reason: String::new(),
            since: clock.now(),
            wire: None,
            described: None,
            faults: 0,
            restarts: 0,
            pid: None,
            latency: None,
        };
        let agent = Self {
            gate: Gate::new(settings.max_concurrent.unwrap_or(pool.max_concurrent), pool.queue),
            flights: Arc::default(),
            standing: watch::Sender::new(standing),
            closing,
            retired: AtomicBool::new(false),
            gone: CancellationToken::new(),
            breaker: Mutex::new(Breaker::new(pool.breaker)),
            clean: AtomicBool::new(true),
            wishes,
            leases: Arc::default(),
            served: Mutex::default(),
            waiting: AtomicU32::new(0),
            counts: Mutex::default(),
            succession: Mutex::default(),
            peer: format!("{}@{}", settings.name, settings.address),
            settings,
            pool,
            clock,
        };
        (agent, heard)
    }

    /// Says that a call or a person wants the link.
    pub(crate) fn want(&self) {
        // A keeper with so many wishes before it will look at the demand anyway.
        let _ = self.wishes.try_send(Wish::Wanted);
    }

    /// Whether it is to be connected also without a call.
    pub(crate) fn is_held(&self) -> bool {
        self.settings.run_on_connection && (self.pool.hold || self.leases.load(Ordering::Acquire) > 0)
    }

    /// Says that nobody leases it any more.
    pub(crate) fn release(&self) {
        // A keeper with so many wishes before it will see that it need not hold it.
        let _ = self.wishes.try_send(Wish::Released);
    }

    /// Remembers the session of a call.
    pub(crate) fn serve(&self, session: &str) {
        self.served().serve(session);
    }

    /// Tells the agent that a session is over, if it served it: now, or when it is connected again.
    pub(crate) fn session_over(&self, session: &str) {
        self.served().end(session);
        self.tell_ends();
    }

    /// Tells the agent of the sessions that ended while it was not connected.
    pub(crate) fn tell_ends(&self) {
        let mut served = self.served();
        let standing = self.standing.borrow();
        if let Some(wire) = &standing.wire {
            served.tell(|session| wire.session_over(session));
        }
    }

    /// Whether it goes on when the hub ends.
    pub(crate) fn outlives_hub(&self) -> bool {
        !matches!(self.settings.launch, Some(Launch::Child(_)))
    }

    /// Whether the hub goes down, and leaves it behind with its calls.
    pub(crate) fn stays(&self) -> bool {
        self.flights.is_parting() && !self.retired.load(Ordering::SeqCst)
    }

    pub(crate) fn served(&self) -> MutexGuard<'_, Served> {
        self.served.lock().expect("nothing panics while it holds the sessions")
    }

    /// Says that a person lets go of the link.
    pub(crate) async fn dismiss(&self) {
        // A keeper that has ended has let go of it.
        let _ = self.wishes.send(Wish::Dismissed).await;
    }

    /// The way to the agent, if it takes calls and the breaker need not be asked.
    pub(crate) fn straight(&self) -> Option<Wire> {
        if self.clean.load(Ordering::Acquire) { self.open() } else { None }
    }

    /// The way to the agent, if it takes calls.
    pub(crate) fn open(&self) -> Option<Wire> {
        self.standing.borrow().open()
    }

    /// Waits until the agent takes calls; the error says why it does not.
    pub(crate) async fn ready(&self) -> Result<Wire, String> {
        let mut standing = self.standing.subscribe();
        let _waiting = Waiting::new(&self.waiting);
        let limit = standing.borrow().faults + 1 + u64::from(self.pool.max_retries);
        self.want();
        let settled = standing.wait_for(|now| now.open().is_some() || now.faults >= limit);
        let settled = tokio::select! {
            settled = tokio::time::timeout(self.pool.connect_timeout, settled) => settled,
            () = self.closing.cancelled() => return Err("the hub is shutting down".to_owned()),
        };
        let open = settled.ok().and_then(Result::ok).and_then(|now| now.open());
        open.ok_or_else(|| self.standing.borrow().excuse(self.pool.connect_timeout))
    }

    /// Asks the breaker.
    pub(crate) fn admit(&self) -> (Pass, Option<Probe<'_>>) {
        if self.clean.load(Ordering::Acquire) {
            return (Pass::Go, None);
        }
        let pass = self.breaker().admit(self.clock.now());
        (pass, (pass == Pass::Probe).then_some(Probe(self)))
    }

    /// Returns once the breaker is open: whoever waits for the link waits in vain.
    pub(crate) async fn opened(&self) {
        let is_open = |_: &Standing| self.breaker().state(self.clock.now()) == ports::Breaker::Open;
        if self.standing.subscribe().wait_for(is_open).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Tells the breaker that the agent answered.
    pub(crate) fn answered(&self) {
        if !self.clean.load(Ordering::Acquire) {
            self.tell(Breaker::answered);
        }
    }

    /// Tells the breaker that the link failed or broke.
    pub(crate) fn faulted(&self) {
        let now = self.clock.now();
        self.tell(|breaker| breaker.faulted(now));
    }

    /// Tells the breaker that the link stands again.
    pub(crate) fn returned(&self) {
        self.tell(Breaker::returned);
    }

    /// Tells the breaker something; whoever waits for its verdict looks again.
    fn tell(&self, what: impl FnOnce(&mut Breaker)) {
        let now = self.clock.now();
        let is_news = {
            let mut breaker = self.breaker();
            let before = breaker.state(now);
            what(&mut breaker);
            self.clean.store(breaker.is_clean(), Ordering::Release);
            before != ports::Breaker::Closed || breaker.state(now) != ports::Breaker::Closed
        };
        if is_news {
            self.standing.send_modify(|_| {});
        }
    }

    pub(crate) fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().expect("nothing panics while it holds a breaker")
    }

    /// Whether calls wait for the link.
    pub(crate) fn has_waiting(&self) -> bool {
        self.waiting.load(Ordering::Acquire) > 0
    }

    /// Counts a call of an operation that is known; others would let callers fill the table.
    pub(crate) fn count(&self, operation: &str, took: Duration, count: Count) {
        let mut counts = self.counts();
        counts.calls += 1;
        counts.faults += u64::from(count == Count::Fault);
        let tally = match counts.operations.get_mut(operation) {
            Some(tally) => tally,
            None if self.knows(operation) => counts.operations.entry(operation.to_owned()).or_default(),
            None => return,
        };
        tally.calls += 1;
        tally.failures += u64::from(count != Count::Success);
        tally.total += took;
    }

    /// What can go wrong with an operation, as far as is known.
    pub(crate) fn risk(&self, operation: &str) -> Option<Risk> {
        let standing = self.standing.borrow();
        self.known(&standing)?.get(operation).map(|operation| operation.risk)
    }

    /// What an operation touches; `None` while nobody knows.
    pub(crate) fn effects(&self, operation: &str) -> Option<Effects> {
        let standing = self.standing.borrow();
        self.known(&standing)?.get(operation).map(|operation| operation.effects)
    }

    fn knows(&self, operation: &str) -> bool {
        let known = |operations: &op_plan::catalogue::KnownOperations| operations.contains_key(operation);
        let standing = self.standing.borrow();
        standing.described.as_ref().is_some_and(|described| known(&described.operations))
            || self.settings.known.as_ref().is_some_and(known)
    }

    pub(crate) fn succession(&self) -> MutexGuard<'_, Succession> {
        self.succession.lock().expect("nothing panics while it holds the succession")
    }

    pub(crate) fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().expect("nothing panics while it counts")
    }
}

impl Standing {
    fn open(&self) -> Option<Wire> {
        if self.state == AgentState::Ready { self.wire.clone() } else { None }
    }

    /// Why it does not take calls.
    fn excuse(&self, waited: Duration) -> String {
        if self.reason.is_empty() {
            format!("it is {} after {waited:?}", self.state.word())
        } else {
            self.reason.clone()
        }
    }
}

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicU32) -> Self {
        count.fetch_add(1, Ordering::Release);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}

impl Drop for Probe<'_> {
    /// A probe that brought a verdict has closed or opened the breaker by now; any other makes room for the next.
    fn drop(&mut self) {
        self.0.tell(Breaker::unproven);
    }
}
