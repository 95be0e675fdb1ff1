//! Whether shipped code panics lightly.

use schemars::JsonSchema;
use serde::Serialize;

use super::survey::panics::Kind;
use super::survey::{Facts, Survey};
use crate::review::{Finding, Severity, plural};
use crate::source::ratio;

/// One or two `unwrap` in a file are usually argued for nearby; from here on they are a habit.
const HABIT: usize = 3;

/// From here on a file relies on them.
const RELIANCE: usize = 10;

/// How often shipped code may panic.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(super) struct Panics {
    /// Calls of `unwrap`.
    pub(super) unwraps: usize,
    /// Calls of `expect`.
    pub(super) expects: usize,
    /// Calls of `panic!`.
    pub(super) calls: usize,
    /// Calls of `todo!` and `unimplemented!`.
    pub(super) unfinished: usize,
    /// Calls of `unreachable!`.
    pub(super) unreachable: usize,
    /// Calls of `unwrap` for each thousand lines of shipped code.
    pub(super) unwraps_per_thousand_lines: f64,
    #[serde(skip)]
    findings: Vec<Finding>,
}

impl Panics {
    /// Counts what `survey` has read.
    pub(super) fn of(survey: &Survey) -> Self {
        let count = |kind: Kind| survey.shipped().map(|facts| count(facts, kind)).sum();
        let lines = survey.shipped().map(|facts| facts.lines.code).sum();
        let unwraps = count(Kind::Unwrap);
        Self {
            unwraps,
            expects: count(Kind::Expect),
            calls: count(Kind::Panic),
            unfinished: count(Kind::Unfinished),
            unreachable: count(Kind::Unreachable),
            unwraps_per_thousand_lines: (ratio(unwraps * 1000, lines) * 100.0).round() / 100.0,
            findings: survey.shipped().flat_map(judge).collect(),
        }
    }

    /// Places and files that panic too lightly.
    pub(super) fn findings(&self) -> Vec<Finding> {
        self.findings.clone()
    }
}

fn count(facts: &Facts, kind: Kind) -> usize {
    facts.panics.iter().filter(|panic| panic.kind == kind).count()
}

fn judge(facts: &Facts) -> Vec<Finding> {
    let unfinished = facts.panics.iter().filter(|panic| panic.kind == Kind::Unfinished).map(|panic| {
        Finding::new(
            Severity::Medium,
            "unfinished",
            "shipped code that is not written yet panics when it is reached",
        )
        .at(&facts.path, panic.line)
        .column(panic.column)
        .suggest("write it, or return an error that says it is not there")
    });
    unfinished.chain(unwraps(facts)).chain(bare_panics(facts)).collect()
}

fn unwraps(facts: &Facts) -> Option<Finding> {
    let count = count(facts, Kind::Unwrap);
    let severity = match count {
        0..HABIT => return None,
        HABIT..RELIANCE => Severity::Low,
        _ => Severity::Medium,
    };
    let first = facts.panics.iter().find(|panic| panic.kind == Kind::Unwrap)?;
    let density = ratio(count * 1000, facts.lines.code);
    Some(
        Finding::new(severity, "unwrap_density", format!("{count} calls of unwrap outside of tests"))
            .at(&facts.path, first.line)
            .column(first.column)
            .evidence(format!("{density:.1} for each thousand lines; the first stands here"))
            .suggest("return the error, or say with expect why it cannot happen"),
    )
}

fn bare_panics(facts: &Facts) -> Option<Finding> {
    let first = facts.panics.iter().find(|panic| panic.kind == Kind::Panic)?;
    let count = count(facts, Kind::Panic);
    Some(
        Finding::new(
            Severity::Info,
            "panic_call",
            format!("{} of panic! outside of tests", plural(count, "call")),
        )
        .at(&facts.path, first.line)
        .column(first.column)
        .suggest("return an error where a caller could go on"),
    )
}

#[cfg(test)]
mod tests {
    use super::super::survey::fixture::survey;
    use super::*;

    #[test]
    fn the_thresholds_of_the_density_are_exact() {
        for (count, expected) in
            [(2, None), (3, Some(Severity::Low)), (9, Some(Severity::Low)), (10, Some(Severity::Medium))]
        {
            let text = format!("fn a() {{\n{}}}\n", "x.unwrap();\n".repeat(count));
            let (_dir, _repository, survey) = survey(&[("src/a.rs", &text)]);
            let panics = Panics::of(&survey);
            assert_eq!(panics.unwraps, count);
            assert_eq!(panics.findings().first().map(|finding| finding.severity), expected, "{count}");
        }
    }

    #[test]
    fn unfinished_code_is_found_at_its_place() {
        let (_dir, _repository, survey) = survey(&[("src/a.rs", "fn a() {\n    todo!()\n}\n")]);
        let finding = &Panics::of(&survey).findings()[0];
        assert_eq!((finding.rule.as_str(), finding.line, finding.column), ("unfinished", Some(2), Some(5)));
    }
}
