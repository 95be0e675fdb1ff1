//! Keeps the write-ahead log small, between commits and never within one.
//!
//! `SQLite` appends each commit to a log beside the database. Once all of it is copied into the database, the log is written over
//! from its start, which is also the fastest way to write: a file that does not grow. So it is copied whenever the writer has
//! nothing else to do, at a soft size when it always has, and at a hard size even if readers must be waited for.

use std::time::Duration;

use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, DEFAULT_NAME};

use super::fault::Fault;
use super::open::{BUSY, PAGE};
use super::stats::Tally;

/// What a page takes in the log: itself and a header (<https://www.sqlite.org/fileformat2.html#the_write_ahead_log>).
const FRAME: u64 = PAGE + 24;

/// How long readers are waited for at the hard size; a read takes milliseconds.
const PATIENCE: Duration = Duration::from_millis(250);

/// The log beside the database, seen from its only writer. Sizes are in frames.
#[derive(Debug)]
pub(super) struct Log {
    soft: u64,
    hard: u64,
    /// Uncopied frames at which it is copied next.
    due: u64,
    /// Frames at which readers are waited for next.
    overdue: u64,
    dirty: bool,
}

/// How much there is, and how much of it is copied.
struct Extent {
    frames: u64,
    copied: u64,
}

impl Log {
    /// A log that is copied at a soft size, and emptied at a hard size; both in bytes.
    pub(super) fn new(soft: u64, hard: u64) -> Self {
        let (soft, hard) = ((soft / FRAME).max(1), (hard / FRAME).max(1));
        // What is in the log from an earlier process counts as much as what comes now.
        Self { soft, hard, due: soft, overdue: hard, dirty: true }
    }

    /// Whether there is something to do when there is nothing else to do.
    pub(super) fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// After a commit: copies or empties a log that has become too large.
    pub(super) fn grown(&mut self, db: &Connection, tally: &Tally) -> rusqlite::Result<()> {
        self.dirty = true;
        let now = run(db, CheckpointMode::NOOP)?;
        if now.frames < self.hard {
            self.overdue = self.hard;
        }
        if now.frames >= self.overdue {
            self.empty(db, tally)
        } else if now.uncopied() >= self.due {
            self.copy(db, tally)
        } else {
            Ok(())
        }
    }

    /// Copies what no reader needs where it is.
    pub(super) fn copy(&mut self, db: &Connection, tally: &Tally) -> rusqlite::Result<()> {
        self.dirty = false;
        let before = run(db, CheckpointMode::NOOP)?;
        self.due = before.uncopied() + self.soft;
        let after = run(db, CheckpointMode::PASSIVE)?;
        self.due = after.uncopied() + self.soft;
        Tally::add(&tally.checkpoints, usize::from(after.copied > before.copied));
        Ok(())
    }

    /// Copies everything and empties the log. Readers that hold on to it for longer than is bearable are told of, and it is tried
    /// again when it has grown by half as much again.
    pub(super) fn empty(&mut self, db: &Connection, tally: &Tally) -> rusqlite::Result<()> {
        self.dirty = false;
        let before = run(db, CheckpointMode::NOOP)?;
        self.overdue = before.frames + self.hard.div_ceil(2);
        db.busy_timeout(PATIENCE)?;
        let outcome = run(db, CheckpointMode::TRUNCATE);
        db.busy_timeout(BUSY)?;
        match outcome {
            Ok(_) => {
                (self.due, self.overdue) = (self.soft, self.hard);
                Tally::add(&tally.checkpoints, usize::from(before.uncopied() > 0));
                Ok(())
            }
            Err(error) if Fault::of(&error) == Fault::Locked => {
                tracing::warn!(
                    bytes = before.frames * FRAME,
                    "a reader keeps the log of the journal from being emptied"
                );
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

impl Extent {
    fn uncopied(&self) -> u64 {
        self.frames.saturating_sub(self.copied)
    }
}

fn run(db: &Connection, mode: CheckpointMode) -> rusqlite::Result<Extent> {
    let (frames, copied) = db.wal_checkpoint_v2(DEFAULT_NAME, mode)?;
    let count = |number| u64::try_from(number).unwrap_or(0);
    Ok(Extent { frames: count(frames), copied: count(copied) })
}
