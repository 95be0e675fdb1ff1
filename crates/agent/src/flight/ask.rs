//! What an operation asks the hub for. A call that was not answered when the session broke is sent again on the next one.

use std::time::Duration;

use op_proto::agent::v1::agent_frame::Frame;
use op_proto::agent::v1::{AgentFrame, HostCall, Outcome};
use tokio::sync::oneshot;

use super::Flight;
use super::line::Pending;
use crate::Failure;

/// Host calls of one operation that may be open at once.
const MAX_OPEN: usize = 64;

impl Flight {
    /// Asks the hub for something, and waits for what becomes of it.
    pub(crate) async fn ask(
        &self,
        performer: &str,
        arguments: String,
        limit: Option<Duration>,
    ) -> Result<Outcome, Failure> {
        let (number, mut answer) = self.register(performer, arguments, limit)?;
        let _registered = Registered { flight: self, number };
        self.say(number).await;
        tokio::select! {
            biased;
            outcome = &mut answer => outcome.map_err(|_| Failure::cancelled("the hub answers no more")),
            _ = self.stopped() => Err(Failure::cancelled("")),
        }
    }

    fn register(
        &self,
        performer: &str,
        arguments: String,
        limit: Option<Duration>,
    ) -> Result<(u32, oneshot::Receiver<Outcome>), Failure> {
        let mut line = self.line();
        if !line.may_ask() {
            let message = "this operation came in by `Execute`, where the hub cannot be asked for anything";
            return Err(Failure::failed("no_session", message).hint("the hub must open a session"));
        }
        if line.pending.len() >= MAX_OPEN {
            let message = format!("{MAX_OPEN} host calls of this operation are open already");
            return Err(Failure::failed("too_many_host_calls", message).hint("wait for some of them first"));
        }
        line.asked += 1;
        let number = line.asked;
        let (tell, answer) = oneshot::channel();
        let call = HostCall {
            id: self.id.to_string(),
            number,
            performer: performer.to_owned(),
            arguments,
            timeout: limit.and_then(|limit| prost_types::Duration::try_from(limit).ok()),
        };
        line.pending.insert(number, Pending { call, tell });
        Ok((number, answer))
    }

    /// Sends a host call that still waits, if anybody listens.
    async fn say(&self, number: u32) {
        let Some(outbox) = self.line().outbox() else { return };
        let Ok(place) = outbox.reserve().await else { return };
        let call = self.line().pending.get(&number).map(|pending| pending.call.clone());
        if let Some(call) = call {
            place.send(Ok(AgentFrame { frame: Some(Frame::HostCall(call)) }));
        }
    }

    /// Sends everything again that was not answered: the hub that is back tells by the numbers what it had before.
    pub(super) async fn ask_again(&self) {
        let numbers: Vec<u32> = self.line().pending.keys().copied().collect();
        for number in numbers {
            self.say(number).await;
        }
    }

    /// The hub answers a host call. An answer that nobody waits for is of no use.
    pub(crate) fn replied(&self, number: u32, outcome: Outcome) {
        let pending = self.line().pending.remove(&number);
        if let Some(pending) = pending {
            let _ = pending.tell.send(outcome);
        }
    }
}

/// A host call that is waited for.
struct Registered<'a> {
    flight: &'a Flight,
    number: u32,
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.flight.line().pending.remove(&self.number);
    }
}
