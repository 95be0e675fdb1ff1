//! `argue`: a debater by plain rules, who weighs options and hears the others.
//!
//! - A pro or con weighs 1, and for each criterion that is spoken of in it the weight of that criterion more.
//! - An option scores its pros less its cons. The one that scores most is the participant's own; of equals the first.
//! - `margin` is how far it leads the second, as a part of all weights of the two; `own = 1/n + (1 - 1/n) * margin` is how sure
//!   the participant is among `n` options.
//! - The support of a position is the sum of the confidences of those among the others who hold it, divided by their number.
//! - The participant joins the best supported other option when `margin + support of the own one < support of that option`, and
//!   somebody who holds it is surer than the participant, or as sure and it comes first among the options. So two who are at odds
//!   never both give way. Having joined, it is as sure as the mean of `own` and that support.
//!
//! Criteria that are not given are the words of the role's prompt, each of weight 1.

mod options;

use std::collections::BTreeMap;

use op_agent::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::bench::Bench;
use super::brief::{Brief, missing};
use super::stance::{Stance, rounded, stances};
use super::words::terms;
use options::Choice;

/// How it is done, in one sentence.
const METHOD: &str = "plain rules: pros less cons, weighted by criteria; \
    joins the others where their support outweighs the own margin";

/// How many pros an argument names.
const REASONS: usize = 3;

/// What to argue about.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Argue {
    /// What is to be decided; the goal where it is not given.
    question: Option<String>,
    /// What there is to choose from; read from the question ("A or B?") where it is not given.
    options: Option<Vec<Choice>>,
    /// Who argues; the name of the role where it is not given.
    participant: Option<String>,
    /// What matters to the participant: words with weights, or only words, which then weigh 1.
    criteria: Option<Criteria>,
    /// What the other participants hold: a list of `participant`, `position`, `confidence`, `argument`; `null` for silence.
    #[serde(default)]
    others: Value,
    #[serde(flatten)]
    brief: Brief,
}

/// What matters, and how much.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Criteria {
    /// Words with their weights.
    Weighted(BTreeMap<String, f64>),
    /// Words that weigh 1.
    Words(Vec<String>),
}

/// What a participant holds, and why.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Argued {
    /// Who holds it.
    participant: String,
    /// The name of an option.
    position: String,
    /// How sure, from 0 to 1.
    confidence: f64,
    /// The others that hold the same.
    agrees_with: Vec<String>,
    /// Why, in the words of the pros and cons.
    argument: String,
    /// What each option scores.
    scores: BTreeMap<String, f64>,
    /// How it was done.
    method: &'static str,
}

/// Argues for an option.
pub(super) fn argue(_: &Bench, args: &Argue) -> Result<Argued, Failure> {
    let question = args.question.clone().or_else(|| args.brief.goal());
    let question = question.ok_or_else(|| missing("question", "say in `question` what is to be decided"))?;
    let given = args.options.clone().or_else(|| args.brief.of_input("options")).unwrap_or_default();
    let choices = if given.is_empty() { options::of_question(&question) } else { given };
    let weights = weights(args.criteria.as_ref(), &args.brief);
    let own = Ballot::new(&choices, &weights);
    let others = stances(&args.others);
    let joined = own.joined(&others);
    let (position, confidence) =
        joined.map_or((own.best, own.sure), |(at, support)| (at, f64::midpoint(own.sure, support)));
    let name = choices[position].name.clone();
    let agrees = others.iter().filter(|other| other.holds(&name)).map(|other| other.participant.clone());
    Ok(Argued {
        participant: args.participant.clone().unwrap_or_else(|| args.brief.role_name()),
        confidence: rounded(confidence),
        agrees_with: agrees.filter(|name| !name.is_empty()).collect(),
        argument: own.argument(position, joined.map(|(_, support)| support), &weights),
        scores: choices
            .iter()
            .zip(&own.scores)
            .map(|(choice, score)| (choice.name.clone(), rounded(*score)))
            .collect(),
        position: name,
        method: METHOD,
    })
}

/// The criteria by the stem of their words.
fn weights(criteria: Option<&Criteria>, brief: &Brief) -> BTreeMap<String, f64> {
    let stems =
        |word: &str, weight: f64| terms(word).into_iter().map(move |term| (term, weight)).collect::<Vec<_>>();
    match criteria {
        Some(Criteria::Weighted(weights)) => {
            weights.iter().flat_map(|(word, weight)| stems(word, weight.clamp(0.0, MOST_WEIGHT))).collect()
        }
        Some(Criteria::Words(words)) => words.iter().flat_map(|word| stems(word, 1.0)).collect(),
        None => stems(&brief.role_prompt(), 1.0).into_iter().collect(),
    }
}

/// Most that one criterion weighs; more would leave nothing of the others.
const MOST_WEIGHT: f64 = 1000.0;

/// What a pro or con weighs.
fn weight(text: &str, weights: &BTreeMap<String, f64>) -> f64 {
    let mut terms = terms(text);
    terms.sort();
    terms.dedup();
    1.0 + terms.iter().filter_map(|term| weights.get(term)).sum::<f64>()
}

/// The options, weighed.
struct Ballot<'c> {
    choices: &'c [Choice],
    scores: Vec<f64>,
    /// The option that scores most, and the one after it.
    best: usize,
    second: Option<usize>,
    margin: f64,
    sure: f64,
}

impl<'c> Ballot<'c> {
    #[expect(clippy::cast_precision_loss, reason = "there are few options")]
    fn new(choices: &'c [Choice], weights: &BTreeMap<String, f64>) -> Self {
        let sum = |texts: &[String]| texts.iter().map(|text| weight(text, weights)).sum::<f64>();
        let sums: Vec<(f64, f64)> =
            choices.iter().map(|choice| (sum(&choice.pros), sum(&choice.cons))).collect();
        let scores: Vec<f64> = sums.iter().map(|(pros, cons)| pros - cons).collect();
        let mut order: Vec<usize> = (0..choices.len()).collect();
        order.sort_by(|left, right| scores[*right].total_cmp(&scores[*left]));
        let (best, second) = (order[0], order.get(1).copied());
        let margin = second.map_or(1.0, |second| {
            let all: f64 = [best, second].iter().map(|at| sums[*at].0 + sums[*at].1).sum();
            if all > 0.0 { (scores[best] - scores[second]) / all } else { 0.0 }
        });
        let even = 1.0 / choices.len() as f64;
        let sure = even + (1.0 - even) * margin;
        Self { choices, scores, best, second, margin, sure }
    }

    /// The option of the others that the participant joins, and its support.
    #[expect(clippy::cast_precision_loss, reason = "there are few participants")]
    fn joined(&self, others: &[Stance]) -> Option<(usize, f64)> {
        let holders = |at: usize| others.iter().filter(move |other| other.holds(&self.choices[at].name));
        let support =
            |at: usize| holders(at).map(Stance::confidence).sum::<f64>() / (others.len().max(1) as f64);
        let rest = (0..self.choices.len()).filter(|at| *at != self.best).map(|at| (at, support(at)));
        let (at, supported) = rest.reduce(|most, other| if other.1 > most.1 { other } else { most })?;
        let surest = holders(at).map(|other| rounded(other.confidence())).fold(0.0, f64::max);
        let own = rounded(self.sure);
        let gives_way = surest > own || (surest >= own && at < self.best);
        (self.margin + support(self.best) < supported && gives_way).then_some((at, supported))
    }

    fn argument(&self, position: usize, support: Option<f64>, weights: &BTreeMap<String, f64>) -> String {
        let choice = &self.choices[position];
        let mut parts = Vec::new();
        if let Some(support) = support {
            let (own, margin) = (&self.choices[self.best].name, rounded(self.margin));
            parts.push(format!(
                "The others' support of {} for {} outweighs the margin of {margin} for {own}.",
                rounded(support),
                choice.name
            ));
        }
        parts.extend(said(&format!("For {}", choice.name), &choice.pros, weights));
        parts.extend(said("Against it", &choice.cons, weights));
        let rival = if position == self.best { self.second } else { Some(self.best) };
        if let Some(rival) = rival.map(|at| &self.choices[at]) {
            parts.extend(said(&format!("Against {}", rival.name), &rival.cons, weights));
        }
        if parts.is_empty() {
            parts.push(format!("No pros or cons were given; {} is the first of the options.", choice.name));
        }
        parts.join(" ")
    }
}

/// The weightiest of some reasons, as a sentence.
fn said(what: &str, reasons: &[String], weights: &BTreeMap<String, f64>) -> Option<String> {
    let mut reasons: Vec<&String> = reasons.iter().collect();
    reasons.sort_by(|left, right| weight(right, weights).total_cmp(&weight(left, weights)));
    let reasons: Vec<&str> =
        reasons.iter().take(REASONS).map(|text| text.trim().trim_end_matches('.')).collect();
    (!reasons.is_empty()).then(|| format!("{what}: {}.", reasons.join("; ")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::bench::fixture::bench;
    use super::*;

    fn argued(mut args: Value, criteria: Value, others: Value) -> Argued {
        args["criteria"] = criteria;
        args["others"] = others;
        argue(&bench().1, &serde_json::from_value(args).unwrap()).unwrap()
    }

    fn question() -> Value {
        json!({ "question": "Which store?", "role": { "name": "proposer" }, "options": [
            { "name": "SQLite", "pros": ["no server to run", "low cost"], "cons": ["one writer"] },
            { "name": "PostgreSQL", "pros": ["many writers", "replication for safety"], "cons": ["a server to run"] },
        ] })
    }

    #[test]
    fn the_criteria_of_a_participant_decide_what_it_holds() {
        let cheap = argued(question(), json!({ "cost": 3.0 }), json!(null));
        assert_eq!((cheap.position.as_str(), cheap.participant.as_str()), ("SQLite", "proposer"));
        assert!(cheap.argument.starts_with("For SQLite: low cost; no server to run."), "{}", cheap.argument);
        let safe = argued(question(), json!(["safety", "writers"]), json!(null));
        assert_eq!(safe.position, "PostgreSQL");
        assert_eq!(json!(safe.scores), json!({ "SQLite": 0.0, "PostgreSQL": 3.0 }));
    }

    #[test]
    fn without_criteria_the_prompt_of_the_role_says_what_matters() {
        let mut args = question();
        args["role"]["prompt"] = json!("You care about safety.");
        let argued = argue(&bench().1, &serde_json::from_value(args).unwrap()).unwrap();
        assert_eq!(argued.position, "PostgreSQL");
    }

    #[test]
    fn a_small_margin_gives_way_to_strong_support_and_a_large_one_does_not() {
        let others =
            json!([{ "participant": "opponent", "position": "postgresql", "confidence": 0.9 }, null]);
        let gave_way = argued(question(), json!({ "cost": 0.5 }), others.clone());
        assert_eq!(
            (gave_way.position.as_str(), &gave_way.agrees_with[..]),
            ("PostgreSQL", &["opponent".to_owned()][..])
        );
        assert!(gave_way.argument.contains("outweighs"), "{}", gave_way.argument);
        let stayed = argued(question(), json!({ "cost": 500 }), others);
        assert_eq!((stayed.position.as_str(), stayed.agrees_with.len()), ("SQLite", 0));
    }

    #[test]
    fn two_who_are_at_odds_never_both_give_way() {
        for (one, other) in [(0.4, 0.6), (0.5, 0.5), (0.7, 0.2)] {
            let ask = |criteria: Value, others: Value| argued(question(), criteria, others);
            let (cheap, safe) = (json!({ "cost": one }), json!({ "safety": other }));
            let (mut first, mut second) = (ask(cheap.clone(), json!(null)), ask(safe.clone(), json!(null)));
            assert_ne!(first.position, second.position);
            for _ in 0..3 {
                let told = |said: &Argued| json!([serde_json::to_value(said).unwrap()]);
                let next = (ask(cheap.clone(), told(&second)), ask(safe.clone(), told(&first)));
                (first, second) = next;
                assert_eq!(first.position, second.position, "{one} {other}");
            }
        }
    }

    #[test]
    fn where_nothing_speaks_for_an_option_the_answer_says_so() {
        let args = json!({ "question": "Should we use Rust or Go for this?" });
        let argued = argued(args, json!(null), json!(null));
        assert_eq!((argued.position.as_str(), argued.confidence), ("Rust", 0.5));
        assert!(argued.argument.starts_with("No pros or cons"), "{}", argued.argument);
    }
}
