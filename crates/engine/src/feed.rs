//! What is published of a live run: its newest state, its latest events, and progress.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use op_run::{Event, Run};
use tokio::sync::{broadcast, watch};

use crate::ports::{Progress, Recorded};

/// Events a watcher finds in memory; one that is further behind reads the journal.
const RECENT: usize = 256;

/// Pieces of progress a watcher may be behind before some are folded.
const PROGRESS: usize = 512;

/// Progress of a step.
#[derive(Debug, Clone, PartialEq)]
pub struct StepProgress {
    /// The step.
    pub step: Arc<str>,
    /// What it does.
    pub progress: Progress,
}

/// What is published of a live run.
pub struct Feed {
    run: watch::Sender<Arc<Run>>,
    recent: Mutex<VecDeque<Recorded>>,
    progress: broadcast::Sender<StepProgress>,
}

impl Feed {
    pub(crate) fn new(run: Run) -> Self {
        Self {
            run: watch::Sender::new(Arc::new(run)),
            recent: Mutex::new(VecDeque::new()),
            progress: broadcast::Sender::new(PROGRESS),
        }
    }

    /// The run after its last event on disk.
    pub fn run(&self) -> Arc<Run> {
        Arc::clone(&self.run.borrow())
    }

    /// Tells of every change of the run.
    pub fn changes(&self) -> watch::Receiver<Arc<Run>> {
        self.run.subscribe()
    }

    /// Whether somebody follows it.
    pub(crate) fn is_watched(&self) -> bool {
        self.run.receiver_count() > 0
    }

    /// Tells of progress from now on.
    pub fn progress_from_now(&self) -> broadcast::Receiver<StepProgress> {
        self.progress.subscribe()
    }

    /// Publishes events that are on disk, and the run after them.
    pub(crate) fn publish(&self, first: u64, events: Vec<Event>, run: Run) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let recorded = events.into_iter().zip(first..).map(|(event, sequence)| Recorded { sequence, event });
        recent.extend(recorded);
        let excess = recent.len().saturating_sub(RECENT);
        recent.drain(..excess);
        drop(recent);
        self.run.send_replace(Arc::new(run));
    }

    /// Publishes progress; nobody has to be there.
    pub(crate) fn progress(&self, step: Arc<str>, progress: Progress) {
        drop(self.progress.send(StepProgress { step, progress }));
    }

    /// The events from a sequence on, if memory still has all of them.
    pub(crate) fn recent(&self, from: u64) -> Option<Vec<Recorded>> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let first = recent.front()?.sequence;
        let skip = usize::try_from(from.checked_sub(first)?).ok()?;
        Some(recent.iter().skip(skip).cloned().collect())
    }
}
