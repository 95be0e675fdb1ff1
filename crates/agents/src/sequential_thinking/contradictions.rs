//! Thoughts that cannot all be right, found by three rules:
//!
//! - `negation`: two say the same, and one of them denies it
//! - `number`: two give the same quantity values that exclude each other
//! - `refuted_in_use`: one that stands builds on one that was shown to be wrong
//!
//! "The same" is that four fifths of their words are common, word endings, modal verbs and fillers aside: see [`claim`](super::claim).
//! What needs knowledge of the world is not found.

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::Serialize;

use super::chain::{Chain, Standing};
use super::claim::{Claim, Clash};
use super::thought::{Kind, Thought};
use crate::tools::blocking;

/// Thoughts that cannot all be right.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Contradiction {
    /// The rule that found it: `negation`, `number` or `refuted_in_use`.
    pub(super) rule: String,
    /// The steps, in order.
    pub(super) steps: Vec<u32>,
    /// What is wrong, in one sentence.
    pub(super) message: String,
}

/// Whether somebody still waits for what is being judged.
pub(super) type Going<'a> = &'a dyn Fn() -> bool;

/// Judges where it holds up nobody, and gives up when the call is to stop.
pub(super) async fn judging<R: Send + 'static>(
    call: &Call,
    judge: impl FnOnce(Going<'_>) -> Result<R, Failure> + Send + 'static,
) -> Result<R, Failure> {
    let call = call.clone();
    blocking(move || {
        let judged = judge(&|| !call.is_cancelled());
        if call.is_cancelled() { Err(Failure::cancelled("the judging was stopped")) } else { judged }
    })
    .await
}

/// All contradictions among what stands in a chain; when nobody waits any more, those that were found until then.
pub(super) fn contradictions(chain: &Chain, going: Going<'_>) -> Vec<Contradiction> {
    let standing = chain.standing_thoughts();
    let claims: Vec<_> = standing
        .iter()
        .filter(|thought| thought.kind.claims())
        .map(|thought| (*thought, Claim::all(&thought.text)))
        .collect();
    let mut found = Vec::new();
    for (index, (one, of_one)) in claims.iter().enumerate().take_while(|_| going()) {
        for (two, of_two) in &claims[index + 1..] {
            // Hypotheses beside each other are alternatives, and one that cites another repeats it.
            let may_differ = one.kind == Kind::Hypothesis && two.kind == Kind::Hypothesis;
            if !may_differ && !two.builds_on.contains(&one.step) {
                found.extend(clash(one, of_one, two, of_two));
            }
        }
    }
    found.extend(standing.into_iter().flat_map(|thought| refuted(chain, thought)));
    found
}

fn clash(one: &Thought, of_one: &[Claim], two: &Thought, of_two: &[Claim]) -> Option<Contradiction> {
    let clash = of_one.iter().find_map(|one| of_two.iter().find_map(|two| one.clash(two)))?;
    let (rule, message) = match clash {
        Clash::Denial => {
            ("negation", format!("step {} and step {} say the opposite of each other", one.step, two.step))
        }
        Clash::Number(first, second) => (
            "number",
            format!("step {} says `{first}` and step {} says `{second}` of the same", one.step, two.step),
        ),
    };
    Some(Contradiction { rule: rule.to_owned(), steps: vec![one.step, two.step], message })
}

fn refuted(chain: &Chain, thought: &Thought) -> Vec<Contradiction> {
    let found = thought.builds_on.iter().filter_map(|used| match chain.standing(*used) {
        Standing::Refuted(by) => Some((*used, by)),
        Standing::Stands | Standing::Revised(_) => None,
    });
    // What refutes a thought may well build on it.
    let found = found.filter(|(_, by)| *by != thought.step);
    let found = found.map(|(used, by)| Contradiction {
        rule: "refuted_in_use".to_owned(),
        steps: vec![used, thought.step],
        message: format!("step {} builds on step {used}, which step {by} shows to be wrong", thought.step),
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::chain::fixture::{WHOLE, chain};
    use super::*;

    fn found(thoughts: Value) -> Vec<(String, Vec<u32>)> {
        contradictions(&chain(thoughts), WHOLE).into_iter().map(|found| (found.rule, found.steps)).collect()
    }

    #[test]
    fn two_thoughts_that_exclude_each_other_are_named_with_their_rule() {
        let thoughts = json!([
            { "text": "The cache is shared. The timeout is 5 s." },
            { "text": "The cache is not shared." },
            { "text": "The timeout is 6 s." },
        ]);
        assert_eq!(found(thoughts), [("negation".into(), vec![1, 2]), ("number".into(), vec![1, 3])]);
    }

    #[test]
    fn the_judging_ends_when_nobody_waits_for_it() {
        let chain = chain(json!([
            { "text": "The cache is shared." },
            { "text": "The index is stored." },
            { "text": "The index is not stored." },
            { "text": "The cache is not shared." },
        ]));
        let asked = std::cell::Cell::new(0);
        let once = || asked.replace(asked.get() + 1) == 0;
        let found: Vec<_> = contradictions(&chain, &once).into_iter().map(|found| found.steps).collect();
        assert_eq!((found, asked.get()), (vec![vec![1, 4]], 2));
        assert_eq!(contradictions(&chain, WHOLE).len(), 2);
    }

    #[test]
    fn what_was_revised_contradicts_nothing_any_more() {
        let thoughts = json!([
            { "text": "The timeout is 5 s." },
            { "text": "The timeout is 6 s.", "revises": 1 },
        ]);
        assert_eq!(found(thoughts), []);
    }

    #[test]
    fn questions_and_alternative_hypotheses_contradict_nothing() {
        let thoughts = json!([
            { "text": "The disk is full.", "type": "hypothesis" },
            { "text": "The disk is not full.", "type": "hypothesis" },
            { "text": "Is the disk not full?", "type": "question" },
        ]);
        assert_eq!(found(thoughts), []);
    }

    #[test]
    fn a_refuted_hypothesis_that_is_still_used_is_found() {
        let thoughts = json!([
            { "text": "Lightning struck.", "type": "hypothesis" },
            { "text": "No storm was near.", "refutes": [1], "builds_on": [1] },
            { "text": "So it burnt.", "type": "conclusion", "builds_on": [1] },
        ]);
        assert_eq!(found(thoughts), [("refuted_in_use".into(), vec![1, 3])]);
    }
}
