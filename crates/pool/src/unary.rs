//! The plain way to an agent that speaks no sessions: one stream per call.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use op_proto::agent::v1::agent_client::AgentClient;
use op_proto::agent::v1::{DescribeRequest, ExecuteRequest, ExecuteResponse, Operation};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};

use crate::fault::{Fault, FaultKind};
use crate::flight::{End, Ended, Heard, NotSent, Stopped, Trail};
use crate::session::ended;
use crate::wire::{News, Order};

/// How long the end of a stream may take after its outcome.
const FAREWELL: Duration = Duration::from_millis(100);

/// A connection without session.
#[derive(Debug)]
pub(crate) struct Unary {
    client: AgentClient<Channel>,
    active: AtomicU32,
    emptied: Notify,
    cancelled: CancellationToken,
    gone: OnceLock<Fault>,
    ending: CancellationToken,
}

/// A call in flight.
struct Flying<'a>(&'a Unary);

impl Unary {
    pub(crate) fn new(client: AgentClient<Channel>) -> Self {
        Self {
            client,
            active: AtomicU32::new(0),
            emptied: Notify::new(),
            cancelled: CancellationToken::new(),
            gone: OnceLock::new(),
            ending: CancellationToken::new(),
        }
    }

    /// Performs a call on a stream of its own. Stopping it closes the stream, which is how the agent learns of it; the agent
    /// cannot tell any more what it did then.
    pub(crate) async fn call(&self, operation: Box<Operation>, order: &Order<'_>) -> Result<Ended, NotSent> {
        if let Some(fault) = self.gone.get() {
            return Err(NotSent { fault: fault.clone(), operation });
        }
        self.active.fetch_add(1, Ordering::Relaxed);
        let _flying = Flying(self);
        let closed = |why| Ok(Ended { end: End::Closed, stopped: Some(why) });
        tokio::select! {
            biased;
            end = self.converse(*operation, order) => Ok(end.into()),
            () = self.ending.cancelled() => Ok(self.broken().into()),
            why = order.interrupted() => closed(why),
            () = self.cancelled.cancelled() => closed(Stopped::Asked),
        }
    }

    async fn converse(&self, operation: Operation, order: &Order<'_>) -> End {
        let id = operation.id.clone();
        let request = ExecuteRequest { operation: Some(operation) };
        let end = match self.client.clone().execute(request).await {
            Ok(response) => listen(&id, response.into_inner(), order).await,
            Err(status) => End::Refused(status),
        };
        match end {
            End::Refused(status) if is_transport(&status) => {
                let fault = ended(&status);
                if fault.kind != FaultKind::TooLarge {
                    self.close(fault.clone());
                }
                // The stream is the call's own, so nobody else is hurt.
                End::Broken { fault, alone: true }
            }
            end => end,
        }
    }

    /// Asks all calls in flight to stop.
    pub(crate) fn cancel_all(&self) {
        self.cancelled.cancel();
    }

    /// Gives the connection up.
    pub(crate) fn close(&self, fault: Fault) {
        let _ = self.gone.set(fault);
        self.ending.cancel();
    }

    fn broken(&self) -> End {
        let fault = self.gone.get().cloned();
        let fault = fault.unwrap_or_else(|| Fault::new(FaultKind::Broken, "the connection is gone"));
        End::Broken { fault, alone: self.active.load(Ordering::Relaxed) == 1 }
    }

    /// Returns once no call is in flight.
    pub(crate) async fn emptied(&self) {
        while self.active.load(Ordering::Acquire) > 0 {
            self.emptied.notified().await;
        }
    }

    /// Looks after the connection until it is of no use, and tells the keeper: nothing else is open that would show it.
    pub(crate) async fn watch(&self, interval: Duration, news: &mpsc::Sender<News>) {
        let fault = loop {
            tokio::select! {
                () = self.ending.cancelled() => break self.gone.get().cloned(),
                () = tokio::time::sleep(interval) => {}
            }
            let mut client = self.client.clone();
            let began = tokio::time::Instant::now();
            match tokio::time::timeout(interval, client.describe(DescribeRequest {})).await {
                Ok(Ok(_)) => {
                    let _ = news.try_send(News::Latency(began.elapsed()));
                }
                Ok(Err(status)) => break Some(ended(&status)),
                Err(_) => {
                    break Some(Fault::new(FaultKind::Hung, "the agent does not describe itself any more"));
                }
            }
        };
        let fault = fault.unwrap_or_else(|| Fault::new(FaultKind::Broken, "the connection is gone"));
        self.close(fault.clone());
        let _ = news.send(News::Broken(fault)).await;
    }
}

impl Drop for Flying<'_> {
    fn drop(&mut self) {
        if self.0.active.fetch_sub(1, Ordering::Release) == 1 {
            self.0.emptied.notify_one();
        }
    }
}

async fn listen(id: &str, mut events: Streaming<ExecuteResponse>, order: &Order<'_>) -> End {
    let mut trail = Trail::default();
    loop {
        let event = match events.message().await {
            Ok(Some(ExecuteResponse { event: Some(event) })) => event,
            Ok(Some(ExecuteResponse { event: None })) => continue,
            Ok(None) => return End::Garbled("its stream ended without an outcome".to_owned()),
            Err(status) => return End::Refused(status),
        };
        if event.id != id {
            return End::Garbled(format!("an event of `{}` came on the stream of `{id}`", event.id));
        }
        match trail.hear(event) {
            Ok(Heard::Nothing) => {}
            Ok(Heard::Progress(progress)) => order.sink.take(progress),
            Ok(Heard::Outcome(outcome)) => {
                see_off(events).await;
                return End::Outcome(outcome, trail.bytes);
            }
            Err(what) => return End::Garbled(what),
        }
    }
}

/// Takes the end of a stream whose outcome came. A stream that is dropped before its end is reset, and HTTP/2 gives up a connection
/// on which a thousand resets cross the ends of their streams.
async fn see_off(mut events: Streaming<ExecuteResponse>) {
    let end = async { while let Ok(Some(_)) = events.message().await {} };
    // An agent that does not end it is not waited for.
    let _ = tokio::time::timeout(FAREWELL, end).await;
}

/// Whether a status tells of the connection rather than of the call.
fn is_transport(status: &Status) -> bool {
    match status.code() {
        Code::Unavailable
        | Code::Unknown
        | Code::Internal
        | Code::Cancelled
        | Code::Aborted
        | Code::DataLoss => true,
        Code::OutOfRange => ended(status).kind == FaultKind::TooLarge,
        Code::Ok
        | Code::InvalidArgument
        | Code::DeadlineExceeded
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::ResourceExhausted
        | Code::FailedPrecondition
        | Code::Unimplemented
        | Code::Unauthenticated => false,
    }
}
