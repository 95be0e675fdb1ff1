//! Admission to one agent: so many calls in flight, so many waiting, and no more.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use op_run::Timestamp;
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

/// The gate of one agent. First come, first served.
#[derive(Debug)]
pub(crate) struct Gate {
    places: Semaphore,
    limit: AtomicU32,
    /// Places that are to vanish when they are given back.
    surplus: AtomicU32,
    queue: u32,
    queued: AtomicU32,
    /// When a place was last given back, in milliseconds.
    used: AtomicU64,
    /// Whether somebody waits until nobody is in, so that who leaves need not tell anybody else.
    watched: AtomicBool,
    left: Notify,
}

/// The queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full {
    pub(crate) queue: u32,
}

/// A place of a call in flight; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    gate: &'a Gate,
    permit: Option<SemaphorePermit<'a>>,
}

/// A place in the queue.
struct Ticket<'a>(&'a Gate);

impl Gate {
    pub(crate) fn new(limit: u32, queue: u32) -> Self {
        Self {
            places: Semaphore::new(limit as usize),
            limit: limit.into(),
            surplus: 0.into(),
            queue,
            queued: 0.into(),
            used: 0.into(),
            watched: false.into(),
            left: Notify::new(),
        }
    }

    /// A place, if one is free and nobody waits for it.
    pub(crate) fn try_enter(&self) -> Option<Place<'_>> {
        self.places.try_acquire().ok().map(|permit| self.place(permit))
    }

    /// Waits for a place; refused at once when as many as may wait do. Dropping the future leaves the queue.
    pub(crate) async fn enter(&self) -> Result<Place<'_>, Full> {
        if let Some(place) = self.try_enter() {
            return Ok(place);
        }
        let _ticket = self.ticket()?;
        let permit = self.places.acquire().await.expect("the semaphore of a gate is never closed");
        Ok(self.place(permit))
    }

    fn place<'a>(&'a self, permit: SemaphorePermit<'a>) -> Place<'a> {
        Place { gate: self, permit: Some(permit) }
    }

    fn ticket(&self) -> Result<Ticket<'_>, Full> {
        let take = |queued: u32| (queued < self.queue).then_some(queued + 1);
        match self.queued.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) {
            Ok(_) => Ok(Ticket(self)),
            Err(_) => Err(Full { queue: self.queue }),
        }
    }

    /// Changes how many calls may be in flight. Those that are stay.
    pub(crate) fn resize(&self, limit: u32) {
        let before = self.limit.swap(limit, Ordering::Relaxed);
        if limit > before {
            // Places that were to vanish stay instead.
            let more = limit - before;
            let pay = |surplus: u32| Some(surplus.saturating_sub(more));
            let owed = self.surplus.fetch_update(Ordering::Relaxed, Ordering::Relaxed, pay);
            self.places.add_permits(more.saturating_sub(owed.unwrap_or_default()) as usize);
        } else {
            let less = (before - limit) as usize;
            let owed = less - self.places.forget_permits(less);
            self.surplus.fetch_add(u32::try_from(owed).unwrap_or(u32::MAX), Ordering::Relaxed);
        }
    }

    pub(crate) fn active(&self) -> u32 {
        // What is counted by the places themselves need not be counted twice.
        let places = self.limit.load(Ordering::Relaxed) + self.surplus.load(Ordering::Relaxed);
        let free = u32::try_from(self.places.available_permits()).unwrap_or(u32::MAX);
        places.saturating_sub(free)
    }

    /// Returns once no call is in flight and none waits.
    pub(crate) async fn empty(&self) {
        self.watched.store(true, Ordering::SeqCst);
        loop {
            let left = self.left.notified();
            if self.active() == 0 && self.queued() == 0 {
                return;
            }
            left.await;
        }
    }

    pub(crate) fn queued(&self) -> u32 {
        self.queued.load(Ordering::Relaxed)
    }

    /// Notes that a call ended at this instant.
    pub(crate) fn used(&self, at: Timestamp) {
        self.used.store(at.as_millis(), Ordering::Relaxed);
    }

    /// When the last call ended.
    pub(crate) fn last_used(&self) -> Timestamp {
        Timestamp::from_millis(self.used.load(Ordering::Relaxed))
    }
}

impl Place<'_> {
    /// Lets the place vanish when it is one too many.
    fn pay(&mut self) {
        if self.gate.surplus.load(Ordering::Relaxed) == 0 {
            return;
        }
        let pay = |surplus: u32| surplus.checked_sub(1);
        let owes = self.gate.surplus.fetch_update(Ordering::Relaxed, Ordering::Relaxed, pay).is_ok();
        if let Some(permit) = self.permit.take_if(|_| owes) {
            permit.forget();
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.pay();
        drop(self.permit.take());
        if self.gate.watched.load(Ordering::SeqCst) {
            self.gate.left.notify_waiters();
        }
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.0.queued.fetch_sub(1, Ordering::Relaxed);
        if self.0.watched.load(Ordering::SeqCst) {
            self.0.left.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    fn enter(gate: &Gate) -> Option<Result<Place<'_>, Full>> {
        gate.enter().now_or_never()
    }

    #[test]
    fn so_many_are_in_flight_so_many_wait_and_the_next_is_refused() {
        let gate = Gate::new(1, 1);
        let place = gate.enter().now_or_never().expect("a place").expect("a place");
        let mut waiting = Box::pin(gate.enter());
        assert!(waiting.as_mut().now_or_never().is_none());
        assert_eq!((gate.active(), gate.queued()), (1, 1));
        assert!(matches!(enter(&gate), Some(Err(Full { queue: 1 }))));
        drop(place);
        assert!(waiting.as_mut().now_or_never().expect("the place").is_ok());
    }

    #[test]
    fn who_stops_waiting_leaves_the_queue() {
        let gate = Gate::new(1, 1);
        let _place = gate.enter().now_or_never().expect("a place").expect("a place");
        assert!(enter(&gate).is_none());
        assert_eq!(gate.queued(), 0);
        assert!(enter(&gate).is_none(), "there is room to wait again");
    }

    #[test]
    fn a_gate_that_shrinks_takes_places_as_they_come_back() {
        let gate = Gate::new(3, 0);
        let places: Vec<_> = (0..3).map(|_| enter(&gate).expect("a place").expect("a place")).collect();
        gate.resize(1);
        let mut places = places.into_iter();
        drop(places.next());
        drop(places.next());
        assert!(matches!(enter(&gate), Some(Err(Full { .. }))));
        drop(places.next());
        let _one = enter(&gate).expect("a place").expect("a place");
        assert!(matches!(enter(&gate), Some(Err(Full { .. }))));
    }

    #[test]
    fn a_gate_that_grows_again_has_as_many_places_as_it_says() {
        let gate = Gate::new(2, 0);
        let places: Vec<_> = (0..2).map(|_| enter(&gate).expect("a place").expect("a place")).collect();
        gate.resize(1);
        gate.resize(4);
        drop(places);
        let places: Vec<_> = (0..4).map(|_| enter(&gate).expect("a place").expect("a place")).collect();
        assert!(matches!(enter(&gate), Some(Err(Full { .. }))));
        drop(places);
    }
}
