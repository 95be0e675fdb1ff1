//! What became of each operation, by id: in flight, or ended and kept until the hub has it on disk.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use op_proto::agent::v1::Outcome;
use prost::Message;
use tokio::sync::oneshot;

use crate::Failure;
use crate::flight::{Flight, Halt, Seat};

/// Outcomes kept for a hub that never acknowledges; the oldest go first.
pub(crate) const MAX_KEPT: usize = 4096;

/// Bytes of outcomes kept; the oldest go first, the newest stays whatever its size.
const MAX_WEIGHT: usize = 64 << 20;

/// The record of operations by id.
pub(crate) struct Ledger {
    book: Mutex<Book>,
    limit: usize,
}

/// What to do with an operation.
#[derive(Debug)]
pub(crate) enum Claim {
    /// Perform it, and settle it afterwards.
    Perform,
    /// It is in flight on another stream; wait for what comes of it. A sender that is dropped means that it was
    /// abandoned and must not be done twice.
    Wait(oneshot::Receiver<Told>),
    /// It is in flight on the same stream: its outcome is coming anyway.
    Mine,
    /// It was in flight for a hub that is gone: it is on this stream from here on.
    Orphan(Arc<Flight>),
    /// It ended before, like this.
    Kept(Outcome),
    /// It is not taken.
    Refused(Failure),
}

/// What a hub finds that comes back for an operation.
pub(crate) enum Again {
    /// It is in flight, on the stream of the hub that is back from here on.
    Flying(Arc<Flight>),
    /// It ended like this; the flight has what the hub may not have seen.
    Ended(Outcome, Option<Arc<Flight>>),
    /// Nothing is known of it, or nobody can tell yet what becomes of it.
    Unknown,
}

/// What a stream leaves behind that is gone.
#[derive(Default)]
pub(crate) struct Estate {
    /// Operations that are on the stream of a hub that had joined from here on, each with the place it has there.
    pub(crate) inherited: Vec<(Arc<Flight>, Seat)>,
    /// Whether there are others, which nobody hears.
    pub(crate) has_orphans: bool,
}

/// What came of an operation that was waited for.
#[derive(Debug, PartialEq)]
pub(crate) enum Told {
    /// It ended like this.
    Ended(Outcome),
    /// It was abandoned: who waited performs and settles it.
    Yours,
    /// Its own hub is gone: it speaks from the place of who waited, who has no more to say.
    Inherited,
}

#[derive(Default)]
struct Book {
    entries: HashMap<Arc<str>, Entry>,
    /// Kept outcomes from the oldest; those acknowledged since are found gone.
    order: VecDeque<(u64, Arc<str>)>,
    flying: usize,
    kept: usize,
    weight: usize,
    numbers: u64,
    closed: bool,
}

enum Entry {
    Flying {
        flight: Arc<Flight>,
        guests: Vec<Guest>,
    },
    /// `flight`: what its hub may not have seen of it yet.
    Kept {
        number: u64,
        weight: usize,
        outcome: Outcome,
        flight: Option<Arc<Flight>>,
    },
}

/// A flight that waits for another stream's.
struct Guest {
    flight: Arc<Flight>,
    tell: oneshot::Sender<Told>,
}

impl Ledger {
    /// A ledger that takes at most `limit` operations in flight.
    pub(crate) fn new(limit: usize) -> Self {
        Self { book: Mutex::default(), limit }
    }

    /// Claims an operation for a flight. `repeat`: the hub sent it before; `again`: it may be performed twice.
    pub(crate) fn claim(&self, flight: &Arc<Flight>, repeat: bool, again: bool) -> Claim {
        let mut book = self.book();
        match book.entries.get_mut(&flight.id) {
            Some(Entry::Kept { outcome, .. }) => return Claim::Kept(outcome.clone()),
            Some(entry) if entry.on(flight.stream()).is_some() => return Claim::Mine,
            // One that was given up may still end as if its hub had wished it: this hub must not be told so.
            Some(Entry::Flying { flight: first, .. }) if first.is_orphan() && !first.is_given_up() => {
                first.take_over(flight.stream(), 0);
                return Claim::Orphan(Arc::clone(first));
            }
            Some(Entry::Flying { guests, .. }) => {
                let (tell, told) = oneshot::channel();
                guests.push(Guest { flight: Arc::clone(flight), tell });
                return Claim::Wait(told);
            }
            None => {}
        }
        if let Some(refusal) = book.refusal(self.limit, repeat && !again) {
            return Claim::Refused(refusal);
        }
        book.flying += 1;
        let entry = Entry::Flying { flight: Arc::clone(flight), guests: Vec::new() };
        book.entries.insert(Arc::clone(&flight.id), entry);
        Claim::Perform
    }

    /// Records how a claimed operation ended, and tells those who waited.
    pub(crate) fn settle(&self, id: &Arc<str>, outcome: &Outcome) {
        let mut book = self.book();
        let (flight, guests) = book.land(id).unzip();
        for guest in guests.unwrap_or_default() {
            // A guest that is gone needs no answer.
            let _ = guest.tell.send(Told::Ended(outcome.clone()));
        }
        book.keep(Arc::clone(id), outcome.clone(), flight);
    }

    /// What a hub finds that comes back for an operation on a stream. Once this returns the operation is heard nowhere else: an
    /// outcome that is settled afterwards is not told to the stream that broke.
    pub(crate) fn find_again(&self, id: &str, stream: u64) -> Again {
        match self.book().entries.get(id) {
            Some(Entry::Flying { flight, .. }) if !flight.is_given_up() => {
                flight.move_to(stream);
                Again::Flying(Arc::clone(flight))
            }
            Some(Entry::Kept { outcome, flight, .. }) => {
                if let Some(flight) = flight {
                    flight.move_to(stream);
                }
                Again::Ended(outcome.clone(), flight.clone())
            }
            Some(Entry::Flying { .. }) | None => Again::Unknown,
        }
    }

    /// Tells the operations in flight on a stream that it is gone. Those that other hubs have joined are theirs.
    pub(crate) fn orphan(&self, stream: u64) -> Estate {
        let mut estate = Estate::default();
        for entry in self.book().entries.values_mut() {
            if let Some(inherited) = entry.bequeath(stream) {
                estate.inherited.push(inherited);
            } else if let Some(flight) = entry.on(stream) {
                flight.orphan();
                estate.has_orphans = true;
            }
        }
        estate
    }

    /// Takes a claim back. The first who waits gets it, if the operation may be performed `again`; without one it is
    /// as if the operation had never been claimed.
    pub(crate) fn abandon(&self, id: &Arc<str>, again: bool) {
        let mut book = self.book();
        let mut guests = book.land(id).map(|(_, guests)| guests).unwrap_or_default().into_iter();
        if !again {
            return;
        }
        while let Some(Guest { flight, tell }) = guests.next() {
            if tell.send(Told::Yours).is_ok() {
                book.flying += 1;
                book.entries.insert(Arc::clone(id), Entry::Flying { flight, guests: guests.collect() });
                return;
            }
        }
    }

    /// Forgets a kept outcome: the hub has it on disk.
    pub(crate) fn acknowledge(&self, id: &str) {
        let mut book = self.book();
        if matches!(book.entries.get(id), Some(Entry::Kept { .. })) {
            book.forget(id);
            book.trim();
        }
    }

    /// The flight of an operation on a stream.
    pub(crate) fn find(&self, id: &str, stream: u64) -> Option<Arc<Flight>> {
        self.book().entries.get(id).and_then(|entry| entry.on(stream)).map(Arc::clone)
    }

    /// Stops whoever performs an operation.
    pub(crate) fn halt(&self, id: &str, halt: Halt) {
        if let Some(Entry::Flying { flight, .. }) = self.book().entries.get(id) {
            flight.halt(halt);
        }
    }

    /// Stops all operations in flight on a stream.
    pub(crate) fn halt_stream(&self, stream: u64, halt: &Halt) {
        for flight in self.book().entries.values().filter_map(|entry| entry.on(stream)) {
            flight.halt(halt.clone());
        }
    }

    /// Stops all operations in flight.
    pub(crate) fn halt_all(&self, halt: &Halt) {
        for entry in self.book().entries.values() {
            if let Entry::Flying { flight, .. } = entry {
                flight.halt(halt.clone());
            }
        }
    }

    /// Takes no new operations from here on.
    pub(crate) fn close(&self) {
        self.book().closed = true;
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().expect("nothing panics while it holds the ledger")
    }
}

impl Entry {
    /// The flight on a stream, performing or waiting.
    fn on(&self, stream: u64) -> Option<&Arc<Flight>> {
        let Self::Flying { flight, guests } = self else { return None };
        let flights = std::iter::once(flight).chain(guests.iter().map(|guest| &guest.flight));
        flights.into_iter().find(|flight| flight.stream() == stream)
    }

    /// Gives what a stream performs that is gone to the first who waits and is still there.
    fn bequeath(&mut self, gone: u64) -> Option<(Arc<Flight>, Seat)> {
        let Self::Flying { flight, guests } = self else { return None };
        if flight.stream() != gone || flight.is_given_up() {
            return None;
        }
        let heir = |(place, guest): (usize, &Guest)| Some((place, guest.flight.give_way()?));
        let (place, seat) = guests.iter().enumerate().find_map(heir)?;
        let Guest { flight: guest, tell } = guests.remove(place);
        if let Some(halt) = guest.halted() {
            flight.halt(halt.clone());
        }
        flight.take_over(seat.stream.number, seat.granted);
        // A guest that is told late has no more to say all the same.
        let _ = tell.send(Told::Inherited);
        Some((Arc::clone(flight), seat))
    }
}

impl Book {
    fn refusal(&self, limit: usize, unknown: bool) -> Option<Failure> {
        if self.closed {
            let hint = "ask again when the agent is back";
            return Some(Failure::rejected("draining", "the agent is going away").hint(hint));
        }
        if unknown {
            return Some(outcome_unknown());
        }
        if self.flying >= limit {
            let message = format!("{limit} operations are running or waiting already");
            return Some(Failure::rejected("busy", message).hint("ask again when some have ended"));
        }
        None
    }

    /// Takes an operation out of the air; returns it and those who wait for it.
    fn land(&mut self, id: &str) -> Option<(Arc<Flight>, Vec<Guest>)> {
        match self.entries.remove(id) {
            Some(Entry::Flying { flight, guests }) => {
                self.flying -= 1;
                Some((flight, guests))
            }
            Some(Entry::Kept { .. }) | None => None,
        }
    }

    fn keep(&mut self, id: Arc<str>, outcome: Outcome, flight: Option<Arc<Flight>>) {
        let unseen = flight.as_ref().map_or(0, |flight| flight.weight());
        let weight = id.len() + outcome.encoded_len() + unseen;
        self.numbers += 1;
        let number = self.numbers;
        self.order.push_back((number, Arc::clone(&id)));
        self.entries.insert(id, Entry::Kept { number, weight, outcome, flight });
        self.kept += 1;
        self.weight += weight;
        self.trim();
    }

    fn forget(&mut self, id: &str) {
        if let Some(Entry::Kept { weight, .. }) = self.entries.remove(id) {
            self.kept -= 1;
            self.weight -= weight;
        }
    }

    /// Keeps kept outcomes and their order within bounds.
    fn trim(&mut self) {
        while let Some((number, id)) = self.order.front() {
            let gone = !is_kept(&self.entries, *number, id);
            if !gone && self.kept <= MAX_KEPT && (self.weight <= MAX_WEIGHT || self.kept == 1) {
                break;
            }
            if let Some((_, id)) = self.order.pop_front().filter(|_| !gone) {
                self.forget(&id);
            }
        }
        if self.order.len() > 2 * MAX_KEPT {
            let entries = &self.entries;
            self.order.retain(|(number, id)| is_kept(entries, *number, id));
        }
    }
}

/// The refusal of what may have been done and must not be done twice.
pub(crate) fn outcome_unknown() -> Failure {
    let message = "the operation was sent before, its outcome is not known, and it must not be done twice";
    Failure::rejected("outcome_unknown", message)
        .hint("find out whether it took effect, then resolve the step")
}

fn is_kept(entries: &HashMap<Arc<str>, Entry>, wanted: u64, id: &str) -> bool {
    matches!(entries.get(id), Some(Entry::Kept { number, .. }) if *number == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credit::Credit;
    use crate::flight::{Cause, Stream};
    use op_proto::agent::v1::agent_frame::Frame;
    use op_proto::agent::v1::{AgentFrame, Completed, Operation, event, outcome};
    use std::time::Duration;
    use tokio::sync::mpsc;

    fn flight(id: impl Into<String>) -> Arc<Flight> {
        flight_on(1, id)
    }

    fn flight_on(number: u64, id: impl Into<String>) -> Arc<Flight> {
        heard_on(number, id).0
    }

    fn heard_on(
        number: u64,
        id: impl Into<String>,
    ) -> (Arc<Flight>, mpsc::Receiver<Result<AgentFrame, tonic::Status>>) {
        let (outbox, inbox) = mpsc::channel(1);
        let mut asked = Operation { id: id.into(), ..Default::default() };
        let stream = Stream { number, outbox, is_session: true };
        (Arc::new(Flight::new(&mut asked, None, Duration::ZERO, stream, Credit::new(0))), inbox)
    }

    const STOP: Halt = Halt { cause: Cause::SessionEnded, grace: Duration::ZERO };

    fn outcome(value: &str) -> Outcome {
        let kind = outcome::Kind::Completed(Completed { value: value.into() });
        Outcome { evidence: None, kind: Some(kind) }
    }

    fn reason(claim: Claim) -> String {
        let Claim::Refused(failure) = claim else { panic!("{claim:?} is no refusal") };
        failure.reason().to_owned()
    }

    #[test]
    fn an_outcome_is_kept_until_it_is_acknowledged() {
        let (ledger, flight) = (Ledger::new(9), flight("a"));
        assert!(matches!(ledger.claim(&flight, false, false), Claim::Perform));
        ledger.settle(&flight.id, &outcome("1"));
        assert!(matches!(ledger.claim(&flight, true, false), Claim::Kept(kept) if kept == outcome("1")));
        ledger.acknowledge("a");
        assert_eq!(reason(ledger.claim(&flight, true, false)), "outcome_unknown");
        assert!(matches!(ledger.claim(&flight, true, true), Claim::Perform));
    }

    #[test]
    fn an_acknowledgement_of_an_operation_in_flight_changes_nothing() {
        let (ledger, flight) = (Ledger::new(9), flight("a"));
        assert!(matches!(ledger.claim(&flight, false, false), Claim::Perform));
        ledger.acknowledge("a");
        assert!(matches!(ledger.claim(&flight, false, false), Claim::Mine));
    }

    /// A ledger with `a` in flight on stream 1, and streams 2 and 3 waiting.
    fn crowded() -> (Ledger, Arc<Flight>, [oneshot::Receiver<Told>; 2]) {
        let (ledger, flight) = (Ledger::new(1), flight("a"));
        assert!(matches!(ledger.claim(&flight, false, false), Claim::Perform));
        let guests = [2, 3].map(|number| {
            let Claim::Wait(told) = ledger.claim(&flight_on(number, "a"), true, false) else {
                panic!("in flight")
            };
            told
        });
        (ledger, flight, guests)
    }

    #[test]
    fn who_waits_is_told_the_outcome() {
        let (ledger, flight, guests) = crowded();
        ledger.settle(&flight.id, &outcome("1"));
        for mut told in guests {
            assert_eq!(told.try_recv(), Ok(Told::Ended(outcome("1"))));
        }
    }

    #[test]
    fn an_abandoned_operation_goes_to_the_first_who_still_waits() {
        let (ledger, flight, [gone, mut second]) = crowded();
        drop(gone);
        ledger.abandon(&flight.id, true);
        assert_eq!(second.try_recv(), Ok(Told::Yours));
        assert!(matches!(ledger.claim(&flight_on(3, "a"), true, true), Claim::Mine));
        assert_eq!(reason(ledger.claim(&flight_on(1, "b"), false, false)), "busy");
        ledger.abandon(&flight.id, true);
        assert!(matches!(ledger.claim(&flight, true, true), Claim::Perform));
    }

    #[test]
    fn an_abandoned_operation_that_must_not_be_done_twice_goes_to_nobody() {
        let (ledger, flight, [mut first, _second]) = crowded();
        ledger.abandon(&flight.id, false);
        assert!(matches!(first.try_recv(), Err(oneshot::error::TryRecvError::Closed)));
        assert_eq!(reason(ledger.claim(&flight, true, false)), "outcome_unknown");
    }

    #[test]
    fn a_stop_of_a_stream_reaches_its_flights_and_no_others() {
        let (ledger, first, _guests) = crowded();
        ledger.halt_stream(2, &STOP);
        let second = ledger.find("a", 2).expect("it waits");
        assert!(second.halted().is_some() && first.halted().is_none());
        assert!(ledger.find("a", 4).is_none());
    }

    #[tokio::test]
    async fn an_operation_that_ends_as_its_hub_comes_back_tells_it_how() {
        let (ledger, (flight, mut old)) = (Ledger::new(9), heard_on(1, "a"));
        assert!(matches!(ledger.claim(&flight, false, false), Claim::Perform));
        let Again::Flying(again) = ledger.find_again("a", 2) else { panic!("in flight") };
        ledger.settle(&flight.id, &outcome("1"));
        flight.end(outcome("1")).await;
        assert!(old.try_recv().is_err(), "nobody reads there any more");
        let (outbox, mut inbox) = mpsc::channel(1);
        again.resume(Stream { number: 2, outbox, is_session: true }, 1, None).await;
        let Some(Frame::Event(event)) = inbox.try_recv().unwrap().unwrap().frame else { panic!("no event") };
        assert_eq!(event.kind, Some(event::Kind::Outcome(outcome("1"))));
    }

    #[test]
    fn who_joined_and_is_still_there_has_it_when_the_first_is_gone() {
        let (ledger, first, _) = crowded();
        let (third, _inbox) = heard_on(4, "a");
        let Claim::Wait(mut told) = ledger.claim(&third, true, false) else { panic!("in flight") };
        third.grant(7);
        let estate = ledger.orphan(1);
        let [(flight, seat)] = estate.inherited.as_slice() else { panic!("one operation") };
        assert!(Arc::ptr_eq(flight, &first) && !estate.has_orphans);
        assert_eq!((first.stream(), seat.stream.number, seat.granted), (4, 4, 7), "2 and 3 listen no more");
        assert_eq!(told.try_recv(), Ok(Told::Inherited));
        ledger.halt_stream(1, &STOP);
        assert!(first.halted().is_none() && third.is_ended());
    }

    #[test]
    fn a_wish_to_stop_goes_with_the_seat() {
        let ledger = Ledger::new(9);
        let (first, (second, _inbox)) = (flight("a"), heard_on(2, "a"));
        assert!(matches!(ledger.claim(&first, false, false), Claim::Perform));
        let Claim::Wait(_told) = ledger.claim(&second, true, false) else { panic!("in flight") };
        let cause = Cause::Asked("enough".into());
        second.halt(Halt { cause: cause.clone(), grace: Duration::ZERO });
        assert_eq!(ledger.orphan(1).inherited.len(), 1);
        assert_eq!(first.halted().map(|halt| &halt.cause), Some(&cause));
    }

    #[test]
    fn what_was_given_up_is_handed_to_nobody() {
        let (ledger, first) = (Ledger::new(9), flight("a"));
        assert!(matches!(ledger.claim(&first, false, true), Claim::Perform));
        assert!(ledger.orphan(1).has_orphans);
        ledger.halt_stream(1, &STOP);
        assert!(matches!(ledger.find_again("a", 2), Again::Unknown));
        let Claim::Wait(mut told) = ledger.claim(&flight_on(3, "a"), true, true) else { panic!("in flight") };
        ledger.abandon(&first.id, true);
        assert_eq!(told.try_recv(), Ok(Told::Yours));
    }

    #[test]
    fn operations_in_flight_are_bounded() {
        let ledger = Ledger::new(1);
        assert!(matches!(ledger.claim(&flight("a"), false, false), Claim::Perform));
        assert_eq!(reason(ledger.claim(&flight("b"), false, false)), "busy");
        ledger.abandon(&"a".into(), true);
        assert!(matches!(ledger.claim(&flight("b"), false, false), Claim::Perform));
    }

    #[test]
    fn a_closed_ledger_takes_nothing_new_but_answers_what_it_keeps() {
        let (ledger, flight_a) = (Ledger::new(9), flight("a"));
        assert!(matches!(ledger.claim(&flight_a, false, false), Claim::Perform));
        ledger.settle(&flight_a.id, &outcome("1"));
        ledger.close();
        assert_eq!(reason(ledger.claim(&flight("b"), false, false)), "draining");
        assert!(matches!(ledger.claim(&flight_a, true, false), Claim::Kept(_)));
    }

    #[test]
    fn only_the_newest_outcomes_are_kept() {
        let ledger = Ledger::new(9);
        for number in 0..=MAX_KEPT {
            ledger.settle(&number.to_string().into(), &outcome("1"));
        }
        assert_eq!(reason(ledger.claim(&flight("0"), true, false)), "outcome_unknown");
        assert!(matches!(ledger.claim(&flight("1"), true, false), Claim::Kept(_)));
        assert_eq!(ledger.book().kept, MAX_KEPT);
    }

    #[test]
    fn kept_outcomes_are_bounded_in_bytes_and_the_newest_stays() {
        let ledger = Ledger::new(9);
        ledger.settle(&"small".into(), &outcome("1"));
        ledger.settle(&"huge".into(), &outcome(&"x".repeat(MAX_WEIGHT + 1)));
        assert_eq!(reason(ledger.claim(&flight("small"), true, false)), "outcome_unknown");
        assert!(matches!(ledger.claim(&flight("huge"), true, false), Claim::Kept(_)));
    }

    #[test]
    fn acknowledged_outcomes_leave_nothing_behind() {
        let ledger = Ledger::new(9);
        ledger.settle(&"first".into(), &outcome("1"));
        for number in 0..5 * MAX_KEPT {
            let id: Arc<str> = number.to_string().into();
            ledger.settle(&id, &outcome("1"));
            ledger.acknowledge(&id);
        }
        let book = ledger.book();
        assert_eq!((book.kept, book.entries.len()), (1, 1));
        assert!(book.order.len() <= 2 * MAX_KEPT + 1, "{}", book.order.len());
    }

    #[test]
    fn a_halt_reaches_what_is_in_flight() {
        let (ledger, flight) = (Ledger::new(9), flight("a"));
        assert!(matches!(ledger.claim(&flight, false, false), Claim::Perform));
        ledger.halt_all(&STOP);
        ledger.halt("a", Halt { cause: Cause::Timeout, grace: Duration::ZERO });
        assert_eq!(flight.halted().map(|halt| &halt.cause), Some(&Cause::SessionEnded), "the first decides");
    }
}
