//! Frames on their way to an agent.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use futures::Stream;
use op_proto::agent::v1::HostFrame;
use op_proto::agent::v1::host_frame::Frame;
use prost::Message;
use tokio::sync::mpsc;

/// Bytes of notes that may wait for an agent that reads slowly: a dozen answers of the largest size, and all the small ones.
pub(super) const MAX_WAITING: usize = 64 << 20;

/// Frames that wait for no place. They are bounded all the same: who makes the hub talk and does not listen is not waited for.
#[derive(Debug, Default)]
pub(super) struct Notes(Mutex<Queue>);

#[derive(Debug, Default)]
struct Queue {
    frames: VecDeque<(HostFrame, usize)>,
    bytes: usize,
    /// Nothing comes after what waits.
    is_closed: bool,
    reader: Option<Waker>,
}

impl Notes {
    /// Adds a note; one after the last changes nothing. False when more wait than may: then none is sent any more.
    pub(super) fn push(&self, frame: Frame) -> bool {
        let frame = HostFrame { frame: Some(frame) };
        let size = frame.encoded_len();
        let mut queue = self.queue();
        if queue.is_closed {
            return true;
        }
        let fits = queue.bytes == 0 || queue.bytes + size <= MAX_WAITING;
        if fits {
            queue.bytes += size;
            queue.frames.push_back((frame, size));
        } else {
            queue.discard();
        }
        wake(queue);
        fits
    }

    /// Ends the stream after what waits.
    pub(super) fn close(&self) {
        let mut queue = self.queue();
        queue.is_closed = true;
        wake(queue);
    }

    /// The next note; `None` after the last.
    fn poll(&self, ctx: &Context<'_>) -> Poll<Option<HostFrame>> {
        let mut queue = self.queue();
        if let Some((frame, size)) = queue.frames.pop_front() {
            queue.bytes -= size;
            return Poll::Ready(Some(frame));
        }
        if queue.is_closed {
            return Poll::Ready(None);
        }
        if !queue.reader.as_ref().is_some_and(|reader| reader.will_wake(ctx.waker())) {
            queue.reader = Some(ctx.waker().clone());
        }
        Poll::Pending
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().expect("nothing panics while it holds the notes")
    }
}

/// Wakes the reader when the queue is free again.
fn wake(mut queue: MutexGuard<'_, Queue>) {
    let reader = queue.reader.take();
    drop(queue);
    if let Some(reader) = reader {
        reader.wake();
    }
}

impl Queue {
    fn discard(&mut self) {
        (self.frames, self.bytes, self.is_closed) = (VecDeque::new(), 0, true);
    }
}

/// Two queues, one stream: notes go ahead of calls, and after the last note comes nothing.
#[derive(Debug)]
pub(crate) struct Outbox {
    notes: Arc<Notes>,
    orders: mpsc::Receiver<HostFrame>,
}

impl Outbox {
    pub(super) fn new(notes: Arc<Notes>, orders: mpsc::Receiver<HostFrame>) -> Self {
        Self { notes, orders }
    }
}

impl Stream for Outbox {
    type Item = HostFrame;

    fn poll_next(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<Option<HostFrame>> {
        match self.notes.poll(ctx) {
            Poll::Pending => self.orders.poll_recv(ctx),
            ready @ Poll::Ready(_) => ready,
        }
    }
}

impl Drop for Outbox {
    /// Nobody reads what waits.
    fn drop(&mut self) {
        self.notes.queue().discard();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{FutureExt, StreamExt};
    use op_proto::agent::v1::{Bye, Operation, Ping, Reply};

    fn outbox() -> (Arc<Notes>, mpsc::Sender<HostFrame>, Outbox) {
        let (notes, (order, orders)) = (Arc::<Notes>::default(), mpsc::channel(4));
        let outbox = Outbox::new(Arc::clone(&notes), orders);
        (notes, order, outbox)
    }

    fn frame(frame: Frame) -> HostFrame {
        HostFrame { frame: Some(frame) }
    }

    #[test]
    fn notes_go_ahead_of_calls_and_nothing_follows_the_last() {
        let (notes, order, mut outbox) = outbox();
        let (call, ping) = (frame(Frame::Operation(Operation::default())), Frame::Ping(Ping { token: 1 }));
        order.try_send(call.clone()).expect("there is room");
        assert!(notes.push(ping.clone()));
        assert_eq!(outbox.next().now_or_never(), Some(Some(frame(ping.clone()))));
        assert_eq!(outbox.next().now_or_never(), Some(Some(call.clone())));
        assert_eq!(outbox.next().now_or_never(), None);
        assert!(notes.push(Frame::Bye(Bye::default())));
        notes.close();
        assert!(notes.push(ping));
        order.try_send(call).expect("there is room");
        assert_eq!(outbox.next().now_or_never(), Some(Some(frame(Frame::Bye(Bye::default())))));
        assert_eq!(outbox.next().now_or_never(), Some(None));
    }

    #[tokio::test]
    async fn who_waits_for_a_note_is_woken_by_it_and_by_the_end() {
        let (notes, _order, mut outbox) = outbox();
        let waits = tokio::spawn(async move { (outbox.next().await, outbox.next().await) });
        tokio::task::yield_now().await;
        assert!(notes.push(Frame::Ping(Ping { token: 1 })));
        tokio::task::yield_now().await;
        notes.close();
        assert_eq!(waits.await.expect("no panic"), (Some(frame(Frame::Ping(Ping { token: 1 }))), None));
    }

    #[test]
    fn more_bytes_than_may_wait_end_the_stream_and_what_was_read_counts_no_more() {
        let large = || Frame::Reply(Reply { id: "x".repeat(MAX_WAITING / 2 + 1), ..Reply::default() });
        let (notes, _order, mut outbox) = outbox();
        for _ in 0..3 {
            assert!(notes.push(large()));
            assert!(matches!(outbox.next().now_or_never(), Some(Some(_))));
        }
        assert!(notes.push(large()));
        assert!(!notes.push(large()), "nobody reads");
        assert_eq!(outbox.next().now_or_never(), Some(None));
        assert_eq!(notes.queue().bytes, 0, "nothing of it is kept");
    }
}
