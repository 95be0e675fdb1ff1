//! The report of a review, as a person reads it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use console::measure_text_width;
use op_agents::review::{Finding, Severity, Unchecked};
use serde::Deserialize;
use serde_json::Value;

use super::text::{clean, hang, one_line, wrap};
use crate::terminal::{Paint, Terminal};

/// How many findings of one severity are listed when it is not a serious one; the rest is counted.
const LISTED: usize = 25;

/// How many lines of evidence are shown.
const EVIDENCE: usize = 6;

/// Reviews joined into one; the operation `report` of the bundled tools makes it.
#[derive(Debug, Deserialize)]
pub(crate) struct Report {
    title: String,
    #[serde(default)]
    reviews: Vec<Told>,
    #[serde(default)]
    checked: Vec<String>,
    #[serde(default)]
    findings: Vec<Found>,
    #[serde(default)]
    passed: Vec<String>,
    #[serde(default)]
    unchecked: Vec<Unchecked>,
    #[serde(default)]
    counts: BTreeMap<String, usize>,
}

/// What became of one review.
#[derive(Debug, Deserialize)]
struct Told {
    name: String,
    summary: Option<String>,
    error: Option<String>,
}

/// A finding and the review that made it.
#[derive(Debug, Deserialize)]
struct Found {
    review: String,
    #[serde(flatten)]
    finding: Finding,
}

impl Report {
    /// Reads a value; none when it is not a report.
    pub(crate) fn read(value: &Value) -> Option<Self> {
        if value.get("kind")?.as_str()? != "report" {
            return None;
        }
        Self::deserialize(value).ok()
    }

    /// The report as text. `run` names the run in hints.
    pub(crate) fn render(&self, run: &str, terminal: &Terminal) -> String {
        let (paint, width) = (terminal.paint, terminal.width);
        let title = one_line(&self.title);
        let mut text =
            format!("{}\n{}\n", paint.bold(&title), paint.dim("─".repeat(measure_text_width(&title))));
        for told in &self.reviews {
            text += &told.render(paint, width);
        }
        section(&mut text, paint, "Checked", self.checked.iter().map(|line| hang("  · ", line, width)));
        text += &self.findings(run, paint, width);
        let mark = format!("  {} ", paint.green("✓"));
        section(&mut text, paint, "Passed", self.passed.iter().map(|line| hang(&mark, line, width)));
        let mark = format!("  {} ", paint.yellow("!"));
        // Two reviews may say the same.
        let said: BTreeSet<_> = self.unchecked.iter().map(|one| (&one.check, &one.reason)).collect();
        let unchecked =
            said.into_iter().map(|(check, reason)| hang(&mark, &format!("{check}: {reason}"), width));
        section(&mut text, paint, "Not checked", unchecked);
        text
    }

    fn findings(&self, run: &str, paint: Paint, width: usize) -> String {
        let mut text = format!("\n{}  {}\n", paint.bold("Findings"), self.tally(paint));
        for severity in Severity::ALL {
            let found: Vec<_> =
                self.findings.iter().filter(|found| found.finding.severity == severity).collect();
            let listed = if is_serious(severity) { found.len() } else { found.len().min(LISTED) };
            text.extend(found[..listed].iter().map(|found| found.render(paint, width)));
            if listed < found.len() {
                let rest = format!("{} more {severity}: {}", found.len() - listed, rules(&found[listed..]));
                text += &hang("  … ", &format!("{rest}. `op-dbus output {run}` has them all"), width);
            }
        }
        text
    }

    fn tally(&self, paint: Paint) -> String {
        let counted = |severity: Severity| {
            let listed = self.findings.iter().filter(|found| found.finding.severity == severity).count();
            (severity, self.counts.get(severity.name()).copied().unwrap_or(listed).max(listed))
        };
        let counts = Severity::ALL.map(counted);
        let told: Vec<_> = counts.iter().filter(|(_, count)| *count > 0).collect();
        if told.is_empty() {
            return paint.green("none");
        }
        told.iter()
            .map(|(severity, count)| tone(*severity, paint, &format!("{count} {severity}")))
            .collect::<Vec<_>>()
            .join(", ")
    }
}

impl Told {
    fn render(&self, paint: Paint, width: usize) -> String {
        let (mark, text) = match (&self.summary, &self.error) {
            (Some(summary), _) => (paint.green("✓"), summary.as_str()),
            (None, Some(error)) => (paint.red("✗"), error.as_str()),
            (None, None) => (paint.yellow("!"), "it said nothing"),
        };
        // A summary may begin with what it is about.
        let has_name = text.strip_prefix(&self.name).is_some_and(|rest| rest.starts_with(':'));
        let text = if has_name { text.to_owned() } else { format!("{}: {text}", self.name) };
        hang(&format!("{mark} "), &text, width)
    }
}

impl Found {
    fn render(&self, paint: Paint, width: usize) -> String {
        let Finding { severity, rule, message, suggestion, .. } = &self.finding;
        let place = self.place();
        let origin = paint.dim(format!("{} · {}", one_line(rule), one_line(&self.review)));
        let label = tone(*severity, paint, &format!("{:8}", severity.name()));
        let head =
            place.map_or_else(|| format!("  {label}"), |place| format!("  {label}  {}", paint.bold(place)));
        let does_fit = measure_text_width(&head) + 2 + measure_text_width(&origin) <= width;
        let mut text =
            if does_fit { format!("{head}  {origin}\n") } else { format!("{head}\n            {origin}\n") };
        text += &hang("            ", message, width);
        text += &self.evidence(paint, width);
        if let Some(suggestion) = suggestion {
            text += &hang(&format!("            {} ", paint.cyan("fix:")), suggestion, width);
        }
        text
    }

    fn place(&self) -> Option<String> {
        let mut place = one_line(self.finding.file.as_deref()?);
        for number in [self.finding.line, self.finding.line.and(self.finding.column)].into_iter().flatten() {
            let _ = write!(place, ":{number}");
        }
        Some(place)
    }

    fn evidence(&self, paint: Paint, width: usize) -> String {
        let evidence = clean(self.finding.evidence.as_deref().unwrap_or_default()).into_owned();
        let lines = wrap(&evidence, width.saturating_sub(14).max(20));
        let mut text = String::new();
        for line in lines.iter().take(EVIDENCE) {
            let _ = writeln!(text, "            {} {}", paint.dim("│"), paint.dim(line));
        }
        if lines.len() > EVIDENCE {
            let _ = writeln!(text, "            {} {}", paint.dim("│"), paint.dim("…"));
        }
        text
    }
}

fn is_serious(severity: Severity) -> bool {
    match severity {
        Severity::Critical | Severity::High => true,
        Severity::Medium | Severity::Low | Severity::Info => false,
    }
}

fn tone(severity: Severity, paint: Paint, text: &str) -> String {
    match severity {
        Severity::Critical | Severity::High => paint.red(text),
        Severity::Medium => paint.yellow(text),
        Severity::Low => paint.cyan(text),
        Severity::Info => paint.dim(text),
    }
}

/// Rules with how often each was broken, the most frequent first.
fn rules(found: &[&Found]) -> String {
    let mut counts = BTreeMap::<&str, usize>::new();
    for found in found {
        *counts.entry(&found.finding.rule).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts.iter().map(|(rule, count)| format!("{count} {rule}")).collect::<Vec<_>>().join(", ")
}

fn section(text: &mut String, paint: Paint, title: &str, lines: impl Iterator<Item = String>) {
    let lines: String = lines.collect();
    if !lines.is_empty() {
        let _ = write!(text, "\n{}\n{lines}", paint.bold(title));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn terminal() -> Terminal {
        let paint = Paint::plain();
        Terminal { json: false, paint, aside: paint, width: 80, columns: None, stage: None }
    }

    fn finding(severity: &str, line: u32) -> Value {
        json!({ "review": "arch", "severity": severity, "rule": "long_function", "message": "it is long", "file": "a.rs",
                "line": line, "column": null, "evidence": null, "suggestion": null })
    }

    #[test]
    fn a_value_of_another_kind_is_no_report() {
        assert!(Report::read(&json!({ "kind": "poem", "title": "x" })).is_none());
        assert!(Report::read(&json!("report")).is_none());
        assert!(Report::read(&json!({ "kind": "report" })).is_none());
    }

    #[test]
    fn a_report_without_findings_says_none() {
        let report = Report::read(&json!({ "kind": "report", "title": "Review" })).expect("a report");
        let text = report.render("r1", &terminal());
        assert!(text.contains("Findings  none"), "{text}");
        assert!(!text.contains("Passed"), "an empty section is not shown: {text}");
    }

    #[test]
    fn what_two_reviews_say_is_told_once() {
        let told = json!({ "check": "advisories", "reason": "none are configured" });
        let review = json!({ "name": "perf", "summary": "perf: no findings", "error": null });
        let report =
            json!({ "kind": "report", "title": "Review", "reviews": [review], "unchecked": [told, told] });
        let text = Report::read(&report).expect("a report").render("r1", &terminal());
        assert_eq!(text.matches("none are configured").count(), 1, "{text}");
        assert!(text.contains("✓ perf: no findings\n"), "{text}");
    }

    #[test]
    fn many_mild_findings_are_counted_by_rule_and_every_serious_one_is_listed() {
        let findings: Vec<_> =
            (0..40).flat_map(|line| [finding("high", line), finding("low", line)]).collect();
        let report =
            json!({ "kind": "report", "title": "Review", "findings": findings, "counts": { "low": 90 } });
        let text = Report::read(&report).expect("a report").render("r1", &terminal());
        assert!(text.contains("Findings  40 high, 90 low"), "{text}");
        assert_eq!(text.matches("  high  ").count(), 40);
        assert!(text.contains("… 15 more low: 15 long_function. `op-dbus output r1` has them all"), "{text}");
    }

    #[test]
    fn nothing_in_a_finding_reaches_the_terminal_as_a_control() {
        let mut bad = finding("high", 1);
        for key in ["message", "file", "evidence", "rule"] {
            bad[key] = json!("x\u{1b}[2Jy");
        }
        let report = json!({ "kind": "report", "title": "\u{1b}]0;x\u{7}", "findings": [bad] });
        let text = Report::read(&report).expect("a report").render("r1", &terminal());
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    }
}
