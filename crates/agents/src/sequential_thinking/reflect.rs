//! `reflect`: what changed in a chain, what is weakest in it, and what would raise its confidence.
//!
//! What would raise it is computed and not guessed: the confidence is that of the same chain after the one change.

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::Serialize;

use super::chain::{Chain, Standing, State};
use super::chains::Get;
use super::contradictions::{Contradiction, Going, contradictions, judging};
use super::findings::findings;
use super::questions::open_questions;
use super::store::Chains;
use super::support::{Grounds, confidence, contradicted, rests_on};
use super::thought::Thought;

/// What is to be said of a chain.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Reflection {
    /// The chain.
    chain: String,
    /// How far it is.
    state: State,
    /// How far its conclusion is supported, from 0 to 1; none without a conclusion.
    confidence: Option<f64>,
    /// What does not stand any more and why, and where the chain came from.
    changed: Vec<String>,
    /// The thought of the least confidence among those that the conclusion rests on, or among all without a conclusion.
    weakest: Option<Weakest>,
    /// What would raise the confidence, the most helpful first.
    raise: Vec<Raise>,
}

/// The weakest thought.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct Weakest {
    /// Its step.
    step: u32,
    /// What it says.
    text: String,
    /// How sure its author is, from 0 to 1.
    confidence: f64,
}

/// Something that would raise the confidence.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct Raise {
    /// What to do.
    action: String,
    /// The confidence afterwards, from 0 to 1; none without a conclusion.
    confidence: Option<f64>,
}

/// Reflects on a chain.
pub(super) async fn reflect(chains: Chains, call: Call, args: Get) -> Result<Reflection, Failure> {
    let chain = chains.load(&call, &args.chain).await?;
    judging(&call, move |going| Ok(reflection(args.chain, &chain, going))).await
}

fn reflection(id: String, chain: &Chain, going: Going<'_>) -> Reflection {
    let weakest = weakest(chain);
    let conclusion = chain.conclusion();
    let (confidence, raise) = match conclusion {
        Some(conclusion) => judged(chain, conclusion, weakest, going),
        None => (None, remedies(chain, going)),
    };
    let weakest = weakest.map(|thought| Weakest {
        step: thought.step,
        text: thought.text.clone(),
        confidence: thought.confidence,
    });
    Reflection { chain: id, state: chain.state, confidence, changed: changed(chain), weakest, raise }
}

/// What findings ask for, where there is no conclusion whose confidence could be raised.
fn remedies(chain: &Chain, going: Going<'_>) -> Vec<Raise> {
    let findings = findings(chain, going).into_iter();
    let action = findings.map(|finding| format!("{}: {}", finding.message, finding.remedy));
    action.map(|action| Raise { action, confidence: None }).collect()
}

fn changed(chain: &Chain) -> Vec<String> {
    let fork = chain.forked_from.as_ref();
    let fork = fork.map(|fork| format!("it was forked from chain `{}` after step {}", fork.chain, fork.step));
    let fallen = (1..).zip(chain.standings()).filter_map(|(step, standing)| match standing {
        Standing::Stands => None,
        Standing::Revised(by) => Some(format!("step {step} was revised by step {by}")),
        Standing::Refuted(by) => Some(format!("step {step} was refuted by step {by}")),
    });
    fork.into_iter().chain(fallen).collect()
}

/// The least sure of what is claimed; the first one of several.
fn weakest(chain: &Chain) -> Option<&Thought> {
    let below = chain.conclusion().map(|conclusion| rests_on(chain, conclusion));
    let counts = |step: u32| below.as_ref().is_none_or(|below| below.contains(&step));
    let standing = chain.standing_thoughts().into_iter();
    let claims = standing.filter(|thought| thought.kind.claims() && counts(thought.step));
    claims.min_by(|one, two| one.confidence.total_cmp(&two.confidence))
}

fn judged(
    chain: &Chain,
    conclusion: &Thought,
    weakest: Option<&Thought>,
    going: Going<'_>,
) -> (Option<f64>, Vec<Raise>) {
    let (found, open) = (contradictions(chain, going), open_questions(chain));
    let now = confidence(chain, conclusion, &found, open.len());
    let mut raise = Vec::new();
    for clash in contradicted(chain, conclusion, &found) {
        let others: Vec<Contradiction> = found.iter().filter(|other| *other != clash).cloned().collect();
        let after = confidence(chain, conclusion, &others, open.len());
        raise.push((format!("resolve that {}", clash.message), after));
    }
    for question in &open {
        let after = confidence(chain, conclusion, &found, open.len() - 1);
        raise.push((format!("answer the question of step {}: {}", question.step, question.text), after));
    }
    if let Some(weakest) = weakest {
        let mut sure = chain.clone();
        sure.thoughts[weakest.step as usize - 1].confidence = 1.0;
        raise.push((
            format!("make step {} certain", weakest.step),
            confidence(&sure, conclusion, &found, open.len()),
        ));
    }
    if !Grounds::of(chain).under(conclusion) {
        raise.push(("name what the conclusion builds on".to_owned(), conclusion.confidence));
    }
    raise.retain(|(_, after)| *after > now);
    raise.sort_by(|one, two| two.1.total_cmp(&one.1));
    let raise = raise.into_iter().map(|(action, after)| Raise { action, confidence: Some(after) });
    (Some(now), raise.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::chain::fixture::{WHOLE, chain};
    use super::*;

    #[test]
    fn what_changed_and_what_would_help_is_told_with_numbers() {
        let chain = chain(json!([
            { "text": "old" },
            { "text": "new", "revises": 1, "confidence": 0.8 },
            { "text": "guess", "confidence": 0.4 },
            { "text": "Whose?", "type": "question" },
            { "text": "so", "type": "conclusion", "builds_on": [2, 3], "confidence": 1 },
        ]));
        let told = reflection("id".into(), &chain, WHOLE);
        assert_eq!(
            (told.confidence, told.changed.as_slice()),
            (Some(0.57), &["step 1 was revised by step 2".to_owned()][..])
        );
        assert_eq!(told.weakest.map(|weakest| weakest.step), Some(3));
        let raise: Vec<_> =
            told.raise.iter().map(|raise| (raise.action.as_str(), raise.confidence.unwrap())).collect();
        assert_eq!(raise, [("make step 3 certain", 0.855), ("answer the question of step 4: Whose?", 0.6)]);
    }

    #[test]
    fn a_chain_without_a_conclusion_is_told_what_it_lacks() {
        let told =
            reflection("id".into(), &chain(json!([{ "text": "a" }])).fork("old", 1, 9).unwrap(), WHOLE);
        assert_eq!((told.confidence, told.changed.len()), (None, 1));
        assert!(told.raise[0].action.contains("no conclusion stands"), "{:?}", told.raise);
    }

    #[test]
    fn a_contradiction_and_a_conclusion_on_nothing_are_named() {
        let clash = chain(json!([
            { "text": "The cache is shared." },
            { "text": "The cache is not shared." },
            { "text": "so", "type": "conclusion", "builds_on": [1, 2] },
        ]));
        let told = reflection("id".into(), &clash, WHOLE);
        assert!(
            told.raise.iter().any(|raise| raise.action.starts_with("resolve that step 1 and step 2")),
            "{told:?}"
        );
        let bare = chain(json!([{ "text": "a" }, { "text": "so", "type": "conclusion" }]));
        assert_eq!(
            reflection("id".into(), &bare, WHOLE).raise[0].action,
            "name what the conclusion builds on"
        );
    }
}
