//! The life of one operation, from its claim to its outcome; each that waits has a task of its own.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::Poll;

use futures::FutureExt;
use op_proto::agent::v1::outcome::Kind;
use op_proto::agent::v1::{Completed, Outcome};
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};

use crate::flight::{Cause, Flight};
use crate::floor::Floor;
use crate::handler::{MAX_VALUE, Work};
use crate::ledger::{Told, outcome_unknown};
use crate::{Call, Failure};

/// What to perform.
pub(crate) struct Order {
    pub(crate) index: usize,
    pub(crate) arguments: String,
    /// Whether it may be performed again if its outcome is not known.
    pub(crate) again: bool,
}

/// Carries a claimed operation to its outcome; first waits for another flight of it if there is one.
pub(crate) async fn conduct(
    floor: Arc<Floor>,
    flight: Arc<Flight>,
    order: Order,
    other: Option<oneshot::Receiver<Told>>,
) {
    flight.accept().await;
    let told = match other {
        None => Told::Yours,
        Some(other) => Box::pin(wait(&floor, &flight, other)).await,
    };
    let outcome = match told {
        Told::Yours => settle(&floor, &flight, &order).await,
        Told::Ended(outcome) => outcome,
        Told::Inherited => return,
    };
    flight.end(outcome).await;
}

/// The outcome of an operation that was not performed.
pub(crate) fn refusal(failure: Failure, flight: &Flight) -> Outcome {
    Outcome { kind: Some(failure.into_wire(MAX_VALUE)), evidence: Some(flight.evidence()) }
}

/// Waits for the flight that performs the same operation, and passes on the wish to stop it.
async fn wait(floor: &Floor, flight: &Flight, mut other: oneshot::Receiver<Told>) -> Told {
    let unknown = |_| Told::Ended(refusal(outcome_unknown(), flight));
    let halt = tokio::select! {
        biased;
        told = &mut other => return told.unwrap_or_else(unknown),
        halt = flight.stopped() => halt,
    };
    if halt.cause == Cause::SessionEnded {
        // From here on nobody can hand the operation over; what was handed over before is ours to settle.
        other.close();
        let nobody = |_| Told::Ended(refusal(stopped(&halt.cause, ""), flight));
        return other.try_recv().unwrap_or_else(nobody);
    }
    floor.ledger.halt(&flight.id, halt.clone());
    other.await.unwrap_or_else(unknown)
}

/// Performs the operation and records how it ended, before anybody is told.
async fn settle(floor: &Floor, flight: &Arc<Flight>, order: &Order) -> Outcome {
    let result = perform(floor, flight, order).await;
    let cause = flight.halted().map(|halt| &halt.cause);
    let kind = match (result, cause) {
        (Ok(value), _) => Kind::Completed(Completed { value }),
        (Err(failure), Some(cause)) if failure.kind() == crate::Kind::Cancelled => {
            stopped(cause, failure.message()).into_wire(MAX_VALUE)
        }
        (Err(failure), _) => failure.into_wire(MAX_VALUE),
    };
    // What was stopped because its hub was lost was not the hub's wish: a hub that comes back may have it again.
    let lost = cause == Some(&Cause::SessionEnded);
    let abandoned = lost && matches!(kind, Kind::Cancelled(_));
    let outcome = Outcome { kind: Some(kind), evidence: Some(flight.evidence()) };
    if abandoned {
        floor.ledger.abandon(&flight.id, order.again);
    } else {
        floor.ledger.settle(&flight.id, &outcome);
    }
    outcome
}

/// Waits for a slot and runs the handler, under the flight's stop.
async fn perform(floor: &Floor, flight: &Arc<Flight>, order: &Order) -> Result<String, Failure> {
    let unavailable = &floor.described.operations[order.index].unavailable;
    if !unavailable.is_empty() {
        return Err(Failure::failed("not_configured", unavailable));
    }
    let _slot = match &floor.slots {
        None => None,
        Some(slots) => Some(match slots.try_acquire() {
            Ok(slot) => slot,
            Err(_) => Box::pin(queue(slots, flight)).await?,
        }),
    };
    if flight.halted().is_some() {
        return Err(Failure::cancelled(""));
    }
    // Also a panic in the drop of the handler's future must not cost the operation its outcome.
    let result = AssertUnwindSafe(run(floor, flight, order)).catch_unwind().await;
    result.unwrap_or_else(|panic| Err(panicked(panic.as_ref())))
}

async fn queue<'a>(slots: &'a Semaphore, flight: &Flight) -> Result<SemaphorePermit<'a>, Failure> {
    tokio::select! {
        biased;
        slot = slots.acquire() => slot.map_err(|_| Failure::cancelled("")),
        _ = flight.stopped() => Err(Failure::cancelled("")),
    }
}

/// Runs the handler. Many end at the first poll: they pay for no timer, and the task stays small.
async fn run(floor: &Floor, flight: &Arc<Flight>, order: &Order) -> Result<String, Failure> {
    let handler = &floor.handlers[order.index];
    let mut work = handler(Call::new(Arc::clone(flight)), &order.arguments);
    match futures::poll!(&mut work) {
        Poll::Ready(result) => result,
        Poll::Pending => Box::pin(watch(floor, flight, work)).await,
    }
}

/// Sees a handler to its end under the flight's stop.
async fn watch(floor: &Floor, flight: &Flight, mut work: Work) -> Result<String, Failure> {
    let grace = tokio::select! {
        biased;
        result = &mut work => return result,
        halt = flight.stopped() => halt.grace,
    };
    let ended = tokio::select! {
        biased;
        ended = tokio::time::timeout(grace, work) => ended.ok(),
        // The agent waits for no grace that a hub named once its own is over.
        () = floor.closing.cancelled() => None,
    };
    ended.unwrap_or_else(|| Err(Failure::cancelled("it did not end by itself")))
}

/// Why an operation was stopped, with what its function had to say about it.
fn stopped(cause: &Cause, remark: &str) -> Failure {
    let why = match cause {
        Cause::Asked(reason) if reason.is_empty() => "the hub asked to stop",
        Cause::Asked(reason) => reason,
        Cause::Timeout => "its time limit was reached",
        Cause::SessionEnded => "the session that asked for it ended",
        Cause::AgentEnds => "the agent is going away",
    };
    let separator = if remark.is_empty() { "" } else { ": " };
    Failure::cancelled(format!("{why}{separator}{remark}"))
}

fn panicked(panic: &(dyn Any + Send)) -> Failure {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    Failure::failed("panicked", format!("the operation panicked: {text}")).hint("this is a bug in the agent")
}
