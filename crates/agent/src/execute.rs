//! The plain way in: one operation, one stream.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::Stream;
use op_proto::agent::v1::agent_frame::Frame;
use op_proto::agent::v1::{AgentFrame, ExecuteResponse, Operation};
use tokio::sync::mpsc;
use tonic::Status;

use crate::credit::Credit;
use crate::flight::{Cause, Flight, Halt, OUTBOX};
use crate::floor::Floor;

/// The events of one operation. Dropping it asks the operation to stop.
pub(crate) struct Events {
    flight: Arc<Flight>,
    frames: mpsc::Receiver<Result<AgentFrame, Status>>,
}

/// Takes the operation. The stream itself is the flow control: credit has no end here.
pub(crate) async fn execute(floor: &Arc<Floor>, asked: Operation) -> Events {
    let (outbox, frames) = mpsc::channel(OUTBOX);
    let flight = floor.take(asked, floor.stream(outbox, false), Credit::new(u64::MAX)).await;
    Events { flight, frames }
}

impl Stream for Events {
    type Item = Result<ExecuteResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // The outcome ends the stream. Asked in this order, since the end is told right after the last frame is in the queue.
        if self.flight.is_ended() && self.frames.is_empty() {
            return Poll::Ready(None);
        }
        self.frames.poll_recv(ctx).map(|frame| frame.map(|frame| frame.map(response)))
    }
}

fn response(frame: AgentFrame) -> ExecuteResponse {
    match frame.frame {
        Some(Frame::Event(event)) => ExecuteResponse { event: Some(event) },
        Some(
            Frame::Welcome(_)
            | Frame::Draining(_)
            | Frame::Pong(_)
            | Frame::HostCall(_)
            | Frame::CatalogueChanged(_),
        )
        | None => ExecuteResponse::default(),
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.flight.halt(Halt { cause: Cause::SessionEnded, grace: self.flight.grace() });
    }
}
