//! What an operation's function gets beside its arguments.

use std::sync::Arc;
use std::time::Duration;

use op_proto::agent::v1::{Channel, Progress};
use prost::bytes::Bytes;
use serde::Serialize;
use serde_json::Value;
use tokio::time::Instant;

use crate::Failure;
use crate::flight::Flight;

/// The call being performed: who asks, until when, and the way to send output while it lasts.
///
/// Clones speak for the same call. After the outcome, what they send is dropped.
#[derive(Clone)]
pub struct Call {
    flight: Arc<Flight>,
}

impl Call {
    pub(crate) fn new(flight: Arc<Flight>) -> Self {
        Self { flight }
    }

    /// `run/step/visit/attempt`: the same when the hub asks for the same again, so that effects can be done once.
    pub fn key(&self) -> &str {
        &self.flight.id
    }

    /// The session of the client on whose behalf the hub asks; empty when there is none.
    pub fn session(&self) -> &str {
        &self.flight.session
    }

    /// W3C trace context; empty when the call is not traced.
    pub fn traceparent(&self) -> &str {
        &self.flight.traceparent
    }

    /// When the time of the call is over; none when it has no limit.
    pub fn deadline(&self) -> Option<Instant> {
        self.flight.deadline
    }

    /// Whether the call is to stop, because the hub asked, its time is over, or the hub is gone.
    pub fn is_cancelled(&self) -> bool {
        self.flight.halted().is_some()
    }

    /// Waits until the call is to stop. From then on the function has [`grace`](Self::grace) to return by itself;
    /// afterwards its future is dropped.
    pub async fn cancelled(&self) {
        self.flight.told().await;
    }

    /// How long the function may take once it is to stop. A cancelling hub may name another grace than the agent's
    /// own, so ask after [`cancelled`](Self::cancelled).
    pub fn grace(&self) -> Duration {
        self.flight.grace()
    }

    /// Sends text. Waits while the hub allows no more output; returns at once when the call is to stop, and what has
    /// found no credit by then is not sent.
    pub async fn stdout(&self, data: impl AsRef<[u8]>) {
        self.flight.output(Channel::Stdout, Bytes::copy_from_slice(data.as_ref())).await;
    }

    /// Sends text of the standard error kind, under the same rules as [`stdout`](Self::stdout).
    pub async fn stderr(&self, data: impl AsRef<[u8]>) {
        self.flight.output(Channel::Stderr, Bytes::copy_from_slice(data.as_ref())).await;
    }

    /// Tells how far the call is: `fraction` between 0 and 1, negative when unknown; `note` is one line for people.
    /// Never waits: a hub that reads slowly sees only the newest.
    pub fn progress(&self, fraction: f64, note: &str) {
        self.flight.progress(Progress { fraction, note: note.to_owned() });
    }

    /// Asks the hub for an operation of another agent (`agent.operation`) or a tool by its bare name, and returns its
    /// value. Arguments must become a JSON object. The hub performs it as part of this call, if the agent may have it.
    ///
    /// # Errors
    /// What became of it otherwise: `not_allowed` where its settings do not name it, `host_loop` where it would come back to an
    /// agent that asks, `no_session` where the hub cannot be asked, and whatever the performer says.
    pub async fn ask(&self, performer: &str, arguments: &impl Serialize) -> Result<Value, Failure> {
        self.ask_within(performer, arguments, None).await
    }

    /// As [`ask`](Self::ask), for at most so long.
    ///
    /// # Errors
    /// As there.
    pub async fn ask_within(
        &self,
        performer: &str,
        arguments: &impl Serialize,
        limit: Option<Duration>,
    ) -> Result<Value, Failure> {
        let wrong = |what: &str, error: serde_json::Error| {
            Failure::failed("invalid_host_call", format!("the {what} of `{performer}` are no JSON: {error}"))
        };
        let arguments = serde_json::to_string(arguments).map_err(|error| wrong("arguments", error))?;
        let outcome = self.flight.ask(performer, arguments, limit).await?;
        let kind = outcome.kind.ok_or_else(|| {
            Failure::failed(
                "invalid_host_call",
                format!("the hub answers `{performer}` with no known outcome"),
            )
        })?;
        let value = Failure::from_wire(kind)?;
        serde_json::from_str(&value).map_err(|error| wrong("contents of the answer", error))
    }

    /// Notes the exit status of the program that did the work; it becomes part of the outcome's evidence.
    pub fn exited(&self, code: i32) {
        self.flight.exited(code);
    }
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call").field("key", &self.key()).finish_non_exhaustive()
    }
}
