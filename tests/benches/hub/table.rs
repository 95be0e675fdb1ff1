//! Numbers for people.

use std::time::Duration;

/// What was measured of one kind of call.
pub(crate) struct Row {
    p50: f64,
    p99: f64,
    rate: f64,
}

#[expect(clippy::cast_precision_loss, reason = "for people to read")]
impl Row {
    /// From how long each took, in so much time.
    pub(crate) fn new(mut took: Vec<Duration>, all: Duration) -> Self {
        took.sort_unstable();
        let at = |percent: usize| {
            took.get(took.len() * percent / 100).map_or(f64::NAN, |took| took.as_secs_f64() * 1e6)
        };
        Self { p50: at(50), p99: at(99), rate: took.len() as f64 / all.as_secs_f64() }
    }

    /// How many times longer it takes than another one, by the medians.
    pub(crate) fn over(&self, other: &Self) -> f64 {
        self.p50 / other.p50
    }

    /// Prints it beside its floor.
    pub(crate) fn print(&self, name: &str, floor: &Self) {
        let Self { p50, p99, rate } = self;
        let (x50, x99) = (p50 / floor.p50, p99 / floor.p99);
        println!("{name:<34} {p50:>9.1} {p99:>9.1} {rate:>9.0} {x50:>7.2} {x99:>7.2}");
    }
}

/// Prints what stands in the columns.
pub(crate) fn head(what: &str) {
    println!("\n{what:<34} {:>9} {:>9} {:>9} {:>7} {:>7}", "p50 us", "p99 us", "calls/s", "x p50", "x p99");
}
