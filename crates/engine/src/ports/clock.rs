//! The port to time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use op_run::Timestamp;
use tokio::time::Instant;

/// Tells the time and waits for it.
#[async_trait]
pub trait Clock: Send + Sync + 'static {
    /// The time now; never less than what an earlier call told.
    fn now(&self) -> Timestamp;

    /// Returns once `now()` is at least this.
    async fn sleep_until(&self, at: Timestamp);
}

/// The clock of the host: read once from the system, then counted on the monotonic clock, so that a clock that is set back
/// never makes a run's time go backwards. Runs on tokio's time, so tests can pause it.
#[derive(Debug, Clone)]
pub struct SystemClock {
    began: Instant,
    epoch: Duration,
}

impl SystemClock {
    /// A clock that begins with the system's time.
    pub fn new() -> Self {
        let epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { began: Instant::now(), epoch }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(0).after(self.epoch + self.began.elapsed())
    }

    async fn sleep_until(&self, at: Timestamp) {
        // Timers round to the millisecond: look again until the time is really there.
        while self.now() < at {
            tokio::time::sleep(at.since(self.now()).min(Duration::from_hours(24))).await;
        }
    }
}
