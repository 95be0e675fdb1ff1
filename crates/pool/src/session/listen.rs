//! What an agent says on a session: one task reads it and hands it out.

use std::sync::Arc;
use std::time::Duration;

use op_proto::agent::v1::agent_frame::Frame as Said;
use op_proto::agent::v1::host_frame::Frame;
use op_proto::agent::v1::{AgentFrame, Credit, Event, Ping, event::Kind};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};
use tonic::{Code, Status, Streaming};

use super::{DEAF, Flight, Session, Table, cancel};
use crate::fault::{Fault, FaultKind};
use crate::flight::{End, Heard, MARGIN};
use crate::wire::News;

/// The longest time between two looks at what is overdue.
const LOOK: Duration = Duration::from_secs(1);

/// How long an agent may take to end the stream after the bye, before it is cut.
const LINGER: Duration = Duration::from_millis(200);

/// Pings of a session.
#[derive(Debug)]
pub(crate) struct Pulse {
    interval: Duration,
    token: u64,
    /// When the ping that was not answered yet went out.
    open: Option<Instant>,
    last: Option<Instant>,
}

impl Pulse {
    pub(crate) fn new(interval: Duration) -> Self {
        Self { interval, token: 0, open: None, last: None }
    }

    /// Whether a ping went unanswered for two intervals.
    fn has_stopped(&self, now: Instant) -> bool {
        self.open.is_some_and(|sent| now - sent >= 2 * self.interval)
    }

    /// The ping to send now, if one is due.
    fn due(&mut self, now: Instant) -> Option<Ping> {
        if self.open.is_some() || self.last.is_some_and(|last| now - last < self.interval) {
            return None;
        }
        self.token += 1;
        (self.open, self.last) = (Some(now), Some(now));
        Some(Ping { token: self.token })
    }

    /// How long the ping took, if it is the one that was awaited.
    fn heard(&mut self, token: u64, now: Instant) -> Option<Duration> {
        let sent = self.open.take_if(|_| token == self.token)?;
        Some(now - sent)
    }
}

/// Reads a session to its end, and tells the keeper. `window`: how long the agent goes on with its calls if the stream breaks;
/// they are parked meanwhile, and given up afterwards.
pub(crate) async fn listen(
    session: Arc<Session>,
    mut frames: Streaming<AgentFrame>,
    pulse: Pulse,
    window: Duration,
    news: mpsc::Sender<News>,
) {
    let fault = session.converse(&mut frames, pulse, &news).await;
    let may_park = !window.is_zero() && fault.kind == FaultKind::Broken && !session.ending.is_cancelled();
    session.flights.leave(&session, &fault, may_park);
    let broke = Instant::now();
    // A keeper that hung up itself does not listen any more.
    let _ = news.send(News::Broken(fault)).await;
    if session.ending.is_cancelled() {
        // The bye goes out before the stream is cut.
        let _ =
            tokio::time::timeout(LINGER, async { while let Ok(Some(_)) = frames.message().await {} }).await;
    }
    drop(frames);
    if may_park {
        tokio::time::sleep_until(broke + window).await;
        session.flights.give_up(broke);
    }
}

impl Session {
    /// Reads until something ends the session, and says what.
    async fn converse(
        &self,
        frames: &mut Streaming<AgentFrame>,
        mut pulse: Pulse,
        news: &mpsc::Sender<News>,
    ) -> Fault {
        let mut ending = std::pin::pin!(self.ending.cancelled());
        let mut flooded = std::pin::pin!(self.flooded.cancelled());
        let mut ticks = tokio::time::interval(pulse.interval.min(LOOK).max(Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = &mut ending => return self.fault(),
                () = &mut flooded => {
                    return Fault::new(FaultKind::Hung, "the agent does not read what it is told");
                }
                frame = frames.message() => match frame {
                    Ok(Some(frame)) => self.take(frame, &mut pulse, news).await,
                    Ok(None) => return Fault::new(FaultKind::Broken, "the agent ended the session"),
                    Err(status) => return ended(&status),
                },
                now = ticks.tick() => if let Some(fault) = self.look(now, &mut pulse) { return fault },
            }
        }
    }

    pub(super) async fn take(&self, frame: AgentFrame, pulse: &mut Pulse, news: &mpsc::Sender<News>) {
        match frame.frame {
            Some(Said::Event(event)) => self.hear(event),
            Some(Said::Draining(draining)) => {
                let _ = news.send(News::Draining(draining.reason)).await;
            }
            Some(Said::Pong(pong)) => {
                if let Some(latency) = pulse.heard(pong.token, Instant::now()) {
                    let _ = news.try_send(News::Latency(latency));
                }
            }
            Some(Said::HostCall(call)) => self.host_call(call),
            Some(Said::CatalogueChanged(changed)) => {
                if let Some(agent) = changed.agent {
                    let _ = news.send(News::Described(Box::new(agent))).await;
                }
            }
            // A second welcome says nothing new; a frame with no known arm is of a later version.
            Some(Said::Welcome(_)) | None => {}
        }
    }

    fn hear(&self, mut event: Event) {
        let id = std::mem::take(&mut event.id);
        let mut table = self.flights.table();
        let Some(flight) = table.flights.get_mut(id.as_str()).filter(|flight| flight.is_on(self)) else {
            drop(table);
            return stray(&id, &event);
        };
        if flight.is_garbled() && !matches!(event.kind, Some(Kind::Outcome(_))) {
            return;
        }
        match flight.trail.hear(event) {
            Ok(Heard::Nothing) => {}
            Ok(Heard::Progress(progress)) => {
                let (sink, grant) = (Arc::clone(&flight.sink), flight.trail.grant());
                let wanted = flight.is_awaited();
                drop(table);
                if wanted {
                    sink.take(progress);
                }
                if let Some(bytes) = grant {
                    self.note(Frame::Credit(Credit { id, bytes }));
                }
            }
            Ok(Heard::Outcome(outcome)) => {
                let bytes = flight.trail.bytes;
                self.flights.finish(table, &id, End::Outcome(outcome, bytes));
            }
            Err(what) if flight.is_garbled() => self.flights.finish(table, &id, End::Garbled(what)),
            Err(what) => {
                // The agent is asked to stop; its outcome, whatever it says, tells that it has.
                flight.garble(what);
                self.note(cancel(&id, "its events make no sense", self.grace));
            }
        }
    }

    /// Looks what is overdue, and pings.
    pub(super) fn look(&self, now: Instant, pulse: &mut Pulse) -> Option<Fault> {
        if pulse.has_stopped(now) {
            return Some(Fault::new(FaultKind::Hung, "the agent does not answer pings"));
        }
        if let Some(ping) = pulse.due(now) {
            self.note(Frame::Ping(ping));
        }
        let patience = self.grace + MARGIN;
        let mut table = self.flights.table();
        for (id, flight) in own(&mut table, self).filter(|(_, flight)| flight.is_late(now)) {
            flight.doom();
            self.note(cancel(id, "its time limit was reached", self.grace));
        }
        let is_overdue = |since: Instant| now.saturating_duration_since(since) > patience;
        let overdue = own(&mut table, self).any(|(_, flight)| flight.doomed.is_some_and(is_overdue));
        overdue.then(|| Fault::new(FaultKind::Hung, DEAF))
    }
}

/// The calls that are on a session.
fn own<'a>(
    table: &'a mut Table,
    session: &'a Session,
) -> impl Iterator<Item = (&'a Arc<str>, &'a mut Flight)> {
    table.flights.iter_mut().filter(|(_, flight)| flight.is_on(session))
}

/// Ids are unique, so an event for a call that is not in flight can harm no other call.
fn stray(id: &str, event: &Event) {
    if matches!(event.kind, Some(Kind::Outcome(_))) {
        tracing::warn!(id, "an agent told the outcome of a call that is not in flight; it is ignored");
    } else {
        tracing::debug!(id, "an agent told of a call that is not in flight");
    }
}

/// Why a stream ended with a status.
pub(crate) fn ended(status: &Status) -> Fault {
    let said = status.message();
    if status.code() == Code::OutOfRange && said.contains("decoded message length too large") {
        return Fault::new(FaultKind::TooLarge, "the agent sent a message that is larger than the limit");
    }
    Fault::new(FaultKind::Broken, format!("the stream of the agent broke: {said}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pulse_pings_once_an_interval_and_stops_after_two_without_an_answer() {
        let interval = Duration::from_secs(30);
        let (mut pulse, start) = (Pulse::new(interval), Instant::now());
        assert_eq!(pulse.due(start), Some(Ping { token: 1 }));
        assert_eq!(pulse.due(start + interval), None, "the first is not answered");
        assert_eq!(pulse.heard(7, start), None, "not the token that is awaited");
        assert_eq!(pulse.heard(1, start + Duration::from_secs(2)), Some(Duration::from_secs(2)));
        assert_eq!(pulse.due(start + Duration::from_secs(29)), None);
        assert_eq!(pulse.due(start + interval), Some(Ping { token: 2 }));
        assert!(!pulse.has_stopped(start + 3 * interval - Duration::from_secs(1)));
        assert!(pulse.has_stopped(start + 3 * interval));
    }
}
