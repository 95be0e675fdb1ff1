//! `decide`: the end of a debate, by the support of its positions.
//!
//! The position whose holders are surest together is the decision; of equals the one that more hold, then the one that was
//! said first.

use op_agent::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::bench::Bench;
use super::brief::{Brief, missing};
use super::stance::{Stance, rounded, stances};

/// How it is done, in one sentence.
const METHOD: &str = "plain rules: the position with the greatest sum of confidences";

/// What was debated, and how it stands.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Decide {
    /// What is to be decided; the goal where it is not given.
    question: Option<String>,
    /// What the participants hold: a list of `participant`, `position`, `confidence`, `argument`, or an object of these by
    /// participant; `null` for silence. Those of the input where they are not given.
    #[serde(default)]
    positions: Value,
    /// The same under the name by which debates tell it.
    #[serde(default)]
    others: Value,
    /// What the check for consensus said, which the rationale then tells.
    #[serde(default)]
    consensus: Value,
    #[serde(flatten)]
    brief: Brief,
}

/// A decision.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Decided {
    /// The position that was decided for.
    decision: String,
    /// Why, with the arguments of those who hold it.
    rationale: String,
    /// Who holds it.
    supporting: Vec<String>,
    /// Who holds something else.
    dissenting: Vec<String>,
    /// Its part of all confidence, from 0 to 1.
    support: f64,
    /// How it was done.
    method: &'static str,
}

/// A position, its holders, and the sum of their confidences.
struct Camp<'s> {
    position: &'s str,
    holders: Vec<&'s Stance>,
    weight: f64,
}

/// Decides a debate.
pub(super) fn decide(_: &Bench, args: &Decide) -> Result<Decided, Failure> {
    let question = args.question.clone().or_else(|| args.brief.goal());
    let question = question.ok_or_else(|| missing("question", "say in `question` what is to be decided"))?;
    let given = [&args.positions, &args.others].map(stances).into_iter();
    let held = given.chain([of_input(&args.brief.input)]).find(|held| !held.is_empty()).unwrap_or_default();
    let camps = camps(&held);
    let first = camps.iter().reduce(|most, camp| {
        let more = (camp.weight, camp.holders.len()) > (most.weight, most.holders.len());
        if more { camp } else { most }
    });
    let Some(most) = first else {
        return Err(Failure::rejected("no_positions", "nobody holds a position")
            .hint("give `positions`, as `argue` returns them"));
    };
    let all: f64 = camps.iter().map(|camp| camp.weight).sum();
    let support = if all > 0.0 { rounded(most.weight / all) } else { 0.0 };
    let others = camps.iter().filter(|camp| !std::ptr::eq(*camp, most));
    Ok(Decided {
        decision: most.position.to_owned(),
        rationale: rationale(&question, most, &camps, &args.consensus),
        supporting: names(&most.holders),
        dissenting: others.flat_map(|camp| names(&camp.holders)).collect(),
        support,
        method: METHOD,
    })
}

fn of_input(input: &Value) -> Vec<Stance> {
    stances(input.get("positions").unwrap_or(input))
}

/// The positions in the order in which they were first said.
fn camps(held: &[Stance]) -> Vec<Camp<'_>> {
    let mut camps: Vec<Camp<'_>> = Vec::new();
    for stance in held {
        let known = camps.iter().position(|camp| stance.holds(camp.position));
        let at = known.unwrap_or_else(|| {
            camps.push(Camp { position: &stance.position, holders: Vec::new(), weight: 0.0 });
            camps.len() - 1
        });
        camps[at].holders.push(stance);
        camps[at].weight += stance.confidence();
    }
    camps.iter_mut().for_each(|camp| camp.weight = rounded(camp.weight));
    camps
}

fn names(holders: &[&Stance]) -> Vec<String> {
    let unnamed = |name: &str| if name.is_empty() { "somebody".to_owned() } else { name.to_owned() };
    holders.iter().map(|stance| unnamed(&stance.participant)).collect()
}

fn rationale(question: &str, most: &Camp<'_>, camps: &[Camp<'_>], consensus: &Value) -> String {
    let told = camps.iter().map(|camp| {
        format!(
            "{} ({} held by {}, confidence {})",
            camp.position,
            camp.holders.len(),
            names(&camp.holders).join(", "),
            camp.weight
        )
    });
    let mut lines = vec![format!("{}: {}.", question.trim(), told.collect::<Vec<_>>().join("; "))];
    if !consensus.is_null() {
        lines.push(format!("Consensus: {consensus}."));
    }
    let arguments = most.holders.iter().filter(|stance| !stance.argument.trim().is_empty());
    let said = |stance: &&Stance| format!("{}: {}", names(&[stance])[0], stance.argument.trim());
    lines.extend(arguments.map(said));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::bench::fixture::bench;
    use super::*;

    fn decided(args: Value) -> Result<Decided, Failure> {
        decide(&bench().1, &serde_json::from_value(args).unwrap())
    }

    #[test]
    fn the_surest_position_is_the_decision_and_dissent_is_named() {
        let positions = json!([
            { "participant": "a", "position": "X", "confidence": 0.6, "argument": "It is cheap." },
            { "participant": "b", "position": "Y", "confidence": 0.9 },
            null,
            { "participant": "c", "position": "x ", "confidence": 0.5 },
        ]);
        let made =
            decided(json!({ "question": "X or Y?", "positions": positions, "consensus": false })).unwrap();
        assert_eq!((made.decision.as_str(), made.support), ("X", 0.55));
        assert_eq!((made.supporting, made.dissenting), (vec!["a".into(), "c".into()], vec!["b".into()]));
        assert!(
            made.rationale.contains("a: It is cheap.") && made.rationale.contains("Consensus: false"),
            "{}",
            made.rationale
        );
    }

    #[test]
    fn of_equals_the_one_that_more_hold_and_then_the_first_is_taken() {
        let even = json!({ "a": { "position": "X", "confidence": 0.5 }, "b": { "position": "Y", "confidence": 0.5 } });
        assert_eq!(decided(json!({ "question": "?", "others": even })).unwrap().decision, "X");
        let more = json!([{ "position": "X", "confidence": 1 }, { "position": "Y" }, { "position": "Y" }]);
        assert_eq!(
            decided(json!({ "question": "?", "input": { "positions": more } })).unwrap().decision,
            "Y"
        );
    }

    #[test]
    fn where_nobody_holds_anything_nothing_is_decided() {
        assert_eq!(
            decided(json!({ "question": "?", "positions": [null] })).unwrap_err().reason(),
            "no_positions"
        );
    }
}
