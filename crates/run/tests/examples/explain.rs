//! Why a run is where it is, told in many situations.

use insta::assert_snapshot;
use op_plan::plan::FailureKind::{self, Failed};
use op_plan::plan::{Accept, Action, Approval, Fan, Gate, Loop, OnTimeout, Transition};
use op_plan::{Draft, Phase, Rollback, Step};
use op_run::{Timestamp, explain};
use serde_json::{Value, json};

use crate::stage::{
    Stage, draft, end, expression, machine, mapping, millis, pause, phase, retries, retry, rollback, step,
    step_with, undo, way,
};

/// What is told at an instant.
fn told(stage: &Stage, at: u64) -> String {
    explain(&stage.run, Timestamp::from_millis(at)).join("\n")
}

fn one(step: Step) -> Stage {
    Stage::start(draft([phase("p", &[], [step])]))
}

fn line() -> Draft {
    draft([phase("a", &[], [step("a1")]), phase("b", &[0], [step("b1")]), phase("c", &[0, 1], [step("c1")])])
}

#[test]
fn a_run_that_runs_says_what_runs_and_what_waits_for_what() {
    let mut plan = line();
    plan.phases[0].steps =
        vec![Step { timeout: Some(millis(60_000)), ..step("a1") }, Step { after: vec![0], ..step("a2") }];
    assert_snapshot!(told(&Stage::start(plan), 5_000));
}

#[test]
fn a_run_without_room_says_what_could_begin() {
    let plan = draft([phase("a", &[], [step("a1"), step("a2")]), phase("b", &[], [step("b1")])]);
    assert_snapshot!(told(&Stage::start(Draft { max_parallel: 1, ..plan }), 5_000));
}

#[test]
fn a_repeat_says_when_it_comes_and_after_what() {
    let mut stage = one(Step { retry: retries(2), ..step("s") });
    stage.pass(1_000).fail("s", Failed);
    assert_snapshot!("it_waits", told(&stage, 1_040));
    stage.tick(1_100);
    assert_snapshot!("it_runs", told(&stage, 2_500));
}

#[test]
fn a_call_that_is_asked_to_stop_says_why() {
    let mut stage = one(Step { timeout: Some(millis(50)), ..step("s") });
    stage.tick(50);
    assert_snapshot!("its_limit", told(&stage, 100));
    let mut stage = Stage::start(line());
    stage.cancel(true).expect("it runs");
    assert_snapshot!("a_cancel", told(&stage, 100));
}

#[test]
fn a_delay_says_until_when() {
    let stage = one(Step { gate: Some(Gate::Delay(millis(90_000))), ..step("s") });
    assert_snapshot!(told(&stage, 30_000));
}

#[test]
fn a_signal_that_is_waited_for_is_named() {
    let waits =
        Step { gate: Some(Gate::Signal("go".to_owned())), timeout: Some(millis(7_200_000)), ..step("s") };
    assert_snapshot!(told(&one(Step { action: Action::Pass, ..waits }), 3_600_000));
}

#[test]
fn a_question_says_who_must_answer_what_and_what_becomes_of_it() {
    let ask = |on_timeout| {
        let message = mapping(json!("Deploy to production?"));
        let gate = Gate::Approval(Approval { message, timeout: Some(millis(60_000)), on_timeout });
        one(Step { gate: Some(gate), ..step_with("s", json!({ "to": "${run.id}" })) })
    };
    assert_snapshot!("a_deadline", told(&ask(OnTimeout::Reject), 1_000));
    assert_snapshot!("overdue", told(ask(OnTimeout::Park).tick(60_000), 61_000));
}

#[test]
fn a_list_says_how_far_it_is() {
    let fan = Fan { over: mapping(json!([1, 2, 3, 4])), max_parallel: Some(2) };
    let mut stage = one(Step { for_each: Some(fan), ..step("s") });
    stage.succeed("s[0]", json!(1));
    assert_snapshot!(told(&stage, 1_000));
}

#[test]
fn a_condition_that_was_false_is_shown_with_its_values() {
    let mut plan = line();
    plan.phases[1].when = Some(expression("steps.a1.output.failed == 0 && run.plan != 'x'"));
    let mut stage = Stage::start(plan);
    stage.succeed("a1", json!({ "failed": 2 }));
    assert_snapshot!(told(&stage, 1_000));
}

#[test]
fn a_loop_says_why_it_goes_round() {
    let repeat = Some(Loop { condition: expression("steps.s.output < 3"), max: 5 });
    let mut stage = Stage::start(draft([Phase { repeat, ..phase("p", &[], [step("s")]) }]));
    stage.succeed("s", json!(1));
    assert_snapshot!(told(&stage, 1_000));
}

#[test]
fn a_machine_says_what_it_did_last_and_why() {
    let review = Phase {
        next: vec![
            end(true, true, ""),
            Transition { when: Some(expression("steps.r.attempts < 9")), ..way(false, 0) },
        ],
        ..phase("review", &[], [Step { accept: Accept::Approved, ..step("r") }])
    };
    let code = Phase { next: vec![way(true, 1)], ..phase("code", &[], [step("c")]) };
    let mut stage = Stage::start(machine(100, [code, review]));
    stage.succeed("c", json!(1)).succeed("r", json!({ "approved": false }));
    assert_snapshot!("it_goes_back", told(&stage, 1_000));
    stage.succeed("c", json!(2)).succeed("r", json!({ "approved": true }));
    assert_snapshot!("it_is_done", told(&stage, 1_000));
}

#[test]
fn a_failed_run_says_what_failed_first_and_what_that_blocked() {
    let mut plan = line();
    plan.phases.push(phase("d", &[], [step("d1")]));
    let mut stage = Stage::start(plan);
    stage.fail("a1", Failed).pass(65_000).fail("d1", FailureKind::TimedOut);
    assert_snapshot!(told(&stage, 70_000));
}

#[test]
fn a_phase_that_fails_says_what_it_awaits() {
    let mut stage = Stage::start(draft([phase("p", &[], [step("bad"), step("busy")])]));
    stage.fail("bad", Failed);
    assert_snapshot!(told(&stage, 1_000));
}

#[test]
fn a_held_run_and_a_queued_one_say_what_to_do() {
    let mut stage = Stage::start(line());
    stage.pass(1_000).on(pause());
    assert_snapshot!("held", told(&stage, 11_000));
    assert_snapshot!("queued", told(&Stage::queue(line(), None), 11_000));
}

fn undoable() -> Stage {
    let mut plan = Draft { rollback: Rollback::Run, ..line() };
    for phase in &mut plan.phases {
        phase.undo = vec![undo(json!({})), undo(json!({}))];
    }
    let mut stage = Stage::start(plan);
    stage.succeed("a1", json!(1)).fail("b1", Failed);
    stage
}

#[test]
fn a_run_that_is_undone_says_what_is_and_what_could_not_be() {
    let mut stage = undoable();
    assert_snapshot!("under_way", told(&stage, 1_000));
    stage.succeed("undo:b:1", Value::Null).fail("undo:b:2", Failed);
    assert_snapshot!("stuck", told(&stage, 1_000));
}

#[test]
fn a_run_that_was_rolled_back_or_retried_says_so() {
    let mut plan = draft([Phase { undo: vec![undo(json!({}))], ..phase("a", &[], [step("a1")]) }]);
    plan.timeout = None;
    let mut stage = Stage::start(plan);
    stage.succeed("a1", json!(1));
    assert_snapshot!("completed", told(&stage, 1_000));
    stage.on(rollback(None)).succeed("undo:a:1", Value::Null);
    assert_snapshot!("rolled_back", told(&stage, 1_000));
    stage.on(retry(None));
    assert_snapshot!("retried", told(&stage, 1_000));
}
