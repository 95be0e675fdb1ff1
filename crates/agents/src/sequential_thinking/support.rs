//! How far a thought is supported, and what it rests on.
//!
//! The support `s` of a thought with the confidence `c` of its author is
//!
//! ```text
//! s = c                                 when it builds on nothing and is no conclusion
//! s = 0                                 when it is a conclusion without ground
//! s = c * mean(s of what it builds on)  otherwise; what was revised or refuted counts as 0 in the mean
//! ```
//!
//! A conclusion has ground when an observation, a hypothesis or an analysis that stands is among what it rests on. What lies behind another
//! conclusion counts only when that one is supported itself.
//!
//! The confidence of a conclusion is its support, times 0.8 for each contradiction among what it rests on, times 0.95 for each
//! open question of the chain. Numbers are rounded to three places.

use std::collections::BTreeSet;

use super::chain::{Chain, Standing};
use super::contradictions::Contradiction;
use super::thought::{Kind, Thought};

/// What each contradiction leaves of the confidence.
const CONTRADICTED: f64 = 0.8;

/// What each open question leaves of the confidence.
const QUESTIONED: f64 = 0.95;

/// Which thoughts of a chain can be built upon.
#[derive(Debug)]
pub(super) struct Grounds {
    standings: Vec<Standing>,
    /// By step, the first step below it that does not stand.
    fallen: Vec<Option<u32>>,
    /// By step, whether it gives ground to what builds on it.
    gives: Vec<bool>,
}

impl Grounds {
    /// Those of a chain.
    pub(super) fn of(chain: &Chain) -> Self {
        let mut grounds = Self { standings: chain.standings(), fallen: Vec::new(), gives: Vec::new() };
        // What a thought builds on comes before it, so that it is known here.
        for thought in &chain.thoughts {
            let below = thought.builds_on.iter().filter_map(|step| grounds.fallen_from(*step));
            let fallen = below.min();
            let has_ground = match thought.kind {
                Kind::Observation | Kind::Hypothesis | Kind::Analysis => true,
                Kind::Conclusion => fallen.is_none() && grounds.under(thought),
                Kind::Question | Kind::Reflection => grounds.under(thought),
            };
            let gives = has_ground && grounds.standing(thought.step) == Standing::Stands;
            grounds.fallen.push(fallen);
            grounds.gives.push(gives);
        }
        grounds
    }

    /// Whether anything that a thought builds on gives it ground.
    pub(super) fn under(&self, thought: &Thought) -> bool {
        thought.builds_on.iter().any(|step| self.gives.get(at(*step)).is_some_and(|gives| *gives))
    }

    /// The first step below a thought that does not stand, and what became of it.
    pub(super) fn fallen(&self, thought: &Thought) -> Option<(u32, Standing)> {
        let below = self.fallen.get(at(thought.step)).copied().flatten();
        below.map(|below| (below, self.standing(below)))
    }

    /// The first of a step and all below it that does not stand.
    fn fallen_from(&self, step: u32) -> Option<u32> {
        let own = (self.standing(step) != Standing::Stands).then_some(step);
        let below = self.fallen.get(at(step)).copied().flatten();
        own.into_iter().chain(below).min()
    }

    fn standing(&self, step: u32) -> Standing {
        self.standings.get(at(step)).copied().unwrap_or(Standing::Stands)
    }
}

/// The index of a step.
fn at(step: u32) -> usize {
    (step as usize).saturating_sub(1)
}

/// The support of every thought of a chain, by step.
pub(super) fn supports(chain: &Chain) -> Vec<f64> {
    let (standings, grounds) = (chain.standings(), Grounds::of(chain));
    let mut supports: Vec<f64> = Vec::new();
    for thought in &chain.thoughts {
        // What a thought builds on comes before it, so that it is known here.
        let support_of = |step: &u32| {
            if standings[at(*step)] == Standing::Stands { supports[at(*step)] } else { 0.0 }
        };
        let below = mean(thought.builds_on.iter().map(support_of)).unwrap_or(1.0);
        let is_baseless = thought.kind == Kind::Conclusion && !grounds.under(thought);
        supports.push(if is_baseless { 0.0 } else { thought.confidence * below });
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
    let support = supports(chain).get(at(conclusion.step)).copied().unwrap_or_default();
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

    use super::super::chain::fixture::{WHOLE, chain};
    use super::super::contradictions::contradictions;
    use super::super::questions::open_questions;
    use super::*;

    /// As it is told, since floats are not compared.
    fn of_last(thoughts: serde_json::Value) -> String {
        let chain = chain(thoughts);
        let open = open_questions(&chain).len();
        confidence(&chain, chain.thoughts.last().unwrap(), &contradictions(&chain, WHOLE), open).to_string()
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
    fn a_conclusion_on_questions_or_on_conclusions_without_support_has_none() {
        for thoughts in [
            json!([
                { "text": "Why?", "type": "question", "confidence": 1 },
                { "text": "so", "type": "conclusion", "builds_on": [1] },
            ]),
            json!([
                { "text": "a" },
                { "text": "so", "type": "conclusion" },
                { "text": "Hm.", "type": "reflection", "builds_on": [2] },
                { "text": "and so", "type": "conclusion", "builds_on": [2, 3] },
            ]),
        ] {
            assert_eq!(of_last(thoughts), "0");
        }
        let over_another = json!([
            { "text": "a", "confidence": 1 },
            { "text": "so", "type": "conclusion", "builds_on": [1], "confidence": 1 },
            { "text": "and so", "type": "conclusion", "builds_on": [2], "confidence": 1 },
        ]);
        assert_eq!(of_last(over_another), "1");
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
