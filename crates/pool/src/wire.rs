//! The way to a connected agent: a session, or one stream per call where it speaks no sessions.

use std::sync::Arc;
use std::time::Duration;

use op_engine::ports::Sink;
use op_proto::agent::v1::{DescribeResponse, Operation};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::fault::Fault;
use crate::flight::{Ended, NotSent, Stopped};
use crate::session::Session;
use crate::unary::Unary;

/// The way to a connected agent.
#[derive(Debug, Clone)]
pub(crate) enum Wire {
    Session(Arc<Session>),
    Unary(Arc<Unary>),
}

/// What goes with a call, and stays here.
pub(crate) struct Order<'a> {
    pub(crate) sink: &'a Arc<dyn Sink>,
    pub(crate) stop: &'a CancellationToken,
    pub(crate) deadline: Option<Instant>,
    pub(crate) grace: Duration,
}

impl Order<'_> {
    /// How much of its time is left, if it has a limit.
    pub(crate) fn left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// Does this, unless the call is to stop before it is done.
    pub(crate) async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Result<T, Stopped> {
        tokio::select! {
            biased;
            done = work => Ok(done),
            why = self.interrupted() => Err(why),
        }
    }

    /// Waits until the call is to stop.
    pub(crate) async fn interrupted(&self) -> Stopped {
        match self.deadline {
            None => self.stop.cancelled().await,
            Some(deadline) => tokio::select! {
                biased;
                () = self.stop.cancelled() => {}
                () = tokio::time::sleep_until(deadline) => return Stopped::Deadline,
            },
        }
        Stopped::Asked
    }
}

/// What a connection tells its keeper.
#[derive(Debug)]
pub(crate) enum News {
    /// The agent says whether it is serving.
    Health(bool),
    /// The agent says that it is going away, and why.
    Draining(String),
    /// A ping came back after this long.
    Latency(Duration),
    /// The agent performs other operations than before.
    Described(Box<DescribeResponse>),
    /// The connection is of no use any more.
    Broken(Fault),
}

impl Wire {
    /// Sends a call and waits for its end. Dropping the future asks the agent to stop, unless the hub goes down and the agent does not.
    pub(crate) async fn call(&self, operation: Box<Operation>, order: &Order<'_>) -> Result<Ended, NotSent> {
        match self {
            Self::Session(session) => session.call(operation, order).await,
            // Boxed, so that the calls of sessions need no room for all that a stream of its own needs.
            Self::Unary(unary) => Box::pin(unary.call(operation, order)).await,
        }
    }

    /// Tells that an outcome is on disk. Only a session keeps outcomes.
    pub(crate) fn acknowledge(&self, id: &str) {
        match self {
            Self::Session(session) => session.acknowledge(id),
            Self::Unary(_) => {}
        }
    }

    /// Tells that the session of a client is over; false when the agent cannot hear it. One that speaks no sessions keeps nothing for
    /// one, and need not.
    pub(crate) fn session_over(&self, session: &str) -> bool {
        match self {
            Self::Session(link) => link.session_over(session),
            Self::Unary(_) => true,
        }
    }

    /// Asks all calls in flight to stop.
    pub(crate) fn cancel_all(&self) {
        match self {
            Self::Session(session) => session.cancel_all(),
            Self::Unary(unary) => unary.cancel_all(),
        }
    }

    /// Gives the connection up because the hub goes down. What is in flight on a session is left with the agent; where there is none,
    /// each call ends with its stream.
    pub(crate) fn part(&self, fault: Fault) {
        match self {
            Self::Session(session) => session.part(fault),
            Self::Unary(unary) => unary.close(fault),
        }
    }

    /// Gives the connection up; what is in flight is lost for this reason.
    pub(crate) fn close(&self, fault: Fault) {
        match self {
            Self::Session(session) => session.reset(fault),
            Self::Unary(unary) => unary.close(fault),
        }
    }

    /// Returns once no call is in flight.
    pub(crate) async fn emptied(&self) {
        match self {
            Self::Session(session) => session.emptied().await,
            Self::Unary(unary) => unary.emptied().await,
        }
    }
}
