//! What the journal counted since it was opened.

use std::sync::atomic::{AtomicU64, Ordering};

/// What the journal counted since it was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Entries handed to the writer.
    pub appends: u64,
    /// Entries on disk: what is missing to `appends` was refused, failed, or is on its way.
    pub entries: u64,
    /// Events on disk.
    pub events: u64,
    /// Transactions committed, of entries and of marks. Each is one sync of the log; the first one after the log was copied into the database costs one
    /// more. How often the disk itself was synced cannot be counted from inside.
    pub commits: u64,
    /// Checkpoints that copied something from the log into the database; each is a sync of the log and one of the database.
    pub checkpoints: u64,
    /// Size of the log on disk, in bytes.
    pub wal_bytes: u64,
}

/// The counters behind [`Stats`]. Each stands for itself; they are not read at one instant.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) appends: AtomicU64,
    pub(super) entries: AtomicU64,
    pub(super) events: AtomicU64,
    pub(super) commits: AtomicU64,
    pub(super) checkpoints: AtomicU64,
}

impl Tally {
    /// Counts on.
    pub(super) fn add(counter: &AtomicU64, more: usize) {
        counter.fetch_add(more as u64, Ordering::Relaxed);
    }

    /// What was counted, beside the size of the log.
    pub(super) fn read(&self, wal_bytes: u64) -> Stats {
        let now = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            appends: now(&self.appends),
            entries: now(&self.entries),
            events: now(&self.events),
            commits: now(&self.commits),
            checkpoints: now(&self.checkpoints),
            wal_bytes,
        }
    }
}
