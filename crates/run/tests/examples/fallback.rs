//! Who takes over, what is optional, and which answers count.

use op_plan::plan::FailureKind::{Failed, Rejected, Unavailable};
use op_plan::plan::{Accept, Approval, Fan, Gate, OnTimeout};
use op_plan::{Draft, Step};
use serde_json::json;

use crate::stage::{Stage, draft, expression, mapping, phase, retries, step, step_with, verdict};

fn cast(step: Step, players: usize) -> Stage {
    Stage::start_cast(draft([phase("p", &[], [step])]), &[players])
}

fn performer(stage: &Stage) -> String {
    stage.call("s").performer.to_string()
}

#[test]
fn the_next_player_takes_over_with_attempts_of_its_own_when_one_failed_for_good() {
    let mut stage = cast(Step { retry: retries(1), ..step("s") }, 2);
    stage.fail("s", Failed).tick(100).fail("s", Unavailable);
    assert_eq!(
        (performer(&stage), stage.call("s").key.to_string()),
        ("player1.play".to_owned(), "run/s/1/3".to_owned())
    );
    stage.restart().fail("s", Failed);
    assert_eq!(stage.wake(), Some(200));
    assert_eq!(stage.tick(200).fail("s", Failed).state(), "failed");
}

#[test]
fn what_was_rejected_is_not_asked_of_another() {
    assert_eq!(cast(step("s"), 2).fail("s", Rejected).state(), "failed");
}

#[test]
fn who_takes_over_is_asked_about_anew_where_a_person_must_approve() {
    let approval = Approval { message: mapping(json!("go?")), timeout: None, on_timeout: OnTimeout::Reject };
    let mut stage = cast(Step { gate: Some(Gate::Approval(approval)), ..step("s") }, 2);
    stage.on(verdict("s", true, "")).fail("s", Failed);
    assert_eq!((stage.calls(), stage.gates()), (Vec::new(), vec!["s".to_owned()]));
    assert_eq!(performer(stage.on(verdict("s", true, ""))), "player1.play");
}

#[test]
fn an_item_is_taken_over_by_itself_unless_a_person_approved_who_does_it() {
    let fan = Fan { over: mapping(json!([1, 2])), max_parallel: None };
    let list = Step { for_each: Some(fan), ..step("s") };
    let mut stage = cast(list.clone(), 2);
    stage.fail("s[0]", Failed).restart();
    assert_eq!(stage.kinds(), ["step_fell_back", "step_started"]);
    assert_eq!(stage.call("s[0]").performer.to_string(), "player1.play");
    assert_eq!(stage.call("s[1]").performer.to_string(), "player0.play");
    assert_eq!(stage.succeed("s[0]", json!(1)).succeed("s[1]", json!(2)).state(), "completed");
    let approval = Approval { message: mapping(json!("go?")), timeout: None, on_timeout: OnTimeout::Reject };
    let mut stage = cast(Step { gate: Some(Gate::Approval(approval)), ..list }, 2);
    stage.on(verdict("s", true, "")).fail("s[0]", Failed);
    assert_eq!(stage.calls(), ["s[1]"]);
    assert_eq!(stage.succeed("s[1]", json!(2)).state(), "failed");
}

#[test]
fn nobody_takes_over_in_a_run_that_is_stopped() {
    let mut stage = cast(step("s"), 2);
    stage.cancel(false).expect("it runs");
    assert_eq!(stage.fail("s", Failed).state(), "cancelled");
}

#[test]
fn a_phase_goes_on_without_what_is_optional() {
    let steps = [
        Step { optional: true, ..step("nice") },
        Step { after: vec![0], ..step_with("next", json!({ "nice": "${steps.nice.status}" })) },
    ];
    let mut stage = Stage::start(draft([phase("p", &[], steps)]));
    stage.fail("nice", Failed);
    assert_eq!((stage.step("nice"), stage.calls()), ("tolerated", vec!["next".to_owned()]));
    assert_eq!(*stage.call("next").arguments, json!({ "nice": "tolerated" }));
    assert_eq!(stage.succeed("next", json!(1)).state(), "completed");
}

#[test]
fn an_answer_that_says_it_is_not_approved_is_a_rejection() {
    let reviewed = || Step { accept: Accept::Approved, retry: retries(3), ..step("s") };
    let mut stage = cast(reviewed(), 2);
    stage.succeed("s", json!({ "approved": false, "why": "no tests" }));
    assert_eq!((stage.state(), stage.run.reason()), ("failed", "`p` failed: it was not approved"));
    assert_eq!(stage.output("s"), Some(json!({ "approved": false, "why": "no tests" })));
    for value in [json!({ "approved": true }), json!({}), json!("text")] {
        assert_eq!(cast(reviewed(), 1).succeed("s", value).state(), "completed");
    }
}

#[test]
fn a_plan_says_which_answers_count_and_one_that_cannot_be_told_does_not() {
    let when = |source: &str| Step { accept: Accept::When(expression(source)), ..step("s") };
    assert_eq!(cast(when("output.score > 3"), 1).succeed("s", json!({ "score": 5 })).state(), "completed");
    for (source, value) in [
        ("output.score > 3", json!({ "score": 1 })),
        ("output.score", json!({ "score": 1 })),
        ("output.score > 3", json!({})),
    ] {
        assert_eq!(cast(when(source), 1).succeed("s", value).state(), "failed");
    }
}

#[test]
fn what_is_made_of_an_output_is_stored_beside_it() {
    let outputs = [("files".to_owned(), mapping(json!("${output.changed}")))].into_iter().collect();
    let makes = Step { outputs, store_as: Some("all".to_owned()), ..step("s") };
    let uses = step_with("t", json!({ "files": "${files}", "all": "${all}" }));
    let plan = || draft([phase("p", &[], [makes.clone()]), phase("q", &[0], [uses.clone()])]);
    let mut stage = Stage::start(plan());
    stage.succeed("s", json!({ "changed": [1] }));
    assert_eq!(*stage.call("t").arguments, json!({ "files": [1], "all": { "changed": [1] } }));
    let mut stage = Stage::start(Draft { ..plan() });
    assert_eq!(stage.succeed("s", json!({})).step("s"), "failed");
}
