//! Debates: participants argue in rounds until they agree.

mod keys;
mod mistakes;

use std::collections::HashMap;
use std::sync::Arc;

use op_plan::expression::{PhaseField, StepField};
use op_plan::plan::{Accept, Action, Flow, Gate, Part, Target};
use op_plan::{Phase, Plan, Reference, Rollback, Scope, Shape};
use serde_json::{Value, json};

use crate::{plan, read};

/// The document's example, as it is given to users.
const COMPLEX: &str = r#"[debates.complex_architectural]
participants = [{ role = "proposer", model = "claude-opus-4" }, { role = "opponent", model = "gemini-2.5-pro" }, { model = "gpt-4o", fallback = true }]
rounds = { min = 2, max = 5, consensus_threshold = 0.8 }
steps = [{ type = "initial_arguments" }, { type = "counter_arguments" }, { type = "consensus_check" }, { type = "final_decision" }]
"#;

/// A debate `p` of `a`, who is told anything, and `b`, who is told what its operation takes.
fn text(lines: &str) -> String {
    format!(
        "[debates.p]\nparticipants = [{{ id = 'a', agent = 'debater.speak', model = 'x' }}, {{ id = 'b', agent = 'debater', operation = 'argue' }}]\n{lines}\n"
    )
}

fn debate(lines: &str) -> Arc<Plan> {
    plan(&text(lines))
}

fn phase<'p>(plan: &'p Plan, id: &str) -> &'p Phase {
    &plan.phases()[plan.find_phase(id).unwrap_or_else(|| panic!("no phase `{id}`"))]
}

/// The ways of a phase, as text.
fn ways(plan: &Plan, id: &str) -> Vec<String> {
    let way = |way: &op_plan::plan::Transition| {
        let to = match &way.to {
            Target::Phase(to) => plan.phases()[*to].id.clone(),
            Target::End(end) => format!("end {}", end.name),
        };
        let when = way.when.as_ref().map(|when| format!(" when {when}")).unwrap_or_default();
        format!("{}{to}{when}", if way.on_success { "" } else { "failed: " })
    };
    phase(plan, id).next.iter().map(way).collect()
}

fn ids(plan: &Plan) -> Vec<&str> {
    plan.phases().iter().map(|phase| phase.id.as_str()).collect()
}

/// What was said so far: by step, and how often phases began.
#[derive(Default)]
struct Said {
    outputs: HashMap<&'static str, Value>,
    failed: Vec<&'static str>,
    visits: HashMap<&'static str, u32>,
}

impl Scope for Said {
    fn value(&self, reference: &Reference) -> Option<Value> {
        let output = |id: &str| self.outputs.get(id).cloned().unwrap_or_default();
        match reference {
            Reference::Step { id, field: StepField::Output } => Some(output(id)),
            Reference::Step { id, .. } if self.failed.contains(&id.as_str()) => Some("failed".into()),
            Reference::Step { id, .. } if output(id).is_null() => Some("pending".into()),
            Reference::Step { .. } => Some("succeeded".into()),
            Reference::Phase { id, field: PhaseField::Visits } => {
                Some(self.visits.get(id.as_str()).copied().unwrap_or_default().into())
            }
            Reference::Variable(name) if name == "question" => Some("why?".into()),
            Reference::Variable(_) => Some(Value::Null),
            other => panic!("{other}"),
        }
    }
}

fn position(text: &str) -> Value {
    json!({ "position": text, "confidence": 0.5, "argument": "since" })
}

/// What a step is told.
fn told(plan: &Plan, step: &str, said: &Said) -> Value {
    let step = plan.step(plan.find_step(step).unwrap_or_else(|| panic!("no step `{step}`")));
    step.action.arguments().expect("a call").resolve(said).expect("it has a value")
}

#[test]
fn the_example_of_the_document_loads_and_says_whom_nobody_plays() {
    let loaded = read(COMPLEX);
    assert!(!loaded.has_errors());
    insta::assert_snapshot!(op_plan::diagnostic::render_all(&loaded.diagnostics, false));
    let plan = &loaded.plans["complex_architectural"];
    assert_eq!((plan.draft().shape, plan.draft().rollback), (Shape::Debate, Rollback::None));
    assert_eq!(ids(plan), ["initial", "counter", "consensus", "decision"]);
    let steps: Vec<_> = (0..plan.step_count()).map(|at| plan.step(at).id.as_str()).collect();
    assert_eq!(
        steps,
        [
            "initial.proposer",
            "initial.opponent",
            "counter.proposer",
            "counter.opponent",
            "consensus",
            "decision"
        ]
    );
    let fallback = Part::Role { name: "gpt-4o".to_owned(), plays: None, default: None };
    assert_eq!(plan.step(0).fallback, std::slice::from_ref(&fallback));
    assert_eq!(plan.step(5).fallback, [fallback]);
    assert_eq!(
        ways(plan, "consensus"),
        [
            "decision when steps.consensus.output.reached && phases.consensus.visits >= 2",
            "counter when phases.consensus.visits < 5",
            "decision"
        ]
    );
}

#[test]
fn a_debate_is_a_loop_with_as_many_visits_as_rounds() {
    let plan = debate("rounds = { max = 4 }");
    assert_eq!(plan.draft().flow, Flow::Machine { initial: 0, max_visits: 1 + 1 + 3 * 2 + 1 });
    let visits: Vec<_> = plan.phases().iter().map(|phase| phase.max_visits).collect();
    assert_eq!(visits, [Some(1), Some(3), Some(4), Some(1)]);
    assert_eq!(ways(&plan, "initial"), ["consensus"]);
    assert_eq!(ways(&plan, "counter"), ["consensus"]);
    assert_eq!(
        ways(&plan, "consensus"),
        [
            "decision when steps.consensus.output.reached",
            "counter when phases.consensus.visits < 4",
            "decision"
        ]
    );
    assert_eq!(ways(&plan, "decision"), Vec::<String>::new());
}

#[test]
fn one_round_is_decided_without_an_answer() {
    let plan = debate("rounds = { max = 1 }");
    assert_eq!(ids(&plan), ["initial", "consensus", "decision"]);
    assert_eq!(ways(&plan, "consensus"), ["decision when steps.consensus.output.reached", "decision"]);
    let same = debate(
        "steps = [{ type = 'initial_arguments' }, { type = 'consensus_check' }, { type = 'final_decision' }]",
    );
    assert_eq!(same.digest(), plan.digest());
}

#[test]
fn a_person_is_asked_when_nobody_agreed() {
    let plan = debate("no_consensus = 'escalate'\nescalate_timeout = '1h'");
    assert_eq!(
        ways(&plan, "consensus"),
        [
            "decision when steps.consensus.output.reached",
            "counter when phases.consensus.visits < 2",
            "escalate"
        ]
    );
    let step = &phase(&plan, "escalate").steps[0];
    assert_eq!((&step.gate, &step.action), (&Some(Gate::Signal("decision".to_owned())), &Action::Pass));
    assert_eq!(step.timeout, Some(std::time::Duration::from_hours(1)));
    assert_eq!(ways(&plan, "escalate"), ["failed: end undecided"]);
    let output = plan.draft().output.as_ref().expect("an output");
    let mut said = Said { visits: HashMap::from([("consensus", 2)]), ..Said::default() };
    said.outputs.insert("escalate", json!("as I say"));
    assert_eq!(output.resolve(&said), Ok(json!({ "decision": "as I say", "consensus": null, "rounds": 2 })));
}

#[test]
fn steps_belong_to_what_they_stand_in() {
    let plan = debate(
        "steps = [{ type = 'initial_arguments' }, { type = 'clarification' }, { type = 'counter_arguments' }, { type = 'custom', name = 'Risk review' }, \
         { type = 'counter_arguments' }, { type = 'consensus_check' }, { type = 'clarification' }, { type = 'final_decision' }]",
    );
    assert_eq!(
        ids(&plan),
        [
            "initial",
            "clarification",
            "counter",
            "risk_review",
            "counter_2",
            "consensus",
            "clarification_2",
            "decision"
        ]
    );
    let after: Vec<_> =
        plan.phases().iter().map(|phase| ways(&plan, &phase.id)[..].last().cloned()).collect();
    let after: Vec<_> = after.iter().map(Option::as_deref).collect();
    let expected = [
        "clarification",
        "consensus",
        "risk_review",
        "counter_2",
        "consensus",
        "clarification_2",
        "decision",
    ];
    assert_eq!(after[..7], expected.map(Some));
    assert_eq!(ways(&plan, "consensus")[1], "counter when phases.consensus.visits < 2");
    assert_eq!(phase(&plan, "risk_review").name, "Risk review");
}

#[test]
fn a_participant_is_told_what_its_operation_takes() {
    let plan = debate("");
    let said = Said::default();
    assert_eq!(
        told(&plan, "initial.a", &said),
        json!({ "question": "why?", "options": null, "participant": "a", "kind": "initial", "others": [], "model": "x" })
    );
    assert_eq!(
        told(&plan, "initial.b", &said),
        json!({ "question": "why?", "participant": "b", "kind": "initial", "others": [] })
    );
    let decision = told(&plan, "decision", &said);
    assert_eq!((&decision["kind"], &decision["participant"]), (&json!("decision"), &json!("a")));
    assert_eq!((&decision["others"], &decision["consensus"]), (&json!([null, null]), &Value::Null));
}

#[test]
fn the_first_round_is_blind_and_further_ones_hear_the_last_word_of_each() {
    let plan = debate("rounds = { max = 3 }");
    let mut said = Said::default();
    said.outputs.extend([("initial.a", position("yes")), ("initial.b", position("no"))]);
    let heard = |id: &str, text: &str| json!({ "participant": id, "position": text, "confidence": 0.5, "agrees_with": [], "argument": "since" });
    assert_eq!(told(&plan, "initial.a", &said)["others"], json!([]));
    assert_eq!(told(&plan, "counter.a", &said)["others"], json!([heard("b", "no")]));
    said.outputs.insert("counter.b", position("maybe"));
    assert_eq!(told(&plan, "counter.a", &said)["others"], json!([heard("b", "maybe")]));
    assert_eq!(told(&plan, "decision", &said)["others"], json!([heard("a", "yes"), heard("b", "maybe")]));
    // What was rejected stays readable, and is no position.
    said.outputs.insert("counter.b", json!("I will not say"));
    assert_eq!(told(&plan, "counter.a", &said)["others"], json!([heard("b", "no")]));
    said.outputs.clear();
    assert_eq!(told(&plan, "counter.a", &said)["others"], json!([null]));
}

#[test]
fn the_positions_of_a_round_are_weighed_and_silence_is_none() {
    let plan = debate("rounds = { consensus_threshold = 0.7 }");
    let mut said = Said::default();
    said.outputs.extend([("initial.a", position("yes")), ("initial.b", position("no"))]);
    let weighed = |id: &str, text: &str| json!({ "participant": id, "position": text, "confidence": 0.5, "agrees_with": [] });
    let asked = |said: &Said| told(&plan, "consensus", said);
    assert_eq!(
        asked(&said),
        json!({ "positions": [weighed("a", "yes"), weighed("b", "no")], "threshold": 0.7 })
    );
    said.failed.push("initial.b");
    assert_eq!(asked(&said)["positions"], json!([weighed("a", "yes"), null]));
    said.visits.insert("counter", 1);
    assert_eq!(asked(&said)["positions"], json!([null, null]));
    said.outputs.insert("counter.b", position("yes"));
    assert_eq!(asked(&said)["positions"], json!([null, weighed("b", "yes")]));
}

/// What a performer answered.
struct Output(Value);

impl Scope for Output {
    fn value(&self, reference: &Reference) -> Option<Value> {
        assert_eq!(reference, &Reference::Variable("output".to_owned()));
        Some(self.0.clone())
    }
}

#[test]
fn what_cannot_be_weighed_is_no_argument() {
    let plan = debate("");
    let accepts =
        |step: &str, output: Value| match &plan.step(plan.find_step(step).expect("it is there")).accept {
            Accept::When(condition) => condition.evaluate_condition(&Output(output)),
            other => panic!("{other:?}"),
        };
    for good in [
        json!({ "position": "x", "confidence": 1 }),
        json!({ "position": "x", "confidence": 0 }),
        json!({ "position": "x", "confidence": 0.25, "agrees_with": ["b"], "argument": "since" }),
    ] {
        assert_eq!(accepts("initial.a", good.clone()), Ok(true), "{good}");
    }
    for bad in [
        json!(null),
        json!("x"),
        json!([]),
        json!({ "position": "x" }),
        json!({ "confidence": 1 }),
        json!({ "position": 1, "confidence": 1 }),
        json!({ "position": "x", "confidence": "sure" }),
        json!({ "position": "x", "confidence": 1.5 }),
        json!({ "position": "x", "confidence": -1 }),
        json!({ "position": "x", "confidence": 1, "agrees_with": "b" }),
        json!({ "position": "x", "confidence": 1, "agrees_with": [1] }),
    ] {
        assert_eq!(accepts("counter.b", bad.clone()), Ok(false), "{bad}");
    }
    assert_eq!(accepts("consensus", json!({ "participants": [] })), Ok(false), "nobody answered");
    assert_eq!(accepts("consensus", json!({ "participants": ["a"] })), Ok(true));
}
