//! A run that goes from target to target.

use op_plan::plan::FailureKind::{Failed, Rejected};
use op_plan::plan::{Accept, Transition};
use op_plan::{Draft, Phase, Rollback, Step};
use op_run::input::Happening;
use serde_json::{Value, json};

use crate::stage::{Stage, end, expression, machine, phase, retries, step, step_with, undo, way};

fn to(phase: Phase, next: Vec<Transition>) -> Phase {
    Phase { next, ..phase }
}

fn only(id: &str) -> Phase {
    phase(&format!("p_{id}"), &[], [step(id)])
}

fn when(condition: &str, way: Transition) -> Transition {
    Transition { when: Some(expression(condition)), ..way }
}

/// A coder, and a reviewer who sends the work back until it is good.
fn coder_and_reviewer() -> Draft {
    let code = phase("code", &[], [step_with("coder", json!({ "said": "${last_output()}" }))]);
    let review = phase("review", &[], [Step { accept: Accept::Approved, ..step("reviewer") }]);
    machine(100, [to(code, vec![way(true, 1)]), to(review, vec![end(true, true, ""), way(false, 0)])])
}

#[test]
fn a_success_takes_the_way_for_success_and_a_failure_the_one_for_failure() {
    let plan = || machine(100, [to(only("a"), vec![way(false, 2), way(true, 1)]), only("b"), only("c")]);
    let mut stage = Stage::start(plan());
    assert_eq!(stage.calls(), ["a"]);
    assert_eq!(stage.succeed("a", json!(1)).calls(), ["b"]);
    assert_eq!((stage.succeed("b", json!(2)).state(), stage.run.output()), ("completed", Some(&json!(2))));
    let mut stage = Stage::start(plan());
    assert_eq!(stage.fail("a", Failed).calls(), ["c"]);
    assert_eq!((stage.phase("p_a"), stage.phase("p_b")), ("tolerated", "pending"));
    assert_eq!(stage.succeed("c", json!(1)).state(), "completed");
}

#[test]
fn a_reviewer_sends_work_back_until_it_is_approved_and_the_coder_reads_why() {
    let mut stage = Stage::start(coder_and_reviewer());
    for visit in 1..=3 {
        assert_eq!(stage.call("coder").key.to_string(), format!("run/coder/{visit}/1"));
        stage.succeed("coder", json!(format!("draft {visit}")));
        let approved = visit == 3;
        stage.restart().succeed("reviewer", json!({ "approved": approved, "visit": visit }));
        if !approved {
            let said = json!({ "said": { "approved": false, "visit": visit } });
            assert_eq!(*stage.call("coder").arguments, said);
        }
    }
    assert_eq!(stage.state(), "completed");
    assert_eq!(stage.run.output(), Some(&json!({ "approved": true, "visit": 3 })));
}

#[test]
fn a_call_is_tried_again_before_the_way_for_failure_is_taken() {
    let a = phase("p", &[], [Step { retry: retries(1), ..step("a") }]);
    let mut stage = Stage::start(machine(100, [to(a, vec![way(false, 1)]), only("b")]));
    stage.fail("a", Failed);
    assert_eq!((stage.calls(), stage.wake()), (Vec::new(), Some(100)));
    assert_eq!(stage.tick(100).fail("a", Failed).calls(), ["b"]);
}

#[test]
fn a_phase_is_visited_no_more_often_than_it_may_be() {
    let a = Phase { max_visits: Some(2), ..to(only("a"), vec![way(true, 0)]) };
    let mut stage = Stage::start(machine(100, [a]));
    stage.succeed("a", json!(1)).succeed("a", json!(1));
    assert_eq!(
        (stage.state(), stage.run.reason()),
        ("failed", "`p_a` was visited 2 times, as often as allowed")
    );
}

#[test]
fn a_machine_makes_no_more_steps_than_it_may() {
    let mut stage =
        Stage::start(machine(3, [to(only("a"), vec![way(true, 1)]), to(only("b"), vec![way(true, 0)])]));
    stage.succeed("a", json!(1)).succeed("b", json!(1)).succeed("a", json!(1));
    assert_eq!((stage.state(), stage.run.reason()), ("failed", "3 steps were made, as many as allowed"));
}

#[test]
fn an_end_says_whether_it_is_one_of_success_and_why() {
    let ends = |on_success, is_success, message| {
        machine(100, [to(only("a"), vec![end(on_success, is_success, message)])])
    };
    assert_eq!(Stage::start(ends(true, true, "")).succeed("a", json!(1)).state(), "completed");
    let mut stage = Stage::start(ends(true, false, "there is no site"));
    assert_eq!((stage.succeed("a", json!(1)).state(), stage.run.reason()), ("failed", "there is no site"));
    let mut stage = Stage::start(ends(false, false, "there is no site"));
    assert_eq!(stage.fail("a", Failed).state(), "failed");
    assert_eq!(stage.run.reason(), "there is no site: `p_a` failed: it was failed");
    let mut stage = Stage::start(ends(false, true, ""));
    assert_eq!((stage.fail("a", Failed).state(), stage.phase("p_a")), ("completed", "tolerated"));
}

#[test]
fn without_a_way_a_success_completes_and_a_failure_fails() {
    let plan = || machine(100, [only("a")]);
    assert_eq!(Stage::start(plan()).succeed("a", json!(1)).state(), "completed");
    let mut stage = Stage::start(plan());
    assert_eq!(
        (stage.fail("a", Failed).state(), stage.run.reason()),
        ("failed", "`p_a` failed: it was failed")
    );
}

#[test]
fn a_phase_that_may_fail_goes_on_as_if_it_had_not_unless_there_is_a_way_for_its_failure() {
    let a = Phase { continue_on_failure: true, ..to(only("a"), vec![way(true, 1)]) };
    let other = Phase { next: vec![way(true, 1), way(false, 2)], ..a.clone() };
    let mut stage = Stage::start(machine(100, [a, only("b"), only("c")]));
    assert_eq!(stage.fail("a", Failed).calls(), ["b"]);
    let mut stage = Stage::start(machine(100, [other, only("b"), only("c")]));
    assert_eq!(stage.fail("a", Failed).calls(), ["c"]);
}

#[test]
fn the_first_way_whose_condition_holds_is_taken() {
    let ways = vec![
        when("steps.a.output > 5", way(true, 1)),
        when("steps.a.output > 3", way(true, 2)),
        end(true, true, ""),
    ];
    for (output, calls) in [(9, vec!["b"]), (4, vec!["c"]), (1, vec![])] {
        let mut stage = Stage::start(machine(100, [to(only("a"), ways.clone()), only("b"), only("c")]));
        assert_eq!(stage.succeed("a", json!(output)).calls(), calls);
    }
}

#[test]
fn a_way_for_failure_sees_that_the_phase_failed() {
    let ways = vec![when("phases.p_a.status == 'failed'", way(false, 1))];
    let mut stage = Stage::start(machine(100, [to(only("a"), ways), only("b")]));
    assert_eq!((stage.fail("a", Failed).calls(), stage.phase("p_a")), (vec!["b".to_owned()], "tolerated"));
}

#[test]
fn a_condition_that_cannot_be_told_leads_nowhere() {
    let ways = vec![when("steps.a.output", way(true, 1)), end(true, true, "")];
    let mut stage = Stage::start(machine(100, [to(only("a"), ways), only("b")]));
    assert_eq!(stage.succeed("a", json!("yes")).state(), "failed");
    assert!(
        stage.run.reason().starts_with("where it goes from `p_a` cannot be told"),
        "{}",
        stage.run.reason()
    );
}

#[test]
fn a_phase_whose_condition_is_false_is_passed_by() {
    let skipped = Phase { when: Some(expression("false")), ..to(only("a"), vec![way(true, 1)]) };
    let mut stage = Stage::start(machine(100, [skipped, only("b")]));
    assert_eq!((stage.phase("p_a"), stage.calls()), ("skipped", vec!["b".to_owned()]));
    let around = Phase { when: Some(expression("false")), ..to(only("a"), vec![way(true, 0)]) };
    assert_eq!(Stage::start(machine(100, [around])).state(), "failed");
    assert_eq!(stage.succeed("b", json!(1)).state(), "completed");
}

#[test]
fn all_visits_are_undone_in_reverse_each_with_its_own_outputs() {
    let entry = || vec![undo(json!({ "id": "${steps.coder.output}" }))];
    let mut plan = coder_and_reviewer();
    plan.rollback = Rollback::Run;
    plan.phases[0].undo = entry();
    plan.phases[1].next = vec![way(false, 0), end(true, false, "")];
    let mut stage = Stage::start(plan);
    stage.succeed("coder", json!("one")).succeed("reviewer", json!({ "approved": false }));
    stage.succeed("coder", json!("two")).succeed("reviewer", json!({}));
    for (visit, id) in [(2, "two"), (1, "one")] {
        let call = stage.call("undo:code:1");
        assert_eq!((call.key.visit, &*call.arguments), (visit, &json!({ "id": id })));
        stage.succeed("undo:code:1", Value::Null);
    }
    assert_eq!((stage.state(), stage.run.reason()), ("rolled_back", "it ended in `failed`"));
}

#[test]
fn a_failure_with_a_way_out_does_not_undo_the_run() {
    let a = Phase { undo: vec![undo(json!({}))], ..to(only("a"), vec![way(false, 1)]) };
    let mut stage = Stage::start(Draft { rollback: Rollback::Run, ..machine(100, [a, only("b")]) });
    assert_eq!(stage.fail("a", Rejected).calls(), ["b"]);
    assert_eq!(stage.fail("b", Failed).calls(), ["undo:p_a:1"]);
}

#[test]
fn a_machine_that_is_cancelled_between_two_phases_goes_nowhere() {
    let mut stage = Stage::start(machine(100, [to(only("a"), vec![way(true, 1)]), only("b")]));
    let (reason, user) = (String::new(), String::new());
    stage.on(Happening::Cancel { rollback: false, reason, user });
    assert_eq!((stage.succeed("a", json!(1)).state(), stage.phase("p_a")), ("cancelled", "succeeded"));
    assert_eq!(stage.phase("p_b"), "pending");
}
