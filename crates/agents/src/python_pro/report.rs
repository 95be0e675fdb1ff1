//! What the drivers write down about tests, counted.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use op_agent::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most tests that are told one by one.
const MOST: usize = 500;

/// Longest report that is read: a line for each of some hundred thousand tests.
const LONGEST: u64 = 64 * 1024 * 1024;

/// What became of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    Passed,
    Failed,
    /// It could not be run to its end: its set-up, its import or its collection failed.
    Error,
    Skipped,
    /// It failed, as it was expected to.
    ExpectedFailure,
}

/// A test that did not simply pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Case {
    /// What became of it.
    pub(super) outcome: Outcome,
    /// Its name as its runner has it.
    pub(super) test: String,
    /// Its file, relative to the directory of the call.
    pub(super) file: Option<String>,
    /// The line that failed if it stands in that file, else that of the test; counted from 1.
    pub(super) line: Option<u32>,
    /// What was wrong, or why it was skipped.
    pub(super) message: String,
}

/// Tests, counted.
#[derive(Debug, Default, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Tally {
    /// How many passed.
    pub(super) passed: usize,
    /// How many failed.
    pub(super) failed: usize,
    /// How many could not be run to their end.
    pub(super) errors: usize,
    /// How many were skipped.
    pub(super) skipped: usize,
    /// How many failed as they were expected to.
    pub(super) expected_failures: usize,
    /// Those that did not simply pass: failures and errors first; at most 500.
    pub(super) cases: Vec<Case>,
    /// How many more there were.
    pub(super) left_out: usize,
    /// Whether the runner came to its end.
    #[serde(skip)]
    pub(super) is_whole: bool,
}

/// A line of a report.
#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Case(Case),
    End { outcome: End },
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum End {
    End,
}

impl Tally {
    /// Reads a report. One that is not there is one of no tests.
    pub(super) fn read(report: &Path) -> Result<Self, Failure> {
        let failed = |error| Failure::failed("io_error", format!("reading the report of the tests: {error}"));
        let mut tally = Self::default();
        let (mut serious, mut others) = (Vec::new(), Vec::new());
        for line in BufReader::new(File::open(report).map_err(failed)?.take(LONGEST)).lines() {
            match serde_json::from_str(&line.map_err(failed)?) {
                Ok(Entry::Case(case)) => {
                    tally.count(case.outcome);
                    match case.outcome {
                        Outcome::Passed => {}
                        Outcome::Failed | Outcome::Error => tally.keep(&mut serious, case),
                        Outcome::Skipped | Outcome::ExpectedFailure => tally.keep(&mut others, case),
                    }
                }
                Ok(Entry::End { outcome: End::End }) => tally.is_whole = true,
                // A test that writes into the report spoils no more than its own line.
                Err(_) => tally.is_whole = false,
            }
        }
        tally.cases = serious;
        tally.cases.append(&mut others);
        tally.left_out += tally.cases.len().saturating_sub(MOST);
        tally.cases.truncate(MOST);
        Ok(tally)
    }

    /// How many were run, whatever came of it.
    pub(super) fn ran(&self) -> usize {
        self.passed + self.failed + self.errors + self.expected_failures
    }

    fn count(&mut self, outcome: Outcome) {
        let counter = match outcome {
            Outcome::Passed => &mut self.passed,
            Outcome::Failed => &mut self.failed,
            Outcome::Error => &mut self.errors,
            Outcome::Skipped => &mut self.skipped,
            Outcome::ExpectedFailure => &mut self.expected_failures,
        };
        *counter += 1;
    }

    fn keep(&mut self, list: &mut Vec<Case>, case: Case) {
        if list.len() < MOST { list.push(case) } else { self.left_out += 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::fixture::tree;

    fn read(report: &str) -> Tally {
        let place = tree(&[("report", report)]);
        Tally::read(&place.path().join("report")).unwrap()
    }

    fn line(outcome: &str, test: &str) -> String {
        format!(
            "{{\"outcome\": \"{outcome}\", \"test\": \"{test}\", \"file\": \"a.py\", \"line\": 3, \"message\": \"m\"}}\n"
        )
    }

    #[test]
    fn each_outcome_is_counted_and_what_failed_is_told_first() {
        let lines = ["passed", "skipped", "failed", "expected_failure", "error"].map(|kind| line(kind, kind));
        let tally = read(&(lines.concat() + "{\"outcome\": \"end\"}\n"));
        assert_eq!(
            (tally.passed, tally.failed, tally.errors, tally.skipped, tally.expected_failures),
            (1, 1, 1, 1, 1)
        );
        let told: Vec<_> = tally.cases.iter().map(|case| case.test.as_str()).collect();
        assert_eq!(told, ["failed", "error", "skipped", "expected_failure"]);
        assert!(tally.is_whole);
        assert_eq!(tally.ran(), 4);
    }

    #[test]
    fn a_report_without_its_end_is_not_whole() {
        assert!(!read(&line("passed", "a")).is_whole);
        assert!(!read("").is_whole);
        assert!(!read("{\"outcome\": \"end\"}\nnonsense\n").is_whole);
    }

    #[test]
    fn more_tests_than_are_told_are_counted() {
        let tally = read(&(line("skipped", "s").repeat(MOST) + &line("failed", "f").repeat(3)));
        assert_eq!((tally.cases.len(), tally.left_out, tally.cases[2].outcome), (MOST, 3, Outcome::Failed));
    }
}
