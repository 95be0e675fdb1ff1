//! A phase that is repeated as long as a condition holds.

use op_plan::plan::FailureKind::Failed;
use op_plan::plan::Loop;
use op_plan::{Draft, Phase, Rollback};
use serde_json::{Value, json};

use crate::stage::{Stage, draft, end, expression, machine, millis, phase, step, step_with, undo, way};

fn again(condition: &str, max: u32) -> Phase {
    let repeat = Some(Loop { condition: expression(condition), max });
    Phase { repeat, ..phase("p", &[], [step_with("s", json!({ "last": "${steps.s.output}" }))]) }
}

#[test]
fn a_phase_runs_again_while_its_condition_holds_and_sees_what_it_did_before() {
    let mut stage = Stage::start(draft([again("steps.s.output < 3", 9)]));
    for (visit, output) in [(1, 1), (2, 2), (3, 3)] {
        assert_eq!(stage.call("s").key.to_string(), format!("run/s/{visit}/1"));
        stage.succeed("s", json!(output)).restart();
    }
    assert_eq!((stage.state(), stage.output("s")), ("completed", Some(json!(3))));
}

#[test]
fn a_phase_that_is_repeated_as_often_as_allowed_fails_if_its_condition_still_holds() {
    let mut stage = Stage::start(draft([again("true", 2)]));
    stage.succeed("s", json!(1)).succeed("s", json!(2));
    assert_eq!(stage.state(), "failed");
    assert_eq!(stage.run.reason(), "`p` failed: `true` still holds after 2 visits, as many as allowed");
}

#[test]
fn whether_a_phase_is_repeated_must_be_told() {
    let mut stage = Stage::start(draft([again("steps.s.output", 2)]));
    assert_eq!(stage.succeed("s", json!("yes")).state(), "failed");
}

#[test]
fn the_limit_of_a_phase_is_for_all_of_its_visits_and_nothing_is_repeated_after_it() {
    let limited = Phase { timeout: Some(millis(50)), ..again("true", 9) };
    let mut stage = Stage::start(draft([limited]));
    stage.pass(30).succeed("s", json!(1)).tick(50);
    assert_eq!(stage.stops().len(), 1);
    stage.succeed("s", json!(2));
    assert_eq!((stage.calls(), stage.run.reason()), (Vec::new(), "`p` failed: its time limit passed"));
}

#[test]
fn a_phase_that_is_stopped_while_its_condition_holds_did_not_succeed() {
    let mut stage = Stage::start(draft([again("true", 9)]));
    stage.cancel(false).expect("it runs");
    assert_eq!(stage.succeed("s", json!(1)).phase("p"), "failed");
}

#[test]
fn every_visit_is_undone_with_its_own_outputs_the_last_one_first() {
    let p =
        Phase { undo: vec![undo(json!({ "id": "${steps.s.output}" }))], ..again("steps.s.output != 'b'", 9) };
    let q = phase("q", &[0], [step("bad")]);
    let mut stage = Stage::start(Draft { rollback: Rollback::Run, ..draft([p, q]) });
    stage.succeed("s", json!("a")).succeed("s", json!("b")).fail("bad", Failed);
    for (visit, id) in [(2, "b"), (1, "a")] {
        let call = stage.call("undo:p:1");
        assert_eq!((call.key.visit, &*call.arguments), (visit, &json!({ "id": id })));
        stage.restart().succeed("undo:p:1", Value::Null);
    }
    assert_eq!((stage.phase("p"), stage.state()), ("undone", "rolled_back"));
}

#[test]
fn in_a_machine_repeats_are_counted_anew_each_time_it_comes_by_and_are_no_visits() {
    let p = Phase {
        next: vec![way(true, 1)],
        max_visits: Some(2),
        ..again("steps.s.attempts == 1 && steps.s.output == true", 2)
    };
    let q = Phase { next: vec![way(true, 0), end(false, true, "")], ..phase("q", &[], [step("t")]) };
    let mut stage = Stage::start(machine(100, [p, q]));
    for _ in 0..2 {
        stage.succeed("s", json!(true)).succeed("s", json!(false));
        assert_eq!(stage.calls(), ["t"]);
        stage.succeed("t", json!(1));
    }
    assert_eq!(
        (stage.state(), stage.run.reason()),
        ("failed", "`p` was visited 2 times, as often as allowed")
    );
}

#[test]
fn in_a_machine_a_loop_that_does_not_end_takes_the_way_for_failure() {
    let p = Phase { next: vec![way(false, 1)], ..again("true", 2) };
    let mut stage = Stage::start(machine(100, [p, phase("q", &[], [step("t")])]));
    stage.succeed("s", json!(1)).succeed("s", json!(1));
    assert_eq!((stage.phase("p"), stage.calls()), ("tolerated", vec!["t".to_owned()]));
    assert_eq!(stage.succeed("t", json!(1)).state(), "completed");
}
