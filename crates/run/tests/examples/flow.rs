//! What runs when, and with what.

use op_plan::plan::FailureKind::{Failed, Unresolved};
use op_plan::{Draft, Phase, Rollback, Step};
use op_run::Fact;
use serde_json::{Value, json};

use crate::stage::{Stage, draft, expression, mapping, phase, step, step_with, undo};

#[test]
fn no_more_steps_run_than_max_parallel_and_the_order_of_the_plan_breaks_ties() {
    let phases = ["c", "a", "b"].map(|id| phase(id, &[], [step(&format!("{id}1")), step(&format!("{id}2"))]));
    let mut stage = Stage::start(Draft { max_parallel: 3, ..draft(phases) });
    assert_eq!(stage.calls(), ["c1", "c2", "a1"]);
    stage.succeed("c2", json!(1));
    assert_eq!(stage.calls(), ["c1", "a1", "a2"]);
    stage.succeed("a1", json!(1));
    assert_eq!(stage.calls(), ["c1", "a2", "b1"]);
}

#[test]
fn a_step_starts_when_those_it_comes_after_succeeded() {
    let last = Step { after: vec![0, 1, 1], ..step("last") };
    let mut stage = Stage::start(draft([phase("p", &[], [step("one"), step("two"), last])]));
    stage.succeed("one", json!(1));
    assert_eq!(stage.calls(), ["two"]);
    stage.succeed("two", json!(1));
    assert_eq!(stage.calls(), ["last"]);
    assert_eq!(stage.succeed("last", json!(1)).state(), "completed");
}

#[test]
fn nothing_of_a_phase_starts_after_one_of_its_steps_failed() {
    let next = Step { after: vec![1], ..step("next") };
    let steps = [step("bad"), step("good"), step("busy"), next];
    let mut stage = Stage::start(draft([phase("p", &[], steps)]));
    stage.fail("bad", Failed).succeed("good", json!(1));
    assert_eq!(stage.calls(), ["busy"]);
    stage.succeed("busy", json!(1));
    assert_eq!(stage.step("next"), "skipped");
    assert_eq!((stage.phase("p"), stage.state()), ("failed", "failed"));
    assert_eq!(stage.run.reason(), "`p` failed: `bad`: it was failed");
}

#[test]
fn what_depends_on_a_failed_phase_is_skipped_and_the_rest_goes_on() {
    let phases = [
        phase("a", &[], [step("a1")]),
        phase("after_a", &[0], [step("b1")]),
        phase("after_that", &[1], [step("c1")]),
        phase("beside", &[], [step("d1")]),
    ];
    let mut stage = Stage::start(draft(phases));
    stage.fail("a1", Failed);
    assert_eq!((stage.phase("after_a"), stage.phase("after_that")), ("skipped", "skipped"));
    assert_eq!(stage.calls(), ["d1"]);
    assert_eq!(stage.succeed("d1", json!(1)).state(), "failed");
}

#[test]
fn what_depends_on_a_phase_that_may_fail_goes_on() {
    let a = Phase { continue_on_failure: true, ..phase("a", &[], [step("a1")]) };
    let mut stage = Stage::start(draft([a, phase("b", &[0], [step("b1")])]));
    stage.fail("a1", Failed);
    assert_eq!((stage.phase("a"), stage.step("a1")), ("tolerated", "tolerated"));
    assert_eq!(stage.succeed("b1", json!(1)).state(), "completed");
}

#[test]
fn a_phase_whose_condition_is_false_is_skipped_and_what_depends_on_it_goes_on() {
    let a = Phase { when: Some(expression("run.plan == 'another'")), ..phase("a", &[], [step("a1")]) };
    let mut stage = Stage::start(draft([a, phase("b", &[0], [step("b1")])]));
    assert_eq!((stage.phase("a"), stage.step("a1")), ("skipped", "skipped"));
    assert_eq!(stage.calls(), ["b1"]);
    assert_eq!(stage.succeed("b1", json!(1)).state(), "completed");
}

#[test]
fn a_condition_sees_what_happened_before() {
    let a = Phase { continue_on_failure: true, ..phase("a", &[], [step("a1")]) };
    let b = Phase { when: Some(expression("phases.a.success")), ..phase("b", &[0], [step("b1")]) };
    let c = Phase {
        when: Some(expression("steps.a1.error == 'it was failed'")),
        ..phase("c", &[0], [step("c1")])
    };
    let mut stage = Stage::start(draft([a, b, c]));
    stage.fail("a1", Failed);
    assert_eq!((stage.phase("b"), stage.calls()), ("skipped", vec!["c1".to_owned()]));
}

#[test]
fn a_condition_that_cannot_be_told_is_neither_true_nor_false() {
    for (source, why) in [("input.missing", "has no value"), ("run.id", "neither true nor false")] {
        let a = Phase { when: Some(expression(source)), ..phase("a", &[], [step("a1")]) };
        let tolerant = Phase { continue_on_failure: true, ..a.clone() };
        let stage = Stage::start(draft([a, phase("b", &[0], [step("b1")])]));
        assert_eq!((stage.phase("a"), stage.phase("b"), stage.state()), ("failed", "skipped", "failed"));
        assert!(stage.run.reason().contains(why), "{}", stage.run.reason());
        let stage = Stage::start(draft([tolerant, phase("b", &[0], [step("b1")])]));
        assert_eq!((stage.phase("a"), stage.calls()), ("tolerated", vec!["b1".to_owned()]));
    }
}

#[test]
fn arguments_carry_inputs_and_what_steps_stored() {
    let a = Step { store_as: Some("found".to_owned()), ..step("a1") };
    let b = step_with("b1", json!({ "all": "${found}", "text": "in ${path}: ${steps.a1.output[0]}" }));
    let plan = draft([phase("a", &[], [a]), phase("b", &[0], [b])]);
    let inputs = [("path".to_owned(), json!("src"))].into_iter().collect();
    let mut stage = Stage::start_with(plan, inputs, None);
    stage.succeed("a1", json!(["x", 2]));
    assert_eq!(*stage.call("b1").arguments, json!({ "all": ["x", 2], "text": "in src: x" }));
    assert_eq!(stage.call("b1").performer.to_string(), "cast.operation");
}

#[test]
fn a_step_whose_arguments_do_not_resolve_fails_without_a_call() {
    let b = step_with("b1", json!({ "value": "${found}" }));
    let stage = Stage::start(draft([phase("a", &[], [b])]));
    let failed = stage.last().find_map(|fact| match fact {
        Fact::StepFailed { failure, evidence, .. } => Some((failure.kind, evidence.is_some())),
        _ => None,
    });
    assert_eq!(failed, Some((Unresolved, false)));
    assert!(stage.last().all(|fact| fact.kind() != "step_started"));
    assert_eq!(stage.state(), "failed");
}

#[test]
fn a_run_answers_what_its_plan_says_or_the_output_of_its_last_step() {
    let plan = draft([phase("a", &[], [step("a1")]), phase("b", &[0], [step("b1")])]);
    let says = Draft { output: Some(mapping(json!({ "first": "${steps.a1.output}" }))), ..plan.clone() };
    for (plan, output) in [(plan, json!(2)), (says, json!({ "first": 1 }))] {
        let mut stage = Stage::start(plan);
        stage.succeed("a1", json!(1)).succeed("b1", json!(2));
        assert_eq!(stage.run.output(), Some(&output));
    }
}

#[test]
fn a_run_whose_output_does_not_resolve_fails_and_is_undone_like_any_other() {
    let a = Phase { undo: vec![undo(json!({}))], ..phase("a", &[], [step("a1")]) };
    let output = Some(mapping(json!({ "value": "${steps.a1.output.missing}" })));
    let plan = Draft { output, ..draft([a]) };
    let whole = Draft { rollback: Rollback::Run, ..plan.clone() };
    let mut stage = Stage::start(plan);
    assert_eq!(stage.succeed("a1", json!({})).state(), "failed");
    assert!(stage.run.reason().starts_with("the output of the run does not resolve"));
    let mut stage = Stage::start(whole);
    assert_eq!(stage.succeed("a1", json!({})).calls(), ["undo:a:1"]);
    assert_eq!(stage.succeed("undo:a:1", Value::Null).state(), "rolled_back");
    assert!(stage.run.reason().starts_with("the output of the run does not resolve"));
}
