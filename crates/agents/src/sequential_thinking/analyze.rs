//! `analyze`: how sound a chain is, and what is wrong with it.

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::chain::{Chain, MOST_STEPS, State};
use super::contradictions::{Going, contradictions, judging};
use super::findings::{Finding, findings, score};
use super::questions::open_questions;
use super::store::Chains;
use super::style::Style;
use super::support::confidence;
use super::think::thoughts_of;

/// What to analyze: a chain, or thoughts that are kept nowhere.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Analyze {
    /// The chain.
    #[serde(default)]
    chain: Option<String>,
    /// Thoughts, in the forms that `think` takes them in; either these or a chain.
    #[serde(default)]
    thoughts: Option<Value>,
}

/// What is to be thought of a chain.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Analysis {
    /// How sound it is, from 0 to 1.
    score: f64,
    /// How far its conclusion is supported, from 0 to 1; none without a conclusion.
    confidence: Option<f64>,
    /// How far it is.
    state: State,
    /// How many thoughts it has.
    thoughts: usize,
    /// How many of them still count.
    standing: usize,
    /// How many of its questions are open.
    open_questions: usize,
    /// What is wrong with it, the weightiest first.
    findings: Vec<Finding>,
}

/// Analyzes a chain.
pub(super) async fn analyze(chains: Chains, call: Call, args: Analyze) -> Result<Analysis, Failure> {
    match (args.chain, args.thoughts) {
        (Some(id), None) => {
            let chain = chains.load(&call, &id).await?;
            judging(&call, move |going| Ok(analysis(&chain, going))).await
        }
        (None, Some(thoughts)) => judging(&call, move |going| Ok(analysis(&unkept(&thoughts)?, going))).await,
        _ => Err(Failure::rejected(
            "missing_argument",
            "either `chain` or `thoughts` must be given, and not both",
        )),
    }
}

fn unkept(thoughts: &Value) -> Result<Chain, Failure> {
    let mut chain = Chain::new("", Style::Default, MOST_STEPS)?;
    thoughts_of(thoughts)?.into_iter().try_for_each(|draft| chain.add(draft).map(drop))?;
    Ok(chain)
}

fn analysis(chain: &Chain, going: Going<'_>) -> Analysis {
    let (findings, contradictions, open) =
        (findings(chain, going), contradictions(chain, going), open_questions(chain).len());
    let conclusion = chain.conclusion();
    Analysis {
        score: score(&findings),
        confidence: conclusion.map(|conclusion| confidence(chain, conclusion, &contradictions, open)),
        state: chain.state,
        thoughts: chain.thoughts.len(),
        standing: chain.standing_thoughts().len(),
        open_questions: open,
        findings,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn thoughts_are_analyzed_without_being_kept() {
        let thoughts = json!([
            "The disk is full.",
            { "text": "Delete it.", "type": "conclusion", "builds_on": [1], "confidence": 0.8 },
            "Whose is it?",
        ]);
        let found = analysis(&unkept(&thoughts).unwrap(), &|| true);
        assert_eq!(
            (found.score, found.confidence, found.thoughts, found.open_questions),
            (0.95, Some(0.38), 3, 1)
        );
        assert_eq!(found.findings[0].rule, "unanswered");
        assert_eq!(
            unkept(&json!([{ "text": "x", "builds_on": [1] }])).unwrap_err().reason(),
            "invalid_thought"
        );
    }
}
