//! Going on after the end, keeping what succeeded.

use op_plan::plan::FailureKind::Failed;
use op_plan::plan::Loop;
use op_plan::{Draft, Phase, Rollback, Step};
use op_run::Refused;
use op_run::run::State;
use serde_json::{Value, json};

use crate::stage::{
    Stage, draft, end, expression, machine, millis, phase, retry, rollback, step, step_with, undo, way,
};

/// `a` before `b` before `c`, and `d` beside; `b` has two steps in a row.
fn plan() -> Draft {
    let b2 = Step { after: vec![0], ..step_with("b2", json!({ "b1": "${steps.b1.output}" })) };
    let entry = vec![undo(json!({ "b1": "${steps.b1.output}" }))];
    draft([
        phase("a", &[], [step("a1")]),
        Phase { undo: entry, ..phase("b", &[0], [step("b1"), b2]) },
        phase("c", &[1], [step("c1")]),
        phase("d", &[], [step("d1")]),
    ])
}

fn failed(rollback: Rollback) -> Stage {
    let mut stage = Stage::start(Draft { rollback, ..plan() });
    stage.succeed("d1", json!("d")).succeed("a1", json!("a")).succeed("b1", json!("b")).fail("b2", Failed);
    stage
}

#[test]
fn a_run_goes_on_from_what_failed_and_keeps_what_succeeded() {
    let mut stage = failed(Rollback::None);
    assert_eq!((stage.state(), stage.phase("c")), ("failed", "skipped"));
    stage.on(retry(None)).restart();
    assert_eq!(
        (stage.calls(), stage.call("b2").key.to_string()),
        (vec!["b2".to_owned()], "run/b2/2/1".to_owned())
    );
    assert_eq!(*stage.call("b2").arguments, json!({ "b1": "b" }));
    assert_eq!(stage.succeed("b2", json!(1)).calls(), ["c1"]);
    assert_eq!((stage.succeed("c1", json!(1)).state(), stage.run.reason()), ("completed", ""));
}

#[test]
fn what_depends_on_what_runs_again_runs_again_as_well() {
    let mut stage = Stage::start(plan());
    for step in ["a1", "b1", "b2", "c1", "d1"] {
        stage.succeed(step, json!(step));
    }
    stage.on(retry(Some("b2")));
    assert_eq!((stage.calls(), stage.phase("c")), (vec!["b2".to_owned()], "pending"));
    assert_eq!(stage.succeed("b2", json!(1)).succeed("c1", json!(1)).state(), "completed");
    stage.on(retry(Some("b")));
    assert_eq!(stage.call("b1").key.to_string(), "run/b1/3/1");
    stage.succeed("b1", json!(1)).succeed("b2", json!(1)).succeed("c1", json!(1));
    assert_eq!(stage.state(), "completed");
}

#[test]
fn a_run_is_retried_as_often_as_one_likes() {
    let mut stage = failed(Rollback::None);
    for visit in 2..=4 {
        stage.on(retry(None));
        assert_eq!(stage.call("b2").key.to_string(), format!("run/b2/{visit}/1"));
        stage.restart().fail("b2", Failed);
        assert_eq!((stage.state(), stage.phase("c")), ("failed", "skipped"));
    }
}

#[test]
fn what_was_undone_runs_again_as_a_whole() {
    let mut stage = failed(Rollback::Phase);
    stage.succeed("undo:b:1", Value::Null);
    assert_eq!(stage.state(), "failed");
    assert_eq!(stage.on(retry(None)).calls(), ["b1"]);
    stage.succeed("b1", json!("again")).succeed("b2", json!(1)).succeed("c1", json!(1));
    assert_eq!(stage.state(), "completed");
    stage.on(rollback(None)).succeed("undo:b:1", Value::Null);
    assert_eq!(stage.state(), "rolled_back");
    assert_eq!(stage.on(retry(None)).calls(), ["b1"]);
}

#[test]
fn a_visit_of_which_something_is_kept_is_undone_once() {
    let mut stage = failed(Rollback::None);
    stage.on(retry(None)).succeed("b2", json!(1)).succeed("c1", json!(1));
    stage.on(rollback(None));
    assert_eq!(*stage.call("undo:b:1").arguments, json!({ "b1": "b" }));
    assert_eq!(stage.call("undo:b:1").key.to_string(), "run/undo:b:1/2/1");
    assert_eq!(stage.succeed("undo:b:1", Value::Null).state(), "rolled_back");
}

#[test]
fn a_run_that_did_all_it_should_has_nothing_to_retry_unless_one_says_what() {
    let mut stage = Stage::start(draft([phase("p", &[], [step("s")])]));
    assert_eq!(stage.refusal(retry(None)), Refused::Unfit { state: State::Running, what: "retried" });
    stage.succeed("s", json!(1));
    assert_eq!(stage.refusal(retry(None)), Refused::NothingToRetry);
    assert_eq!(stage.refusal(retry(Some("x"))), Refused::Unknown("x".to_owned()));
    assert_eq!(stage.on(retry(Some("s"))).calls(), ["s"]);
}

#[test]
fn the_limit_of_a_run_begins_anew() {
    let mut stage = Stage::start_with(plan(), op_plan::input::Inputs::new(), Some(millis(50)));
    stage.tick(50).succeed("a1", json!(1)).succeed("d1", json!(1));
    assert_eq!(stage.run.reason(), "the time limit of the run passed");
    stage.pass(1_000).on(retry(None)).restart();
    assert_eq!((stage.calls(), stage.wake()), (vec!["b1".to_owned()], Some(1_050)));
}

#[test]
fn a_cancelled_run_goes_on_where_it_was() {
    let mut stage = Stage::start(plan());
    stage.cancel(false).expect("it runs");
    stage.succeed("a1", json!(1)).fail("d1", Failed);
    assert_eq!(stage.state(), "cancelled");
    assert_eq!(stage.on(retry(None)).calls(), ["b1", "d1"]);
}

fn rounds() -> Draft {
    let a = Phase { next: vec![way(true, 1)], undo: vec![undo(json!({}))], ..phase("a", &[], [step("a1")]) };
    let b = Phase { next: vec![way(true, 2)], ..phase("b", &[], [step("b1")]) };
    machine(3, [a, b, Phase { next: vec![end(true, true, "")], ..phase("c", &[], [step("c1")]) }])
}

#[test]
fn a_machine_goes_on_from_the_phase_it_failed_in_or_from_another_one() {
    for (from, call) in [(None, "b1"), (Some("a"), "a1"), (Some("a1"), "a1")] {
        let mut stage = Stage::start(rounds());
        stage.succeed("a1", json!(1)).fail("b1", Failed).on(retry(from)).restart();
        assert_eq!((stage.calls(), stage.state()), (vec![call.to_owned()], "running"));
        if call == "a1" {
            stage.succeed("a1", json!(1));
        }
        assert_eq!(stage.succeed("b1", json!(1)).succeed("c1", json!(1)).state(), "completed");
    }
}

#[test]
fn a_machine_that_was_undone_goes_on_from_the_first_phase_that_was() {
    let mut plan = rounds();
    plan.rollback = Rollback::Run;
    let mut stage = Stage::start(plan);
    stage.succeed("a1", json!(1)).fail("b1", Failed).succeed("undo:a:1", Value::Null);
    assert_eq!(stage.state(), "rolled_back");
    assert_eq!(stage.on(retry(None)).calls(), ["a1"]);
    stage.succeed("a1", json!(1)).succeed("b1", json!(1)).succeed("c1", json!(1));
    assert_eq!(stage.state(), "completed");
}

#[test]
fn a_machine_that_went_round_too_often_goes_on_where_it_stood_and_as_often_again() {
    let a = Phase { max_visits: Some(2), next: vec![way(true, 0)], ..phase("a", &[], [step("a1")]) };
    let mut stage = Stage::start(machine(100, [a]));
    stage.succeed("a1", json!(1)).succeed("a1", json!(1));
    assert_eq!(stage.state(), "failed");
    stage.on(retry(None)).restart();
    assert_eq!(stage.call("a1").key.to_string(), "run/a1/3/1");
    assert_eq!(stage.succeed("a1", json!(1)).succeed("a1", json!(1)).state(), "failed");
}

#[test]
fn a_machine_that_succeeded_into_a_bad_end_runs_its_last_phase_again() {
    let a = Phase { next: vec![end(true, false, "bad")], ..phase("a", &[], [step("a1")]) };
    let mut stage = Stage::start(machine(100, [a]));
    assert_eq!(stage.succeed("a1", json!(1)).state(), "failed");
    assert_eq!(stage.on(retry(None)).calls(), ["a1"]);
}

#[test]
fn a_loop_that_did_not_end_is_repeated_as_often_again() {
    let repeat = Some(Loop { condition: expression("steps.s.output == false"), max: 2 });
    let mut stage = Stage::start(draft([Phase { repeat, ..phase("p", &[], [step("s")]) }]));
    stage.succeed("s", json!(false)).succeed("s", json!(false));
    assert_eq!(stage.state(), "failed");
    stage.on(retry(None)).succeed("s", json!(false));
    assert_eq!(stage.call("s").key.to_string(), "run/s/4/1");
    assert_eq!(stage.succeed("s", json!(true)).state(), "completed");
}
