//! Flow control of one operation: bytes of output that it may still send.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// What an operation of a session starts with.
pub(crate) const INITIAL: u64 = 256 << 10;

/// Bytes of output that an operation may still send.
pub(crate) struct Credit {
    left: AtomicU64,
    more: Notify,
}

impl Credit {
    pub(crate) fn new(bytes: u64) -> Self {
        Self { left: AtomicU64::new(bytes), more: Notify::new() }
    }

    /// Allows `bytes` more.
    pub(crate) fn grant(&self, bytes: u64) {
        let add = |left: u64| Some(left.saturating_add(bytes));
        let _ = self.left.fetch_update(Ordering::AcqRel, Ordering::Acquire, add);
        self.more.notify_waiters();
    }

    /// Takes at most `want` bytes, at least one; waits while there is none. Dropping the future takes nothing.
    pub(crate) async fn take(&self, want: u64) -> u64 {
        loop {
            // Listens before it looks, so that no grant falls between the two.
            let mut more = pin!(self.more.notified());
            more.as_mut().enable();
            match self.try_take(want) {
                0 => more.await,
                taken => return taken,
            }
        }
    }

    /// Takes at most `want` bytes, perhaps none.
    pub(crate) fn try_take(&self, want: u64) -> u64 {
        let take = |left: u64| Some(left - left.min(want));
        let before = self.left.fetch_update(Ordering::AcqRel, Ordering::Acquire, take);
        before.unwrap_or_default().min(want)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[test]
    fn credit_is_taken_in_part_and_then_waited_for() {
        let credit = Credit::new(10);
        assert_eq!(credit.take(7).now_or_never(), Some(7));
        assert_eq!(credit.take(7).now_or_never(), Some(3));
        let mut waiting = Box::pin(credit.take(7));
        assert_eq!(waiting.as_mut().now_or_never(), None);
        credit.grant(5);
        assert_eq!(waiting.now_or_never(), Some(5));
        assert_eq!(credit.try_take(1), 0);
    }

    #[test]
    fn a_grant_wakes_all_who_wait() {
        let credit = Credit::new(0);
        let (mut one, mut two) = (Box::pin(credit.take(1)), Box::pin(credit.take(1)));
        assert!(one.as_mut().now_or_never().is_none() && two.as_mut().now_or_never().is_none());
        credit.grant(2);
        assert_eq!((one.now_or_never(), two.now_or_never()), (Some(1), Some(1)));
    }

    #[test]
    fn credit_without_end_does_not_overflow() {
        let credit = Credit::new(u64::MAX);
        credit.grant(u64::MAX);
        assert_eq!(credit.try_take(u64::MAX), u64::MAX);
    }
}
