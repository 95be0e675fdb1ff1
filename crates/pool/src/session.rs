//! The persistent way to an agent: one stream that carries many calls.
//!
//! A call costs an entry in the table and one wake-up; it has no task and no timer: whoever calls and the agent keep its time,
//! and the reader looks once a second whether they do. The reader hands output to the call's sink itself,
//! for a sink never waits, and grants new credit for it. Frames towards the agent go through one queue: calls wait for
//! a place in it, notes (cancel, credit, ack, ping, bye) go ahead of them and never wait. There are never more notes than
//! the agent itself gave cause for: one cancel and one ack per call, and credit for what it sent.
//!
//! A message over the limit ends the stream before anybody can tell whose it was: the call that was alone in flight is
//! told so, and where there were several, each is lost with that reason.

mod listen;
mod outbox;
mod table;

use std::collections::{HashMap, hash_map};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use op_proto::agent::v1::host_frame::Frame;
use op_proto::agent::v1::{Ack, Bye, Cancel, Hello, HostFrame, Operation, SessionOver};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::fault::{Fault, FaultKind};
use crate::flight::{End, Ended, MARGIN, NotSent, Stopped};
use crate::wire::Order;

pub(crate) use listen::{Pulse, ended, listen};
pub(crate) use outbox::Outbox;
use table::{Flight, Table};

/// Newest version of the protocol that this hub speaks.
pub(crate) const VERSION: u32 = 1;

/// Calls that may wait for the connection to take them; beyond, callers wait.
const ORDERS: usize = 256;

/// One session with an agent.
#[derive(Debug)]
pub(crate) struct Session {
    orders: mpsc::Sender<HostFrame>,
    notes: mpsc::UnboundedSender<HostFrame>,
    table: Mutex<Table>,
    emptied: Notify,
    /// Why the session is to end, once it is.
    end: OnceLock<Fault>,
    ending: CancellationToken,
    grace: Duration,
}

impl Session {
    /// A session and its frames towards the agent, the hello first.
    pub(crate) fn new(hub: &str, grace: Duration) -> (Arc<Self>, Outbox) {
        let (orders, waiting) = mpsc::channel(ORDERS);
        let (notes, urgent) = mpsc::unbounded_channel();
        let session = Self {
            orders,
            notes,
            table: Mutex::new(Table { flights: HashMap::new(), gone: None }),
            emptied: Notify::new(),
            end: OnceLock::new(),
            ending: CancellationToken::new(),
            grace,
        };
        session.note(Frame::Hello(Hello { version: VERSION, hub: hub.to_owned() }));
        (Arc::new(session), Outbox::new(urgent, waiting))
    }

    /// Sends a call and waits for its end. Dropping the future asks the agent to stop.
    pub(crate) async fn call(&self, operation: Box<Operation>, order: &Order<'_>) -> Result<Ended, NotSent> {
        let mut entry = match self.enlist(operation.id.as_str().into(), order) {
            Ok(entry) => entry,
            Err(fault) => return Err(NotSent { fault, operation }),
        };
        let place = match self.orders.try_reserve() {
            Ok(place) => place,
            // The connection takes no more for now, or it is gone.
            Err(_) => match Box::pin(order.unless_stopped(self.orders.reserve())).await {
                Ok(Ok(place)) => place,
                Ok(Err(_)) => return Err(NotSent { fault: self.fault(), operation }),
                Err(why) => return Ok(Ended { end: End::Unsent, stopped: Some(why) }),
            },
        };
        entry.stage = Stage::Sent;
        place.send(HostFrame { frame: Some(Frame::Operation(*operation)) });
        tokio::select! {
            biased;
            end = &mut entry.answer => return Ok(entry.ended(end, None)),
            () = order.stop.cancelled() => {}
        }
        Ok(Box::pin(self.stop(entry, order.grace)).await)
    }

    /// Asks the agent to end a call, and waits until it has.
    async fn stop(&self, mut entry: Entry<'_>, grace: Duration) -> Ended {
        let stopped = Some(Stopped::Asked);
        self.note(cancel(&entry.id, "the caller asked to stop", grace));
        if let Ok(end) = tokio::time::timeout(grace + MARGIN, &mut entry.answer).await {
            return entry.ended(end, stopped);
        }
        // An agent that does not end a call loses its session, and with it the right to go on.
        self.reset(Fault::new(FaultKind::Hung, "the agent did not end a call that was asked to stop"));
        Ended { end: End::Silent, stopped }
    }

    fn enlist(&self, id: Arc<str>, order: &Order<'_>) -> Result<Entry<'_>, Fault> {
        let (tell, answer) = oneshot::channel();
        let flight = Flight::new(Arc::clone(order.sink), order.deadline, tell);
        let mut table = self.table();
        if let Some(gone) = &table.gone {
            return Err(gone.clone());
        }
        match table.flights.entry(Arc::clone(&id)) {
            hash_map::Entry::Vacant(place) => drop(place.insert(flight)),
            hash_map::Entry::Occupied(_) => {
                let reason = format!("the call `{id}` is in flight already");
                return Err(Fault::new(FaultKind::Refused, reason));
            }
        }
        Ok(Entry { session: self, id, answer, stage: Stage::Listed })
    }

    /// Tells that an outcome is on disk.
    pub(crate) fn acknowledge(&self, id: &str) {
        self.note(Frame::Ack(Ack { id: id.to_owned() }));
    }

    /// Tells that the session of a client is over.
    pub(crate) fn session_over(&self, session: &str) {
        self.note(Frame::SessionOver(SessionOver { session: session.to_owned() }));
    }

    /// Asks all calls in flight to stop.
    pub(crate) fn cancel_all(&self) {
        for id in self.table().flights.keys() {
            self.note(cancel(id, "the hub lets go of the agent", self.grace));
        }
    }

    /// Ends the session; what is in flight is lost for this reason. The first reason counts.
    pub(crate) fn reset(&self, fault: Fault) {
        let fault = self.end.get_or_init(|| fault).clone();
        self.lose_all(fault);
        self.note(Frame::Bye(Bye { reason: self.fault().reason }));
        self.ending.cancel();
    }

    /// Ends all calls in flight with this fault, and takes no more.
    fn lose_all(&self, fault: Fault) {
        let flights = {
            let mut table = self.table();
            let fault = table.gone.get_or_insert(fault).clone();
            let alone = table.flights.len() == 1;
            std::mem::take(&mut table.flights).into_values().map(move |flight| (flight, fault.clone(), alone))
        };
        for (flight, fault, alone) in flights {
            flight.lose(fault, alone);
        }
        self.emptied.notify_one();
    }

    fn fault(&self) -> Fault {
        let gone = self.table().gone.clone();
        gone.unwrap_or_else(|| Fault::new(FaultKind::Broken, "the session ended"))
    }

    /// Returns once no call is in flight.
    pub(crate) async fn emptied(&self) {
        while !self.table().flights.is_empty() {
            self.emptied.notified().await;
        }
    }

    /// Gives up on a call that nobody waits for any more.
    fn abandon(&self, id: &str, sent: bool) {
        let mut table = self.table();
        if let Some(flight) = table.flights.get_mut(id).filter(|_| sent) {
            flight.doom();
            self.note(cancel(id, "nobody waits for it any more", self.grace));
        } else if table.flights.remove(id).is_some() && table.flights.is_empty() {
            self.emptied.notify_one();
        }
    }

    fn note(&self, frame: Frame) {
        // A connection that is gone needs no note.
        let _ = self.notes.send(HostFrame { frame: Some(frame) });
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().expect("nothing panics while it holds the table of calls")
    }
}

fn cancel(id: &str, reason: &str, grace: Duration) -> Frame {
    let grace = prost_types::Duration::try_from(grace).ok();
    Frame::Cancel(Cancel { id: id.to_owned(), reason: reason.to_owned(), grace })
}

/// A call in the table, on behalf of who waits for it.
struct Entry<'a> {
    session: &'a Session,
    id: Arc<str>,
    answer: oneshot::Receiver<End>,
    stage: Stage,
}

/// How far a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Listed,
    Sent,
    Ended,
}

impl Entry<'_> {
    /// The table let go of the call before it told its end.
    fn ended(mut self, end: Result<End, oneshot::error::RecvError>, stopped: Option<Stopped>) -> Ended {
        let end = end.unwrap_or_else(|_| End::Broken { fault: self.session.fault(), alone: false });
        self.stage = Stage::Ended;
        Ended { end, stopped }
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        match self.stage {
            Stage::Listed => self.session.abandon(&self.id, false),
            Stage::Sent => self.session.abandon(&self.id, true),
            Stage::Ended => {}
        }
    }
}
