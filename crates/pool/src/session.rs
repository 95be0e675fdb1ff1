//! The persistent way to an agent: one stream that carries many calls.
//!
//! A call costs an entry in the table and one wake-up; it has no task and no timer: whoever calls and the agent keep its time,
//! and the reader looks once a second whether they do. The reader hands output to the call's sink itself,
//! for a sink never waits, and grants new credit for it. Frames towards the agent go through one queue: calls wait for
//! a place in it, notes (cancel, credit, ack, ping, bye) go ahead of them and never wait. There are never more notes than
//! the agent itself gave cause for: one cancel and one ack per call, credit for what it sent, and answers to what it asked for. Of
//! those it can cause many, so an agent that does not read them loses its session.
//!
//! A message over the limit ends the stream before anybody can tell whose it was: the call that was alone in flight is
//! told so, and where there were several, each is lost with that reason.
//!
//! A stream that breaks by itself ends no call yet, where the agent goes on for a while: its calls are parked (`table`), and taken
//! up on the next session. What an operation asks the hub for (`host`, `replies`) is answered by whoever wanted the call.
//!
//! A hub that goes down leaves its calls with an agent that goes on: it asks for no end, and says no bye. The next hub repeats them.

mod host;
mod listen;
mod outbox;
mod replies;
mod table;
#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use op_proto::agent::v1::host_frame::Frame;
use op_proto::agent::v1::{Ack, Bye, Cancel, Hello, HostFrame, Operation, SessionOver};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::fault::{Fault, FaultKind};
use crate::flight::{End, Ended, MARGIN, NotSent, Stopped};
use crate::wire::Order;

pub(crate) use listen::{Pulse, ended, listen};
use outbox::Notes;
pub(crate) use outbox::Outbox;
pub(crate) use table::Flights;
use table::{Flight, Table, Told};

/// Newest version of the protocol that this hub speaks.
pub(crate) const VERSION: u32 = 1;

/// Calls that may wait for the connection to take them; beyond, callers wait.
const ORDERS: usize = 256;

/// What is wrong with an agent that goes on with what was stopped.
const DEAF: &str = "the agent did not end a call that was asked to stop";

/// One session with an agent.
#[derive(Debug)]
pub(crate) struct Session {
    orders: mpsc::Sender<HostFrame>,
    notes: Arc<Notes>,
    /// Cancelled when more notes waited than may.
    flooded: CancellationToken,
    flights: Arc<Flights>,
    /// Why no more calls are taken, once none are. Looked at and set under the lock of the calls.
    gone: OnceLock<Fault>,
    /// Why the session is to end, once it is.
    end: OnceLock<Fault>,
    ending: CancellationToken,
    grace: Duration,
}

impl Session {
    /// A session for the calls of an agent, and its frames towards it, the hello first.
    pub(crate) fn new(hub: &str, grace: Duration, flights: &Arc<Flights>) -> (Arc<Self>, Outbox) {
        let (orders, waiting) = mpsc::channel(ORDERS);
        let notes = Arc::<Notes>::default();
        let outbox = Outbox::new(Arc::clone(&notes), waiting);
        let session = Self {
            orders,
            notes,
            flooded: CancellationToken::new(),
            flights: Arc::clone(flights),
            gone: OnceLock::new(),
            end: OnceLock::new(),
            ending: CancellationToken::new(),
            grace,
        };
        session.note(Frame::Hello(Hello { version: VERSION, hub: hub.to_owned() }));
        (Arc::new(session), outbox)
    }

    /// Sends a call and waits for its end. Dropping the future asks the agent to stop, unless the hub goes down and the agent does not.
    pub(crate) async fn call(
        self: &Arc<Self>,
        operation: Box<Operation>,
        order: &Order<'_>,
    ) -> Result<Ended, NotSent> {
        // Only what has a place is entered: a call in the table is with the agent, or was on its way there.
        let place = match self.orders.try_reserve() {
            Ok(place) => place,
            // The connection takes no more for now, or it is gone.
            Err(_) => match Box::pin(order.unless_stopped(self.orders.reserve())).await {
                Ok(Ok(place)) => place,
                Ok(Err(_)) => return Err(NotSent { fault: self.fault(), operation }),
                Err(why) => return Ok(Ended { end: End::Unsent, stopped: Some(why) }),
            },
        };
        let mut entry = match self.enter(&operation, order) {
            Ok(entry) => entry,
            Err(fault) => return Err(NotSent { fault, operation }),
        };
        place.send(HostFrame { frame: Some(Frame::Operation(*operation)) });
        tokio::select! {
            biased;
            end = &mut entry.answer => return Ok(entry.ended(end, None)),
            () = order.stop.cancelled() => {}
        }
        Ok(Box::pin(entry.stop(order.grace)).await)
    }

    fn enter(self: &Arc<Self>, operation: &Operation, order: &Order<'_>) -> Result<Entry<'_>, Fault> {
        let (tell, answer) = oneshot::channel();
        let (sink, on) = (Arc::clone(order.sink), Arc::clone(self));
        let flight = Flight::new(sink, order.deadline, tell, on, operation.repeat);
        let id: Arc<str> = operation.id.as_str().into();
        self.flights.enter(&id, flight, self)?;
        Ok(Entry { flights: &self.flights, id, answer, grace: self.grace, is_ended: false })
    }

    /// Tells that an outcome is on disk.
    pub(crate) fn acknowledge(&self, id: &str) {
        self.note(Frame::Ack(Ack { id: id.to_owned() }));
    }

    /// Tells that the session of a client is over; false when nothing is told on this session any more.
    pub(crate) fn session_over(&self, session: &str) -> bool {
        let table = self.flights.table();
        let is_told = self.gone.get().is_none();
        if is_told {
            self.note(Frame::SessionOver(SessionOver { session: session.to_owned() }));
        }
        drop(table);
        is_told
    }

    /// Asks all calls in flight to stop.
    pub(crate) fn cancel_all(&self) {
        for (id, flight) in &self.flights.table().flights {
            if flight.is_on(self) {
                self.note(cancel(id, "the hub lets go of the agent", self.grace));
            }
        }
    }

    /// Ends the session; what is in flight is lost for this reason. The first reason counts.
    pub(crate) fn reset(&self, fault: Fault) {
        let fault = self.end.get_or_init(|| fault).clone();
        self.flights.leave(self, &fault, false);
        self.say_bye();
    }

    /// Ends the session of a hub that goes down, and leaves what is in flight with the agent: to say bye would stop it.
    pub(crate) fn part(&self, fault: Fault) {
        let fault = self.end.get_or_init(|| fault).clone();
        if self.flights.leave(self, &fault, false) {
            self.notes.close();
            self.ending.cancel();
        } else {
            self.say_bye();
        }
    }

    fn say_bye(&self) {
        self.note(Frame::Bye(Bye { reason: self.fault().reason }));
        self.notes.close();
        self.ending.cancel();
    }

    fn fault(&self) -> Fault {
        let gone = self.gone.get().cloned();
        gone.unwrap_or_else(|| Fault::new(FaultKind::Broken, "the session ended"))
    }

    /// Returns once no call is in flight.
    pub(crate) async fn emptied(&self) {
        self.flights.emptied().await;
    }

    fn note(&self, frame: Frame) {
        if !self.notes.push(frame) {
            self.flooded.cancel();
        }
    }
}

fn cancel(id: &str, reason: &str, grace: Duration) -> Frame {
    let grace = prost_types::Duration::try_from(grace).ok();
    Frame::Cancel(Cancel { id: id.to_owned(), reason: reason.to_owned(), grace })
}

/// A call in the table, on behalf of who waits for it.
struct Entry<'a> {
    flights: &'a Flights,
    id: Arc<str>,
    answer: oneshot::Receiver<End>,
    grace: Duration,
    is_ended: bool,
}

impl Entry<'_> {
    /// Asks the agent to end the call, and waits until it has.
    async fn stop(mut self, grace: Duration) -> Ended {
        let stopped = Some(Stopped::Asked);
        self.flights.cancel(&self.id, "the caller asked to stop", grace);
        let patience = grace + MARGIN;
        let mut until = Instant::now() + patience;
        loop {
            if let Ok(end) = tokio::time::timeout_at(until, &mut self.answer).await {
                return self.ended(end, stopped);
            }
            match self.flights.told(&self.id) {
                // It could be told only when there was a session again.
                Told::On(_, since) if since + patience > until => until = since + patience,
                // An agent that does not end a call loses its session, and with it the right to go on.
                Told::On(session, _) => {
                    session.reset(Fault::new(FaultKind::Hung, DEAF));
                    return Ended { end: End::Silent, stopped };
                }
                // It is told when there is a session again, though nobody waits for that.
                Told::Parked(fault) => return Ended { end: End::Broken { fault, alone: false }, stopped },
                Told::Gone => return Ended { end: End::Silent, stopped },
            }
        }
    }

    /// The table let go of the call before it told its end.
    fn ended(mut self, end: Result<End, oneshot::error::RecvError>, stopped: Option<Stopped>) -> Ended {
        let lost = || Fault::new(FaultKind::Broken, "the session ended");
        let end = end.unwrap_or_else(|_| End::Broken { fault: lost(), alone: false });
        self.is_ended = true;
        Ended { end, stopped }
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        if !self.is_ended {
            self.flights.abandon(&self.id, self.grace);
        }
    }
}
