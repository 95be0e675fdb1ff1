//! The calls of a session.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use op_engine::ports::Sink;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::fault::Fault;
use crate::flight::{End, Trail};

/// The calls in flight by id.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) flights: HashMap<Arc<str>, Flight>,
    /// Why no more calls are taken, once none are.
    pub(super) gone: Option<Fault>,
}

/// A call in flight.
pub(super) struct Flight {
    pub(super) trail: Trail,
    pub(super) sink: Arc<dyn Sink>,
    tell: oneshot::Sender<End>,
    /// When its time is over.
    deadline: Option<Instant>,
    /// Since when it only waits for the agent to end it.
    pub(super) doomed: Option<Instant>,
    /// What was wrong with its events.
    garbled: Option<String>,
}

impl Flight {
    pub(super) fn new(sink: Arc<dyn Sink>, deadline: Option<Instant>, tell: oneshot::Sender<End>) -> Self {
        Self { trail: Trail::default(), sink, tell, deadline, doomed: None, garbled: None }
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

    /// The agent told how it ended.
    pub(super) fn end(self, end: End) {
        // Nobody may wait for it any more.
        let _ = self.tell.send(self.garbled.map_or(end, End::Garbled));
    }

    /// The link broke under it.
    pub(super) fn lose(self, fault: Fault, alone: bool) {
        self.end(End::Broken { fault, alone });
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
