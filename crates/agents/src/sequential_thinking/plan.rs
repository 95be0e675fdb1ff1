//! `plan`: brings steps into an order that respects what each depends on.

use std::collections::BTreeMap;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::mentions::{Named, dependencies};
use super::order;
use crate::tools::blocking;

/// Most steps of one plan.
const MOST: usize = 1000;

/// How it is done, in one sentence.
const METHOD: &str = "topological order of the dependencies that are given and of those that the texts name, such as \"after T1\"";

/// What is to be done.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Plan {
    /// What all of it is for.
    #[serde(default)]
    goal: String,
    /// The steps, at most 1000, each a text or an object.
    steps: Vec<Given>,
}

/// A step as it is given.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Given {
    /// What is to be done, in words.
    Text(String),
    /// What is to be done, with a name and what it depends on.
    Step(Step),
}

/// A step with a name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Step {
    /// Its name; `T1` for the first one, and so on, if not said.
    #[serde(default)]
    id: String,
    /// What is to be done.
    text: String,
    /// Names of the steps that must be done before.
    #[serde(default)]
    depends_on: Vec<String>,
}

/// Steps in order.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Planned {
    /// What all of it is for.
    goal: String,
    /// The steps; each comes after all that it depends on.
    steps: Vec<Placed>,
    /// Names of steps that can be done side by side, wave after wave.
    waves: Vec<Vec<String>>,
    /// The longest chain of steps that wait for each other.
    longest: Vec<String>,
    /// How it was done.
    method: String,
}

/// A step in its place.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Placed {
    /// Its name.
    id: String,
    /// What is to be done.
    text: String,
    /// The steps that must be done before.
    depends_on: Vec<String>,
    /// The wave it belongs to, counted from 1.
    wave: usize,
}

/// Brings steps into order.
pub(super) async fn plan(_call: Call, args: Plan) -> Result<Planned, Failure> {
    blocking(move || planned(args)).await
}

fn planned(args: Plan) -> Result<Planned, Failure> {
    if args.steps.is_empty() || args.steps.len() > MOST {
        let message = format!("a plan has from 1 to {MOST} steps, and {} are given", args.steps.len());
        return Err(Failure::rejected("invalid_steps", message));
    }
    let steps: Vec<Step> = (1..).zip(args.steps).map(|(number, given)| given.named(number)).collect();
    let depends_on = resolved(&steps)?;
    let waves = order::waves(&depends_on).map_err(|cycle| refused(&steps, &cycle))?;
    let id = |index: &usize| steps[*index].id.clone();
    let ids = |indices: &[usize]| indices.iter().map(id).collect::<Vec<_>>();
    let placed =
        (1..).zip(&waves).flat_map(|(wave, members)| members.iter().map(move |index| (wave, *index)));
    let placed = placed.map(|(wave, index)| Placed {
        id: id(&index),
        text: steps[index].text.clone(),
        depends_on: ids(&depends_on[index]),
        wave,
    });
    Ok(Planned {
        goal: args.goal,
        steps: placed.collect(),
        waves: waves.iter().map(|wave| ids(wave)).collect(),
        longest: ids(&order::longest(&depends_on, &waves)),
        method: METHOD.to_owned(),
    })
}

impl Given {
    fn named(self, number: usize) -> Step {
        let mut step = match self {
            Self::Text(text) => Step { id: String::new(), text, depends_on: Vec::new() },
            Self::Step(step) => step,
        };
        if step.id.trim().is_empty() {
            step.id = format!("T{number}");
        }
        step
    }
}

/// What each step depends on, given and said, as indices in order.
fn resolved(steps: &[Step]) -> Result<Vec<Vec<usize>>, Failure> {
    let mut by_id = BTreeMap::new();
    for (index, step) in steps.iter().enumerate() {
        if step.text.trim().is_empty() {
            return Err(Failure::rejected(
                "invalid_steps",
                format!("step `{}` does not say what is to be done", step.id),
            ));
        }
        if by_id.insert(step.id.as_str(), index).is_some() {
            return Err(Failure::rejected(
                "duplicate_step",
                format!("two steps have the name `{}`", step.id),
            ));
        }
    }
    let named: Vec<Named> =
        steps.iter().map(|step| Named { names: vec![step.id.clone()], text: step.text.clone() }).collect();
    let mut depends_on = dependencies(&named);
    for (step, depends_on) in steps.iter().zip(&mut depends_on) {
        for name in &step.depends_on {
            let index = by_id.get(name.as_str()).ok_or_else(|| unknown(step, name, &by_id))?;
            depends_on.push(*index);
        }
        depends_on.sort_unstable();
        depends_on.dedup();
    }
    Ok(depends_on)
}

fn unknown(step: &Step, name: &str, by_id: &BTreeMap<&str, usize>) -> Failure {
    let message = format!("step `{}` depends on `{name}`, which is no step", step.id);
    let known: Vec<&str> = by_id.keys().take(20).copied().collect();
    Failure::rejected("unknown_step", message).hint(format!("the steps are {}", known.join(", ")))
}

fn refused(steps: &[Step], cycle: &[usize]) -> Failure {
    let mut names: Vec<&str> = cycle.iter().map(|index| steps[*index].id.as_str()).collect();
    names.extend(names.first().copied());
    Failure::rejected("cycle", format!("steps wait for each other: {}", names.join(" needs ")))
        .hint("take one of these dependencies out, or split a step")
        .detail(json!({ "cycle": names }))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn told(steps: &Value) -> Result<Planned, Failure> {
        planned(serde_json::from_value(json!({ "goal": "g", "steps": steps })).unwrap())
    }

    #[test]
    fn steps_come_after_what_they_depend_on_given_or_said() {
        let made = told(&json!([
            { "id": "ship", "text": "Ship it.", "depends_on": ["test"] },
            { "id": "test", "text": "Test after build." },
            { "id": "build", "text": "Build it." },
            "Write the news.",
        ]))
        .unwrap();
        assert_eq!(made.waves, [vec!["build", "T4"], vec!["test"], vec!["ship"]]);
        assert_eq!(made.longest, ["build", "test", "ship"]);
        let last = made.steps.last().unwrap();
        assert_eq!(
            (last.id.as_str(), last.wave, last.depends_on.as_slice()),
            ("ship", 3, &["test".to_owned()][..])
        );
    }

    #[test]
    fn a_cycle_is_refused_and_named() {
        let failure = told(&json!([
            { "id": "a", "text": "A", "depends_on": ["b"] },
            { "id": "b", "text": "B", "depends_on": ["a"] },
        ]))
        .unwrap_err();
        assert_eq!(
            (failure.reason(), failure.message()),
            ("cycle", "steps wait for each other: a needs b needs a")
        );
    }

    #[test]
    fn steps_that_say_nothing_are_twice_there_or_depend_on_nobody_are_refused() {
        for (steps, reason) in [
            (json!([]), "invalid_steps"),
            (json!([" "]), "invalid_steps"),
            (json!([{ "id": "a", "text": "A" }, { "id": "a", "text": "B" }]), "duplicate_step"),
            (json!([{ "text": "A", "depends_on": ["z"] }]), "unknown_step"),
            (json!(vec!["x"; MOST + 1]), "invalid_steps"),
        ] {
            assert_eq!(told(&steps).unwrap_err().reason(), reason);
        }
    }
}
