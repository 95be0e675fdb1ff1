//! A run that a person holds.

use op_plan::plan::FailureKind::{Cancelled, Failed};
use op_plan::plan::Gate;
use op_plan::{Draft, Phase, Rollback, Step};
use op_run::run::State;
use op_run::{Refused, Timestamp};
use serde_json::json;

use crate::stage::{Stage, draft, machine, millis, pause, phase, resume, retries, signal, step, undo, way};

fn line() -> Draft {
    draft([phase("a", &[], [step("a1")]), phase("b", &[0], [step("b1")])])
}

#[test]
fn nothing_starts_while_a_run_is_held_and_answers_count() {
    let mut stage = Stage::start(line());
    stage.on(pause()).restart();
    assert_eq!((stage.state(), stage.calls()), ("paused", vec!["a1".to_owned()]));
    stage.succeed("a1", json!(1)).tick(1_000).restart();
    assert_eq!((stage.phase("a"), stage.phase("b"), stage.calls()), ("succeeded", "pending", Vec::new()));
    assert_eq!(stage.on(resume()).calls(), ["b1"]);
    assert_eq!(stage.run.paused_at(), None);
}

#[test]
fn the_limits_of_a_held_run_stand_still_and_end_as_much_later() {
    let mut plan = line();
    plan.timeout = Some(millis(100));
    plan.phases[0].timeout = Some(millis(50));
    let mut stage = Stage::start(plan);
    stage.pass(30).on(pause());
    assert_eq!((stage.wake(), stage.tick(500).stops().len()), (None, 0));
    assert_eq!(stage.on(resume()).restart().wake(), Some(520));
    assert_eq!(stage.tick(519).stops().len(), 0);
    assert_eq!(stage.tick(520).stops().len(), 1);
    assert_eq!(stage.wake(), Some(570));
}

#[test]
fn the_limit_of_a_call_in_flight_does_not_stand_still() {
    let limited = Step { timeout: Some(millis(50)), ..step("s") };
    let mut stage = Stage::start(draft([phase("p", &[], [limited])]));
    stage.on(pause());
    assert_eq!(stage.wake(), Some(50));
    assert_eq!(stage.tick(50).stops().len(), 1);
}

#[test]
fn a_repeat_that_is_due_begins_when_the_run_goes_on() {
    let mut stage = Stage::start(draft([phase("p", &[], [Step { retry: retries(1), ..step("s") }])]));
    stage.fail("s", Failed).on(pause());
    assert_eq!((stage.wake(), stage.tick(500).calls()), (None, Vec::new()));
    assert_eq!(stage.on(resume()).calls(), ["s"]);
}

#[test]
fn a_held_run_can_be_cancelled() {
    let mut stage = Stage::start(line());
    stage.on(pause()).cancel(false).expect("a held run can be cancelled");
    assert_eq!((stage.stops().len(), stage.run.paused_at()), (1, None));
    assert_eq!(stage.fail("a1", Cancelled).state(), "cancelled");
    assert_eq!(stage.refusal(resume()), Refused::Unfit { state: State::Cancelled, what: "resumed" });
}

#[test]
fn a_run_that_waits_can_be_held_and_what_it_waits_for_may_come() {
    let waits = Step { gate: Some(Gate::Signal("go".to_owned())), ..step("s") };
    let mut stage = Stage::start(draft([phase("p", &[], [waits])]));
    assert_eq!(stage.state(), "waiting");
    stage.pass(7).on(pause());
    assert_eq!((stage.state(), stage.run.paused_at()), ("paused", Some(Timestamp::from_millis(7))));
    stage.on(signal("go", json!(1)));
    assert_eq!((stage.gates(), stage.calls()), (Vec::new(), Vec::new()));
    assert_eq!(stage.on(resume()).calls(), ["s"]);
}

#[test]
fn a_machine_that_is_held_goes_nowhere() {
    let a = Phase { next: vec![way(true, 1)], ..phase("a", &[], [step("a1")]) };
    let mut stage = Stage::start(machine(100, [a, phase("b", &[], [step("b1")])]));
    stage.on(pause()).succeed("a1", json!(1));
    assert_eq!((stage.state(), stage.calls()), ("paused", Vec::new()));
    assert_eq!(stage.on(resume()).calls(), ["b1"]);
}

#[test]
fn nothing_is_undone_while_a_run_is_held() {
    let mut plan = line();
    plan.rollback = Rollback::Run;
    plan.phases[0].undo = vec![undo(json!({}))];
    let mut stage = Stage::start(plan);
    stage.on(pause()).fail("a1", Failed);
    assert_eq!((stage.state(), stage.calls()), ("paused", Vec::new()));
    assert_eq!(stage.on(resume()).calls(), ["undo:a:1"]);
}

#[test]
fn a_held_run_of_which_nothing_is_left_to_do_is_done() {
    let mut stage = Stage::start(draft([phase("p", &[], [step("s")])]));
    assert_eq!(stage.on(pause()).succeed("s", json!(1)).state(), "completed");
}

#[test]
fn a_run_is_held_once_and_only_while_it_runs() {
    let mut stage = Stage::start(line());
    assert_eq!(stage.refusal(resume()), Refused::Unfit { state: State::Running, what: "resumed" });
    let held = Refused::Unfit { state: State::Paused, what: "paused" };
    assert_eq!(stage.on(pause()).refusal(pause()), held);
}
