//! What the test harness of Rust says, counted.
//!
//! The harness has JSON output on nightly only; these lines are the same since Rust 1.0.

use std::sync::LazyLock;

use regex::Regex;
use schemars::JsonSchema;
use serde::Serialize;

static RESULT: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;"));
static FAILED: LazyLock<Regex> = LazyLock::new(|| pattern(r"^test (.+?)(?: - should panic)? \.\.\. FAILED"));
static BENCH: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^test (\S+)\s+\.\.\. bench:\s+([\d.,]+) ns/iter \(\+/- ([\d.,]+)\)"));

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern that a test uses")
}

/// Tests counted over all test programs of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Tests {
    /// How many passed.
    pub(crate) passed: u64,
    /// How many failed.
    pub(crate) failed: u64,
    /// How many were not run.
    pub(crate) ignored: u64,
    /// The names of those that failed.
    pub(crate) failures: Vec<String>,
}

/// One benchmark.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Measured {
    /// Its name.
    name: String,
    /// How many nanoseconds one round took, by the median.
    nanos: f64,
    /// How far the rounds were apart, in nanoseconds.
    deviation: f64,
}

/// What was counted so far.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) tests: Tests,
    pub(crate) measured: Vec<Measured>,
}

impl Tally {
    /// Takes one line of output.
    pub(crate) fn hear(&mut self, line: &str) {
        if let Some(found) = RESULT.captures(line) {
            let count = |index: usize| found[index].parse::<u64>().unwrap_or_default();
            self.tests.passed += count(1);
            self.tests.failed += count(2);
            self.tests.ignored += count(3);
        } else if let Some(found) = FAILED.captures(line) {
            self.tests.failures.push(found[1].to_owned());
        } else if let Some(found) = BENCH.captures(line) {
            let number = |index: usize| found[index].replace(',', "").parse::<f64>().unwrap_or_default();
            self.measured.push(Measured {
                name: found[1].to_owned(),
                nanos: number(2),
                deviation: number(3),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(text: &str) -> Tally {
        let mut tally = Tally::default();
        text.lines().for_each(|line| tally.hear(line));
        tally
    }

    #[test]
    fn the_programs_of_a_run_are_added_up() {
        let tally = tally(
            "running 3 tests\ntest a ... ok\ntest b::c ... FAILED\ntest d ... ignored\n\n\
             test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
             running 1 test\ntest src/lib.rs - answer (line 3) ... FAILED\ntest e - should panic ... FAILED\n\
             test result: FAILED. 2 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s\n",
        );
        let failures = ["b::c", "src/lib.rs - answer (line 3)", "e"].map(str::to_owned).to_vec();
        assert_eq!(tally.tests, Tests { passed: 3, failed: 3, ignored: 1, failures });
    }

    #[test]
    fn a_benchmark_is_its_name_and_two_numbers() {
        let tally = tally("test sort::big ... bench:   1,234,567.89 ns/iter (+/- 1,000.50)\n");
        assert_eq!(
            tally.measured,
            [Measured { name: "sort::big".into(), nanos: 1_234_567.89, deviation: 1000.5 }]
        );
    }

    #[test]
    fn other_lines_count_for_nothing() {
        let tally = tally("testing\n test result: ok. 1 passed\nFAILED\n");
        assert_eq!((tally.tests, tally.measured), (Tests::default(), Vec::new()));
    }
}
