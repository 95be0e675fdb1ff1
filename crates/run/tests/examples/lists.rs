//! A step for each item of a list.

use op_plan::plan::FailureKind::{self, Cancelled, Failed};
use op_plan::plan::{Approval, Fan, Gate, OnTimeout};
use op_plan::{Draft, Phase, Step};
use op_run::event::StopCause;
use serde_json::{Value, json};

use crate::stage::{Stage, draft, mapping, millis, phase, retries, step, step_with, verdict};

fn list(over: Value, max_parallel: Option<usize>) -> Step {
    let fan = Fan { over: mapping(over), max_parallel };
    Step { for_each: Some(fan), ..step_with("s", json!({ "item": "${item}", "at": "${index}" })) }
}

fn over(step: Step) -> Stage {
    Stage::start(draft([phase("p", &[], [step])]))
}

#[test]
fn outputs_come_back_as_a_list_in_the_order_of_the_items() {
    let mut stage = over(list(json!(["a", "b", "c"]), None));
    assert_eq!(stage.calls(), ["s[0]", "s[1]", "s[2]"]);
    stage.succeed("s[2]", json!("C")).succeed("s[0]", json!("A"));
    assert_eq!(stage.step("s"), "running");
    stage.succeed("s[1]", json!("B"));
    assert_eq!((stage.output("s"), stage.state()), (Some(json!(["A", "B", "C"])), "completed"));
}

#[test]
fn arguments_carry_the_item_and_its_index_and_the_key_names_it() {
    let stage = over(list(json!(["a", { "deep": 1 }]), None));
    assert_eq!(*stage.call("s[1]").arguments, json!({ "item": { "deep": 1 }, "at": 1 }));
    assert_eq!(stage.call("s[1]").key.to_string(), "run/s[1]/1/1");
}

#[test]
fn no_more_items_run_than_the_list_and_the_run_allow() {
    let mut stage = over(list(json!([1, 2, 3, 4, 5, 6]), Some(2)));
    assert_eq!(stage.calls(), ["s[0]", "s[1]"]);
    assert_eq!(stage.succeed("s[0]", json!(1)).calls(), ["s[1]", "s[2]"]);
    assert_eq!(over(list(json!([1, 2, 3, 4, 5, 6]), None)).calls().len(), 4);
}

#[test]
fn an_item_is_tried_again_by_itself() {
    let mut stage = over(Step { retry: retries(1), ..list(json!([1, 2]), None) });
    stage.fail("s[0]", Failed);
    assert_eq!((stage.calls(), stage.wake()), (vec!["s[1]".to_owned()], Some(100)));
    stage.succeed("s[1]", json!("two")).tick(100);
    assert_eq!(stage.call("s[0]").key.to_string(), "run/s[0]/1/2");
    stage.restart().succeed("s[0]", json!("one"));
    assert_eq!(stage.output("s"), Some(json!(["one", "two"])));
}

#[test]
fn an_item_that_fails_for_good_fails_the_step_and_starts_no_other_one() {
    let retrying = Step { retry: retries(3), ..list(json!([1, 2, 3, 4]), Some(3)) };
    let mut stage = over(retrying);
    stage.fail("s[0]", Failed).fail("s[1]", FailureKind::Rejected);
    assert_eq!((stage.calls(), stage.wake()), (vec!["s[2]".to_owned()], None));
    stage.succeed("s[2]", json!(1));
    assert_eq!((stage.step("s"), stage.state()), ("failed", "failed"));
    assert_eq!(stage.run.reason(), "`p` failed: item 1: it was rejected");
}

#[test]
fn an_empty_list_is_done_at_once() {
    let stage = over(list(json!([]), None));
    assert_eq!((stage.output("s"), stage.state()), (Some(json!([])), "completed"));
}

#[test]
fn what_is_no_list_or_is_too_long_fails_without_a_call() {
    for (items, why) in [
        (json!({ "a": 1 }), "no list"),
        (Value::Null, "no list"),
        (Value::from(vec![0; 10_001]), "10001 items"),
        (json!("${missing}"), "no value"),
    ] {
        let stage = over(list(items, None));
        assert!(stage.run.reason().contains(why), "{}", stage.run.reason());
        assert_eq!((stage.state(), stage.calls().len()), ("failed", 0));
    }
    assert_eq!(over(list(Value::from(vec![0; 10_000]), None)).calls().len(), 4);
}

#[test]
fn a_cancelled_list_stops_what_runs_and_says_how_far_it_came() {
    let mut stage = over(list(json!([1, 2, 3]), Some(2)));
    stage.succeed("s[0]", json!(1)).cancel(false).expect("it runs");
    let stopped = |item: &str| (item.to_owned(), StopCause::Cancelled);
    assert_eq!(stage.stops(), [stopped("s[1]"), stopped("s[2]")]);
    stage.succeed("s[1]", json!(1)).fail("s[2]", Cancelled);
    assert_eq!((stage.step("s"), stage.phase("p"), stage.state()), ("failed", "failed", "cancelled"));
    let mut stage = over(list(json!([1, 2, 3]), Some(1)));
    stage.succeed("s[0]", json!(1)).cancel(false).expect("it runs");
    stage.succeed("s[1]", json!(1));
    let failure = stage.run.step(0).trial.failure.as_ref().map(|failure| failure.message.clone());
    assert_eq!(failure.as_deref(), Some("it was stopped after 2 of 3 items"));
}

#[test]
fn the_limit_of_a_phase_ends_a_list_of_which_an_item_waits() {
    let waits = Step { retry: retries(2), ..list(json!([1, 2, 3]), Some(2)) };
    let limited = Phase { timeout: Some(millis(50)), ..phase("p", &[], [waits]) };
    let mut stage = Stage::start(draft([limited]));
    stage.fail("s[0]", Failed).tick(50);
    assert_eq!(stage.stops(), [("s[1]".to_owned(), StopCause::TimedOut)]);
    stage.succeed("s[1]", json!(1));
    assert_eq!((stage.step("s"), stage.state(), stage.wake()), ("failed", "failed", None));
}

#[test]
fn what_began_is_carried_on_before_something_else_begins() {
    let phases = [phase("p", &[], [list(json!([1, 2, 3, 4]), None)]), phase("q", &[], [step("later")])];
    let mut stage = Stage::start(Draft { max_parallel: 2, ..draft(phases) });
    assert_eq!(stage.succeed("s[0]", json!(1)).calls(), ["s[1]", "s[2]"]);
    assert_eq!(stage.succeed("s[1]", json!(1)).succeed("s[2]", json!(1)).calls(), ["later", "s[3]"]);
}

#[test]
fn the_list_that_was_approved_is_the_list_that_is_gone_over() {
    let approval = Approval { message: mapping(json!("all?")), timeout: None, on_timeout: OnTimeout::Reject };
    let asked = Step {
        gate: Some(Gate::Approval(approval)),
        ..list(json!("${context['other'] == null ? [1] : [1, 2]}"), None)
    };
    let mut stage = Stage::start(draft([phase("p", &[], [asked]), phase("q", &[], [step("other")])]));
    stage.succeed("other", json!(true)).on(verdict("s", true, ""));
    assert_eq!(stage.calls(), ["s[0]"]);
}
