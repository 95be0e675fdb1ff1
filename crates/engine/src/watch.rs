//! Following a run from any sequence: every fact once and in order, progress as it comes.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::stream::{BoxStream, StreamExt as _, unfold};
use op_run::{Fact, Run, RunId};
use tokio::sync::broadcast::error::TryRecvError;
use tokio::sync::{broadcast, watch};

use crate::feed::{Feed, StepProgress};
use crate::ports::{Journal, ReadError, Recorded};

/// Events read from the journal at a time.
const PAGE: usize = 256;

/// One thing seen of a run.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all of a stream are facts, and a box for each would cost more"
)]
pub enum Seen {
    /// A fact, on disk.
    Event(Recorded),
    /// Progress, which is not journalled.
    Progress {
        /// The progress.
        progress: StepProgress,
        /// Pieces that were folded away before it because the watcher was slow.
        folded: u64,
    },
}

/// What a watcher sees; ends after the last event of a run that is over.
pub type Watch = BoxStream<'static, Result<Seen, ReadError>>;

pub(crate) fn watch(
    journal: Arc<dyn Journal>,
    run: RunId,
    from: u64,
    feed: Option<Arc<Feed>>,
    with_progress: bool,
) -> Watch {
    let live = feed.map(|feed| Live {
        changes: feed.changes(),
        progress: with_progress.then(|| feed.progress_from_now()),
        feed,
    });
    let (next, pending) = (from.max(1), VecDeque::new());
    let watcher = Watcher { journal, run, next, live, pending, folded: 0, due: 0, drained: 0 };
    unfold(Some(watcher), |watcher| async {
        let mut watcher = watcher?;
        match watcher.next().await {
            Ok(Some(seen)) => Some((Ok(seen), Some(watcher))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    })
    .boxed()
}

struct Live {
    feed: Arc<Feed>,
    changes: watch::Receiver<Arc<Run>>,
    progress: Option<broadcast::Receiver<StepProgress>>,
}

struct Watcher {
    journal: Arc<dyn Journal>,
    run: RunId,
    /// The sequence that comes next.
    next: u64,
    live: Option<Live>,
    pending: VecDeque<Recorded>,
    folded: u64,
    /// Pieces of progress that go before the next fact.
    due: usize,
    /// The fact whose progress was let go before it.
    drained: u64,
}

impl Watcher {
    async fn next(&mut self) -> Result<Option<Seen>, ReadError> {
        loop {
            if let Some(seen) = self.due_progress() {
                return Ok(Some(seen));
            }
            if let Some(recorded) = self.pending.pop_front() {
                self.next = recorded.sequence + 1;
                return Ok(Some(Seen::Event(recorded)));
            }
            self.pending = self.fetch().await?.into();
            if !self.pending.is_empty() {
                continue;
            }
            let Some(live) = &mut self.live else { return Ok(None) };
            let run = Arc::clone(&live.changes.borrow_and_update());
            if run.sequence() >= self.next {
                continue;
            }
            if run.state().is_over() {
                return Ok(None);
            }
            if let Some(progress) = wait(live, &mut self.folded).await {
                let folded = std::mem::take(&mut self.folded);
                return Ok(Some(Seen::Progress { progress, folded }));
            }
        }
    }

    /// Progress of calls that ended goes before the fact that they did: what was there by now, so that facts are never kept
    /// waiting by what comes meanwhile.
    fn due_progress(&mut self) -> Option<Seen> {
        let progress = self.live.as_mut()?.progress.as_mut()?;
        let next = self.pending.front()?;
        if self.drained < next.sequence && ends_call(&next.event.fact) {
            self.drained = next.sequence;
            self.due = progress.len();
        }
        while self.due > 0 {
            self.due -= 1;
            match progress.try_recv() {
                Ok(progress) => {
                    let folded = std::mem::take(&mut self.folded);
                    return Some(Seen::Progress { progress, folded });
                }
                Err(TryRecvError::Lagged(missed)) => self.folded += missed,
                Err(TryRecvError::Empty | TryRecvError::Closed) => self.due = 0,
            }
        }
        None
    }

    /// Events that are there already: from memory where it reaches back far enough, else from the journal.
    async fn fetch(&self) -> Result<Vec<Recorded>, ReadError> {
        if let Some(live) = &self.live {
            if live.feed.run().sequence() < self.next {
                return Ok(Vec::new());
            }
            if let Some(recent) = live.feed.recent(self.next) {
                return Ok(recent);
            }
        }
        self.journal.events(&self.run, self.next, PAGE).await
    }
}

fn ends_call(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::StepSucceeded { .. }
            | Fact::StepFailed { .. }
            | Fact::RetryScheduled { .. }
            | Fact::UndoSucceeded { .. }
            | Fact::UndoFailed { .. }
            | Fact::UndoRetryScheduled { .. }
    )
}

/// Waits for a change of the run, or for progress. Facts go first: they make a slow watcher miss progress, never the reverse.
async fn wait(live: &mut Live, folded: &mut u64) -> Option<StepProgress> {
    let progress = async {
        match &mut live.progress {
            Some(progress) => progress.recv().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        changed = live.changes.changed() => {
            // The feed is held by this watcher, so its sender lives.
            changed.expect("the feed is alive");
            None
        }
        received = progress => match received {
            Ok(progress) => Some(progress),
            Err(broadcast::error::RecvError::Lagged(missed)) => {
                *folded += missed;
                None
            }
            Err(broadcast::error::RecvError::Closed) => {
                live.progress = None;
                None
            }
        },
    }
}
