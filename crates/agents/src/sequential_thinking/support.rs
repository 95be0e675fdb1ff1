//! How far a thought is supported, and what it rests on.
//!
//! The support `s` of a thought with the confidence `c` of its author is
//!
//! ```text
//! s = c                                 when it builds on nothing and is no conclusion
//! s = 0                                 when it is a conclusion that builds on nothing
//! s = c * mean(s of what it builds on)  otherwise; what was revised or refuted counts as 0 in the mean
//! ```
//!
//! and the confidence of a conclusion is its support, times 0.8 for each contradiction among what it rests on, times 0.95 for each
//! open question of the chain. Numbers are rounded to three places.

use std::collections::BTreeSet;

use super::chain::{Chain, Standing};
use super::contradictions::Contradiction;
use super::thought::{Kind, Thought};

/// What each contradiction leaves of the confidence.
const CONTRADICTED: f64 = 0.8;

/// What each open question leaves of the confidence.
const QUESTIONED: f64 = 0.95;

/// The support of every thought of a chain, by step.
pub(super) fn supports(chain: &Chain) -> Vec<f64> {
    let standings = chain.standings();
    let mut supports: Vec<f64> = Vec::new();
    for thought in &chain.thoughts {
        // What a thought builds on comes before it, so that it is known here.
        let support_of = |step: &u32| {
            let at = *step as usize - 1;
            if standings[at] == Standing::Stands { supports[at] } else { 0.0 }
        };
        let below = mean(thought.builds_on.iter().map(support_of));
        supports.push(
            thought.confidence * below.unwrap_or(if thought.kind == Kind::Conclusion { 0.0 } else { 1.0 }),
        );
    }
    supports
}

/// The confidence of a conclusion, given the contradictions and the number of open questions of its chain.
pub(super) fn confidence(
    chain: &Chain,
    conclusion: &Thought,
    contradictions: &[Contradiction],
    open: usize,
) -> f64 {
    let support = supports(chain).get(conclusion.step as usize - 1).copied().unwrap_or_default();
    let contradicted = contradicted(chain, conclusion, contradictions).count();
    rounded(support * power(CONTRADICTED, contradicted) * power(QUESTIONED, open))
}

/// The contradictions among what a conclusion rests on, itself included.
pub(super) fn contradicted<'c>(
    chain: &Chain,
    conclusion: &Thought,
    contradictions: &'c [Contradiction],
) -> impl Iterator<Item = &'c Contradiction> {
    let mut rests = rests_on(chain, conclusion);
    rests.insert(conclusion.step);
    contradictions.iter().filter(move |found| found.steps.iter().all(|step| rests.contains(step)))
}

/// All steps that a thought rests on, over whatever lies between.
pub(super) fn rests_on(chain: &Chain, thought: &Thought) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    let mut open = thought.builds_on.clone();
    while let Some(step) = open.pop() {
        if found.insert(step) {
            open.extend(chain.at(step).iter().flat_map(|thought| &thought.builds_on));
        }
    }
    found
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0.0, 0.0), |(count, sum), value| (count + 1.0, sum + value));
    (count > 0.0).then(|| sum / count)
}

fn power(base: f64, count: usize) -> f64 {
    std::iter::repeat_n(base, count).product()
}

/// A number as it is told.
pub(super) fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::chain::fixture::chain;
    use super::super::contradictions::contradictions;
    use super::super::questions::open_questions;
    use super::*;

    /// As it is told, since floats are not compared.
    fn of_last(thoughts: serde_json::Value) -> String {
        let chain = chain(thoughts);
        let open = open_questions(&chain).len();
        confidence(&chain, chain.thoughts.last().unwrap(), &contradictions(&chain), open).to_string()
    }

    #[test]
    fn confidence_is_the_own_times_the_mean_of_what_it_builds_on() {
        let thoughts = json!([
            { "text": "a", "confidence": 0.9 },
            { "text": "b", "confidence": 0.5 },
            { "text": "c", "type": "conclusion", "confidence": 0.8, "builds_on": [1, 2] },
        ]);
        assert_eq!(of_last(thoughts), "0.56");
    }

    #[test]
    fn what_was_refuted_supports_nothing_and_its_use_is_a_contradiction() {
        let thoughts = json!([
            { "text": "a", "confidence": 1 },
            { "text": "b", "confidence": 1, "refutes": [1] },
            { "text": "c", "type": "analysis", "confidence": 1, "builds_on": [1, 2] },
            { "text": "d", "type": "conclusion", "confidence": 1, "builds_on": [3] },
        ]);
        assert_eq!(of_last(thoughts), "0.4");
    }

    #[test]
    fn contradictions_below_and_open_questions_lower_it() {
        let thoughts = json!([
            { "text": "The cache is shared.", "confidence": 1 },
            { "text": "The cache is not shared.", "confidence": 1 },
            { "text": "Whose?", "type": "question" },
            { "text": "d", "type": "conclusion", "confidence": 1, "builds_on": [1, 2] },
        ]);
        assert_eq!(of_last(thoughts), "0.76");
    }

    #[test]
    fn a_conclusion_on_nothing_has_no_support() {
        assert_eq!(of_last(json!([{ "text": "so", "type": "conclusion", "confidence": 1 }])), "0");
    }

    #[test]
    fn what_a_thought_rests_on_is_found_over_what_lies_between() {
        let chain = chain(json!([
            { "text": "a" },
            { "text": "b", "builds_on": [1] },
            { "text": "c" },
            { "text": "d", "builds_on": [2] },
        ]));
        assert_eq!(rests_on(&chain, &chain.thoughts[3]), BTreeSet::from([1, 2]));
    }
}
