//! What is wrong with a chain, found by rule.
//!
//! | rule | what | takes from the score |
//! | --- | --- | --- |
//! | `negation`, `number` | two thoughts exclude each other | 0.2 |
//! | `refuted_in_use` | a thought builds on a refuted one | 0.2 |
//! | `unsupported` | a conclusion rests on nothing, on questions and unsupported conclusions alone, or on a thought that was revised or refuted | 0.25 |
//! | `untested` | a hypothesis that nothing refutes, revises or builds on | 0.05 |
//! | `ungrounded` | an analysis that builds on nothing | 0.05 |
//! | `unobserved` | no observation stands | 0.05 |
//! | `unanswered` | a question that nothing answers | 0.05 |
//! | `inconclusive` | there is no conclusion | 0 |
//!
//! The score is 1 less all of that, and at least 0.

use schemars::JsonSchema;
use serde::Serialize;

use super::chain::{Chain, Standing};
use super::contradictions::{Contradiction, Going, contradictions};
use super::questions::open_questions;
use super::support::{Grounds, rounded};
use super::thought::{Kind, Thought};

/// One thing that is wrong with a chain.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Finding {
    /// The rule that found it.
    pub(super) rule: String,
    /// The steps that it is about, in order.
    pub(super) steps: Vec<u32>,
    /// What is wrong, in one sentence.
    pub(super) message: String,
    /// What would mend it.
    pub(super) remedy: String,
}

impl Finding {
    fn new(rule: &str, steps: Vec<u32>, message: String, remedy: &str) -> Self {
        Self { rule: rule.to_owned(), steps, message, remedy: remedy.to_owned() }
    }
}

/// All findings of a chain, the weightiest rules first.
pub(super) fn findings(chain: &Chain, going: Going<'_>) -> Vec<Finding> {
    let (standing, grounds) = (chain.standing_thoughts(), Grounds::of(chain));
    let mut found: Vec<Finding> = contradictions(chain, going).into_iter().map(of_contradiction).collect();
    found.extend(standing.iter().filter_map(|thought| unsupported(&grounds, thought)));
    found.extend(
        standing.iter().filter(|thought| is_untested(&standing, thought)).map(|thought| untested(thought)),
    );
    found.extend(standing.iter().filter(|thought| is_ungrounded(thought)).map(|thought| ungrounded(thought)));
    if !standing.is_empty() && !standing.iter().any(|thought| thought.kind == Kind::Observation) {
        let message = "no observation stands in the chain".to_owned();
        found.push(Finding::new("unobserved", Vec::new(), message, "add what was seen or read"));
    }
    found.extend(open_questions(chain).into_iter().map(unanswered));
    if chain.conclusion().is_none() {
        let message = "no conclusion stands in the chain".to_owned();
        found.push(Finding::new(
            "inconclusive",
            Vec::new(),
            message,
            "add a conclusion that builds on what was found",
        ));
    }
    found
}

/// How sound a chain is, from 0 to 1.
pub(super) fn score(findings: &[Finding]) -> f64 {
    let lost: f64 = findings.iter().map(|finding| cost(&finding.rule)).sum();
    rounded((1.0 - lost).max(0.0))
}

/// What a finding of a rule takes from the score. The numbers are a convention; what they mean is their order.
fn cost(rule: &str) -> f64 {
    match rule {
        "unsupported" => 0.25,
        "negation" | "number" | "refuted_in_use" => 0.2,
        "inconclusive" => 0.0,
        _ => 0.05,
    }
}

/// Why a conclusion is not supported; none when it is, or when it is no conclusion.
pub(super) fn unsupported(grounds: &Grounds, thought: &Thought) -> Option<Finding> {
    if thought.kind != Kind::Conclusion {
        return None;
    }
    let step = thought.step;
    if thought.builds_on.is_empty() {
        let message = format!("the conclusion of step {step} builds on nothing");
        let remedy = "revise it and name in `builds_on` the steps that it rests on";
        return Some(Finding::new("unsupported", vec![step], message, remedy));
    }
    let fallen = grounds.fallen(thought).and_then(|(below, standing)| match standing {
        Standing::Stands => None,
        Standing::Revised(by) => Some((below, format!("was revised by step {by}"))),
        Standing::Refuted(by) => Some((below, format!("was refuted by step {by}"))),
    });
    if let Some((below, how)) = fallen {
        let message = format!("the conclusion of step {step} rests on step {below}, which {how}");
        let remedy = "revise what builds on the fallen step, so that it rests on what stands";
        return Some(Finding::new("unsupported", vec![below, step], message, remedy));
    }
    (!grounds.under(thought)).then(|| baseless(step))
}

fn baseless(step: u32) -> Finding {
    let message =
        format!("the conclusion of step {step} rests on no observation, hypothesis or analysis that stands");
    let remedy = "revise it and name in `builds_on` what was observed, supposed or analysed";
    Finding::new("unsupported", vec![step], message, remedy)
}

fn of_contradiction(found: Contradiction) -> Finding {
    let remedy = match found.rule.as_str() {
        "refuted_in_use" => "revise the later step so that it does without the refuted one",
        _ => "find out which holds, and revise or refute the other",
    };
    Finding { rule: found.rule, steps: found.steps, message: found.message, remedy: remedy.to_owned() }
}

fn is_untested(standing: &[&Thought], thought: &Thought) -> bool {
    let is_used = || standing.iter().any(|later| later.builds_on.contains(&thought.step));
    thought.kind == Kind::Hypothesis && !is_used()
}

fn untested(thought: &Thought) -> Finding {
    let message = format!("nothing tests the hypothesis of step {}", thought.step);
    let remedy = "add an observation that refutes it or builds on it";
    Finding::new("untested", vec![thought.step], message, remedy)
}

/// What was read needs no ground below it: its source is its ground.
fn is_ungrounded(thought: &Thought) -> bool {
    thought.kind == Kind::Analysis && thought.builds_on.is_empty() && thought.source.is_none()
}

fn ungrounded(thought: &Thought) -> Finding {
    let message = format!("the analysis of step {} builds on nothing", thought.step);
    Finding::new("ungrounded", vec![thought.step], message, "revise it and name the steps that it analyses")
}

fn unanswered(question: &Thought) -> Finding {
    let message = format!("nothing answers the question of step {}: {}", question.step, question.text);
    Finding::new(
        "unanswered",
        vec![question.step],
        message,
        "add an observation or analysis that builds on the question",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::chain::fixture::{WHOLE, chain};
    use super::*;

    fn rules(thoughts: Value) -> Vec<(String, Vec<u32>)> {
        findings(&chain(thoughts), WHOLE).into_iter().map(|found| (found.rule, found.steps)).collect()
    }

    fn rule(name: &str, steps: &[u32]) -> (String, Vec<u32>) {
        (name.to_owned(), steps.to_vec())
    }

    #[test]
    fn a_sound_chain_has_no_findings_and_the_whole_score() {
        let chain = chain(json!([
            { "text": "The disk is at 100 %." },
            { "text": "The log fills it.", "type": "hypothesis", "builds_on": [1] },
            { "text": "The log has 90 GB.", "builds_on": [2] },
            { "text": "Rotate the log.", "type": "conclusion", "builds_on": [1, 3] },
        ]));
        assert_eq!(findings(&chain, WHOLE), []);
        assert_eq!(score(&findings(&chain, WHOLE)).to_string(), "1");
    }

    #[test]
    fn a_conclusion_on_nothing_or_on_what_fell_is_unsupported() {
        assert_eq!(
            rules(json!([{ "text": "a" }, { "text": "so", "type": "conclusion" }])),
            [rule("unsupported", &[2])]
        );
        let thoughts = json!([
            { "text": "old" },
            { "text": "so far", "type": "analysis", "builds_on": [1] },
            { "text": "so", "type": "conclusion", "builds_on": [2] },
            { "text": "new", "revises": 1 },
        ]);
        assert_eq!(rules(thoughts), [rule("unsupported", &[1, 3])]);
    }

    #[test]
    fn a_conclusion_on_a_question_or_on_an_unsupported_one_is_unsupported_and_answers_nothing() {
        let thoughts = json!([
            { "text": "a" },
            { "text": "Why?", "type": "question" },
            { "text": "so", "type": "conclusion", "builds_on": [2] },
            { "text": "and so", "type": "conclusion", "builds_on": [3] },
        ]);
        let expected = [rule("unsupported", &[3]), rule("unsupported", &[4]), rule("unanswered", &[2])];
        assert_eq!(rules(thoughts), expected);
    }

    #[test]
    fn gaps_and_open_questions_are_named() {
        let thoughts = json!([
            { "text": "Maybe.", "type": "hypothesis" },
            { "text": "Thus.", "type": "analysis" },
            { "text": "Why?", "type": "question" },
        ]);
        assert_eq!(
            rules(thoughts),
            [
                rule("untested", &[1]),
                rule("ungrounded", &[2]),
                rule("unobserved", &[]),
                rule("unanswered", &[3]),
                rule("inconclusive", &[]),
            ]
        );
    }

    #[test]
    fn the_score_never_falls_below_nothing() {
        let thoughts: Vec<Value> = (0..30).map(|_| json!({ "text": "so", "type": "conclusion" })).collect();
        assert_eq!(score(&findings(&chain(json!(thoughts)), WHOLE)).to_string(), "0");
    }
}
