//! A token bucket: so many a second, and as many at once after a quiet second. Who is waited for may borrow from the next second.

use std::time::Duration;

use tokio::time::Instant;

#[derive(Debug)]
pub(crate) struct Bucket {
    /// Tokens a second, and most tokens at once.
    rate: f64,
    tokens: f64,
    at: Instant,
}

impl Bucket {
    /// A full one.
    pub(crate) fn new(rate: u32, now: Instant) -> Self {
        Self { rate: f64::from(rate), tokens: f64::from(rate), at: now }
    }

    /// Whether a token is there; it stays.
    pub(crate) fn has(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + passed * self.rate).min(self.rate);
        self.at = self.at.max(now);
        self.tokens >= 1.0
    }

    /// Takes a token, or borrows one; the debt is never more than a second's tokens.
    pub(crate) fn take(&mut self) {
        self.tokens = (self.tokens - 1.0).max(-self.rate);
    }

    /// When a token is there.
    pub(crate) fn next(&self) -> Instant {
        let missing = (1.0 - self.tokens).max(0.0);
        // A little later than exactly then, so that rounding never makes it wake in vain.
        self.at + Duration::from_secs_f64(missing / self.rate) + Duration::from_micros(100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_the_rate_passes_in_any_time_beyond_one_burst() {
        let start = Instant::now();
        let mut bucket = Bucket::new(100, start);
        let mut passed = 0;
        for milli in 0..10_000 {
            let now = start + Duration::from_millis(milli);
            while bucket.has(now) {
                bucket.take();
                passed += 1;
            }
            assert!(bucket.next() > now);
        }
        assert!((1098..=1100).contains(&passed), "{passed}");
    }
    #[test]
    fn a_debt_is_at_most_a_second_long() {
        let start = Instant::now();
        let mut bucket = Bucket::new(100, start);
        (0..10_000).for_each(|_| bucket.take());
        let second = Duration::from_secs(1);
        assert!(bucket.next() >= start + second && bucket.next() <= start + 2 * second);
        assert!(!bucket.has(start + second) && bucket.has(start + 2 * second));
    }
}
