//! Whether conductors still turn: each notes when it began to deal with something, and that it has dealt with it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use op_run::Timestamp;

/// What one conductor notes. One that waits, for an input or for room on the disk, deals with nothing.
#[derive(Debug, Default)]
pub(crate) struct Beat {
    /// Milliseconds; 0 while it waits.
    since: AtomicU64,
}

impl Beat {
    /// It deals with something from now on.
    pub(crate) fn begin(&self, now: Timestamp) {
        self.since.store(now.as_millis().max(1), Ordering::Relaxed);
    }

    /// It waits.
    pub(crate) fn rest(&self) {
        self.since.store(0, Ordering::Relaxed);
    }

    /// How long it has been dealing with one thing.
    pub(crate) fn busy(&self, now: Timestamp) -> Duration {
        match self.since.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            since => now.since(Timestamp::from_millis(since)),
        }
    }
}
