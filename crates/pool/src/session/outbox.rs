//! Frames on their way to an agent.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures::Stream;
use op_proto::agent::v1::HostFrame;
use op_proto::agent::v1::host_frame::Frame;
use tokio::sync::mpsc;

/// Two queues, one stream: notes go ahead of calls, and after a bye comes nothing.
#[derive(Debug)]
pub(crate) struct Outbox {
    notes: mpsc::UnboundedReceiver<HostFrame>,
    orders: mpsc::Receiver<HostFrame>,
    done: bool,
}

impl Outbox {
    pub(super) fn new(notes: mpsc::UnboundedReceiver<HostFrame>, orders: mpsc::Receiver<HostFrame>) -> Self {
        Self { notes, orders, done: false }
    }
}

impl Stream for Outbox {
    type Item = HostFrame;

    fn poll_next(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<Option<HostFrame>> {
        if self.done {
            return Poll::Ready(None);
        }
        if let Poll::Ready(Some(note)) = self.notes.poll_recv(ctx) {
            self.done = matches!(note.frame, Some(Frame::Bye(_)));
            return Poll::Ready(Some(note));
        }
        self.orders.poll_recv(ctx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{FutureExt, StreamExt};
    use op_proto::agent::v1::{Bye, Operation, Ping};

    #[test]
    fn notes_go_ahead_of_calls_and_nothing_follows_a_bye() {
        let (note, notes) = mpsc::unbounded_channel();
        let (order, orders) = mpsc::channel(4);
        let mut outbox = Outbox::new(notes, orders);
        let frame = |frame| HostFrame { frame: Some(frame) };
        let (call, ping) =
            (frame(Frame::Operation(Operation::default())), frame(Frame::Ping(Ping { token: 1 })));
        order.try_send(call.clone()).expect("there is room");
        note.send(ping.clone()).expect("somebody listens");
        assert_eq!(outbox.next().now_or_never(), Some(Some(ping)));
        assert_eq!(outbox.next().now_or_never(), Some(Some(call.clone())));
        assert_eq!(outbox.next().now_or_never(), None);
        note.send(frame(Frame::Bye(Bye::default()))).expect("somebody listens");
        order.try_send(call).expect("there is room");
        assert!(matches!(outbox.next().now_or_never(), Some(Some(HostFrame { frame: Some(Frame::Bye(_)) }))));
        assert_eq!(outbox.next().now_or_never(), Some(None));
    }
}
