//! One operation in flight, as the hub that asked for it sees it: its events in order, its credit, its stop.
//!
//! A hub whose session broke may come back and go on where it was (`resume`); until then events are kept (`retained`), and host
//! calls (`ask`) wait.

mod ask;
mod line;
mod retained;

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use op_proto::agent::v1::event::Kind;
use op_proto::agent::v1::{Accepted, AgentFrame, Channel, Evidence, Operation, Outcome, Output, Progress};
use prost::bytes::Bytes;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tonic::Status;

use crate::credit::Credit;
pub(crate) use line::Seat;
use line::{Line, Missed, Sent};

/// The one queue of frames towards a hub.
pub(crate) type Outbox = mpsc::Sender<Result<AgentFrame, Status>>;

/// A stream towards a hub, told from others by its number.
#[derive(Clone)]
pub(crate) struct Stream {
    pub(crate) number: u64,
    pub(crate) outbox: Outbox,
    /// Whether it is a session: a hub may come back for what was in flight on it, and be asked for something.
    pub(crate) is_session: bool,
}

/// Frames that wait for a hub that reads slowly; beyond, whoever sends waits.
pub(crate) const OUTBOX: usize = 256;

/// Largest piece of output in one frame.
const MAX_CHUNK: usize = 64 << 10;

/// Why an operation is stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The hub asked, and said why.
    Asked(String),
    /// Its time is over.
    Timeout,
    /// The session or stream that asked for it is gone.
    SessionEnded,
    /// The agent ends.
    AgentEnds,
}

/// A stop, and how long the handler may take to end by itself.
#[derive(Debug, Clone)]
pub(crate) struct Halt {
    pub(crate) cause: Cause,
    pub(crate) grace: Duration,
}

/// One operation in flight.
pub(crate) struct Flight {
    pub(crate) id: Arc<str>,
    pub(crate) session: String,
    pub(crate) traceparent: String,
    pub(crate) started: Instant,
    pub(crate) deadline: Option<Instant>,
    credit: Credit,
    grace: Duration,
    /// Which stream it came in on, or was resumed on.
    stream: AtomicU64,
    halt: OnceLock<Halt>,
    told: Notify,
    line: Mutex<Line>,
}

impl Flight {
    /// A flight that may take `limit` from now and, once stopped, `grace` unless the stop says otherwise.
    pub(crate) fn new(
        asked: &mut Operation,
        limit: Option<Duration>,
        grace: Duration,
        stream: Stream,
        credit: Credit,
    ) -> Self {
        let started = Instant::now();
        let id: Arc<str> = asked.id.as_str().into();
        Self {
            session: std::mem::take(&mut asked.session),
            traceparent: std::mem::take(&mut asked.traceparent),
            started,
            deadline: limit.and_then(|limit| started.checked_add(limit)),
            credit,
            grace,
            stream: AtomicU64::new(stream.number),
            halt: OnceLock::new(),
            told: Notify::new(),
            line: Mutex::new(Line::new(Arc::clone(&id), stream)),
            id,
        }
    }

    /// Which stream it is on.
    pub(crate) fn stream(&self) -> u64 {
        self.stream.load(Ordering::Acquire)
    }

    /// Asks the operation to stop; the first to ask decides cause and grace.
    pub(crate) fn halt(&self, halt: Halt) {
        let _ = self.halt.set(halt);
        self.told.notify_waiters();
    }

    /// The stop, if there was one.
    pub(crate) fn halted(&self) -> Option<&Halt> {
        self.halt.get()
    }

    /// How long the handler may take once it is stopped.
    pub(crate) fn grace(&self) -> Duration {
        self.halted().map_or(self.grace, |halt| halt.grace)
    }

    /// Waits until somebody stops the operation, or its time is over.
    pub(crate) async fn stopped(&self) -> &Halt {
        if let Some(deadline) = self.deadline
            && tokio::time::timeout_at(deadline, self.told()).await.is_err()
        {
            self.halt(Halt { cause: Cause::Timeout, grace: self.grace });
        }
        self.told().await
    }

    /// Waits until the operation is told to stop.
    pub(crate) async fn told(&self) -> &Halt {
        loop {
            // Listens before it looks, so that no halt falls between the two.
            let mut told = pin!(self.told.notified());
            told.as_mut().enable();
            match self.halted() {
                Some(halt) => return halt,
                None => told.await,
            }
        }
    }

    /// Whether the outcome is on its way.
    pub(crate) fn is_ended(&self) -> bool {
        self.line().is_ended
    }

    /// Whether no hub listens.
    pub(crate) fn is_orphan(&self) -> bool {
        self.line().is_orphan()
    }

    /// Whether it is being stopped because no hub wanted it any more.
    pub(crate) fn is_given_up(&self) -> bool {
        self.halted().is_some_and(|halt| halt.cause == Cause::SessionEnded)
    }

    /// Its stream is gone: what it has to tell is kept.
    pub(crate) fn orphan(&self) {
        self.line().detach();
    }

    /// Bytes that it keeps for a hub that comes back.
    pub(crate) fn weight(&self) -> usize {
        self.line().weight()
    }

    /// Another hub has it from here on, on this stream, and has granted so much output.
    pub(crate) fn take_over(&self, stream: u64, granted: u64) {
        self.line().granted = 0;
        self.grant(granted);
        self.move_to(stream);
    }

    /// It is on this stream from here on. What it has to tell is kept until [`resume`](Self::resume).
    pub(crate) fn move_to(&self, stream: u64) {
        self.stream.store(stream, Ordering::Release);
        self.line().detach();
    }

    /// Leaves its place to another flight of the same operation and is silent from here on. None when no session listens.
    pub(crate) fn give_way(&self) -> Option<Seat> {
        if self.is_given_up() { None } else { self.line().give_way() }
    }

    /// Tells a hub that is back and saw events up to `seen`: first those that it missed, then those to come. `kept` is how the
    /// operation ended, where it has.
    pub(crate) async fn resume(&self, stream: Stream, mut seen: u64, kept: Option<Outcome>) {
        loop {
            // A hub that is gone again may come back again.
            let Ok(place) = stream.outbox.reserve().await else { return };
            let mut line = self.line();
            if self.stream() != stream.number {
                // It came back once more since.
                return;
            }
            match line.missed(&stream, seen, kept.as_ref()) {
                Missed::Frame(frame, last) => {
                    place.send(Ok(frame));
                    seen = last;
                }
                Missed::Last(frame) => return place.send(Ok(frame)),
                Missed::Nothing => break,
            }
        }
        self.ask_again().await;
    }

    /// Allows more output.
    pub(crate) fn grant(&self, bytes: u64) {
        self.line().granted += bytes;
        self.credit.grant(bytes);
    }

    /// Allows what the hub granted on a session that broke under it; `total` is all that it ever granted.
    pub(crate) fn grant_up_to(&self, total: u64) {
        let missing = total.saturating_sub(self.line().granted);
        self.grant(missing);
    }

    /// Tells that the operation is taken.
    pub(crate) async fn accept(&self) {
        self.send(Kind::Accepted(Accepted {})).await;
    }

    /// Sends output in pieces as credit allows. Once the operation is told to stop it waits no longer: what then
    /// finds no credit is not sent.
    pub(crate) async fn output(&self, channel: Channel, mut data: Bytes) {
        while !data.is_empty() {
            let want = data.len().min(MAX_CHUNK);
            let taken = self.take(want).await;
            if taken == 0 {
                return;
            }
            let chunk = data.split_to(cut(&data, taken));
            self.credit.grant((taken - chunk.len()) as u64);
            tokio::select! {
                biased;
                sent = self.send(Kind::Output(Output { channel: channel.into(), data: chunk })) => if !sent { return },
                _ = self.told() => return,
            }
        }
    }

    async fn take(&self, want: usize) -> usize {
        let taken = tokio::select! {
            biased;
            taken = self.credit.take(want as u64) => taken,
            _ = self.told() => 0,
        };
        usize::try_from(taken).unwrap_or(want)
    }

    /// Tells how far the operation is. Never waits: while the queue is full only the newest progress is kept, and it
    /// goes out ahead of the next output.
    pub(crate) fn progress(&self, progress: Progress) {
        self.line().progress(progress);
    }

    /// Notes the exit status of the program that does the work.
    pub(crate) fn exited(&self, code: i32) {
        self.line().exit = Some(code);
    }

    /// What was observed so far.
    pub(crate) fn evidence(&self) -> Evidence {
        let line = self.line();
        let duration = prost_types::Duration::try_from(self.started.elapsed()).ok();
        Evidence { duration, exit_code: line.exit, bytes: line.bytes }
    }

    /// Tells how the operation ended; nothing can follow.
    pub(crate) async fn end(&self, outcome: Outcome) {
        self.send(Kind::Outcome(outcome)).await;
    }

    /// Sends one event; false when the flight has ended or nobody will ever see it.
    async fn send(&self, kind: Kind) -> bool {
        let sent = self.line().send(kind);
        match sent {
            Sent::Yes => true,
            Sent::No => false,
            // The hub reads slowly.
            Sent::Full(outbox, kind) => Box::pin(self.queue(outbox, kind)).await,
        }
    }

    async fn queue(&self, mut outbox: Outbox, mut kind: Kind) -> bool {
        loop {
            let sent = match outbox.clone().reserve_owned().await {
                // By the time there is a place, the event may have to go elsewhere.
                Ok(place) => self.line().place(place, &outbox, kind),
                Err(_) => self.line().send(kind),
            };
            match sent {
                Sent::Yes => return true,
                Sent::No => return false,
                Sent::Full(full, back) => (outbox, kind) = (full, back),
            }
        }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().expect("nothing panics while it numbers an event")
    }
}

impl std::fmt::Debug for Flight {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flight").field("id", &self.id).finish_non_exhaustive()
    }
}

/// How many of the first `max` bytes to send: all, less the head of a character that the cut would split.
fn cut(data: &[u8], max: usize) -> usize {
    if max >= data.len() {
        return data.len();
    }
    let is_tail = |at: &usize| data[*at] & 0b1100_0000 == 0b1000_0000;
    let start = (max.saturating_sub(3)..=max).rev().find(|at| !is_tail(at));
    start.filter(|at| *at > 0).unwrap_or(max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;
    use op_proto::agent::v1::agent_frame::Frame;

    fn flight(queue: usize, credit: u64) -> (Flight, mpsc::Receiver<Result<AgentFrame, Status>>) {
        let (outbox, inbox) = mpsc::channel(queue);
        let mut asked = Operation { id: "r/s/1/1".into(), ..Default::default() };
        (
            Flight::new(
                &mut asked,
                None,
                Duration::ZERO,
                Stream { number: 1, outbox, is_session: true },
                Credit::new(credit),
            ),
            inbox,
        )
    }

    fn events(inbox: &mut mpsc::Receiver<Result<AgentFrame, Status>>) -> Vec<(u64, Kind)> {
        let mut events = Vec::new();
        while let Ok(Ok(AgentFrame { frame: Some(Frame::Event(event)) })) = inbox.try_recv() {
            events.push((event.sequence, event.kind.expect("an event says what happened")));
        }
        events
    }

    fn step(fraction: f64) -> Progress {
        Progress { fraction, note: String::new() }
    }

    #[test]
    fn progress_never_waits_and_the_newest_goes_ahead_of_the_next_output() {
        let (flight, mut inbox) = flight(2, 100);
        for percent in 1..=9 {
            flight.progress(step(f64::from(percent)));
        }
        let sent = events(&mut inbox);
        assert_eq!(sent, [(1, Kind::Progress(step(1.0))), (2, Kind::Progress(step(2.0)))]);
        flight.output(Channel::Stdout, "x".into()).now_or_never().expect("there is room again");
        let sent = events(&mut inbox);
        assert_eq!(sent[0], (3, Kind::Progress(step(9.0))));
        assert!(matches!(sent[1], (4, Kind::Output(_))), "{sent:?}");
    }

    #[test]
    fn output_waits_for_room_and_loses_nothing() {
        let (flight, mut inbox) = flight(1, u64::MAX);
        let mut sending = Box::pin(flight.output(Channel::Stdout, vec![7; 3 * MAX_CHUNK].into()));
        let mut got = 0;
        for _ in 0..3 {
            let done = sending.as_mut().now_or_never().is_some();
            let sent = events(&mut inbox);
            let [(_, Kind::Output(output))] = sent.as_slice() else { panic!("{sent:?}") };
            got += output.data.len();
            assert_eq!(done, got == 3 * MAX_CHUNK);
        }
        assert_eq!(got, 3 * MAX_CHUNK);
    }

    #[test]
    fn nothing_follows_the_outcome() {
        let (flight, mut inbox) = flight(8, 100);
        flight.end(Outcome::default()).now_or_never().expect("there is room");
        flight.progress(step(0.5));
        flight.output(Channel::Stderr, "late".into()).now_or_never().expect("does not wait");
        flight.end(Outcome::default()).now_or_never().expect("does not wait");
        assert_eq!(events(&mut inbox), [(1, Kind::Outcome(Outcome::default()))]);
        assert!(flight.is_ended());
    }

    #[test]
    fn output_without_credit_returns_when_the_operation_is_stopped() {
        let (flight, mut inbox) = flight(8, 2);
        let mut sending = Box::pin(flight.output(Channel::Stdout, "four".into()));
        assert!(sending.as_mut().now_or_never().is_none(), "two bytes wait for credit");
        flight.halt(Halt { cause: Cause::Timeout, grace: Duration::ZERO });
        assert!(sending.now_or_never().is_some());
        assert_eq!(events(&mut inbox).len(), 1);
        assert_eq!(flight.evidence().bytes, 2);
    }

    #[test]
    fn a_cut_does_not_split_a_character() {
        let text = "aé€😀".as_bytes();
        let cuts: Vec<usize> = (1..=text.len()).map(|max| cut(text, max)).collect();
        assert_eq!(cuts, [1, 1, 3, 3, 3, 6, 6, 6, 6, 10]);
        assert_eq!(cut("😀".as_bytes(), 2), 2, "too little credit for one character still moves on");
        assert_eq!(cut(&[0x80; 9], 5), 5, "bytes that are no text are cut anywhere");
    }
}
