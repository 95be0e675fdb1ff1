//! `report`: the reviews of a run, joined into one.

use std::collections::BTreeMap;
use std::sync::Arc;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Desk;
use crate::review::{Finding, MAX_FINDINGS, Review, Severity, Unchecked};

/// What to join.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Joined {
    /// What the report is about.
    title: String,
    /// The reviews, in the order in which they are to be told.
    reviews: Vec<Part>,
}

/// One review, or what became of it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Part {
    /// Its name, such as that of its phase.
    name: String,
    /// How its phase ended, such as `completed`, `failed` or `skipped`.
    status: String,
    /// What it returned; `null` when it returned nothing.
    review: Option<Value>,
    /// Why it returned nothing.
    error: Option<String>,
}

/// Reviews joined into one.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Report {
    /// Always `report`, by which a reader knows it.
    kind: &'static str,
    /// What it is about.
    title: String,
    /// What became of each review.
    reviews: Vec<Told>,
    /// What was looked at.
    checked: Vec<String>,
    /// What was found: the worst first, then by file and line.
    findings: Vec<Found>,
    /// The checks that ran and found nothing.
    passed: Vec<String>,
    /// What was not checked and why.
    unchecked: Vec<Unchecked>,
    /// How many findings there are of each severity, listed or not.
    counts: BTreeMap<&'static str, usize>,
}

/// What became of one review.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct Told {
    /// Its name.
    name: String,
    /// How its phase ended.
    status: String,
    /// The review in one sentence.
    summary: Option<String>,
    /// Why there is none.
    error: Option<String>,
}

/// A finding and the review that made it.
#[derive(Debug, Serialize, JsonSchema)]
struct Found {
    /// The name of the review.
    review: String,
    /// What it found.
    #[serde(flatten)]
    finding: Finding,
}

/// Joins reviews.
pub(super) async fn report(_desk: Arc<Desk>, _call: Call, args: Joined) -> Result<Report, Failure> {
    Ok(join(args))
}

fn join(args: Joined) -> Report {
    let mut report = Report {
        kind: "report",
        title: args.title,
        reviews: Vec::new(),
        checked: Vec::new(),
        findings: Vec::new(),
        passed: Vec::new(),
        unchecked: Vec::new(),
        counts: BTreeMap::new(),
    };
    args.reviews.into_iter().for_each(|part| report.add(part));
    report.conclude();
    report
}

impl Report {
    fn add(&mut self, part: Part) {
        let Part { name, status, review, error } = part;
        let (summary, error) = match read(review, error, &status) {
            Ok(review) => (Some(self.take(&name, review)), None),
            Err(reason) => {
                self.unchecked.push(Unchecked::new(name.clone(), reason.clone()));
                (None, Some(reason))
            }
        };
        self.reviews.push(Told { name, status, summary, error });
    }

    /// Takes what a review says, and gives back its summary.
    fn take(&mut self, name: &str, review: Review) -> String {
        let found = |finding| Found { review: name.to_owned(), finding };
        self.findings.extend(review.findings.into_iter().map(found));
        for check in review.checked {
            if !self.checked.contains(&check) {
                self.checked.push(check);
            }
        }
        self.passed.extend(review.passed);
        self.unchecked.extend(review.unchecked);
        review.summary
    }

    fn conclude(&mut self) {
        for severity in Severity::ALL {
            let count = self.findings.iter().filter(|found| found.finding.severity == severity).count();
            self.counts.insert(severity.name(), count);
        }
        self.findings.sort_by(|a, b| place(&a.finding).cmp(&place(&b.finding)));
        let cut = self.findings.len().saturating_sub(MAX_FINDINGS);
        if cut > 0 {
            self.findings.truncate(MAX_FINDINGS);
            let reason = format!("only the {MAX_FINDINGS} most severe are listed; {cut} more were cut");
            self.unchecked.push(Unchecked::new("findings", reason));
        }
    }
}

/// A review that was not made, or is not one, is never taken for a clean one.
fn read(review: Option<Value>, error: Option<String>, status: &str) -> Result<Review, String> {
    if let Some(error) = error {
        return Err(error);
    }
    match review {
        Some(value) => serde_json::from_value(value)
            .map_err(|error| format!("what it returned is not a review: {error}")),
        None => Err(format!("it returned no review; its phase is {status}")),
    }
}

fn place(finding: &Finding) -> impl Ord + '_ {
    (finding.severity, &finding.file, finding.line, finding.column, &finding.rule)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn joined(reviews: &Value) -> Value {
        let args = json!({ "title": "Code review", "reviews": reviews });
        serde_json::to_value(join(serde_json::from_value(args).unwrap())).unwrap()
    }

    fn finding(severity: &str, file: &str, line: u32) -> Value {
        json!({ "severity": severity, "rule": "r", "message": "m", "file": file, "line": line,
                "column": null, "evidence": null, "suggestion": null })
    }

    fn review(findings: &Value) -> Value {
        json!({ "summary": "s", "checked": ["2 files"], "findings": findings, "passed": ["p"],
                "unchecked": [], "metrics": {}, "counts": { "more than a review": 1 } })
    }

    #[test]
    fn findings_are_joined_in_order_and_carry_their_review() {
        let report = joined(&json!([
            { "name": "arch", "status": "completed", "review": review(&json!([finding("low", "a.rs", 1)])), "error": null },
            { "name": "sec", "status": "completed",
              "review": review(&json!([finding("high", "b.rs", 9), finding("high", "a.rs", 2)])), "error": null },
        ]));
        let seen: Vec<_> = report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|f| {
                format!("{} {} {}", f["review"].as_str().unwrap(), f["severity"].as_str().unwrap(), f["line"])
            })
            .collect();
        assert_eq!(seen, ["sec high 2", "sec high 9", "arch low 1"]);
        assert_eq!(report["kind"], "report");
        assert_eq!(report["counts"], json!({ "critical": 0, "high": 2, "medium": 0, "low": 1, "info": 0 }));
        assert_eq!(report["checked"], json!(["2 files"]), "the same thing is told once");
        assert_eq!(report["passed"], json!(["p", "p"]));
    }

    #[test]
    fn a_review_that_did_not_succeed_is_unchecked_with_its_error() {
        let report = joined(&json!([
            { "name": "perf", "status": "failed", "review": null, "error": "cargo is missing" },
            { "name": "arch", "status": "skipped", "review": null, "error": null },
            { "name": "sec", "status": "completed", "review": { "verdict": "fine" }, "error": null },
        ]));
        let unchecked = report["unchecked"].as_array().unwrap();
        assert_eq!(unchecked[0], json!({ "check": "perf", "reason": "cargo is missing" }));
        assert!(unchecked[1]["reason"].as_str().unwrap().contains("skipped"));
        assert!(unchecked[2]["reason"].as_str().unwrap().contains("not a review"));
        assert_eq!(report["reviews"][0]["summary"], Value::Null);
        assert_eq!(report["reviews"][0]["error"], "cargo is missing");
    }

    #[test]
    fn too_many_findings_are_cut_counted_and_said() {
        let many: Vec<Value> = (0..1200).map(|line| finding("info", "a.rs", line)).collect();
        let report = joined(&json!([
            { "name": "a", "status": "completed", "review": review(&json!(many)), "error": null },
        ]));
        assert_eq!(report["findings"].as_array().unwrap().len(), MAX_FINDINGS);
        assert_eq!(report["counts"]["info"], 1200);
        assert!(report["unchecked"][0]["reason"].as_str().unwrap().contains("200 more"));
    }
}
