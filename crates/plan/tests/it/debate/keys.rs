//! Every key of a debate acts: with it, the plan is another one.

use op_plan::Performer;
use op_plan::plan::{Call, Part, Step};
use serde_json::{Value, json};

use super::{debate, ids, phase, text, told};
use crate::{plan, read};

const STEPS: [&str; 4] = ["initial_arguments", "counter_arguments", "consensus_check", "final_decision"];

/// The usual steps, with something added to the one at a position.
fn steps(at: usize, more: &str) -> String {
    let steps = STEPS
        .iter()
        .enumerate()
        .map(|(place, step)| format!("{{ type = '{step}'{} }}", if place == at { more } else { "" }));
    text(&format!("steps = [{}]", steps.collect::<Vec<_>>().join(", ")))
}

fn part(step: &Step) -> &Part {
    &step.action.call().map(|call: &Call| call).expect("a call").part
}

#[test]
fn every_key_changes_the_plan() {
    let plain = text("");
    let digest = plan(&plain).digest().to_owned();
    let lines = [
        "description = 'x'",
        "version = '2'",
        "category = 'x'",
        "tags = ['x']",
        "timeout = 5",
        "max_parallel = 1",
        "rollback = 'run'",
        "inputs = { n = { type = 'integer' } }",
        "output = '${steps.decision.output}'",
        "question = 'why?'",
        "options = ['x', { name = 'y', pros = ['p'], cons = ['c'] }]",
        "rounds = { min = 2 }",
        "rounds = { max = 3 }",
        "rounds = { consensus_threshold = 0.9 }",
        "seats = 1",
        "require_all = true",
        "no_consensus = 'escalate'",
        "no_consensus = 'escalate'\nescalate_timeout = 5",
        "decision = 'b'",
        "decision = 'debater.speak'",
        "concurrency = { limit = 2 }",
        "question = 'why?'\nschedule = '0 3 * * *'",
    ];
    let participants = [
        "{ id = 'c', agent = 'debater.speak', model = 'x' }",
        "{ id = 'a', agent = 'debater.argue', model = 'x' }",
        "{ id = 'a', agent = 'debater.speak', model = 'y' }",
        "{ id = 'a', agent = 'debater.speak' }",
        "{ id = 'a', agent = 'debater.speak', model = 'x', role = 'proposer' }",
        "{ id = 'a', agent = 'debater.speak', model = 'x', role = 'reviewer' }",
        "{ role = 'a', agent = 'debater.speak', model = 'x' }, { id = 'c', agent = 'debater.speak', fallback = true }",
        "{ role = 'a', agent = 'debater.speak', model = 'x' }, { id = 'c', agent = 'debater.speak', model = 'm', fallback = true }",
    ];
    let written = [
        steps(0, ", timeout = 5"),
        steps(1, ", max_retries = 1"),
        steps(1, ", retry = { max = 1, delay = 3 }"),
        steps(2, ", timeout = 5"),
        steps(3, ", retry = { max = 1 }"),
        steps(0, ", description = 'x'"),
        steps(0, ", name = 'x'"),
        steps(0, " }, { type = 'clarification'"),
        steps(0, " }, { type = 'custom', name = 'x'"),
        steps(1, " }, { type = 'custom', name = 'x'"),
        steps(2, " }, { type = 'custom', name = 'x'"),
    ];
    let first = "{ id = 'a', agent = 'debater.speak', model = 'x' }";
    let texts = lines.iter().map(|line| text(line));
    let texts = texts.chain(participants.iter().map(|line| plain.replace(first, line))).chain(written);
    let mut digests: Vec<_> = texts.map(|text| plan(&text).digest().to_owned()).collect();
    let many = digests.len();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), many);
    assert!(!digests.contains(&digest));
    assert_eq!(plan(&steps(9, "")).digest(), digest, "the usual steps need not be written");
    assert!(read(&text("enabled = false\nnonsense = 3")).plans.is_empty());
}

#[test]
fn the_question_is_asked_for_unless_the_plan_asks_it() {
    let inputs = |lines: &str| {
        let plan = debate(lines);
        plan.draft()
            .inputs
            .iter()
            .map(|(name, input)| (name.clone(), input.required, input.default.clone()))
            .collect::<Vec<_>>()
    };
    let named = |name: &str, required, default: Option<Value>| (name.to_owned(), required, default);
    assert_eq!(inputs(""), [named("question", true, None), named("options", false, None)]);
    assert_eq!(
        inputs("question = 'why?'\noptions = ['x']"),
        [named("question", false, Some(json!("why?"))), named("options", false, Some(json!(["x"])))]
    );
    assert_eq!(
        inputs(
            "inputs = { options = { type = 'list', required = true }, question = { default = 'q' }, n = {} }"
        ),
        [named("options", true, None), named("question", false, Some(json!("q"))), named("n", true, None)]
    );
}

#[test]
fn a_participant_is_a_part_that_a_cast_can_give_to_somebody_else() {
    let parts = |participants: &str| {
        let plan = read(&format!("[debates.p]\nparticipants = [{participants}]\n")).plans["p"].clone();
        phase(&plan, "initial").steps.iter().map(|step| part(step).clone()).collect::<Vec<_>>()
    };
    let role = |name: &str, default: Option<&str>| Part::Role {
        name: name.to_owned(),
        plays: None,
        default: default.map(Performer::parse),
    };
    assert_eq!(
        parts(
            "{ role = 'proposer' }, { role = 'opponent', agent = 'debater.argue' }, { model = 'meta/llama 3' }, { agent = 'debater', operation = 'speak' }"
        ),
        [
            role("proposer", None),
            role("opponent", Some("debater.argue")),
            role("meta_llama_3", None),
            role("debater", Some("debater.speak"))
        ]
    );
}

#[test]
fn spare_seats_stand_empty_until_somebody_is_cast_for_them() {
    let plan = debate("seats = 2\nrequire_all = true");
    let steps: Vec<_> = phase(&plan, "counter").steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(steps, ["counter.a", "counter.b", "counter.seat_1", "counter.seat_2"]);
    assert_eq!(
        part(&phase(&plan, "counter").steps[2]),
        &Part::Role { name: "seat_1".to_owned(), plays: None, default: None }
    );
    assert_eq!(
        told(&plan, "consensus", &super::Said::default())["positions"],
        json!([null, null, null, null])
    );
}

#[test]
fn one_who_does_not_answer_is_tolerated_unless_all_are_required() {
    let optional = |lines: &str| {
        let plan = debate(lines);
        plan.phases().iter().flat_map(|phase| &phase.steps).map(|step| step.optional).collect::<Vec<_>>()
    };
    assert_eq!(optional(""), [true, true, true, true, false, false]);
    assert_eq!(optional("require_all = true"), [false; 6]);
}

#[test]
fn fallbacks_take_over_from_everybody_and_are_told_apart_by_their_models() {
    let plan = debate("rounds = { max = 1 }");
    assert!(phase(&plan, "initial").steps.iter().all(|step| step.fallback.is_empty()));
    let text = text("").replace(
        "participants = [",
        "participants = [{ id = 'c', agent = 'debater.speak', model = '${x}', fallback = true }, ",
    );
    let plan = crate::plan(&text);
    assert_eq!(
        phase(&plan, "initial").steps.iter().map(|step| step.fallback.len()).collect::<Vec<_>>(),
        [1, 1]
    );
    let told = told(&plan, "counter.a", &super::Said::default());
    assert_eq!(told["fallbacks"], json!([{ "participant": "c", "model": "${x}" }]));
}

#[test]
fn the_first_participant_decides_unless_somebody_else_is_named() {
    let by = |lines: &str| part(&phase(&debate(lines), "decision").steps[0]).default_performer().cloned();
    assert_eq!(by(""), Some(Performer::new("debater", "speak")));
    assert_eq!(by("decision = 'b'"), Some(Performer::new("debater", "argue")));
    assert_eq!(
        by("decision = 'sequential_thinking.conclude'"),
        Some(Performer::new("sequential_thinking", "conclude"))
    );
}

#[test]
fn a_custom_step_tells_participants_more() {
    let argue = "{ id = 'b', agent = 'debater', operation = 'argue' }";
    let custom = steps(0, " }, { type = 'custom', name = 'Cost', args = { limit = 3, of = '${question}' }");
    let plan = plan(&custom.replace(argue, "{ id = 'b', agent = 'debater.speak' }"));
    assert_eq!(ids(&plan), ["initial", "cost", "counter", "consensus", "decision"]);
    let told = told(&plan, "cost.b", &super::Said::default());
    assert_eq!((&told["kind"], &told["limit"], &told["of"]), (&json!("cost"), &json!(3), &json!("why?")));
}
