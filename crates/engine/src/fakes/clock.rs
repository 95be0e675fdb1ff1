//! A clock that is moved by hand.

use async_trait::async_trait;
use op_run::Timestamp;
use tokio::sync::watch;

use crate::ports::Clock;

/// Tells the time it was set to, and wakes who waits when it is moved.
#[derive(Debug)]
pub struct HandClock {
    now: watch::Sender<Timestamp>,
}

impl HandClock {
    /// A clock that shows this time.
    pub fn at(now: Timestamp) -> Self {
        Self { now: watch::Sender::new(now) }
    }

    /// Moves the clock on; it never goes back.
    pub fn move_on(&self, by: std::time::Duration) {
        self.now.send_modify(|now| *now = now.after(by));
    }
}

#[async_trait]
impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    async fn sleep_until(&self, at: Timestamp) {
        let mut now = self.now.subscribe();
        now.wait_for(|now| *now >= at).await.expect("the clock is alive");
    }
}
