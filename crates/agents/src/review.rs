//! The value that every reviewing operation returns.
//!
//! A review says four things apart: what was looked at, what was found, what was looked at and found clean, and what
//! could not be looked at and why. The last one is as much a result as the others: a check that did not run is never
//! counted among those that passed.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How many findings one review carries. More than a person can act on, and few enough for one message of the
/// protocol.
pub const MAX_FINDINGS: usize = 1000;

/// How many entries of what was not checked one review carries; the rest is counted.
pub const MAX_UNCHECKED: usize = 100;

/// How bad a finding is. The order is from the worst to the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Exploitable or leaking as it stands.
    Critical,
    /// Wrong, and likely to hurt.
    High,
    /// Worth a change soon.
    Medium,
    /// Worth a change at the next occasion.
    Low,
    /// Worth knowing.
    Info,
}

impl Severity {
    /// Every severity, the worst first.
    pub const ALL: [Self; 5] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Info];

    /// The name as it is written in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Info => "info",
        }
    }

    /// Two steps milder: what is serious in a product is a remark in a test or an example.
    #[must_use]
    pub fn lowered(self) -> Self {
        match self {
            Self::Critical => Self::Medium,
            Self::High => Self::Low,
            Self::Medium | Self::Low | Self::Info => Self::Info,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The rule that found it, in `snake_case`.
    pub rule: String,
    /// What is wrong, in one sentence.
    pub message: String,
    /// The file, relative to the reviewed path, with `/` between its parts.
    pub file: Option<String>,
    /// The line, counted from 1.
    pub line: Option<u32>,
    /// The column in characters, counted from 1.
    pub column: Option<u32>,
    /// A short text that shows it. It never contains a secret.
    pub evidence: Option<String>,
    /// What to do about it.
    pub suggestion: Option<String>,
}

impl Finding {
    /// A finding without a place.
    pub fn new(severity: Severity, rule: &str, message: impl Into<String>) -> Self {
        Self {
            severity,
            rule: rule.to_owned(),
            message: message.into(),
            file: None,
            line: None,
            column: None,
            evidence: None,
            suggestion: None,
        }
    }

    /// The same finding in `file`.
    #[must_use]
    pub fn in_file(mut self, file: impl Into<String>) -> Self {
        self.file = Some(file.into());
        self
    }

    /// The same finding at `line` of `file`.
    #[must_use]
    pub fn at(self, file: impl Into<String>, line: u32) -> Self {
        let mut finding = self.in_file(file);
        finding.line = Some(line);
        finding
    }

    /// The same finding at `column` of its line.
    #[must_use]
    pub fn column(mut self, column: u32) -> Self {
        self.column = Some(column);
        self
    }

    /// The same finding with the text that shows it.
    #[must_use]
    pub fn evidence(mut self, evidence: impl Into<String>) -> Self {
        self.evidence = Some(evidence.into());
        self
    }

    /// The same finding with what to do about it.
    #[must_use]
    pub fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    /// By severity, then place, then rule and text: a total order, so that equal reviews are equal byte for byte.
    fn rank(&self) -> impl Ord + '_ {
        (self.severity, &self.file, self.line, self.column, &self.rule, &self.message)
    }
}

/// One thing that was not checked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Unchecked {
    /// What was not checked: the name of a check, or a file.
    pub check: String,
    /// Why, and what would make it run.
    pub reason: String,
}

impl Unchecked {
    /// `check` did not run because of `reason`.
    pub fn new(check: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { check: check.into(), reason: reason.into() }
    }
}

/// The outcome of a review.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Review {
    /// The review in one sentence.
    pub summary: String,
    /// What was looked at, with counts.
    pub checked: Vec<String>,
    /// What was found: the worst first, then by file and line.
    pub findings: Vec<Finding>,
    /// The checks that ran and found nothing.
    pub passed: Vec<String>,
    /// What was not checked and why.
    pub unchecked: Vec<Unchecked>,
    /// Numbers, by name.
    pub metrics: Map<String, Value>,
}

impl Review {
    /// Records that `what` was looked at.
    pub fn saw(&mut self, what: impl Into<String>) {
        self.checked.push(what.into());
    }

    /// Records that `check` could not run because of `reason`.
    pub fn skipped(&mut self, check: impl Into<String>, reason: impl Into<String>) {
        self.unchecked.push(Unchecked::new(check, reason));
    }

    /// Records the outcome of a check that ran: its findings, or `clean` if it found nothing worse than a remark.
    pub fn verdict(&mut self, clean: &str, findings: Vec<Finding>) {
        if findings.iter().all(|finding| finding.severity == Severity::Info) {
            self.passed.push(clean.to_owned());
        }
        self.findings.extend(findings);
    }

    /// Records a number.
    pub fn measure(&mut self, name: &str, value: impl Into<Value>) {
        self.metrics.insert(name.to_owned(), value.into());
    }

    /// Puts the findings in order, cuts what is too long and says so, and writes the summary: `subject`, then how
    /// many findings of which severity there are.
    #[must_use]
    pub fn conclude(mut self, subject: &str) -> Self {
        self.findings.sort_by(|a, b| a.rank().cmp(&b.rank()));
        self.findings.dedup();
        self.summary = format!("{subject}: {}", self.tally());
        self.cut_findings();
        self.cut_unchecked();
        self
    }

    /// How many findings there are of `severity`.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    fn tally(&self) -> String {
        if self.findings.is_empty() {
            return "no findings".to_owned();
        }
        let counts: Vec<String> = Severity::ALL
            .into_iter()
            .map(|severity| (severity, self.count(severity)))
            .filter(|(_, count)| *count > 0)
            .map(|(severity, count)| format!("{count} {severity}"))
            .collect();
        format!("{} ({})", plural(self.findings.len(), "finding"), counts.join(", "))
    }

    fn cut_findings(&mut self) {
        let cut = self.findings.len().saturating_sub(MAX_FINDINGS);
        if cut > 0 {
            self.findings.truncate(MAX_FINDINGS);
            self.skipped(
                "findings",
                format!("only the {MAX_FINDINGS} most severe are listed; {cut} more were cut"),
            );
        }
    }

    fn cut_unchecked(&mut self) {
        self.unchecked.sort();
        self.unchecked.dedup();
        let cut = self.unchecked.len().saturating_sub(MAX_UNCHECKED);
        if cut > 0 {
            self.unchecked.truncate(MAX_UNCHECKED);
            self.skipped("more", format!("{cut} more entries were cut from this list"));
        }
    }
}

/// `1 file`, `2 files`.
pub(crate) fn plural(count: usize, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{ending}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn findings_are_sorted_by_severity_then_place() {
        let mut review = Review::default();
        review.verdict(
            "nothing",
            vec![
                Finding::new(Severity::Low, "b", "z").at("b.rs", 1),
                Finding::new(Severity::Low, "b", "y").at("a.rs", 9),
                Finding::new(Severity::Low, "b", "x").at("a.rs", 2),
                Finding::new(Severity::Critical, "c", "w").at("z.rs", 7),
            ],
        );
        let review = review.conclude("it");
        let order: Vec<&str> = review.findings.iter().map(|f| f.message.as_str()).collect();
        assert_eq!(order, ["w", "x", "y", "z"]);
        assert_eq!(review.summary, "it: 4 findings (1 critical, 3 low)");
        assert!(review.passed.is_empty());
    }

    #[test]
    fn a_cut_of_the_findings_keeps_the_worst_and_is_said() {
        let mut review = Review::default();
        for line in 0..1500 {
            review.findings.push(Finding::new(Severity::Info, "r", "m").at("a.rs", line));
        }
        review.findings.push(Finding::new(Severity::High, "r", "worst").at("z.rs", 1));
        let review = review.conclude("it");
        assert_eq!(review.findings.len(), MAX_FINDINGS);
        assert_eq!(review.findings[0].message, "worst");
        assert!(review.unchecked[0].reason.contains("501 more"));
        assert!(review.summary.contains("1501 findings"), "the summary counts what was cut");
    }

    #[test]
    fn a_list_of_unchecked_things_is_bounded_and_counted() {
        let mut review = Review::default();
        for index in 0..150 {
            review.skipped(format!("{index:03}"), "because");
        }
        let review = review.conclude("it");
        assert_eq!(review.unchecked.len(), MAX_UNCHECKED + 1);
        assert!(review.unchecked[MAX_UNCHECKED].reason.starts_with("50 more"));
    }

    #[test]
    fn a_check_that_only_remarks_has_passed() {
        let mut review = Review::default();
        review.verdict("no leaks", vec![Finding::new(Severity::Info, "r", "by the way")]);
        assert_eq!(review.passed, ["no leaks"]);
        assert_eq!(review.findings.len(), 1);
    }

    #[test]
    fn the_json_has_the_agreed_keys_and_nulls() {
        let mut review = Review::default();
        review.findings.push(Finding::new(Severity::High, "r", "m"));
        let value = serde_json::to_value(review.conclude("it")).unwrap();
        assert_eq!(
            value["findings"][0],
            json!({"severity": "high", "rule": "r", "message": "m", "file": null, "line": null,
                   "column": null, "evidence": null, "suggestion": null})
        );
        for key in ["summary", "checked", "passed", "unchecked", "metrics"] {
            assert!(value.get(key).is_some(), "{key} is missing");
        }
    }

    #[test]
    fn lowering_never_raises() {
        for severity in Severity::ALL {
            assert!(severity.lowered() >= severity);
        }
    }
}
