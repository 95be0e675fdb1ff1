//! Numbers for people.

use std::time::Duration;

/// What a round, or the middle of several, measured.
pub(crate) struct Row {
    rate: f64,
    p50: f64,
    p99: f64,
    commits: f64,
}

#[expect(clippy::cast_precision_loss, reason = "for people to read")]
impl Row {
    /// From so many steps in so much time, with the waits between steps of a run.
    pub(crate) fn new(steps: usize, took: Duration, commits: u64, mut waits: Vec<Duration>) -> Self {
        waits.sort_unstable();
        let at = |percent: usize| {
            waits.get(waits.len() * percent / 100).map_or(f64::NAN, |wait| wait.as_secs_f64() * 1e3)
        };
        let steps = steps as f64;
        Self { rate: steps / took.as_secs_f64(), p50: at(50), p99: at(99), commits: commits as f64 / steps }
    }
}

impl Row {
    /// Each number is the median of its own.
    pub(crate) fn middle(rows: &[Self]) -> Self {
        let of = |number: fn(&Self) -> f64| median(&rows.iter().map(number).collect::<Vec<_>>());
        Self {
            rate: of(|row| row.rate),
            p50: of(|row| row.p50),
            p99: of(|row| row.p99),
            commits: of(|row| row.commits),
        }
    }

    /// Prints it, beside the rate of the bare disk and the syncs that were counted from outside.
    pub(crate) fn print(&self, callers: usize, floor: f64, syncs: Option<f64>) {
        let Self { rate, p50, p99, commits } = self;
        let syncs = syncs.map_or_else(|| "no strace".to_owned(), |syncs| format!("{syncs:.3}"));
        let disk = ratio(*rate, floor);
        println!("{callers:>5} {rate:>9.0} {disk:>8} {p50:>9.2} {p99:>9.2} {commits:>13.3} {syncs:>11}");
    }
}

/// Prints what stands in the columns.
pub(crate) fn head() {
    let (p50, p99) = ("p50 ms", "p99 ms");
    println!(
        "{:>5} {:>9} {:>8} {p50:>9} {p99:>9} {:>13} {:>11}",
        "runs", "steps/s", "x disk", "commits/step", "syncs/step"
    );
}

/// The number in the middle.
pub(crate) fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// One number against another one.
pub(crate) fn ratio(number: f64, floor: f64) -> String {
    format!("{:.2}", number / floor)
}
