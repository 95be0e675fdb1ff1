//! What people read of every kind of event.

use std::collections::BTreeSet;

use op_plan::plan::FailureKind;
use op_run::{Evidence, Failure};
use serde_json::{Value, json};

use super::*;

/// A fact of a kind, with what goes with it.
fn fact(kind: &str, mut of: Value) -> Fact {
    of["kind"] = json!(kind);
    serde_json::from_value(of).unwrap_or_else(|error| panic!("{kind}: {error}"))
}

/// Every kind that there is, as reading one that does not exist tells.
fn kinds() -> BTreeSet<String> {
    let error = serde_json::from_value::<Fact>(json!({ "kind": "" })).expect_err("there is no such kind");
    let text = error.to_string();
    let kinds = text.split('`').skip(3).step_by(2);
    kinds.map(str::to_owned).collect()
}

fn facts() -> Vec<Fact> {
    let failure = json!(Failure::new(FailureKind::Failed, "exit", "exit code 1"));
    let evidence = json!(Evidence::default());
    let at = json!(op_run::Timestamp::from_millis(1_500));
    [runs(), steered(), phases(), steps(&failure, &evidence, &at), undos(&failure, &evidence, &at)].concat()
}

fn runs() -> Vec<Fact> {
    let started = |queued| json!({ "plan": "p", "digest": "d", "cast": [], "inputs": {}, "user": "ada", "labels": {}, "queued": queued });
    vec![
        fact("run_started", started(false)),
        fact("run_started", started(true)),
        fact(
            "skill_activated",
            json!({ "step": "a", "item": 1, "skill": "rust-care", "digest": "d", "because": { "performer": "rust_pro.*" }, "given": 9 }),
        ),
        fact(
            "skill_activated",
            json!({ "step": "a", "skill": "rust-care", "digest": "d", "because": "named", "given": 0 }),
        ),
        fact("cast_fell_back", json!({ "step": "a", "message": "step `a` is played by w.step" })),
        fact("run_admitted", json!({})),
        fact("run_timed_out", json!({})),
        fact("run_exhausted", json!({ "reason": "it went round 100 times" })),
        fact("run_completed", json!({ "output": null })),
        fact("run_failed", json!({ "reason": "why" })),
        fact("run_cancelled", json!({ "reason": "why" })),
        fact("run_rolled_back", json!({ "reason": "why" })),
        fact("run_stuck", json!({ "reason": "why" })),
    ]
}

fn steered() -> Vec<Fact> {
    let player = json!([{ "agent": "w", "operation": "step" }]);
    vec![
        fact("run_paused", json!({ "reason": "", "user": "ada" })),
        fact("run_paused", json!({ "reason": "lunch", "user": "ada" })),
        fact("run_resumed", json!({ "user": "ada" })),
        fact("cast_changed", json!({ "cast": { "a": player, "b": player }, "user": "ada" })),
        fact("signal_received", json!({ "signal": "go", "data": null, "user": "ada" })),
        fact("cancel_requested", json!({ "rollback": false, "reason": "why", "user": "ada" })),
        fact("cancel_requested", json!({ "rollback": true, "reason": "why", "user": "ada" })),
        fact("rollback_requested", json!({ "to": null, "user": "ada" })),
        fact("rollback_requested", json!({ "to": "a", "user": "ada" })),
        fact("run_retried", json!({ "phases": ["a", "b"], "steps": [], "deadline": null, "user": "ada" })),
        fact("run_retried", json!({ "phases": [], "steps": [], "deadline": null, "user": "ada" })),
        fact("stuck_resolved", json!({ "accepted": true, "user": "ada" })),
        fact("stuck_resolved", json!({ "accepted": false, "user": "ada" })),
    ]
}

fn phases() -> Vec<Fact> {
    let moved = |to: Value| fact("moved", json!({ "from": "a", "to": to }));
    vec![
        fact("phase_started", json!({ "phase": "a", "deadline": null })),
        fact("phase_timed_out", json!({ "phase": "a" })),
        fact("phase_repeated", json!({ "phase": "a", "visit": 2 })),
        fact("phase_succeeded", json!({ "phase": "a" })),
        fact("phase_failed", json!({ "phase": "a", "reason": "why" })),
        fact("phase_tolerated", json!({ "phase": "a", "reason": "why" })),
        fact("phase_skipped", json!({ "phase": "a", "cause": "condition" })),
        fact("phase_skipped", json!({ "phase": "a", "cause": { "dependency": "b" } })),
        moved(json!({ "phase": { "phase": "b", "visit": 1 } })),
        moved(json!({ "phase": { "phase": "b", "visit": 2 } })),
        moved(json!({ "end": { "name": "done", "is_success": true, "message": "" } })),
    ]
}

fn steps(failure: &Value, evidence: &Value, at: &Value) -> Vec<Fact> {
    let waiting = |of: Value| fact("step_waiting", json!({ "step": "a", "waits_for": of }));
    let started = |attempt: u32, item: Option<usize>| {
        let of = json!({ "step": "a", "item": item, "attempt": attempt, "arguments": {}, "deadline": null });
        fact("step_started", of)
    };
    let ended = |item: Option<usize>| json!({ "step": "a", "item": item, "output": null, "failure": failure, "evidence": evidence, "due": at });
    let mut taken = ended(None);
    taken["evidence"]["kept"] = json!({ "run": "k3x9", "at": 7 });
    let stopping = |cause: &str| fact("step_stopping", json!({ "step": "a", "cause": cause }));
    let skipped = |cause: Value| fact("step_skipped", json!({ "step": "a", "cause": cause }));
    let performer = json!({ "agent": "w", "operation": "step" });
    let fell = json!({ "step": "a", "failure": failure, "evidence": evidence, "performer": performer });
    let asked = json!({
        "step": "a", "number": 2, "performer": performer, "arguments": "d", "failure": failure, "evidence": evidence,
    });
    let has = json!({ "step": "a", "number": 2, "evidence": evidence });
    vec![
        waiting(json!("delay")),
        waiting(json!({ "signal": "go" })),
        waiting(json!({ "approval": { "message": "Sure?", "call": null, "digest": "" } })),
        fact("step_passed", json!({ "step": "a", "answer": null })),
        fact("step_passed", json!({ "step": "a", "answer": null, "user": "ada" })),
        fact("approval_overdue", json!({ "step": "a" })),
        fact("step_fanned", json!({ "step": "a", "items": [1, 2] })),
        started(1, None),
        started(2, None),
        started(1, Some(3)),
        stopping("timed_out"),
        stopping("cancelled"),
        fact("item_succeeded", ended(Some(3))),
        fact("item_failed", ended(Some(3))),
        fact("step_succeeded", ended(None)),
        fact("step_succeeded", taken),
        fact("step_failed", ended(None)),
        fact("retry_scheduled", ended(None)),
        fact("retry_scheduled", ended(Some(3))),
        fact("step_fell_back", fell),
        fact("host_call_started", asked.clone()),
        fact("host_call_ended", has),
        fact("host_call_ended", asked),
        skipped(json!({ "sibling": "b" })),
        skipped(json!("halted")),
        skipped(json!("vacant")),
    ]
}

fn undos(failure: &Value, evidence: &Value, at: &Value) -> Vec<Fact> {
    let of = json!({
        "phase": "a", "place": 0, "attempt": 1, "arguments": {}, "deadline": null, "reason": "why",
        "failure": failure, "evidence": evidence, "due": at,
    });
    vec![
        fact("rollback_started", json!({ "phases": ["b", "a"] })),
        fact("undo_started", of.clone()),
        fact("undo_stopping", of.clone()),
        fact("undo_succeeded", of.clone()),
        fact("undo_skipped", of.clone()),
        fact("undo_retry_scheduled", of.clone()),
        fact("undo_failed", of.clone()),
        fact("phase_undone", of),
    ]
}

#[test]
fn every_kind_of_event_is_one_sentence() {
    let facts = facts();
    let seen: BTreeSet<_> = facts.iter().map(|fact| fact.kind().to_owned()).collect();
    assert_eq!(seen, kinds());
    let told: Vec<_> = facts.iter().map(|fact| format!("{}: {}", fact.kind(), message(fact))).collect();
    insta::assert_snapshot!(told.join("\n"));
}
