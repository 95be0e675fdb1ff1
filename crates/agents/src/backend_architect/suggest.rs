//! What to do about the findings, the most worthwhile first.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::review::{Finding, Review, Severity, Unchecked};

/// How many places one suggestion names.
const PLACES: usize = 10;

/// From so many places on the work is felt to be a step larger.
const MANY: usize = 20;

/// Suggestions for a repository.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Suggestions {
    /// In one sentence.
    summary: String,
    /// The most worthwhile first.
    #[serde(rename = "suggestions")]
    list: Vec<Suggestion>,
    /// What was looked at.
    checked: Vec<String>,
    /// What was not, and why: there may be more to do.
    unchecked: Vec<Unchecked>,
}

/// One thing to do.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Suggestion {
    /// From 1, the most worthwhile.
    rank: usize,
    /// What to do.
    title: String,
    /// The rule whose findings it answers.
    rule: String,
    /// How much work it is, from 1 to 5.
    effort: u8,
    /// How much it changes, from 1 to 5.
    impact: u8,
    /// How many findings it answers.
    count: usize,
    /// The first of them.
    places: Vec<Place>,
}

/// Where a suggestion applies.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct Place {
    /// The file.
    file: String,
    /// The line.
    line: Option<u32>,
    /// What is there.
    message: String,
}

/// A rule's remedy: title, effort and impact of one case. Effort and impact are estimates by the kind of change; the
/// number of places and the severity found move them by one step.
const REMEDIES: [(&str, &str, u8, u8); 13] = [
    ("crate_cycle", "Break the circle between crates", 4, 5),
    ("module_cycle", "Break the circles between modules", 3, 4),
    ("dev_crate_cycle", "Move tests that need several crates into a package of their own", 2, 2),
    ("unfinished", "Write or refuse what is not finished", 3, 5),
    ("unwrap_density", "Return errors instead of unwrapping", 2, 4),
    ("no_tests", "Give every crate tests", 3, 5),
    ("few_tests", "Test the branches that no test visits", 3, 4),
    ("duplicated_code", "Make one function of copied code", 2, 3),
    ("long_function", "Divide the longest functions into named steps", 2, 3),
    ("long_file", "Give each idea a file of its own", 2, 2),
    ("undocumented_surface", "Document what is public, or make it private", 2, 3),
    ("heavy_crate", "Bring fewer packages into the build", 3, 3),
    ("scattered_versions", "Bring packages to one version each", 1, 2),
];

impl Suggestions {
    /// What the findings of `review` ask for. Remarks ask for nothing.
    pub(super) fn of(review: Review) -> Self {
        let mut rules: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
        for finding in review.findings.iter().filter(|finding| finding.severity != Severity::Info) {
            rules.entry(&finding.rule).or_default().push(finding);
        }
        let mut suggestions: Vec<Suggestion> = REMEDIES
            .iter()
            .filter_map(|(rule, title, effort, impact)| {
                Some(Suggestion::of(rule, title, (*effort, *impact), rules.get(rule)?))
            })
            .collect();
        suggestions.sort_by_key(|suggestion| std::cmp::Reverse(suggestion.worth()));
        for (rank, suggestion) in (1..).zip(&mut suggestions) {
            suggestion.rank = rank;
        }
        let summary = match suggestions.first() {
            None => "no finding asks for a change".to_owned(),
            Some(first) => format!("{} suggestions; the first: {}", suggestions.len(), first.title),
        };
        Self { summary, list: suggestions, checked: review.checked, unchecked: review.unchecked }
    }
}

impl Suggestion {
    fn of(rule: &str, title: &str, (effort, impact): (u8, u8), findings: &[&Finding]) -> Self {
        let many = u8::from(findings.len() >= MANY);
        let grave = u8::from(findings.iter().any(|finding| finding.severity <= Severity::Medium));
        Self {
            rank: 0,
            title: title.to_owned(),
            rule: rule.to_owned(),
            effort: (effort + many).clamp(1, 5),
            impact: (impact + many + grave).saturating_sub(1).clamp(1, 5),
            count: findings.len(),
            places: findings.iter().take(PLACES).filter_map(|finding| Place::of(finding)).collect(),
        }
    }

    /// What is gained for the work; of equal gains the larger change comes first, then the one with more places.
    fn worth(&self) -> impl Ord + use<> {
        (i16::from(self.impact) - i16::from(self.effort), self.impact, self.count)
    }
}

impl Place {
    fn of(finding: &Finding) -> Option<Self> {
        Some(Self { file: finding.file.clone()?, line: finding.line, message: finding.message.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn review(findings: Vec<Finding>) -> Review {
        let mut review = Review::default();
        review.verdict("x", findings);
        review.conclude("x")
    }

    fn finding(severity: Severity, rule: &str, line: u32) -> Finding {
        Finding::new(severity, rule, "m").at("a.rs", line)
    }

    #[test]
    fn what_gains_most_for_its_work_comes_first() {
        let suggestions = Suggestions::of(review(vec![
            finding(Severity::Low, "long_file", 1),
            finding(Severity::Medium, "no_tests", 1),
            finding(Severity::Medium, "unwrap_density", 1),
        ]));
        let order: Vec<_> =
            suggestions.list.iter().map(|s| (s.rank, s.rule.as_str(), s.effort, s.impact)).collect();
        assert_eq!(order, [(1, "no_tests", 3, 5), (2, "unwrap_density", 2, 4), (3, "long_file", 2, 1)]);
    }

    #[test]
    fn many_places_are_counted_and_few_are_named() {
        let findings = (1..=25).map(|line| finding(Severity::Low, "long_function", line)).collect();
        let suggestion = &Suggestions::of(review(findings)).list[0];
        assert_eq!((suggestion.count, suggestion.places.len(), suggestion.effort), (25, PLACES, 3));
        assert_eq!((suggestion.places[0].file.as_str(), suggestion.places[0].line), ("a.rs", Some(1)));
    }

    #[test]
    fn remarks_and_silence_ask_for_nothing() {
        let suggestions = Suggestions::of(review(vec![finding(Severity::Info, "long_file", 1)]));
        assert_eq!(suggestions.list, []);
        assert_eq!(suggestions.summary, "no finding asks for a change");
    }

    #[test]
    fn effort_and_impact_stay_on_their_scale() {
        for (rule, ..) in REMEDIES {
            for severity in Severity::ALL.into_iter().take(4) {
                let findings: Vec<_> = (0..30).map(|line| finding(severity, rule, line)).collect();
                let suggestion = &Suggestions::of(review(findings)).list[0];
                assert!(
                    (1..=5).contains(&suggestion.effort) && (1..=5).contains(&suggestion.impact),
                    "{rule}"
                );
            }
        }
    }
}
