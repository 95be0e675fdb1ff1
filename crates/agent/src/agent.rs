//! An agent: a name and what it performs.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use op_proto::agent::v1::{DescribeResponse, OperationDescription};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::handler::{Handler, Typed, untyped};
use crate::{Call, Failure, Listener, Operation, ServeError};

/// How long operations in flight may go on after the shutdown, unless the agent says otherwise.
const DRAIN: Duration = Duration::from_secs(5);

/// How long a stopped operation may take to end by itself, unless the agent or the hub says otherwise.
const GRACE: Duration = Duration::from_secs(2);

/// How long operations go on after a session broke, unless the agent says otherwise: a hub that starts again is back by then.
const WINDOW: Duration = Duration::from_secs(30);

/// Forgets what is kept for a session alone.
pub(crate) type Forget = Arc<dyn Fn(&str) + Send + Sync>;

/// An agent, ready to be served.
#[must_use]
pub struct Agent {
    pub(crate) described: DescribeResponse,
    pub(crate) handlers: Vec<Handler>,
    pub(crate) drain: Duration,
    pub(crate) grace: Duration,
    pub(crate) window: Duration,
    pub(crate) on_session_over: Vec<Forget>,
}

impl Agent {
    /// An agent without operations; `name` in snake case, as plans write it.
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Self {
        let described =
            DescribeResponse { name: name.into(), version: version.into(), ..DescribeResponse::default() };
        Self {
            described,
            handlers: Vec::new(),
            drain: DRAIN,
            grace: GRACE,
            window: WINDOW,
            on_session_over: Vec::new(),
        }
    }

    /// Says in one sentence what the agent is.
    pub fn describe_as(mut self, about: impl Into<String>) -> Self {
        self.described.description = about.into();
        self
    }

    /// Performs at most `operations` side by side; up to 64 times as many wait their turn, more are rejected as
    /// `busy`. 0 leaves it to the hub.
    pub fn max_concurrent(mut self, operations: u32) -> Self {
        self.described.max_concurrent = operations;
        self
    }

    /// How long operations in flight may go on after the shutdown before they are stopped; 5 s if not said.
    pub fn drain(mut self, limit: Duration) -> Self {
        self.drain = limit;
        self
    }

    /// How long an operation may take to end by itself when its time is over or its hub is gone; 2 s if not said.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// How long operations go on after a session broke, for a hub that comes back; 30 s if not said, zero stops them at once.
    pub fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Calls this, on a thread where it may block, when the session of a client is over: what is kept for it alone can go.
    pub fn on_session_over(mut self, forget: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.on_session_over.push(Arc::new(forget));
        self
    }

    /// Adds an operation. Arguments that do not read as `A` are rejected as `invalid_arguments`; a value of more than
    /// 4 MiB as JSON fails as `value_too_large`; a panic fails as `panicked`.
    ///
    /// Until the function first waits it runs where the session is read, which hears of nothing else meanwhile: what computes
    /// for long or blocks belongs into `tokio::task::spawn_blocking`.
    ///
    /// When the call is to stop and the grace is over, the future is dropped: what it started must end with it.
    pub fn operation<A, R, F, Fut>(mut self, operation: Operation, function: F) -> Self
    where
        F: Fn(Call, A) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, Failure>> + Send + 'static,
        A: DeserializeOwned + JsonSchema,
        R: Serialize + JsonSchema,
    {
        let Typed { handler, input_schema, output_schema } = untyped(function);
        self.described.operations.push(operation.describe(input_schema, output_schema));
        self.handlers.push(handler);
        self
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.described.name
    }

    /// What the agent is and does, as `Describe` answers it.
    pub fn description(&self) -> DescribeResponse {
        self.described.clone()
    }

    /// Serves the agent until `shutdown` resolves and it has drained: health turns to not serving, hubs are told, new
    /// operations are rejected, those in flight end or are stopped. All tasks have ended when this returns.
    pub async fn serve(
        self,
        listener: Listener,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), ServeError> {
        crate::serve::serve(self, listener, shutdown).await
    }

    pub(crate) fn operations(&self) -> &[OperationDescription] {
        &self.described.operations
    }
}

impl std::fmt::Debug for Agent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agent").field("described", &self.described).finish_non_exhaustive()
    }
}
