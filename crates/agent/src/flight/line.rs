//! The line of an operation's events: each takes its number and its place in the queue of frames under one lock.

use std::collections::BTreeMap;
use std::sync::Arc;

use op_proto::agent::v1::agent_frame::Frame;
use op_proto::agent::v1::event::Kind;
use op_proto::agent::v1::{Accepted, AgentFrame, Event, HostCall, Outcome, Progress};
use tokio::sync::mpsc::OwnedPermit;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::oneshot;
use tonic::Status;

use super::retained::Retained;
use super::{Outbox, Stream};

/// What became of an event that was to be sent.
pub(super) enum Sent {
    /// It is on its way, or kept for a hub that comes back.
    Yes,
    /// Nobody will ever see it.
    No,
    /// The queue is full: wait for a place in it, and try again.
    Full(Outbox, Kind),
}

/// A host call that was not answered yet.
pub(super) struct Pending {
    pub(super) call: HostCall,
    pub(super) tell: oneshot::Sender<Outcome>,
}

/// A place from which a hub is told of an operation.
#[derive(Clone)]
pub(crate) struct Seat {
    pub(crate) stream: Stream,
    /// The last event that went out there.
    pub(crate) seen: u64,
    /// Bytes of output that were granted there.
    pub(crate) granted: u64,
}

/// The events of one operation so far, and where they go.
pub(super) struct Line {
    id: Arc<str>,
    /// Where events go; nowhere while no hub listens.
    outlet: Option<Stream>,
    /// Whether a hub may come back for what it missed.
    is_resumable: bool,
    sequence: u64,
    /// How many events are missing before the next one.
    folded: u64,
    pub(super) is_ended: bool,
    /// How it ended, when nobody listened.
    left: Option<Outcome>,
    retained: Retained,
    /// The newest progress that found the queue full.
    behind: Option<Progress>,
    pub(super) bytes: u64,
    /// Bytes of output that the hub granted beyond what an operation starts with.
    pub(super) granted: u64,
    pub(super) exit: Option<i32>,
    pub(super) asked: u32,
    pub(super) pending: BTreeMap<u32, Pending>,
}

/// What goes out next to a hub that came back.
pub(super) enum Missed {
    /// This frame; after it the hub has seen as much.
    Frame(AgentFrame, u64),
    /// How it ended; there is no more.
    Last(AgentFrame),
    /// Nothing: from here on events go to it as they come.
    Nothing,
}

impl Line {
    pub(super) fn new(id: Arc<str>, stream: Stream) -> Self {
        Self {
            id,
            is_resumable: stream.is_session,
            outlet: Some(stream),
            sequence: 0,
            folded: 0,
            is_ended: false,
            left: None,
            retained: Retained::default(),
            behind: None,
            bytes: 0,
            granted: 0,
            exit: None,
            asked: 0,
            pending: BTreeMap::new(),
        }
    }

    /// Sends an event if there is a place for it.
    pub(super) fn send(&mut self, kind: Kind) -> Sent {
        let place = match &self.outlet {
            _ if self.is_ended => return Sent::No,
            // Whoever spoke from this seat before said so.
            _ if self.sequence > 0 && matches!(kind, Kind::Accepted(_)) => return Sent::Yes,
            None => return self.store(kind),
            Some(stream) => stream.outbox.clone().try_reserve_owned(),
        };
        match place {
            Ok(place) => self.post(place, kind),
            Err(TrySendError::Full(outbox)) => return Sent::Full(outbox, kind),
            Err(TrySendError::Closed(_)) => {
                self.outlet = None;
                return self.store(kind);
            }
        }
        Sent::Yes
    }

    /// Sends an event on a place that was waited for, if that is still where events go.
    pub(super) fn place(
        &mut self,
        place: OwnedPermit<Result<AgentFrame, Status>>,
        of: &Outbox,
        kind: Kind,
    ) -> Sent {
        let is_there = self.outlet.as_ref().is_some_and(|stream| stream.outbox.same_channel(of));
        if self.is_ended || !is_there {
            return self.send(kind);
        }
        self.post(place, kind);
        Sent::Yes
    }

    /// Sends progress, or keeps it until there is a place.
    pub(super) fn progress(&mut self, progress: Progress) {
        match self.send(Kind::Progress(progress)) {
            Sent::Full(_, Kind::Progress(progress)) => self.behind = Some(progress),
            Sent::Full(..) | Sent::Yes | Sent::No => self.behind = None,
        }
    }

    /// Keeps an event for a hub that comes back.
    fn store(&mut self, kind: Kind) -> Sent {
        if !self.is_resumable {
            self.is_ended |= matches!(kind, Kind::Outcome(_));
            return Sent::No;
        }
        self.note(&kind);
        self.sequence += 1;
        match kind {
            Kind::Outcome(outcome) => self.left = Some(outcome),
            Kind::Accepted(_) => {}
            kind @ (Kind::Output(_) | Kind::Progress(_)) => self.retained.keep(self.sequence, kind),
        }
        Sent::Yes
    }

    fn post(&mut self, first: OwnedPermit<Result<AgentFrame, Status>>, kind: Kind) {
        self.note(&kind);
        let late = self.behind.take_if(|_| matches!(kind, Kind::Output(_)));
        let second =
            late.and_then(|late| Some((late, self.outlet.clone()?.outbox.try_reserve_owned().ok()?)));
        // The place in hand came first, so it carries what comes first.
        let mut place = first;
        if let Some((progress, second)) = second {
            place.send(Ok(self.event(Kind::Progress(progress))));
            place = second;
        }
        let is_last = matches!(kind, Kind::Outcome(_));
        place.send(Ok(self.event(kind)));
        if is_last {
            // Its stream ends when nobody has more to say on it.
            self.outlet = None;
        }
    }

    fn note(&mut self, kind: &Kind) {
        match kind {
            Kind::Outcome(_) => self.is_ended = true,
            Kind::Output(output) => self.bytes += output.data.len() as u64,
            Kind::Accepted(_) | Kind::Progress(_) => {}
        }
    }

    /// Numbers an event that goes out, and keeps it until it is known to have been seen. The outcome is kept in the ledger.
    fn event(&mut self, kind: Kind) -> AgentFrame {
        self.sequence += 1;
        if self.is_resumable && matches!(kind, Kind::Output(_) | Kind::Progress(_)) {
            self.retained.keep(self.sequence, kind.clone());
        }
        frame(&self.id, self.sequence, std::mem::take(&mut self.folded), kind)
    }

    /// Bytes kept for a hub that comes back.
    pub(super) fn weight(&self) -> usize {
        self.retained.weight()
    }

    /// The hub is gone.
    pub(super) fn detach(&mut self) {
        self.outlet = None;
    }

    /// Ends the line where it is, for another one to go on from there.
    pub(super) fn give_way(&mut self) -> Option<Seat> {
        let listens = |stream: &mut Stream| stream.is_session && !stream.outbox.is_closed();
        let stream = self.outlet.take_if(listens)?;
        self.is_ended = true;
        Some(Seat { stream, seen: self.sequence, granted: self.granted })
    }

    /// Whether no hub listens.
    pub(super) fn is_orphan(&self) -> bool {
        self.outlet.is_none()
    }

    /// What a hub missed that saw events up to `seen`; once there is nothing, events go to its stream as they come.
    pub(super) fn missed(&mut self, stream: &Stream, seen: u64, kept: Option<&Outcome>) -> Missed {
        if seen == 0 && self.sequence > 0 {
            return Missed::Frame(frame(&self.id, 1, 0, Kind::Accepted(Accepted {})), 1);
        }
        if let Some((sequence, kind)) = self.retained.after(seen) {
            return Missed::Frame(frame(&self.id, *sequence, sequence - seen - 1, kind.clone()), *sequence);
        }
        if let Some(outcome) = self.left.take().or_else(|| kept.cloned()) {
            // An outcome that was not told to anybody yet has no number of its own.
            let last = if self.is_ended { self.sequence } else { self.sequence + 1 };
            let sequence = last.max(seen + 1);
            (self.is_ended, self.sequence) = (true, sequence);
            return Missed::Last(frame(&self.id, sequence, sequence - seen - 1, Kind::Outcome(outcome)));
        }
        self.folded = self.sequence.saturating_sub(seen);
        self.sequence = self.sequence.max(seen);
        self.outlet = Some(stream.clone());
        Missed::Nothing
    }

    /// Where host calls go; nowhere while no hub listens.
    pub(super) fn outbox(&self) -> Option<Outbox> {
        self.outlet.as_ref().map(|stream| stream.outbox.clone())
    }

    /// Whether the hub can be asked for something at all.
    pub(super) fn may_ask(&self) -> bool {
        self.is_resumable
    }
}

fn frame(id: &str, sequence: u64, folded: u64, kind: Kind) -> AgentFrame {
    let event = Event { id: id.to_owned(), sequence, folded, kind: Some(kind) };
    AgentFrame { frame: Some(Frame::Event(event)) }
}
