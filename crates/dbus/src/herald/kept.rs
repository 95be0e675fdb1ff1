//! Runs that are over and stay on the bus for a while: so many, and so long.

use std::collections::VecDeque;
use std::time::Duration;

use op_run::RunId;
use tokio::time::Instant;

/// Runs that stay at the same time.
const MOST: usize = 64;

/// Oldest first.
#[derive(Debug, Default)]
pub(crate) struct Kept(VecDeque<(Instant, RunId)>);

impl Kept {
    /// Keeps a run from now on; one that is kept already stays as it is.
    pub(crate) fn keep(&mut self, run: &RunId, now: Instant) {
        if !self.has(run) {
            self.0.push_back((now, run.clone()));
        }
    }

    /// It is not over any more.
    pub(crate) fn release(&mut self, run: &RunId) {
        self.0.retain(|(_, kept)| kept != run);
    }

    pub(crate) fn has(&self, run: &RunId) -> bool {
        self.0.iter().any(|(_, kept)| kept == run)
    }

    /// The oldest one, if it has stayed long enough or there are too many.
    pub(crate) fn pop(&mut self, now: Instant, keep: Duration) -> Option<RunId> {
        let (since, _) = self.0.front()?;
        if self.0.len() <= MOST && *since + keep > now {
            return None;
        }
        self.0.pop_front().map(|(_, run)| run)
    }

    /// When the oldest one has stayed long enough.
    pub(crate) fn wake(&self, keep: Duration) -> Option<Instant> {
        self.0.front().map(|(since, _)| *since + keep)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ended_runs_stay_for_ten_minutes_and_the_last_64_of_them() {
        let (mut kept, start, keep) = (Kept::default(), Instant::now(), Duration::from_mins(10));
        let run = |at: u64| RunId::new(format!("r{at}"));
        (0..70).for_each(|at| kept.keep(&run(at), start + Duration::from_secs(at)));
        let now = start + Duration::from_secs(70);
        let gone: Vec<_> = std::iter::from_fn(|| kept.pop(now, keep)).collect();
        assert_eq!(gone, (0..6).map(run).collect::<Vec<_>>());
        assert_eq!(kept.wake(keep), Some(start + keep + Duration::from_secs(6)));
        kept.release(&run(6));
        assert_eq!(kept.pop(start + keep + Duration::from_secs(7), keep), Some(run(7)));
        assert_eq!(kept.pop(start + keep + Duration::from_secs(7), keep), None);
    }
}
