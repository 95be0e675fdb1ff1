//! The calls that are with an agent.

use std::collections::{HashMap, hash_map};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use op_engine::ports::Sink;
use op_proto::agent::v1::host_frame::Frame;
use op_proto::agent::v1::{Outcome, Reply, Resume};
use tokio::sync::{Notify, oneshot};
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::replies::Replies;
use super::{Session, cancel};
use crate::fault::{Fault, FaultKind};
use crate::flight::{End, Trail};

/// All calls that are with one agent: those on its session, and those parked since a session broke, until there is another one
/// or their time is over.
#[derive(Debug, Default)]
pub(crate) struct Flights {
    table: Mutex<Table>,
    emptied: Notify,
    /// The tasks of host calls. Each ends with the call that it is part of.
    pub(super) asks: TaskTracker,
    /// Whether the hub goes down and the agent does not. Its calls stay with it then.
    parting: Arc<AtomicBool>,
}

/// The calls by id.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) flights: HashMap<Arc<str>, Flight>,
    /// How many are on a session.
    flying: usize,
}

/// Whether the agent was told that a call is to stop.
pub(super) enum Told {
    /// On this session, since then.
    On(Arc<Session>, Instant),
    /// Not yet: the session broke, for this reason.
    Parked(Fault),
    /// The call has ended.
    Gone,
}

/// A call in flight.
pub(super) struct Flight {
    pub(super) trail: Trail,
    pub(super) sink: Arc<dyn Sink>,
    tell: oneshot::Sender<End>,
    /// The session it is on; none while it is parked.
    on: Option<Arc<Session>>,
    /// Since when it is parked.
    parked: Option<(Instant, Fault)>,
    /// When its time is over.
    deadline: Option<Instant>,
    /// Since when it only waits for the agent to end it. On a session, the agent was told then.
    pub(super) doomed: Option<Instant>,
    /// What was wrong with its events.
    garbled: Option<String>,
    /// Host calls that are not answered yet, by number.
    asks: HashMap<u32, AbortHandle>,
    /// Host calls that were answered.
    replies: Replies,
}

impl Flights {
    /// The calls that are with an agent that does not end with the hub, and that are left with it once the hub goes down.
    pub(crate) fn new(parting: Arc<AtomicBool>) -> Self {
        Self { parting, ..Self::default() }
    }

    /// Whether the hub goes down and leaves its calls with the agent.
    pub(crate) fn is_parting(&self) -> bool {
        self.parting.load(Ordering::SeqCst)
    }

    /// Enters a call. The error says why it cannot be.
    pub(super) fn enter(&self, id: &Arc<str>, flight: Flight, on: &Session) -> Result<(), Fault> {
        let mut table = self.table();
        if let Some(gone) = on.gone.get() {
            return Err(gone.clone());
        }
        match table.flights.entry(Arc::clone(id)) {
            hash_map::Entry::Vacant(place) => drop(place.insert(flight)),
            hash_map::Entry::Occupied(_) => {
                let reason = format!("the call `{id}` is in flight already");
                return Err(Fault::new(FaultKind::Refused, reason));
            }
        }
        table.flying += 1;
        Ok(())
    }

    /// Asks the agent to stop a call; one that is parked is stopped when there is a session again.
    pub(super) fn cancel(&self, id: &str, reason: &str, grace: Duration) {
        let mut table = self.table();
        if let Some(flight) = table.flights.get_mut(id) {
            flight.doom();
            if let Some(session) = &flight.on {
                session.note(cancel(id, reason, grace));
            }
        }
    }

    /// Ends a call.
    pub(super) fn finish(&self, mut table: MutexGuard<'_, Table>, id: &str, end: End) {
        let flight = table.remove(id);
        let is_empty = table.flying == 0;
        // Whoever waits is woken when the table is free again, for that is where all callers meet.
        drop(table);
        if let Some(flight) = flight {
            flight.end(end);
        }
        if is_empty {
            self.emptied.notify_one();
        }
    }

    /// Whether the agent was told to stop a call.
    pub(super) fn told(&self, id: &str) -> Told {
        let table = self.table();
        let Some(flight) = table.flights.get(id) else { return Told::Gone };
        match (&flight.on, flight.doomed, &flight.parked) {
            (Some(session), Some(since), _) => Told::On(Arc::clone(session), since),
            (None, _, Some((_, fault))) => Told::Parked(fault.clone()),
            (Some(_) | None, _, _) => Told::Gone,
        }
    }

    /// Ends all calls on a session with this fault, or parks them for the window of its agent; it takes no more. Tells whether there
    /// were any.
    pub(super) fn leave(&self, session: &Session, fault: &Fault, may_park: bool) -> bool {
        let (lost, any) = {
            let mut table = self.table();
            let fault = session.gone.get_or_init(|| fault.clone()).clone();
            let ids = table.on(session);
            let lost = if may_park {
                table.park(&ids, &fault);
                Vec::new()
            } else {
                let alone = ids.len() == 1;
                let lost: Vec<_> = ids.iter().filter_map(|id| table.remove(id)).collect();
                lost.into_iter().map(|flight| (flight, fault.clone(), alone)).collect()
            };
            (lost, !ids.is_empty())
        };
        lose(lost);
        self.emptied.notify_one();
        any
    }

    /// Goes on with all parked calls on a session. An agent says of one that it does not know that its outcome is unknown.
    pub(crate) fn take_up(&self, session: &Arc<Session>, grace: Duration) {
        let mut table = self.table();
        let (mut taken, now) = (0, Instant::now());
        for (id, flight) in table.flights.iter_mut().filter(|(_, flight)| flight.on.is_none()) {
            let (seen, granted) = flight.trail.resumed();
            (flight.on, flight.parked) = (Some(Arc::clone(session)), None);
            session.note(Frame::Resume(Resume { id: id.to_string(), seen, granted }));
            if let Some(doomed) = &mut flight.doomed {
                *doomed = now;
                session.note(cancel(id, "it was asked to stop while there was no session", grace));
            }
            taken += 1;
        }
        table.flying += taken;
    }

    /// Whether calls wait for a session.
    pub(crate) fn has_parked(&self) -> bool {
        let table = self.table();
        table.flying < table.flights.len()
    }

    /// Ends calls that are parked since before `since`: what became of them is not known.
    pub(crate) fn give_up(&self, since: Instant) {
        let lost = {
            let mut table = self.table();
            let is_over = |flight: &Flight| flight.parked.as_ref().is_some_and(|(at, _)| *at <= since);
            let over = table.flights.iter().filter(|(_, flight)| is_over(flight));
            let ids: Vec<_> = over.map(|(id, _)| Arc::clone(id)).collect();
            let lost: Vec<_> = ids.iter().filter_map(|id| table.remove(id)).collect();
            lost.into_iter().filter_map(|flight| Some((flight.parked.clone()?.1, flight))).collect::<Vec<_>>()
        };
        lose(lost.into_iter().map(|(fault, flight)| (flight, fault, false)).collect());
    }

    /// Returns once no call is on a session.
    pub(super) async fn emptied(&self) {
        while self.table().flying > 0 {
            self.emptied.notified().await;
        }
    }

    /// Gives up on a call that nobody waits for any more. That a hub goes down is no reason to stop what outlives it.
    pub(super) fn abandon(&self, id: &str, grace: Duration) {
        if !self.is_parting() {
            self.cancel(id, "nobody waits for it any more", grace);
        }
    }

    /// Answers a host call, now or when there is a session again.
    pub(super) fn reply(&self, id: &str, number: u32, outcome: Outcome) {
        let mut table = self.table();
        let Some(flight) = table.flights.get_mut(id) else { return };
        flight.asks.remove(&number);
        if self.is_parting() && !flight.is_awaited() {
            return;
        }
        flight.replies.keep(number, outcome.clone());
        if let Some(session) = &flight.on {
            session.note(Frame::Reply(Reply { id: id.to_owned(), number, outcome: Some(outcome) }));
        }
    }

    pub(super) fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().expect("nothing panics while it holds the table of calls")
    }
}

fn lose(lost: Vec<(Flight, Fault, bool)>) {
    for (flight, fault, alone) in lost {
        flight.end(End::Broken { fault, alone });
    }
}

impl Table {
    fn on(&self, session: &Session) -> Vec<Arc<str>> {
        let flights = self.flights.iter().filter(|(_, flight)| flight.is_on(session));
        flights.map(|(id, _)| Arc::clone(id)).collect()
    }

    fn park(&mut self, ids: &[Arc<str>], fault: &Fault) {
        let now = Instant::now();
        for id in ids {
            if let Some(flight) = self.flights.get_mut(id) {
                (flight.on, flight.parked) = (None, Some((now, fault.clone())));
                self.flying -= 1;
            }
        }
    }

    fn remove(&mut self, id: &str) -> Option<Flight> {
        let flight = self.flights.remove(id)?;
        self.flying -= usize::from(flight.on.is_some());
        Some(flight)
    }
}

impl Flight {
    pub(super) fn new(
        sink: Arc<dyn Sink>,
        deadline: Option<Instant>,
        tell: oneshot::Sender<End>,
        on: Arc<Session>,
        is_repeat: bool,
    ) -> Self {
        Self {
            trail: Trail::new(is_repeat),
            sink,
            tell,
            on: Some(on),
            parked: None,
            deadline,
            doomed: None,
            garbled: None,
            asks: HashMap::new(),
            replies: Replies::default(),
        }
    }

    /// Whether it is on this session.
    pub(super) fn is_on(&self, session: &Session) -> bool {
        self.on.as_ref().is_some_and(|on| std::ptr::eq(Arc::as_ptr(on), session))
    }

    /// From here on it only waits for the agent to end it.
    pub(super) fn doom(&mut self) {
        self.doomed.get_or_insert_with(Instant::now);
    }

    /// Whether its time is over, and nobody has asked it to stop yet.
    pub(super) fn is_late(&self, now: Instant) -> bool {
        self.doomed.is_none() && self.deadline.is_some_and(|deadline| deadline <= now)
    }

    /// Whether somebody still waits for it.
    pub(super) fn is_awaited(&self) -> bool {
        !self.tell.is_closed()
    }

    /// Its events make no sense; whatever comes now, this is how it ended.
    pub(super) fn garble(&mut self, what: String) {
        self.garbled.get_or_insert(what);
        self.doom();
    }

    pub(super) fn is_garbled(&self) -> bool {
        self.garbled.is_some()
    }

    /// What was answered to a host call before.
    pub(super) fn replied(&self, number: u32) -> Option<Outcome> {
        self.replies.find(number).cloned()
    }

    /// Whether a host call is being answered.
    pub(super) fn is_asking(&self, number: u32) -> bool {
        self.asks.contains_key(&number)
    }

    /// How many host calls are open.
    pub(super) fn asking(&self) -> usize {
        self.asks.len()
    }

    /// A host call is being answered.
    pub(super) fn asked(&mut self, number: u32, task: AbortHandle) {
        self.asks.insert(number, task);
    }

    /// The agent told how it ended.
    fn end(mut self, end: End) {
        let end = self.garbled.take().map_or(end, End::Garbled);
        let (never, _) = oneshot::channel();
        // Nobody may wait for it any more.
        let _ = std::mem::replace(&mut self.tell, never).send(end);
    }
}

impl Drop for Flight {
    /// What it asked for is of no use without it.
    fn drop(&mut self) {
        self.asks.values().for_each(AbortHandle::abort);
    }
}

impl fmt::Debug for Flight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flight")
            .field("trail", &self.trail)
            .field("doomed", &self.doomed)
            .finish_non_exhaustive()
    }
}
