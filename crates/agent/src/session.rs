//! The persistent way in: many operations at once on one stream.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use op_proto::agent::v1::agent_frame::Frame as Out;
use op_proto::agent::v1::host_frame::Frame as In;
use op_proto::agent::v1::{AgentFrame, Cancel, Draining, Hello, HostFrame, Pong, Welcome};
use tonic::{Status, Streaming};

use crate::credit::{Credit, INITIAL};
use crate::flight::{Cause, Halt, Outbox, Stream};
use crate::floor::Floor;

/// Newest version of the protocol that this kit speaks.
const VERSION: u32 = 1;

/// One hub's session.
pub(crate) struct Session {
    floor: Arc<Floor>,
    stream: Stream,
    welcomed: bool,
}

/// Whether the session goes on.
enum Next {
    Read,
    /// The hub says bye, or must not go on.
    End,
    /// The stream broke.
    Lost,
}

impl Session {
    pub(crate) fn new(floor: Arc<Floor>, outbox: Outbox) -> Self {
        Self { stream: floor.stream(outbox, true), floor, welcomed: false }
    }

    /// Reads frames until the hub says bye or is gone, or the agent closes. What is in flight then is stopped; its
    /// outcomes still go out if anybody listens. After a hub that is gone without a word it goes on for a while.
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
                    Ok(None) | Err(_) => Next::Lost,
                },
                () = &mut draining, if self.welcomed && !told => {
                    told = true;
                    self.say(Out::Draining(Draining { reason: "the agent is shutting down".into() })).await
                }
                () = &mut closing => Next::End,
            };
            match next {
                Next::Read => {}
                Next::Lost => return floor.lost(self.stream.number),
                Next::End => break,
            }
        }
        let halt = Halt { cause: Cause::SessionEnded, grace: floor.grace };
        floor.ledger.halt_stream(self.stream.number, &halt);
    }

    async fn hear(&mut self, frame: In) -> Next {
        if !self.welcomed {
            return self.open(frame).await;
        }
        match frame {
            In::Hello(_) => Next::Read,
            In::Operation(asked) => {
                self.floor.take(asked, self.stream.clone(), Credit::new(INITIAL)).await;
                Next::Read
            }
            In::Cancel(cancel) => self.cancel(cancel),
            In::Credit(credit) => {
                if let Some(flight) = self.floor.ledger.find(&credit.id, self.stream.number) {
                    flight.grant(credit.bytes);
                }
                Next::Read
            }
            In::Ack(ack) => {
                self.floor.ledger.acknowledge(&ack.id);
                Next::Read
            }
            In::Ping(ping) => self.say(Out::Pong(Pong { token: ping.token })).await,
            In::Bye(_) => Next::End,
            In::Resume(resume) => {
                self.floor.take_up(resume, &self.stream).await;
                Next::Read
            }
            In::Reply(reply) => {
                let flight = self.floor.ledger.find(&reply.id, self.stream.number);
                if let Some((flight, outcome)) = flight.zip(reply.outcome) {
                    flight.replied(reply.number, outcome);
                }
                Next::Read
            }
            In::SessionOver(over) => {
                self.floor.session_over(&over.session);
                Next::Read
            }
        }
    }

    async fn open(&mut self, frame: In) -> Next {
        let wrong = match frame {
            In::Hello(Hello { version: 0, .. }) => "the hello names no version",
            In::Hello(Hello { version, hub }) => {
                tracing::debug!(agent = self.floor.described.name, hub, version, "session opened");
                self.welcomed = true;
                let agent = Some(self.floor.described.clone());
                let window = prost_types::Duration::try_from(self.floor.window).ok();
                let version = version.min(VERSION);
                return self.say(Out::Welcome(Welcome { version, agent, window })).await;
            }
            _ => "a session opens with hello",
        };
        // A hub that is gone needs no telling.
        let _ = self.stream.outbox.send(Err(Status::failed_precondition(wrong))).await;
        Next::End
    }

    fn cancel(&self, cancel: Cancel) -> Next {
        if let Some(flight) = self.floor.ledger.find(&cancel.id, self.stream.number) {
            let grace = cancel.grace.and_then(|grace| Duration::try_from(grace).ok());
            flight
                .halt(Halt { cause: Cause::Asked(cancel.reason), grace: grace.unwrap_or(self.floor.grace) });
        }
        Next::Read
    }

    async fn say(&self, frame: Out) -> Next {
        match self.stream.outbox.send(Ok(AgentFrame { frame: Some(frame) })).await {
            Ok(()) => Next::Read,
            Err(_) => Next::Lost,
        }
    }
}
