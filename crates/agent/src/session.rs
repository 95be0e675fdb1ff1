//! The persistent way in: many operations at once on one stream.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use op_proto::agent::v1::agent_frame::Frame as Out;
use op_proto::agent::v1::host_frame::Frame as In;
use op_proto::agent::v1::{AgentFrame, Cancel, Draining, Hello, HostFrame, Operation, Pong, Welcome};
use tonic::{Status, Streaming};

use crate::credit::{Credit, INITIAL};
use crate::flight::{Cause, Flight, Halt, Outbox};
use crate::floor::Floor;

/// Newest version of the protocol that this kit speaks.
const VERSION: u32 = 1;

/// Flights remembered before those that have ended are swept out.
const SWEEP: usize = 1024;

/// One hub's session. Only its own task touches it, so that a frame costs no lock.
pub(crate) struct Session {
    floor: Arc<Floor>,
    outbox: Outbox,
    flights: HashMap<Arc<str>, Arc<Flight>>,
    sweep_at: usize,
    welcomed: bool,
}

/// Whether the session goes on.
enum Next {
    Read,
    End,
}

impl Session {
    pub(crate) fn new(floor: Arc<Floor>, outbox: Outbox) -> Self {
        Self { floor, outbox, flights: HashMap::new(), sweep_at: SWEEP, welcomed: false }
    }

    /// Reads frames until the hub says bye or is gone, or the agent closes. What is in flight then is stopped; its
    /// outcomes still go out if anybody listens.
    pub(crate) async fn converse(mut self, mut frames: Streaming<HostFrame>) {
        let floor = Arc::clone(&self.floor);
        let (mut draining, mut closing) = (pin!(floor.draining.cancelled()), pin!(floor.closing.cancelled()));
        let mut told = false;
        loop {
            let next = tokio::select! {
                biased;
                frame = frames.message() => match frame {
                    Ok(Some(HostFrame { frame: Some(frame) })) => self.hear(frame).await,
                    Ok(Some(HostFrame { frame: None })) => Next::Read,
                    Ok(None) | Err(_) => Next::End,
                },
                () = &mut draining, if self.welcomed && !told => {
                    told = true;
                    self.say(Out::Draining(Draining { reason: "the agent is shutting down".into() })).await
                }
                () = &mut closing => Next::End,
            };
            if matches!(next, Next::End) {
                break;
            }
        }
        self.end();
    }

    async fn hear(&mut self, frame: In) -> Next {
        if !self.welcomed {
            return self.open(frame).await;
        }
        match frame {
            In::Hello(_) => Next::Read,
            In::Operation(asked) => self.take(asked).await,
            In::Cancel(cancel) => self.cancel(cancel),
            In::Credit(credit) => {
                if let Some(flight) = self.flights.get(credit.id.as_str()) {
                    flight.credit.grant(credit.bytes);
                }
                Next::Read
            }
            In::Ack(ack) => {
                self.flights.remove(ack.id.as_str());
                self.floor.ledger.acknowledge(&ack.id);
                Next::Read
            }
            In::Ping(ping) => self.say(Out::Pong(Pong { token: ping.token })).await,
            In::Bye(_) => Next::End,
        }
    }

    async fn open(&mut self, frame: In) -> Next {
        let wrong = match frame {
            In::Hello(Hello { version: 0, .. }) => "the hello names no version",
            In::Hello(Hello { version, hub }) => {
                tracing::debug!(agent = self.floor.described.name, hub, version, "session opened");
                self.welcomed = true;
                let agent = Some(self.floor.described.clone());
                return self.say(Out::Welcome(Welcome { version: version.min(VERSION), agent })).await;
            }
            _ => "a session opens with hello",
        };
        // A hub that is gone needs no telling.
        let _ = self.outbox.send(Err(Status::failed_precondition(wrong))).await;
        Next::End
    }

    /// Takes an operation, unless it is in flight on this very session: then its outcome is coming anyway.
    async fn take(&mut self, asked: Operation) -> Next {
        if self.flights.get(asked.id.as_str()).is_some_and(|flight| !flight.is_ended()) {
            return Next::Read;
        }
        let flight = self.floor.take(asked, self.outbox.clone(), Credit::new(INITIAL)).await;
        if !flight.is_ended() {
            self.flights.insert(Arc::clone(&flight.id), flight);
            self.sweep();
        }
        Next::Read
    }

    fn cancel(&mut self, cancel: Cancel) -> Next {
        if let Some(flight) = self.flights.get(cancel.id.as_str()) {
            let grace = cancel.grace.and_then(|grace| Duration::try_from(grace).ok());
            flight
                .halt(Halt { cause: Cause::Asked(cancel.reason), grace: grace.unwrap_or(self.floor.grace) });
        }
        Next::Read
    }

    async fn say(&mut self, frame: Out) -> Next {
        match self.outbox.send(Ok(AgentFrame { frame: Some(frame) })).await {
            Ok(()) => Next::Read,
            Err(_) => Next::End,
        }
    }

    /// Lets go of flights that have ended, for hubs that do not acknowledge. The mark doubles with what stays, so that
    /// an operation's share of the sweeping is constant.
    fn sweep(&mut self) {
        if self.flights.len() >= self.sweep_at {
            self.flights.retain(|_, flight| !flight.is_ended());
            self.sweep_at = SWEEP.max(2 * self.flights.len());
        }
    }

    fn end(self) {
        for flight in self.flights.values() {
            flight.halt(Halt { cause: Cause::SessionEnded, grace: self.floor.grace });
        }
    }
}
