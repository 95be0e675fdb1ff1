//! What is undone, in which order, and how a run ends then.

use op_plan::plan::FailureKind::{Cancelled, Failed};
use op_plan::plan::Undo;
use op_plan::{Draft, Phase, Rollback};
use op_run::Refused;
use op_run::event::StopCause;
use op_run::run::State;
use serde_json::{Value, json};

use crate::stage::{Stage, draft, phase, retries, step, step_with, undo};

fn undoable(id: &str, depends_on: &[usize]) -> Phase {
    Phase { undo: vec![undo(json!({}))], ..phase(id, depends_on, [step(&format!("{id}1"))]) }
}

/// A phase that succeeded, one that failed after it, and what is undone then.
fn after_a_failure(rollback: Rollback) -> Stage {
    let mut stage = Stage::start(Draft { rollback, ..draft([undoable("a", &[]), undoable("b", &[0])]) });
    stage.succeed("a1", json!(1)).fail("b1", Failed);
    stage
}

#[test]
fn rollback_of_phases_undoes_those_that_failed() {
    let mut stage = after_a_failure(Rollback::Phase);
    assert_eq!((stage.calls(), stage.state()), (vec!["undo:b:1".to_owned()], "rolling_back"));
    stage.succeed("undo:b:1", Value::Null);
    assert_eq!((stage.phase("a"), stage.phase("b"), stage.state()), ("succeeded", "undone", "failed"));
}

#[test]
fn rollback_of_the_run_undoes_all_of_it_in_reverse() {
    let mut stage = after_a_failure(Rollback::Run);
    assert_eq!(stage.calls(), ["undo:b:1"]);
    assert_eq!(stage.succeed("undo:b:1", Value::Null).calls(), ["undo:a:1"]);
    stage.succeed("undo:a:1", Value::Null);
    assert_eq!((stage.phase("a"), stage.step("a1"), stage.state()), ("undone", "undone", "rolled_back"));
    assert_eq!(stage.run.reason(), "`b` failed: it was failed");
}

#[test]
fn no_rollback_undoes_nothing() {
    assert_eq!(after_a_failure(Rollback::None).state(), "failed");
}

#[test]
fn a_phase_of_which_no_call_was_made_has_nothing_to_undo() {
    let a = Phase {
        undo: vec![undo(json!({}))],
        ..phase("a", &[], [step_with("a1", json!({ "value": "${missing}" }))])
    };
    assert_eq!(Stage::start(draft([a])).state(), "failed");
}

#[test]
fn an_undo_list_is_done_from_the_top_and_skips_what_never_came_to_be() {
    let steps = [step("made"), step("failed")];
    let list = ["${steps.made.output}", "${steps.failed.output}", "${run.id}"];
    let a = Phase { undo: list.map(|id| undo(json!({ "id": id }))).into(), ..phase("a", &[], steps) };
    let mut stage = Stage::start(draft([a]));
    stage.succeed("made", json!("thing")).fail("failed", Failed);
    assert_eq!(*stage.call("undo:a:1").arguments, json!({ "id": "thing" }));
    stage.succeed("undo:a:1", Value::Null);
    assert_eq!(
        stage.last().map(op_run::Fact::kind).collect::<Vec<_>>(),
        ["undo_succeeded", "undo_skipped", "undo_started"]
    );
    assert_eq!(*stage.call("undo:a:3").arguments, json!({ "id": "run" }));
    assert_eq!(stage.succeed("undo:a:3", Value::Null).phase("a"), "undone");
}

#[test]
fn an_undo_is_repeated_as_it_says_and_leaves_the_run_stuck_when_it_fails_for_good() {
    let list = vec![Undo { retry: retries(1), ..undo(json!({})) }];
    let a = Phase { undo: list, ..phase("a", &[], [step("a1")]) };
    let mut stage = Stage::start(Draft { rollback: Rollback::Run, ..draft([undoable("before", &[]), a]) });
    stage.succeed("before1", json!(1)).fail("a1", Failed).fail("undo:a:1", Failed);
    assert_eq!((stage.calls(), stage.wake()), (Vec::new(), Some(100)));
    stage.tick(100);
    assert_eq!(stage.call("undo:a:1").key.to_string(), "run/undo:a:1/1/2");
    stage.fail("undo:a:1", Failed);
    assert_eq!(
        (stage.phase("a"), stage.phase("before"), stage.state()),
        ("undo_failed", "succeeded", "stuck")
    );
    assert_eq!(stage.run.reason(), "the undo of `a` failed: it was failed");
}

#[test]
fn a_cancelled_run_stops_its_calls_awaits_their_answers_and_undoes_nothing() {
    let mut stage = Stage::start(draft([undoable("a", &[]), undoable("b", &[0])]));
    stage.succeed("a1", json!(1)).cancel(false).expect("a running run can be cancelled");
    assert_eq!(stage.stops(), [("b1".to_owned(), StopCause::Cancelled)]);
    assert_eq!(stage.state(), "running");
    stage.fail("b1", Cancelled);
    assert_eq!((stage.state(), stage.run.reason()), ("cancelled", "enough"));
}

#[test]
fn a_run_that_is_cancelled_with_rollback_undoes_all_that_began() {
    let mut stage = Stage::start(draft([undoable("a", &[]), undoable("b", &[0]), undoable("c", &[1])]));
    stage.succeed("a1", json!(1)).cancel(true).expect("a running run can be cancelled");
    stage.fail("b1", Cancelled);
    assert_eq!(stage.calls(), ["undo:b:1"]);
    stage.succeed("undo:b:1", Value::Null).succeed("undo:a:1", Value::Null);
    assert_eq!((stage.phase("c"), stage.state()), ("pending", "rolled_back"));
}

#[test]
fn a_run_is_cancelled_once_and_only_while_it_runs() {
    let mut stage = Stage::start(draft([undoable("a", &[])]));
    assert_eq!(stage.cancel(true), Ok(()));
    assert_eq!(stage.cancel(false), Err(Refused::Cancelling));
    stage.fail("a1", Cancelled);
    assert_eq!(stage.cancel(true), Err(Refused::State(State::RollingBack)));
    stage.succeed("undo:a:1", Value::Null);
    assert_eq!(stage.cancel(true), Err(Refused::State(State::RolledBack)));
}
