//! Undoing after the end, and a run that got stuck.

use op_plan::plan::FailureKind::Failed;
use op_plan::{Draft, Phase, Rollback};
use op_run::run::State;
use op_run::{Refused, preview};
use serde_json::{Value, json};

use crate::stage::{Stage, draft, end, machine, phase, resolve, rollback, step, undo, way};

fn undoable(id: &str, depends_on: &[usize]) -> Phase {
    let step = step(&format!("{id}1"));
    let output = format!("${{steps.{id}1.output}}");
    Phase { undo: vec![undo(json!({ "id": output })), undo(json!({}))], ..phase(id, depends_on, [step]) }
}

fn done() -> Stage {
    let phases =
        [undoable("a", &[]), undoable("b", &[0]), undoable("c", &[1]), phase("d", &[2], [step("d1")])];
    let mut stage = Stage::start(draft(phases));
    for step in ["a1", "b1", "c1", "d1"] {
        stage.succeed(step, json!(step));
    }
    assert_eq!(stage.state(), "completed");
    stage
}

fn undo_all(stage: &mut Stage) -> Vec<String> {
    let mut order = Vec::new();
    while let Some(call) = stage.calls().pop() {
        stage.restart().succeed(&call, Value::Null);
        order.push(call);
    }
    order
}

#[test]
fn a_completed_run_is_undone_in_reverse() {
    let mut stage = done();
    stage.on(rollback(None));
    assert_eq!(*stage.call("undo:c:1").arguments, json!({ "id": "c1" }));
    let order = ["undo:c:1", "undo:c:2", "undo:b:1", "undo:b:2", "undo:a:1", "undo:a:2"];
    assert_eq!(undo_all(&mut stage), order);
    assert_eq!((stage.state(), stage.run.reason()), ("rolled_back", "someone wanted it undone"));
}

#[test]
fn a_run_is_undone_down_to_a_phase_that_stays() {
    let mut stage = done();
    stage.on(rollback(Some("a")));
    assert_eq!(undo_all(&mut stage), ["undo:c:1", "undo:c:2", "undo:b:1", "undo:b:2"]);
    assert_eq!((stage.phase("a"), stage.phase("b"), stage.state()), ("succeeded", "undone", "rolled_back"));
    stage.on(rollback(None));
    assert_eq!(undo_all(&mut stage), ["undo:a:1", "undo:a:2"]);
}

#[test]
fn what_is_shown_before_is_what_is_undone() {
    for to in [None, Some("a"), Some("b")] {
        let mut stage = done();
        let shown = preview(&stage.run, to).expect("there is something to undo");
        let shown = shown.iter().map(|visit| stage.run.plan().phases()[visit.phase].id.clone());
        let shown: Vec<_> =
            shown.flat_map(|phase| [1, 2].map(|place| format!("undo:{phase}:{place}"))).collect();
        stage.on(rollback(to));
        assert_eq!(undo_all(&mut stage), shown);
    }
}

#[test]
fn nothing_is_undone_twice_nor_down_to_what_never_was() {
    let mut stage = done();
    assert_eq!(stage.refusal(rollback(Some("x"))), Refused::Unknown("x".to_owned()));
    assert_eq!(stage.refusal(rollback(Some("c"))), Refused::NothingToUndo);
    stage.on(rollback(None));
    assert_eq!(
        stage.refusal(rollback(None)),
        Refused::Unfit { state: State::RollingBack, what: "rolled back" }
    );
    undo_all(&mut stage);
    assert_eq!(stage.refusal(rollback(None)), Refused::NothingToUndo);
}

#[test]
fn a_run_that_runs_is_not_rolled_back() {
    let mut stage = Stage::start(draft([undoable("a", &[])]));
    assert_eq!(stage.refusal(rollback(None)), Refused::Unfit { state: State::Running, what: "rolled back" });
}

#[test]
fn the_visits_of_a_machine_are_undone_each_by_itself() {
    let a = Phase { next: vec![way(true, 1)], ..undoable("a", &[]) };
    let b = Phase { next: vec![way(false, 0), end(true, true, "")], ..undoable("b", &[]) };
    let mut stage = Stage::start(machine(100, [a, b]));
    stage
        .succeed("a1", json!("a-1"))
        .fail("b1", Failed)
        .succeed("a1", json!("a-2"))
        .succeed("b1", json!("b-2"));
    assert_eq!(stage.state(), "completed");
    stage.on(rollback(None));
    // What the failed visit of `b` would have returned never came to be, so its first entry has nothing to undo.
    let order = ["undo:b:1", "undo:b:2", "undo:a:1", "undo:a:2", "undo:b:2", "undo:a:1", "undo:a:2"];
    assert_eq!(undo_all(&mut stage), order);
    assert_eq!((stage.phase("a"), stage.phase("b"), stage.state()), ("undone", "undone", "rolled_back"));
}

fn stuck() -> Stage {
    let plan = draft([undoable("a", &[]), undoable("b", &[0])]);
    let mut stage = Stage::start(Draft { rollback: Rollback::Run, ..plan });
    stage.succeed("a1", json!(1)).fail("b1", Failed);
    stage.fail("undo:b:2", Failed);
    assert_eq!((stage.state(), stage.phase("b")), ("stuck", "undo_failed"));
    stage
}

#[test]
fn a_stuck_run_can_try_its_undo_again() {
    let mut stage = stuck();
    stage.restart().on(resolve(false));
    assert_eq!((stage.state(), stage.phase("b")), ("rolling_back", "undoing"));
    assert_eq!(stage.call("undo:b:2").key.to_string(), "run/undo:b:2/1/2");
    assert_eq!(undo_all(&mut stage), ["undo:b:2", "undo:a:1", "undo:a:2"]);
    assert_eq!((stage.phase("b"), stage.state()), ("undone", "rolled_back"));
}

#[test]
fn a_stuck_run_can_go_on_without_what_could_not_be_undone() {
    let mut stage = stuck();
    stage.on(resolve(true)).restart();
    assert_eq!(undo_all(&mut stage), ["undo:a:1", "undo:a:2"]);
    assert_eq!((stage.phase("b"), stage.phase("a"), stage.state()), ("undo_failed", "undone", "rolled_back"));
}

#[test]
fn only_a_stuck_run_is_resolved() {
    assert_eq!(done().refusal(resolve(true)), Refused::Unfit { state: State::Completed, what: "resolved" });
    assert_eq!(stuck().refusal(rollback(None)), Refused::Unfit { state: State::Stuck, what: "rolled back" });
}
