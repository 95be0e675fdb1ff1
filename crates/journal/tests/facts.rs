//! Facts of every kind, as runs make them.

use std::collections::BTreeMap;

use op_plan::Performer;
use op_plan::cast::Fallback;
use op_plan::plan::{FailureKind, Terminal};
use op_run::event::{
    Activation, Destination, HostCallEnd, HostCallStart, Retried, SkipCause, StopCause, Waiting,
};
use op_run::{Evidence, Fact, Failure, Kept, RunId, Timestamp};
use serde_json::json;

use crate::samples::{output, phase, players, started};

fn step() -> String {
    "compile".to_owned()
}

fn build() -> String {
    "build".to_owned()
}

fn user() -> String {
    "ada".to_owned()
}

fn reason() -> String {
    "because \u{201c}so\u{201d}".to_owned()
}

fn later() -> Timestamp {
    Timestamp::from_millis(1 << 60)
}

fn evidence() -> Evidence {
    let duration = std::time::Duration::new(3, 999_999_999);
    let kept = Some(Box::new(Kept { run: RunId::new("other"), at: Timestamp::from_millis(7) }));
    Evidence { peer: "unix:7".to_owned(), duration, exit_code: Some(-1), bytes: u64::MAX, kept }
}

fn failure() -> Failure {
    let failure = Failure::new(FailureKind::Rejected, "no", "it said no").hint("ask again");
    failure.detail(json!({"score": 0.1, "why": [null, "\u{0}"]}))
}

/// At least one of every kind.
pub(crate) fn facts() -> Vec<Fact> {
    [run(), gates(), steps(), phases(), undo(), ends()].concat()
}

fn run() -> Vec<Fact> {
    let cast = BTreeMap::from([(step(), players()), ("idle".to_owned(), Vec::new())]);
    vec![
        started().fact,
        Fact::CastFellBack(Fallback { step: step(), message: reason() }),
        Fact::SkillActivated(Activation {
            step: step(),
            item: Some(1),
            skill: "rust-care".to_owned(),
            digest: "d".to_owned(),
            because: op_plan::skill::Because::Named,
            given: 7,
        }),
        Fact::HostCallStarted(HostCallStart {
            step: step(),
            item: Some(1),
            number: 2,
            performer: op_plan::Performer::new("memory", "recall"),
            arguments: "d".to_owned(),
        }),
        Fact::HostCallEnded(HostCallEnd {
            step: step(),
            item: None,
            number: 2,
            failure: Some(failure()),
            evidence: evidence(),
        }),
        Fact::RunAdmitted,
        Fact::RunPaused { reason: reason(), user: user() },
        Fact::RunResumed { user: user() },
        Fact::CastChanged { cast, user: user() },
        Fact::SignalReceived { signal: "go".to_owned(), data: json!({"n": 1.5}), user: user() },
        Fact::CancelRequested { rollback: true, reason: reason(), user: user() },
        Fact::RunTimedOut,
        Fact::RunExhausted { reason: reason() },
        Fact::RollbackRequested { to: Some(build()), user: user() },
        Fact::RunRetried(Retried {
            phases: vec![build()],
            steps: vec![step()],
            lists: vec![step()],
            deadline: Some(later()),
            queued: true,
            user: user(),
        }),
        Fact::StuckResolved { accepted: true, user: user() },
    ]
}

fn gates() -> Vec<Fact> {
    let call = json!({"performer": "rust_pro.build", "arguments": {}});
    let approval = Waiting::Approval { message: "go?".to_owned(), call, digest: "d".to_owned() };
    let waiting = [Waiting::Delay, Waiting::Signal("go".to_owned()), approval];
    let mut facts: Vec<_> = waiting
        .into_iter()
        .map(|waits_for| Fact::StepWaiting { step: step(), waits_for, deadline: Some(later()) })
        .collect();
    facts.extend([
        Fact::StepPassed { step: step(), answer: json!({"approved": true}), user: user() },
        Fact::StepPassed { step: step(), answer: json!(null), user: String::new() },
        Fact::ApprovalOverdue { step: step() },
    ]);
    facts
}

fn steps() -> Vec<Fact> {
    let performer = Performer::new("tools", "sh");
    let (failure, evidence) = (failure(), evidence());
    let mut facts = vec![
        Fact::StepFanned { step: step(), items: vec![json!(1), json!({"a": []})], done: 1 },
        Fact::ItemSucceeded { step: step(), item: 0, output: json!("x"), evidence: evidence.clone() },
        Fact::ItemFailed { step: step(), item: 1, failure: failure.clone(), evidence: None },
        Fact::StepFellBack {
            step: step(),
            item: None,
            failure: failure.clone(),
            evidence: evidence.clone(),
            performer,
        },
        Fact::StepFailed { step: step(), failure: failure.clone(), evidence: Some(evidence.clone()) },
        output(1, json!({"deep": [[[]]]})).fact,
    ];
    for item in [None, Some(7)] {
        let (failure, evidence, due) = (failure.clone(), evidence.clone(), Timestamp::from_millis(9));
        facts.extend([
            Fact::StepStarted {
                step: step(),
                item,
                attempt: 2,
                arguments: json!({"a": 1}),
                deadline: Some(later()),
            },
            Fact::StepStopping { step: step(), item, cause: StopCause::TimedOut },
            Fact::RetryScheduled { step: step(), item, failure, evidence, due },
        ]);
    }
    let causes = [
        SkipCause::Condition,
        SkipCause::Dependency(build()),
        SkipCause::Sibling(step()),
        SkipCause::Halted,
        SkipCause::Vacant,
    ];
    facts.extend(causes.into_iter().map(|cause| Fact::StepSkipped { step: step(), cause }));
    facts
}

fn phases() -> Vec<Fact> {
    let end = Terminal { name: "rejected".to_owned(), is_success: false, message: reason() };
    let there = Destination::Phase { phase: "test".to_owned(), visit: 3 };
    vec![
        phase(1).fact,
        Fact::PhaseTimedOut { phase: build() },
        Fact::PhaseRepeated { phase: build(), visit: 2 },
        Fact::PhaseSucceeded { phase: build() },
        Fact::PhaseFailed { phase: build(), reason: reason() },
        Fact::PhaseTolerated { phase: build(), reason: reason() },
        Fact::PhaseSkipped { phase: build(), cause: SkipCause::Vacant },
        Fact::Moved { from: build(), to: there },
        Fact::Moved { from: build(), to: Destination::End(end) },
    ]
}

fn undo() -> Vec<Fact> {
    let (phase, place, failure, evidence) = (build(), 1, failure(), evidence());
    let due = Timestamp::from_millis(9);
    vec![
        Fact::RollbackStarted { phases: vec![build()], visits: vec![2] },
        Fact::RollbackStarted { phases: vec![build()], visits: Vec::new() },
        Fact::UndoStarted {
            phase: build(),
            place,
            attempt: 1,
            arguments: json!({}),
            deadline: Some(later()),
        },
        Fact::UndoStopping { phase: build(), place },
        Fact::UndoSucceeded { phase: build(), place, evidence: evidence.clone() },
        Fact::UndoSkipped { phase: build(), place, reason: reason() },
        Fact::UndoRetryScheduled {
            phase: build(),
            place,
            failure: failure.clone(),
            evidence: evidence.clone(),
            due,
        },
        Fact::UndoFailed { phase: build(), place, failure, evidence },
        Fact::PhaseUndone { phase },
    ]
}

fn ends() -> Vec<Fact> {
    vec![
        Fact::RunCompleted { output: json!([1e-7]) },
        Fact::RunFailed { reason: reason() },
        Fact::RunCancelled { reason: reason() },
        Fact::RunRolledBack { reason: reason() },
        Fact::RunStuck { reason: reason() },
    ]
}

#[test]
fn no_kind_of_fact_is_left_out() {
    let error = serde_json::from_value::<Fact>(json!({"kind": "?"})).unwrap_err().to_string();
    let (_, known) = error.split_once("expected one of ").expect("serde names every kind");
    let missing = known.split('`').filter(|word| word.contains(char::is_alphabetic));
    let missing: Vec<_> = missing.filter(|kind| facts().iter().all(|fact| fact.kind() != *kind)).collect();
    assert_eq!(missing, [""; 0]);
}
