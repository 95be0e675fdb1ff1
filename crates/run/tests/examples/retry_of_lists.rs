//! Going on with a list: what was done of it stays.

use op_plan::plan::FailureKind::{Cancelled, Failed};
use op_plan::plan::{Action, Approval, Fan, Gate, OnTimeout};
use op_plan::{Draft, Phase, Rollback, Step};
use serde_json::{Value, json};

use crate::stage::{Stage, child, draft, mapping, phase, retry, rollback, step, step_with, undo, verdict};

fn list(over: Value, max_parallel: Option<usize>) -> Step {
    let fan = Fan { over: mapping(over), max_parallel };
    Step { for_each: Some(fan), ..step_with("s", json!({ "item": "${item}", "at": "${index}" })) }
}

fn letters() -> Step {
    list(json!(["a", "b", "c", "d", "e"]), Some(3))
}

/// Of five items the first and the third are done, the second failed and the last two never began.
fn failed(draft: Draft) -> Stage {
    let mut stage = Stage::start(draft);
    stage.succeed("s[0]", json!("A")).fail("s[1]", Failed).succeed("s[2]", json!("C"));
    if stage.calls().contains(&"s[3]".to_owned()) {
        stage.fail("s[3]", Failed);
    }
    assert_eq!((stage.step("s"), stage.state()), ("failed", "failed"));
    stage
}

#[test]
fn only_items_that_failed_or_never_began_are_done_again() {
    for from in [None, Some("s"), Some("p")] {
        let mut stage = failed(draft([phase("p", &[], [letters()])]));
        stage.on(retry(from)).restart();
        assert_eq!(stage.calls(), ["s[1]", "s[3]", "s[4]"], "{from:?}");
        assert_eq!(stage.call("s[1]").key.to_string(), "run/s[1]/2/1");
        assert_eq!(*stage.call("s[3]").arguments, json!({ "item": "d", "at": 3 }));
        stage.succeed("s[4]", json!("E")).succeed("s[1]", json!("B")).restart();
        assert_eq!(stage.succeed("s[3]", json!("D")).state(), "completed");
        assert_eq!(stage.output("s"), Some(json!(["A", "B", "C", "D", "E"])));
    }
}

#[test]
fn no_more_items_run_at_a_time_than_before() {
    let one = list(json!([0, 1, 2, 3]), Some(1));
    let mut stage = Stage::start(draft([phase("p", &[], [one])]));
    stage.succeed("s[0]", json!(0)).fail("s[1]", Failed).on(retry(None));
    assert_eq!(stage.calls(), ["s[1]"]);
    assert_eq!(stage.succeed("s[1]", json!(1)).calls(), ["s[2]"]);
    assert_eq!(stage.succeed("s[2]", json!(2)).succeed("s[3]", json!(3)).state(), "completed");
}

#[test]
fn a_list_goes_on_as_often_as_one_likes() {
    let mut stage = failed(draft([phase("p", &[], [letters()])]));
    for (visit, item) in [(2, 1), (3, 3), (4, 4)] {
        stage.on(retry(None)).restart();
        let name = format!("s[{item}]");
        assert_eq!(stage.call(&name).key.to_string(), format!("run/s[{item}]/{visit}/1"));
        stage.succeed(&name, json!(item));
        while let Some(call) = stage.calls().first().cloned() {
            stage.fail(&call, Failed);
        }
    }
    assert_eq!(stage.output("s"), Some(json!(["A", 1, "C", 3, 4])));
}

#[test]
fn all_items_are_done_again_where_what_the_list_depends_on_is() {
    let listed = Step { after: vec![0], ..list(json!("${steps.first.output}"), None) };
    let mut stage = Stage::start(draft([phase("p", &[], [step("first"), listed.clone()])]));
    stage.succeed("first", json!([1, 2])).succeed("s[0]", json!(1)).fail("s[1]", Failed);
    stage.on(retry(Some("first"))).succeed("first", json!([3, 4, 5]));
    assert_eq!(stage.calls(), ["s[0]", "s[1]", "s[2]"]);
    let alone = Step { after: Vec::new(), ..listed };
    let phases = [phase("a", &[], [step("first")]), phase("b", &[0], [alone])];
    let mut stage = Stage::start(draft(phases));
    stage.succeed("first", json!([1, 2])).succeed("s[0]", json!(1)).fail("s[1]", Failed);
    stage.on(retry(Some("first"))).succeed("first", json!([3]));
    assert_eq!(
        (stage.calls(), stage.succeed("s[0]", json!(3)).state()),
        (vec!["s[0]".to_owned()], "completed")
    );
}

#[test]
fn a_list_that_was_cancelled_goes_on_where_it_was() {
    let mut stage = Stage::start(draft([phase("p", &[], [letters()])]));
    stage.succeed("s[0]", json!("A")).cancel(false).expect("it runs");
    stage.fail("s[1]", Cancelled).succeed("s[2]", json!("C")).fail("s[3]", Cancelled);
    assert_eq!(stage.on(retry(None)).calls(), ["s[1]", "s[3]", "s[4]"]);
}

#[test]
fn a_person_is_asked_again_and_of_what_is_left_only() {
    let approval = Approval { message: mapping(json!("all?")), timeout: None, on_timeout: OnTimeout::Reject };
    let asked = Step { gate: Some(Gate::Approval(approval)), ..list(json!([1, 2, 3]), None) };
    let mut stage = Stage::start(draft([phase("p", &[], [asked])]));
    stage.on(verdict("s", true, "")).succeed("s[0]", json!(1)).fail("s[1]", Failed).succeed("s[2]", json!(3));
    stage.on(retry(None)).restart();
    assert!(stage.calls().is_empty());
    assert_eq!(stage.question("s")["for_each"], json!([2]));
    assert_eq!(stage.on(verdict("s", true, "")).calls(), ["s[1]"]);
    assert_eq!(stage.succeed("s[1]", json!(2)).output("s"), Some(json!([1, 2, 3])));
}

#[test]
fn a_list_that_was_undone_is_gone_over_as_a_whole() {
    let undoable = Phase { undo: vec![undo(json!({}))], ..phase("p", &[], [letters()]) };
    let mut stage = Stage::start(Draft { rollback: Rollback::Phase, ..draft([undoable]) });
    stage.succeed("s[0]", json!("A")).fail("s[1]", Failed).succeed("s[2]", json!("C")).fail("s[3]", Failed);
    stage.succeed("undo:p:1", Value::Null);
    assert_eq!(stage.on(retry(None)).calls(), ["s[0]", "s[1]", "s[2]"]);
}

#[test]
fn a_list_that_goes_on_is_undone_once_with_all_of_it() {
    let entry = vec![undo(json!({ "made": "${steps.s.output}" }))];
    let mut stage = failed(Draft {
        rollback: Rollback::None,
        ..draft([Phase { undo: entry, ..phase("p", &[], [letters()]) }])
    });
    stage.on(retry(None));
    for item in ["s[1]", "s[3]", "s[4]"] {
        stage.succeed(item, json!(item));
    }
    stage.on(rollback(None));
    assert_eq!(stage.call("undo:p:1").arguments["made"], json!(["A", "s[1]", "C", "s[3]", "s[4]"]));
    assert_eq!(stage.succeed("undo:p:1", Value::Null).state(), "rolled_back");
}

/// What an undo of plans names.
fn undone(stage: &Stage, undo: &str) -> Vec<String> {
    let calls = stage.call(undo).arguments["calls"].clone();
    serde_json::from_value(calls).expect("an undo of plans names calls")
}

#[test]
fn runs_of_plans_are_undone_whatever_visit_began_them() {
    let inputs = mapping(json!({}));
    let runs = Step { action: Action::Plan { plan: child(), inputs }, ..letters() };
    let mut stage = failed(Draft { rollback: Rollback::None, ..draft([phase("p", &[], [runs])]) });
    stage.on(retry(None)).fail("s[1]", Failed).succeed("s[3]", json!(1)).fail("s[4]", Failed);
    stage.on(retry(None)).succeed("s[1]", json!(1)).succeed("s[4]", json!(1));
    assert_eq!(stage.on(rollback(None)).state(), "rolling_back");
    let mut calls = undone(&stage, "undo:p:1");
    calls.sort();
    let visits = ["0]/1", "1]/1", "1]/2", "1]/3", "2]/1", "3]/1", "3]/2", "4]/2", "4]/3"];
    assert_eq!(calls, visits.map(|visit| format!("run/s[{visit}/1")));
}

#[test]
fn a_run_of_a_plan_that_failed_before_is_undone_with_the_one_that_did_not() {
    let second = Step { action: Action::Plan { plan: child(), inputs: mapping(json!({})) }, ..step("child") };
    let mut stage = Stage::start(Draft {
        rollback: Rollback::None,
        ..draft([phase("p", &[], [step("own"), Step { after: vec![0], ..second }])])
    });
    stage.succeed("own", json!(1)).fail("child", Failed).on(retry(None)).succeed("child", json!(1));
    stage.on(rollback(None)).restart();
    assert_eq!(undone(&stage, "undo:p:1"), ["run/child/2/1", "run/child/1/1"]);
}

#[test]
fn what_is_kept_is_undone_also_if_its_phase_does_not_begin_again() {
    let entry = vec![undo(json!({ "own": "${steps.own.output}" }))];
    let p = Phase { undo: entry, ..phase("p", &[], [step("own"), Step { after: vec![0], ..letters() }]) };
    let plan =
        Draft { rollback: Rollback::None, max_parallel: 1, ..draft([phase("busy", &[], [step("b")]), p]) };
    let mut stage = Stage::start(plan);
    stage.fail("b", Failed).succeed("own", json!("own")).succeed("s[0]", json!(0)).fail("s[1]", Failed);
    // There is room for `b` alone.
    assert_eq!(stage.on(retry(None)).calls(), ["b"]);
    stage.cancel(true).expect("it runs");
    stage.fail("b", Cancelled);
    assert_eq!(*stage.call("undo:p:1").arguments, json!({ "own": "own" }));
    assert_eq!(stage.succeed("undo:p:1", Value::Null).restart().state(), "rolled_back");
    stage.on(retry(None)).succeed("b", json!(1));
    assert_eq!(stage.calls(), ["own"]);
    assert_eq!(stage.succeed("own", json!(1)).calls(), ["s[0]"]);
}
