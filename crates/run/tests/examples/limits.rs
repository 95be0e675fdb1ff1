//! Time limits of attempts, phases and runs.

use op_plan::plan::FailureKind::{self, Failed, Lost};
use op_plan::{Draft, Phase, Step};
use op_run::event::StopCause::TimedOut;
use op_run::event::UNDO_LIMIT;
use op_run::input::Input;
use op_run::{Refused, Timestamp, decide};
use serde_json::{Value, json};

use crate::stage::{Stage, draft, millis, phase, retries, step, undo};

#[test]
fn an_attempt_beyond_its_limit_is_stopped_and_its_answer_awaited() {
    let limited = Step { timeout: Some(millis(50)), ..step("s") };
    let mut stage = Stage::start(draft([phase("p", &[], [limited])]));
    assert_eq!((stage.wake(), stage.call("s").timeout), (Some(50), Some(millis(50))));
    stage.tick(50);
    assert_eq!((stage.calls(), stage.stops()), (vec!["s".to_owned()], vec![("s".to_owned(), TimedOut)]));
    stage.fail("s", Lost);
    let failure = stage.run.step(0).trial.failure.as_ref().map(|failure| failure.kind);
    assert_eq!((failure, stage.state()), (Some(FailureKind::TimedOut), "failed"));
}

#[test]
fn each_attempt_has_the_limit_anew() {
    let limited = Step { timeout: Some(millis(50)), retry: retries(1), ..step("s") };
    let mut stage = Stage::start(draft([phase("p", &[], [limited])]));
    stage.tick(60).fail("s", Lost);
    assert_eq!(stage.wake(), Some(160));
    stage.tick(160);
    assert_eq!((stage.stops(), stage.wake()), (Vec::new(), Some(210)));
}

#[test]
fn a_success_counts_also_after_the_call_was_asked_to_stop() {
    let limited = Step { timeout: Some(millis(50)), ..step("s") };
    let mut stage = Stage::start(draft([phase("p", &[], [limited])]));
    assert_eq!(stage.tick(50).succeed("s", json!(1)).state(), "completed");
}

#[test]
fn the_limit_of_a_phase_stops_what_runs_gives_up_what_waits_and_starts_nothing() {
    let steps =
        [step("runs"), Step { retry: retries(1), ..step("waits") }, Step { after: vec![0], ..step("next") }];
    let limited = Phase { timeout: Some(millis(50)), ..phase("p", &[], steps) };
    let mut stage = Stage::start(draft([limited]));
    stage.fail("waits", Failed).tick(50);
    assert_eq!((stage.stops(), stage.step("waits")), (vec![("runs".to_owned(), TimedOut)], "failed"));
    stage.succeed("runs", json!(1));
    assert_eq!((stage.step("next"), stage.phase("p"), stage.state()), ("skipped", "failed", "failed"));
}

#[test]
fn a_phase_that_did_all_it_should_within_the_grace_of_its_limit_succeeded() {
    let limited = Phase { timeout: Some(millis(50)), ..phase("p", &[], [step("s")]) };
    let mut stage = Stage::start(draft([limited]));
    assert_eq!(stage.tick(50).succeed("s", json!(1)).phase("p"), "succeeded");
}

#[test]
fn the_limit_of_a_run_stops_all_of_it_and_the_run_fails() {
    let plan =
        draft([phase("a", &[], [step("a1")]), phase("b", &[], [step("b1")]), phase("c", &[0], [step("c1")])]);
    let mut stage = Stage::start(Draft { timeout: Some(millis(50)), ..plan });
    assert_eq!(stage.wake(), Some(50));
    stage.tick(50);
    assert_eq!(stage.stops(), [("a1".to_owned(), TimedOut), ("b1".to_owned(), TimedOut)]);
    stage.succeed("a1", json!(1)).fail("b1", FailureKind::Cancelled);
    assert_eq!((stage.state(), stage.phase("c")), ("failed", "pending"));
    assert_eq!(stage.run.reason(), "the time limit of the run passed");
}

#[test]
fn who_starts_a_run_can_give_it_another_limit() {
    let plan = Draft { timeout: Some(millis(50)), ..draft([phase("p", &[], [step("s")])]) };
    let stage = Stage::start_with(plan, op_plan::input::Inputs::new(), Some(millis(70)));
    assert_eq!(stage.wake(), Some(70));
}

#[test]
fn an_answer_that_comes_after_a_limit_and_before_the_tick_counts_and_starts_nothing() {
    let steps = [step("s"), Step { after: vec![0], ..step("next") }];
    let limited = Phase { timeout: Some(millis(50)), ..phase("p", &[], steps) };
    let mut stage = Stage::start(draft([limited]));
    stage.pass(60).succeed("s", json!(1));
    assert_eq!((stage.step("s"), stage.step("next"), stage.state()), ("succeeded", "skipped", "failed"));
}

#[test]
fn an_undo_has_its_own_limit_and_that_of_the_run_does_not_cut_it_short() {
    let p = Phase { undo: vec![undo(json!({}))], ..phase("p", &[], [step("s")]) };
    let mut stage = Stage::start(Draft { timeout: Some(millis(50)), ..draft([p]) });
    stage.fail("s", Failed);
    let limit = u64::try_from(UNDO_LIMIT.as_millis()).expect("ten minutes are few milliseconds");
    assert_eq!(stage.wake(), Some(limit));
    stage.tick(limit);
    assert_eq!(stage.stops(), [("undo:p:1".to_owned(), TimedOut)]);
    stage.succeed("undo:p:1", Value::Null);
    assert_eq!((stage.state(), stage.run.reason()), ("failed", "`p` failed: it was failed"));
}

#[test]
fn an_answer_nobody_waits_for_is_refused() {
    let mut stage = Stage::start(draft([phase("p", &[], [Step { retry: retries(1), ..step("s") }])]));
    let call = stage.call("s");
    stage.fail("s", Failed).tick(100);
    let evidence = op_run::Evidence::default();
    let answer = op_run::Answer::Succeeded { value: Value::Null, evidence };
    let happening = op_run::input::Happening::Answered { work: call.work, attempt: call.attempt, answer };
    let late = Input { at: Timestamp::from_millis(101), happening };
    assert_eq!(decide(&stage.run, &late), Err(Refused::Unexpected));
}
