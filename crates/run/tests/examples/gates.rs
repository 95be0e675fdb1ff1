//! What a step waits for before it acts.

use op_plan::input::Inputs;
use op_plan::plan::FailureKind::Failed;
use op_plan::plan::{Action, Approval, Gate, OnTimeout};
use op_plan::{Draft, Step};
use op_run::Refused;
use op_run::event::Waiting;
use serde_json::{Value, json};

use crate::stage::{Stage, draft, mapping, millis, phase, retries, signal, step, step_with, verdict};

fn gated(gate: Gate) -> Step {
    Step { gate: Some(gate), ..step("s") }
}

fn one(step: Step) -> Draft {
    draft([phase("p", &[], [step])])
}

fn approval(timeout: Option<u64>, on_timeout: OnTimeout) -> Gate {
    let timeout = timeout.map(millis);
    Gate::Approval(Approval { message: mapping(json!("deploy ${run.id}?")), timeout, on_timeout })
}

fn digest(stage: &Stage) -> String {
    match stage.run.step(0).gate.as_ref().map(|gate| gate.waits_for.clone()) {
        Some(Waiting::Approval { digest, .. }) => digest,
        other => panic!("nothing is asked: {other:?}"),
    }
}

#[test]
fn a_delay_wakes_the_run_and_its_step_acts_then() {
    let mut stage = Stage::start(one(gated(Gate::Delay(millis(50)))));
    assert_eq!((stage.state(), stage.wake(), stage.calls()), ("waiting", Some(50), Vec::new()));
    assert!(stage.tick(49).calls().is_empty());
    assert_eq!(stage.tick(50).calls(), ["s"]);
    assert_eq!(stage.succeed("s", json!(1)).state(), "completed");
}

#[test]
fn a_signal_opens_the_gate_of_the_step_that_waits_for_it() {
    let mut stage = Stage::start(one(Step { action: Action::Pass, ..gated(Gate::Signal("go".to_owned())) }));
    assert_eq!((stage.gates(), stage.wake()), (vec!["s".to_owned()], None));
    stage.on(signal("go", json!({ "n": 1 })));
    assert_eq!((stage.output("s"), stage.state()), (Some(json!({ "n": 1 })), "completed"));
}

#[test]
fn a_signal_that_came_before_is_kept_and_taken_once() {
    let wait = |id: &str| Step { id: id.to_owned(), ..gated(Gate::Signal("go".to_owned())) };
    let phases = [
        phase("first", &[], [step("before")]),
        phase("second", &[0], [wait("one")]),
        phase("third", &[1], [wait("other")]),
    ];
    let mut stage = Stage::start(draft(phases));
    stage.on(signal("go", json!(1))).restart();
    assert_eq!(stage.succeed("before", json!(1)).calls(), ["one"]);
    stage.succeed("one", json!(1));
    assert_eq!((stage.calls(), stage.gates()), (Vec::new(), vec!["other".to_owned()]));
    assert_eq!(stage.on(signal("go", json!(2))).calls(), ["other"]);
}

#[test]
fn a_signal_that_does_not_come_in_time_fails_its_step() {
    let limited = Step { timeout: Some(millis(50)), ..gated(Gate::Signal("go".to_owned())) };
    let mut stage = Stage::start(one(limited));
    assert_eq!((stage.wake(), stage.tick(50).state()), (Some(50), "failed"));
    assert_eq!(stage.run.reason(), "`p` failed: the signal `go` did not come in time");
}

#[test]
fn a_signal_nobody_waits_for_is_refused_and_no_more_are_kept_than_allowed() {
    let mut stage = Stage::start(one(Step { after: Vec::new(), ..gated(Gate::Signal("go".to_owned())) }));
    let known = vec!["go".to_owned()];
    let unknown = Refused::NoSignal { signal: "gone".to_owned(), known };
    assert_eq!(stage.refusal(signal("gone", Value::Null)), unknown);
    (0..=100).for_each(|at| drop(stage.on(signal("go", json!(at))).calls()));
    assert_eq!(stage.refusal(signal("go", Value::Null)), Refused::TooManySignals(100));
}

#[test]
fn a_person_who_approves_lets_the_call_through_that_was_shown() {
    let asked = Step {
        gate: Some(approval(None, OnTimeout::Reject)),
        ..step_with("s", json!({ "to": "${run.id}" }))
    };
    let mut stage = Stage::start(one(asked));
    let Some(Waiting::Approval { message, call, .. }) =
        stage.run.step(0).gate.as_ref().map(|gate| gate.waits_for.clone())
    else {
        panic!("nothing is asked")
    };
    assert_eq!(message, "deploy run?");
    assert_eq!(call, json!({ "performer": "cast.operation", "arguments": { "to": "run" } }));
    let shown = digest(&stage)[..8].to_owned();
    assert_eq!(stage.on(verdict("s", true, &shown)).calls(), ["s"]);
    assert_eq!(*stage.call("s").arguments, json!({ "to": "run" }));
}

#[test]
fn what_was_approved_is_called_even_when_something_changed_meanwhile_and_at_every_attempt() {
    let asked = Step {
        gate: Some(approval(None, OnTimeout::Reject)),
        retry: retries(1),
        ..step_with("s", json!({ "seen": "${steps.other.output}" }))
    };
    let mut stage = Stage::start(draft([phase("p", &[], [asked]), phase("q", &[], [step("other")])]));
    stage.succeed("other", json!("new")).on(verdict("s", true, ""));
    assert_eq!(*stage.call("s").arguments, json!({ "seen": null }));
    stage.fail("s", Failed).tick(100);
    assert_eq!(*stage.call("s").arguments, json!({ "seen": null }));
}

#[test]
fn a_person_who_rejects_fails_the_step_and_what_was_said_can_be_read() {
    let mut stage = Stage::start(one(gated(approval(None, OnTimeout::Reject))));
    stage.on(verdict("", false, ""));
    assert_eq!((stage.state(), stage.run.reason()), ("failed", "`p` failed: someone did not approve it"));
    assert_eq!(stage.output("s").map(|said| said["approved"].clone()), Some(json!(false)));
}

#[test]
fn a_question_nobody_answers_in_time_is_rejected_approved_or_overdue_as_the_plan_says() {
    let ask = |on_timeout| {
        let mut stage = Stage::start(one(gated(approval(Some(50), on_timeout))));
        stage.tick(50);
        stage
    };
    let rejected = ask(OnTimeout::Reject);
    assert_eq!(
        (rejected.state(), rejected.run.reason()),
        ("failed", "`p` failed: nobody approved it in time")
    );
    assert_eq!(ask(OnTimeout::Approve).calls(), ["s"]);
    let mut parked = ask(OnTimeout::Park);
    assert_eq!((parked.kinds(), parked.gates()), (vec!["approval_overdue"], vec!["s".to_owned()]));
    assert_eq!(parked.wake(), None);
    assert_eq!(parked.on(verdict("s", true, "")).calls(), ["s"]);
}

#[test]
fn an_answer_to_another_question_than_was_shown_is_refused() {
    let mut stage = Stage::start(one(gated(approval(None, OnTimeout::Reject))));
    assert_eq!(stage.refusal(verdict("s", true, "0000")), Refused::OtherQuestion("s".to_owned()));
    let nobody = Refused::NotAsked { step: "other".to_owned(), waiting_now: vec!["s".to_owned()] };
    assert_eq!(stage.refusal(verdict("other", true, "")), nobody);
    stage.on(verdict("s", true, ""));
    assert!(matches!(stage.refusal(verdict("s", true, "")), Refused::NotAsked { .. }));
}

#[test]
fn nothing_else_of_the_run_waits_with_a_step_at_its_gate() {
    let plan = draft([
        phase("p", &[], [gated(approval(None, OnTimeout::Reject))]),
        phase("q", &[], [step("other")]),
    ]);
    let mut stage = Stage::start(Draft { max_parallel: 1, ..plan });
    assert_eq!((stage.calls(), stage.state()), (vec!["other".to_owned()], "running"));
    assert_eq!(stage.succeed("other", json!(1)).phase("q"), "succeeded");
    assert_eq!(stage.state(), "waiting");
}

#[test]
fn a_cancelled_run_does_not_wait_at_its_gates_and_the_phase_did_not_succeed() {
    let mut stage = Stage::start(one(gated(approval(None, OnTimeout::Reject))));
    stage.cancel(false).expect("a waiting run can be cancelled");
    assert_eq!((stage.step("s"), stage.phase("p"), stage.state()), ("skipped", "failed", "cancelled"));
}

#[test]
fn the_message_of_a_question_must_resolve() {
    let gate = Gate::Approval(Approval {
        message: mapping(json!("${missing}")),
        timeout: None,
        on_timeout: OnTimeout::Park,
    });
    assert_eq!(Stage::start_with(one(gated(gate)), Inputs::new(), None).state(), "failed");
}
