//! `conclude`: closes a chain with a conclusion that is supported.
//!
//! A conclusion is refused
//!
//! - as `unsupported` when it rests on no observation, hypothesis or analysis, when anything that it rests on was revised or refuted, when its
//!   support is 0, and, in the style `critical`, when its confidence is below 0.5
//! - as `contradicted` when thoughts that it rests on exclude each other
//!
//! and nothing is added then. It is judged before anything is written, so that a long chain holds up nobody. How confidence is computed stands in [`support`](super::support).

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::chain::{Chain, Closing, State};
use super::contradictions::{Going, contradictions, judging};
use super::findings::unsupported;
use super::questions::open_questions;
use super::store::Chains;
use super::support::{Grounds, confidence, contradicted, rests_on, rounded, supports};
use super::thought::{Draft, Kind, Thought};
use crate::tools::blocking;

/// How sure somebody is of a closing conclusion who does not say: the support then says it all.
const SURE: f64 = 1.0;

/// With what to close.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Conclude {
    /// The chain.
    chain: String,
    /// The conclusion; the last one that stands in the chain if not said.
    #[serde(default)]
    text: Option<String>,
    /// The steps that `text` rests on.
    #[serde(default)]
    builds_on: Vec<u32>,
    /// How sure the author of `text` is, from 0 to 1; 1 if not said.
    #[serde(default)]
    confidence: Option<f64>,
}

/// A chain that is closed.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Concluded {
    /// The chain.
    chain: String,
    /// How far it is: `complete`.
    state: State,
    /// The conclusion.
    conclusion: String,
    /// Its step.
    step: u32,
    /// How far it is supported, from 0 to 1.
    confidence: f64,
    /// What it rests on, by step.
    support: Vec<Supporting>,
    /// Questions that stay open.
    open_questions: Vec<String>,
    /// Whether the chain was closed with it before.
    already: bool,
}

/// A thought that a conclusion rests on.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct Supporting {
    /// Its step.
    step: u32,
    /// What it is.
    #[serde(rename = "type")]
    kind: Kind,
    /// What it says.
    text: String,
    /// How far it is supported itself, from 0 to 1.
    support: f64,
}

/// Closes a chain.
pub(super) async fn conclude(chains: Chains, call: Call, args: Conclude) -> Result<Concluded, Failure> {
    let id = args.chain.clone();
    let mut chain = chains.load(&call, &id).await?;
    let before = chain.last();
    let closing = move |going: Going<'_>| close(&mut chain, args, going).map(|already| (chain, already));
    let (chain, already) = judging(&call, closing).await?;
    if !already {
        chains.replace(&call, &id, before, chain.clone()).await?;
    }
    blocking(move || told(id, &chain, already)).await
}

/// Closes a chain, and answers whether it was closed with the same before.
fn close(chain: &mut Chain, args: Conclude, going: Going<'_>) -> Result<bool, Failure> {
    let closed = chain.closing.as_ref().and_then(|closing| chain.at(closing.step));
    if closed.is_some_and(|closed| args.text.as_ref().is_none_or(|text| text.trim() == closed.text)) {
        return Ok(true);
    }
    let step = match args.text {
        Some(text) => {
            let draft = Draft::new(Kind::Conclusion, text, args.confidence.unwrap_or(SURE));
            chain.add_last(draft.on(args.builds_on))?
        }
        None if args.builds_on.is_empty() && args.confidence.is_none() => last(chain)?,
        None => {
            let message = "`builds_on` and `confidence` belong to a `text`, and there is none";
            return Err(Failure::rejected("missing_argument", message));
        }
    };
    let confidence = judged(chain, step, going)?;
    chain.closing = Some(Closing { step, confidence });
    chain.state = State::Complete;
    Ok(false)
}

fn last(chain: &Chain) -> Result<u32, Failure> {
    chain.open()?;
    chain.conclusion().map(|conclusion| conclusion.step).ok_or_else(|| {
        Failure::rejected("no_conclusion", "no conclusion stands in the chain")
            .hint("give one in `text`, with the steps that it rests on in `builds_on`")
    })
}

/// The confidence of the conclusion at a step, when it may close the chain.
fn judged(chain: &Chain, step: u32, going: Going<'_>) -> Result<f64, Failure> {
    let Some(conclusion) = chain.at(step) else {
        return Err(Failure::failed("damaged", format!("step {step} is gone")));
    };
    if let Some(finding) = unsupported(&Grounds::of(chain), conclusion) {
        return Err(Failure::rejected("unsupported", finding.message)
            .hint(finding.remedy)
            .detail(json!({ "steps": finding.steps })));
    }
    if supports(chain).get(step as usize - 1).is_none_or(|support| *support <= 0.0) {
        let message =
            format!("the conclusion of step {step} has no support: nobody is sure of what it rests on");
        return Err(Failure::rejected("unsupported", message).hint("`reflect` says what would raise it"));
    }
    let found = contradictions(chain, going);
    if let Some(clash) = contradicted(chain, conclusion, &found).next() {
        let message = format!("the conclusion of step {step} rests on a contradiction: {}", clash.message);
        return Err(Failure::rejected("contradicted", message)
            .hint("find out which holds, and revise or refute the other")
            .detail(json!({ "steps": clash.steps })));
    }
    let confidence = confidence(chain, conclusion, &found, open_questions(chain).len());
    let threshold = chain.style.threshold();
    if confidence < threshold {
        let message = format!(
            "the conclusion of step {step} has a confidence of {confidence}, and this style takes none below {threshold}"
        );
        return Err(Failure::rejected("unsupported", message)
            .hint("`reflect` says what would raise it")
            .detail(json!({ "confidence": confidence })));
    }
    Ok(confidence)
}

fn told(id: String, chain: &Chain, already: bool) -> Result<Concluded, Failure> {
    let closing = chain.closing.as_ref().and_then(|closing| Some((closing, chain.at(closing.step)?)));
    let (closing, conclusion) =
        closing.ok_or_else(|| Failure::failed("damaged", format!("chain `{id}` is not closed")))?;
    let supports = supports(chain);
    let supporting = |thought: &Thought| Supporting {
        step: thought.step,
        kind: thought.kind,
        text: thought.text.clone(),
        support: rounded(supports[thought.step as usize - 1]),
    };
    let below = rests_on(chain, conclusion);
    Ok(Concluded {
        chain: id,
        state: chain.state,
        conclusion: conclusion.text.clone(),
        step: conclusion.step,
        confidence: closing.confidence,
        support: below.iter().filter_map(|step| chain.at(*step)).map(supporting).collect(),
        open_questions: open_questions(chain).into_iter().map(|question| question.text.clone()).collect(),
        already,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::chain::fixture::{WHOLE, chain};
    use super::super::style::Style;
    use super::*;

    fn closed(chain: &mut Chain, args: Value) -> Result<Concluded, Failure> {
        let already = close(chain, serde_json::from_value(args).unwrap(), WHOLE)?;
        told("id".to_owned(), chain, already)
    }

    #[test]
    fn a_supported_conclusion_closes_the_chain_and_lists_what_it_rests_on() {
        let mut chain = chain(json!([
            { "text": "a", "confidence": 0.8 },
            { "text": "b", "type": "analysis", "builds_on": [1], "confidence": 0.5 },
            { "text": "so", "type": "conclusion", "builds_on": [2], "confidence": 1 },
        ]));
        let done = closed(&mut chain, json!({ "chain": "id" })).unwrap();
        assert_eq!((done.state, done.step, done.confidence, done.already), (State::Complete, 3, 0.4, false));
        assert_eq!(
            done.support.iter().map(|below| (below.step, below.support)).collect::<Vec<_>>(),
            [(1, 0.8), (2, 0.4)]
        );
        let again = closed(&mut chain, json!({ "chain": "id", "text": "so" })).unwrap();
        assert!(again.already);
        assert_eq!(chain.last(), 3);
        let other = closed(&mut chain, json!({ "chain": "id", "text": "other", "builds_on": [1] }));
        assert_eq!(other.unwrap_err().reason(), "closed");
    }

    #[test]
    fn what_is_not_supported_is_refused() {
        let thoughts = json!([
            { "text": "The cache is shared." },
            { "text": "The cache is not shared." },
            { "text": "old" },
            { "text": "new", "revises": 3 },
        ]);
        for (args, reason) in [
            (json!({ "chain": "id" }), "no_conclusion"),
            (json!({ "chain": "id", "builds_on": [1] }), "missing_argument"),
            (json!({ "chain": "id", "text": "so" }), "unsupported"),
            (json!({ "chain": "id", "text": "so", "builds_on": [3] }), "unsupported"),
            (json!({ "chain": "id", "text": "so", "builds_on": [1, 2] }), "contradicted"),
            (json!({ "chain": "id", "text": "so", "builds_on": [9] }), "invalid_thought"),
        ] {
            assert_eq!(
                closed(&mut chain(thoughts.clone()), args.clone()).unwrap_err().reason(),
                reason,
                "{args}"
            );
        }
        let done =
            closed(&mut chain(thoughts), json!({ "chain": "id", "text": "so", "builds_on": [1] })).unwrap();
        assert_eq!(
            done.confidence.to_string(),
            "0.5",
            "a contradiction with what it does not rest on is none of its own"
        );
    }

    #[test]
    fn what_rests_on_conclusions_without_support_on_questions_or_on_no_confidence_is_refused() {
        let thoughts = json!([
            { "text": "so", "type": "conclusion" },
            { "text": "Why?", "type": "question" },
            { "text": "never", "confidence": 0 },
            { "text": "a" },
            { "text": "well", "type": "conclusion", "builds_on": [4] },
        ]);
        for below in [json!([1]), json!([2]), json!([1, 2]), json!([3])] {
            let args = json!({ "chain": "id", "text": "thus", "builds_on": below });
            assert_eq!(
                closed(&mut chain(thoughts.clone()), args).unwrap_err().reason(),
                "unsupported",
                "{below}"
            );
        }
        let args = json!({ "chain": "id", "text": "thus", "builds_on": [5] });
        assert!(closed(&mut chain(thoughts), args).is_ok());
    }

    #[test]
    fn the_critical_style_takes_no_conclusion_that_is_more_doubtful_than_not() {
        let thoughts = json!([{ "text": "a", "confidence": 0.4 }]);
        let args = json!({ "chain": "id", "text": "so", "builds_on": [1] });
        let mut strict = Chain { style: Style::Critical, ..chain(thoughts.clone()) };
        assert_eq!(closed(&mut strict, args.clone()).unwrap_err().reason(), "unsupported");
        assert!(closed(&mut chain(thoughts), args).is_ok());
    }
}
