//! `start_chain`, `add_thought`, `get_chain`, `fork_chain`: chains step by step.

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::chain::{Chain, Closing, Fork, STEPS, Standing, State};
use super::contradictions::judging;
use super::findings::{Finding, findings};
use super::store::Chains;
use super::style::Style;
use super::support::{rounded, supports};
use super::thought::{Draft, Kind, Source, Thought};
use crate::scope::Scope;

/// What a chain is to be about.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Start {
    /// What it is about.
    question: String,
    /// How it is thought.
    #[serde(default)]
    style: Style,
    /// How many thoughts it may have: 10 if not said, 500 at most.
    #[serde(default = "steps")]
    max_steps: u32,
    /// Who sees it.
    #[serde(default)]
    scope: Scope,
}

fn steps() -> u32 {
    STEPS
}

/// A thought for a chain.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Add {
    /// The chain.
    chain: String,
    /// What the thought is; an observation if not said.
    #[serde(default, rename = "type")]
    kind: Kind,
    /// What it says; at most 4 KiB and 40 sentences.
    text: String,
    /// How sure its author is, from 0 to 1; 0.5 if not said.
    #[serde(default)]
    confidence: Option<f64>,
    /// The steps that it rests on.
    #[serde(default)]
    builds_on: Vec<u32>,
    /// The step that it takes the place of; that one is kept.
    #[serde(default)]
    revises: Option<u32>,
    /// The steps that it shows to be wrong.
    #[serde(default)]
    refutes: Vec<u32>,
    /// Where it was read.
    #[serde(default)]
    source: Option<Source>,
}

/// Which chain.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Get {
    /// The chain.
    pub(super) chain: String,
}

/// Where to fork.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ForkAt {
    /// The chain that is forked; it stays as it is.
    chain: String,
    /// The last step that the fork takes over; all of them if not said.
    #[serde(default)]
    step: Option<u32>,
    /// What the fork is about, if something else.
    #[serde(default)]
    question: Option<String>,
    /// How the fork is thought, if otherwise.
    #[serde(default)]
    style: Option<Style>,
    /// How many thoughts the fork may have; as many as the chain if not said.
    #[serde(default)]
    max_steps: Option<u32>,
    /// Who sees the fork.
    #[serde(default)]
    scope: Scope,
}

/// A chain and how far it is.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Begun {
    /// The name of the chain, by which it is asked for.
    chain: String,
    /// How far it is.
    state: State,
    /// Its last step.
    step: u32,
    /// How many thoughts it may still have.
    left: u32,
}

/// A thought that was added.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Added {
    /// The chain.
    chain: String,
    /// The step of the thought.
    step: u32,
    /// How far the chain is.
    state: State,
    /// How many thoughts it may still have.
    left: u32,
    /// What is wrong with the thought, by the rules of `analyze`.
    findings: Vec<Finding>,
}

/// A chain as it is.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Shown {
    /// Its name.
    chain: String,
    /// What it is about.
    question: String,
    /// How it is thought.
    style: Style,
    /// How far it is.
    state: State,
    /// How many thoughts it may have.
    max_steps: u32,
    /// Where it was forked from.
    forked_from: Option<Fork>,
    /// What closed it.
    closing: Option<Closing>,
    /// Its thoughts, by step.
    thoughts: Vec<Seen>,
}

/// A thought, whether it stands, and how far it is supported.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct Seen {
    #[serde(flatten)]
    thought: Thought,
    /// Whether it still counts.
    standing: Standing,
    /// How far it is supported, from 0 to 1.
    support: f64,
}

/// Starts a chain.
pub(super) async fn start(chains: Chains, call: Call, args: Start) -> Result<Begun, Failure> {
    if args.question.trim().is_empty() {
        return Err(Failure::rejected(
            "missing_argument",
            "a chain must be about something, and `question` is empty",
        ));
    }
    let chain = Chain::new(&args.question, args.style, args.max_steps)?;
    begun(&chains, args.scope.owner(call.session())?, chain).await
}

async fn begun(chains: &Chains, session: String, chain: Chain) -> Result<Begun, Failure> {
    let (state, step, left) = (chain.state, chain.last(), chain.left());
    let chain = chains.create(session, chain).await?;
    Ok(Begun { chain, state, step, left })
}

/// Adds a thought.
pub(super) async fn add(chains: Chains, call: Call, args: Add) -> Result<Added, Failure> {
    let Add { chain: id, kind, text, confidence, builds_on, revises, refutes, source } = args;
    let confidence = confidence.unwrap_or_else(|| Draft::plain("").confidence);
    let draft = Draft { kind, text, confidence, builds_on, revises, refutes, source };
    let (chain, step) = chains.change(&call, &id, move |chain| chain.add(draft)).await?;
    judging(&call, move |going| {
        let is_about = |finding: &Finding| finding.steps.contains(&step);
        let findings = findings(&chain, going).into_iter().filter(is_about).collect();
        Ok(Added { chain: id, step, state: chain.state, left: chain.left(), findings })
    })
    .await
}

/// Shows a chain.
pub(super) async fn get(chains: Chains, call: Call, args: Get) -> Result<Shown, Failure> {
    let chain = chains.load(&call, &args.chain).await?;
    Ok(shown(args.chain, chain))
}

fn shown(id: String, chain: Chain) -> Shown {
    let (standings, supports) = (chain.standings(), supports(&chain));
    let Chain { question, style, state, max_steps, forked_from, closing, thoughts } = chain;
    let seen = thoughts.into_iter().zip(standings).zip(supports);
    let seen =
        seen.map(|((thought, standing), support)| Seen { thought, standing, support: rounded(support) });
    Shown { chain: id, question, style, state, max_steps, forked_from, closing, thoughts: seen.collect() }
}

/// Forks a chain.
pub(super) async fn fork(chains: Chains, call: Call, args: ForkAt) -> Result<Begun, Failure> {
    let session = args.scope.owner(call.session())?;
    let chain = chains.load(&call, &args.chain).await?;
    begun(&chains, session, forked(&chain, args)?).await
}

fn forked(chain: &Chain, args: ForkAt) -> Result<Chain, Failure> {
    let max_steps = args.max_steps.unwrap_or(chain.max_steps);
    let mut fork = chain.fork(&args.chain, args.step.unwrap_or(chain.last().min(max_steps)), max_steps)?;
    fork.question = args.question.unwrap_or(fork.question);
    fork.style = args.style.unwrap_or(fork.style);
    Ok(fork)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::chain::fixture::chain;
    use super::*;

    #[test]
    fn a_chain_is_shown_with_what_stands_and_how_far_it_is_supported() {
        let chain = chain(
            json!([{ "text": "a", "confidence": 0.4 }, { "text": "b", "revises": 1, "builds_on": [1] }]),
        );
        let shown = serde_json::to_value(shown("id".into(), chain)).unwrap();
        assert_eq!(shown["thoughts"][0]["standing"], json!({ "revised": 2 }));
        assert_eq!(
            (&shown["thoughts"][0]["support"], &shown["thoughts"][0]["type"]),
            (&json!(0.4), &json!("observation"))
        );
        assert_eq!(
            (&shown["thoughts"][1]["standing"], &shown["thoughts"][1]["support"]),
            (&json!("stands"), &json!(0.0))
        );
    }

    #[test]
    fn a_fork_may_go_another_way() {
        let chain = chain(json!([{ "text": "a" }, { "text": "b" }]));
        let args =
            json!({ "chain": "id", "step": 1, "question": "how", "style": "critical", "max_steps": 7 });
        let fork = forked(&chain, serde_json::from_value(args).unwrap()).unwrap();
        assert_eq!(
            (fork.last(), fork.question.as_str(), fork.style, fork.max_steps),
            (1, "how", Style::Critical, 7)
        );
        let fork = forked(&chain, serde_json::from_value(json!({ "chain": "id" })).unwrap()).unwrap();
        assert_eq!((fork.last(), fork.question.as_str(), fork.max_steps), (2, "why", 50));
    }
}
