//! Runs that only wait: they leave memory, and come back when it is time or somebody has something for them.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use op_run::{Run, RunId, Timestamp};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::conductor::Message;
use crate::feed::Feed;
use crate::handle::Engine;
use crate::handle::query::GetError;
use crate::ports::RunRecord;

/// Runs that come back at the same time without waiting for each other, about.
const LOCKS: usize = 64;

/// Wait before a run that could not be woken is tried again.
const AGAIN: Duration = Duration::from_mins(1);

/// Runs that are out of memory, with what ends their wait for time.
#[derive(Debug, Default)]
pub(crate) struct Idle {
    runs: Mutex<HashMap<RunId, CancellationToken>>,
    locks: Locks,
}

/// Lets one at a time bring a run back, so that what is read of it is still so when it has its conductor.
#[derive(Debug)]
struct Locks {
    state: RandomState,
    locks: [tokio::sync::Mutex<()>; LOCKS],
}

impl Default for Locks {
    fn default() -> Self {
        Self { state: RandomState::new(), locks: std::array::from_fn(|_| tokio::sync::Mutex::default()) }
    }
}

impl Idle {
    fn runs(&self) -> MutexGuard<'_, HashMap<RunId, CancellationToken>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody else brings the run back meanwhile.
    pub(crate) async fn lock(&self, run: &RunId) -> tokio::sync::MutexGuard<'_, ()> {
        let hash = usize::try_from(self.locks.state.hash_one(run) % LOCKS as u64).unwrap_or(0);
        self.locks.locks[hash].lock().await
    }

    /// Forgets them: they sleep in the journal.
    pub(crate) fn clear(&self) {
        self.runs().clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.runs().len()
    }
}

impl Engine {
    /// A run leaves memory until a time, unless somebody watches it. It comes back before when somebody has something for it.
    pub(crate) fn leave_idle(&self, run: &RunId, wake: Option<Timestamp>) -> bool {
        let mut live = self.live();
        if live.get(run).is_none_or(|live| live.feed.is_watched()) {
            return false;
        }
        self.wake_at(run.clone(), wake);
        live.remove(run);
        true
    }

    fn wake_at(&self, run: RunId, wake: Option<Timestamp>) {
        let woken = CancellationToken::new();
        self.hall.idle.runs().insert(run.clone(), woken.clone());
        let Some(at) = wake else { return };
        let engine = self.clone();
        self.hall.tasks.spawn(async move {
            tokio::select! {
                () = engine.hall.shutdown.cancelled() => {}
                () = woken.cancelled() => {}
                () = engine.wake_when(&run, at) => {}
            }
        });
    }

    async fn wake_when(&self, run: &RunId, mut at: Timestamp) {
        let clock = &self.hall.ports.clock;
        loop {
            clock.sleep_until(at).await;
            let Err(error) = self.wake(run).await else { return };
            tracing::error!(%run, %error, "the run cannot be woken");
            at = clock.now().after(AGAIN);
        }
    }

    /// Gives a run that only waits to a conductor.
    pub(crate) async fn wake(&self, run: &RunId) -> Result<(), GetError> {
        let record = self.find(run.as_str()).await?;
        self.rouse(&record, None).await
    }

    /// Gives a run that nobody conducts to a conductor, with something that it is to hear first.
    pub(crate) async fn rouse(&self, record: &RunRecord, message: Option<Message>) -> Result<(), GetError> {
        // A shutdown waits for it, and none comes back after one.
        let _held = self.hall.tasks.token();
        let _lock = self.hall.idle.lock(&record.id).await;
        if self.hall.shutdown.is_cancelled() || self.find_live(&record.id).is_some() {
            return Ok(());
        }
        let run = self.load(record).await?;
        let Some(entered) = self.enter(&run, usize::MAX) else { return Ok(()) };
        if let Some(woken) = self.hall.idle.runs().remove(run.id()) {
            woken.cancel();
        }
        self.settle_place(&run);
        if let (Some(message), Some(live)) = (message, self.find_live(run.id())) {
            // The inbox is empty, and its other end is in `entered`.
            drop(live.inbox.try_send(message));
        }
        self.conduct(entered, true);
        let key = run.origin().and_then(|origin| origin.concurrency.as_ref());
        key.into_iter().for_each(|key| self.admit(key));
        Ok(())
    }

    /// What is published of a run from now on; wakes it if it only waits. `None` for a run that is over or that nobody conducts
    /// here.
    pub(crate) async fn attend(
        &self,
        run: &RunId,
    ) -> Result<Option<(Arc<Feed>, watch::Receiver<Arc<Run>>)>, GetError> {
        if let Some(attended) = self.attended(run) {
            return Ok(Some(attended));
        }
        let is_idle = self.hall.idle.runs().contains_key(run);
        if is_idle {
            self.wake(run).await?;
        }
        Ok(self.attended(run))
    }

    /// Taken while no run can leave, so that a run that is attended stays.
    fn attended(&self, run: &RunId) -> Option<(Arc<Feed>, watch::Receiver<Arc<Run>>)> {
        let live = self.live();
        let feed = Arc::clone(&live.get(run)?.feed);
        let changes = feed.changes();
        Some((feed, changes))
    }
}
