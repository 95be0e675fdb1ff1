//! What all sessions of an agent share: its operations, its ledger, its slots, its tasks.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use op_proto::agent::v1::agent_frame::Frame;
use op_proto::agent::v1::{
    AgentFrame, DescribeResponse, Effects, Event, Operation, OperationDescription, Outcome, Resume, event,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::agent::Forget;
use crate::conduct::{Order, conduct, refusal};
use crate::credit::Credit;
use crate::flight::{Cause, Flight, Halt, Outbox, Stream};
use crate::handler::{Handler, MAX_VALUE};
use crate::ledger::{Again, Claim, Estate, Ledger, outcome_unknown};
use crate::{Agent, Failure};

/// Operations that may wait for each slot.
const QUEUE: usize = 64;

/// Operations in flight when the agent leaves the concurrency to the hub.
const UNLIMITED: usize = 4096;

/// What all sessions of an agent share.
pub(crate) struct Floor {
    pub(crate) described: DescribeResponse,
    pub(crate) handlers: Vec<Handler>,
    pub(crate) ledger: Ledger,
    pub(crate) slots: Option<Semaphore>,
    pub(crate) grace: Duration,
    /// How long operations go on after a session broke.
    pub(crate) window: Duration,
    on_session_over: Vec<Forget>,
    /// Sessions tell their hubs.
    pub(crate) draining: CancellationToken,
    /// Sessions and connections end.
    pub(crate) closing: CancellationToken,
    /// The tasks of operations.
    pub(crate) work: TaskTracker,
    /// The tasks of connections and sessions.
    pub(crate) links: TaskTracker,
    names: HashMap<String, usize>,
    streams: AtomicU64,
}

impl Floor {
    pub(crate) fn new(agent: Agent) -> Self {
        let slots = usize::try_from(agent.described.max_concurrent).unwrap_or(UNLIMITED);
        let names = agent.operations().iter().enumerate();
        Self {
            names: names.map(|(index, operation)| (operation.name.clone(), index)).collect(),
            described: agent.described,
            handlers: agent.handlers,
            ledger: Ledger::new(if slots == 0 { UNLIMITED } else { slots.saturating_mul(1 + QUEUE) }),
            slots: (slots > 0).then(|| Semaphore::new(slots.min(Semaphore::MAX_PERMITS))),
            grace: agent.grace,
            window: agent.window,
            on_session_over: agent.on_session_over,
            draining: CancellationToken::new(),
            closing: CancellationToken::new(),
            work: TaskTracker::new(),
            links: TaskTracker::new(),
            streams: AtomicU64::new(0),
        }
    }

    /// A stream for frames to a hub.
    pub(crate) fn stream(&self, outbox: Outbox, is_session: bool) -> Stream {
        Stream { number: self.streams.fetch_add(1, Ordering::Relaxed), outbox, is_session }
    }

    /// Takes an operation: performs it up to where it first waits, and gives it a task of its own from there on. Many never
    /// wait, and a task costs more than all else that is done for them.
    pub(crate) async fn take(
        self: &Arc<Self>,
        mut asked: Operation,
        stream: Stream,
        credit: Credit,
    ) -> Arc<Flight> {
        let limit = asked.timeout.take().map(Duration::try_from).transpose();
        let known = limit.as_ref().ok().copied().flatten();
        let flight = Arc::new(Flight::new(&mut asked, known, self.grace, stream.clone(), credit));
        let repeat = asked.repeat;
        let claim = match self.order(asked, limit.is_err()) {
            Ok(order) => (self.ledger.claim(&flight, repeat, order.again), order),
            Err(failure) => return Box::pin(refuse(flight, failure)).await,
        };
        let (order, other) = match claim {
            (Claim::Perform, order) => (order, None),
            (Claim::Wait(other), order) => (order, Some(other)),
            (Claim::Mine, _) => return flight,
            (Claim::Orphan(orphan), _) => {
                self.resume(Arc::clone(&orphan), stream, 0, None);
                return orphan;
            }
            (Claim::Kept(outcome), _) => return Box::pin(answer(flight, outcome)).await,
            (Claim::Refused(failure), _) => return Box::pin(refuse(flight, failure)).await,
        };
        let mut work = Box::pin(conduct(Arc::clone(self), Arc::clone(&flight), order, other));
        if futures::poll!(&mut work).is_pending() {
            self.work.spawn(work);
        }
        flight
    }

    /// Goes on with an operation towards a hub that came back for it.
    pub(crate) async fn take_up(&self, asked: Resume, stream: &Stream) {
        match self.ledger.find_again(&asked.id, stream.number) {
            Again::Flying(flight) => {
                flight.grant_up_to(asked.granted);
                self.resume(flight, stream.clone(), asked.seen, None);
            }
            Again::Ended(outcome, Some(flight)) => {
                self.resume(flight, stream.clone(), asked.seen, Some(outcome));
            }
            Again::Ended(outcome, None) => tell(asked, outcome, stream).await,
            Again::Unknown => {
                let kind = Some(outcome_unknown().into_wire(MAX_VALUE));
                tell(asked, Outcome { kind, evidence: None }, stream).await;
            }
        }
    }

    fn resume(&self, flight: Arc<Flight>, stream: Stream, seen: u64, kept: Option<Outcome>) {
        self.links.spawn(async move { flight.resume(stream, seen, kept).await });
    }

    /// A session broke: its operations go on for hubs that had joined them. The others go on for the window, and are stopped unless a
    /// hub came back for them.
    pub(crate) fn lost(self: &Arc<Self>, stream: u64) {
        let halt = Halt { cause: Cause::SessionEnded, grace: self.grace };
        if self.window.is_zero() {
            return self.ledger.halt_stream(stream, &halt);
        }
        let Estate { inherited, has_orphans } = self.ledger.orphan(stream);
        for (flight, seat) in inherited {
            self.resume(flight, seat.stream, seat.seen, None);
        }
        if !has_orphans {
            return;
        }
        let floor = Arc::clone(self);
        self.links.spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(floor.window) => {}
                () = floor.draining.cancelled() => {}
            }
            floor.ledger.halt_stream(stream, &halt);
        });
    }

    /// The session of a client is over.
    pub(crate) fn session_over(&self, session: &str) {
        for forget in &self.on_session_over {
            let (forget, session) = (Arc::clone(forget), session.to_owned());
            self.work.spawn_blocking(move || forget(&session));
        }
    }

    fn order(&self, asked: Operation, untimely: bool) -> Result<Order, Failure> {
        let Operation { id, operation, arguments, .. } = asked;
        if id.is_empty() {
            return Err(Failure::rejected("invalid_operation", "the operation has no id"));
        }
        if untimely {
            return Err(Failure::rejected("invalid_operation", "the time limit is negative or out of range"));
        }
        let index = *self.names.get(&operation).ok_or_else(|| self.unknown(&operation))?;
        Ok(Order { index, arguments, again: may_repeat(&self.described.operations[index]) })
    }

    fn unknown(&self, operation: &str) -> Failure {
        let names: Vec<&str> = self.described.operations.iter().map(|known| known.name.as_str()).collect();
        let near = names.iter().map(|name| (strsim::jaro_winkler(name, operation), *name));
        let near = near.filter(|(alike, _)| *alike > 0.8).max_by(|one, other| one.0.total_cmp(&other.0));
        let meant = near.map(|(_, name)| format!("did you mean `{name}`? ")).unwrap_or_default();
        let message = format!("`{}` has no operation `{operation}`", self.described.name);
        Failure::rejected("unknown_operation", message).hint(format!("{meant}it has: {}", names.join(", ")))
    }
}

/// Tells how an operation ended of which nothing else is left.
async fn tell(asked: Resume, outcome: Outcome, stream: &Stream) {
    let event = Event {
        id: asked.id,
        sequence: asked.seen + 1,
        folded: 0,
        kind: Some(event::Kind::Outcome(outcome)),
    };
    // A hub that is gone again may come back again.
    let _ = stream.outbox.send(Ok(AgentFrame { frame: Some(Frame::Event(event)) })).await;
}

async fn refuse(flight: Arc<Flight>, failure: Failure) -> Arc<Flight> {
    let outcome = refusal(failure, &flight);
    answer(flight, outcome).await
}

/// Answers an operation that is not performed.
async fn answer(flight: Arc<Flight>, outcome: Outcome) -> Arc<Flight> {
    flight.accept().await;
    flight.end(outcome).await;
    flight
}

/// Whether an operation whose outcome is not known may be performed again.
fn may_repeat(operation: &OperationDescription) -> bool {
    operation.idempotent || operation.effects() == Effects::Read
}
