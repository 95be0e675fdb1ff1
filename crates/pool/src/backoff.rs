//! How long to wait before the next attempt: exponential, bounded, with chance mixed in.

use std::time::Duration;

/// Grows by `factor` from `base` up to `max`; a part of each wait is left to chance, so that many hubs or links do not
/// knock in step ([Exponential Backoff And Jitter](https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/)).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// The first wait.
    pub base: Duration,
    /// The longest wait.
    pub max: Duration,
    /// How much longer each wait is than the one before; at least 1.
    pub factor: f64,
    /// The part of a wait that is left to chance, between 0 and 1.
    pub jitter: f64,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { base: Duration::from_millis(100), max: Duration::from_secs(30), factor: 2.0, jitter: 0.5 }
    }
}

impl Backoff {
    /// The wait after the failed attempt number `attempt`, counted from 1. `chance` is between 0 and 1: 0 waits in
    /// full, 1 leaves out the part that is left to chance.
    pub fn wait(&self, attempt: u32, chance: f64) -> Duration {
        let full = self.full(attempt);
        full.mul_f64(1.0 - self.jitter.clamp(0.0, 1.0) * chance.clamp(0.0, 1.0))
    }

    fn full(&self, attempt: u32) -> Duration {
        let steps = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let seconds = self.base.as_secs_f64() * self.factor.max(1.0).powi(steps);
        // A product beyond what a duration holds is beyond the longest wait too.
        Duration::try_from_secs_f64(seconds).unwrap_or(self.max).min(self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_wait_doubles_up_to_its_limit() {
        let backoff = Backoff { max: Duration::from_secs(1), ..Backoff::default() };
        let waits: Vec<u128> = (1..=6).map(|attempt| backoff.wait(attempt, 0.0).as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1000, 1000]);
    }

    #[test]
    fn chance_shortens_a_wait_by_no_more_than_its_part() {
        let backoff = Backoff { jitter: 0.25, ..Backoff::default() };
        assert_eq!(backoff.wait(1, 1.0), Duration::from_millis(75));
        assert_eq!(backoff.wait(1, 0.5).as_micros(), 87_500);
    }

    proptest! {
        #[test]
        fn every_wait_is_bounded_and_none_without_chance_is_shorter_than_the_one_before(
            base in 1u64..10_000, max in 1u64..100_000, factor in 1.0f64..10.0, jitter in 0.0f64..=1.0,
            attempt in 1u32..u32::MAX, chance in 0.0f64..=1.0,
        ) {
            let (base, max) = (Duration::from_millis(base), Duration::from_millis(max));
            let backoff = Backoff { base, max, factor, jitter };
            let full = backoff.wait(attempt, 0.0);
            prop_assert!(full <= max);
            prop_assert!(full >= base.min(max));
            prop_assert!(backoff.wait(attempt.saturating_add(1), 0.0) >= full);
            let jittered = backoff.wait(attempt, chance);
            prop_assert!(jittered <= full);
            prop_assert!(jittered.as_secs_f64() >= full.as_secs_f64() * (1.0 - jitter) - 1e-6);
        }
    }
}
