//! A code review that was played before: its plan, its run, and what a watcher sees of it.

use op_proto::v1::payload::Kind;
use op_proto::v1::watch_response::Seen;
use op_proto::v1::*;
use serde_json::{Value, json};
use tonic::Status;

use crate::fake::Script;

/// The run's id.
pub(crate) const RUN: &str = "k3x9m2pq7abc";

/// 2026-01-31 12:00:00 UTC.
const START: i64 = 1_769_860_800;

/// So many milliseconds into the run.
#[expect(clippy::unnecessary_wraps, reason = "fields of messages are optional")]
pub(crate) fn at(millis: i64) -> Option<prost_types::Timestamp> {
    let nanos = i32::try_from(millis % 1000).expect("it fits") * 1_000_000;
    Some(prost_types::Timestamp { seconds: START + millis / 1000, nanos })
}

#[expect(clippy::unnecessary_wraps, reason = "fields of messages are optional")]
pub(crate) fn json_payload(value: &Value) -> Option<Payload> {
    Some(Payload { kind: Some(Kind::Json(value.to_string())) })
}

pub(crate) fn stdout(text: &str) -> OutputChunk {
    OutputChunk { channel: OutputChannel::Stdout.into(), data: text.to_owned().into() }
}

/// A plan with an input of each kind that words are read for.
pub(crate) fn plan() -> PlanSummary {
    let input = |name: &str, kind: &str, required: bool, default: &str, description: &str| Input {
        name: name.to_owned(),
        r#type: kind.to_owned(),
        required,
        default: default.to_owned(),
        description: description.to_owned(),
    };
    PlanSummary {
        id: "code_review".to_owned(),
        shape: "workstack".to_owned(),
        description: "Reviews a Rust repository.".to_owned(),
        inputs: vec![
            input("path", "path", false, "\".\"", "The repository."),
            input("depth", "integer", false, "3", "How deep to look."),
            input("title", "string", true, "", ""),
        ],
        agents: vec!["security_auditor".to_owned(), "tools".to_owned()],
        phases: 3,
        steps: 3,
        digest: "abc".to_owned(),
        ..PlanSummary::default()
    }
}

fn step(id: &str, performer: &str, state: StepState, span: (i64, i64)) -> Step {
    Step {
        id: id.to_owned(),
        performer: performer.to_owned(),
        state: state.into(),
        attempts: 1,
        started_at: at(span.0),
        ended_at: at(span.1),
        failure: None,
        evidence: Some(Evidence {
            peer: "unix:/run/agent.sock".to_owned(),
            duration: Some(prost_types::Duration { seconds: 1, nanos: 500_000_000 }),
            exit_code: Some(0),
            bytes: 12,
            kept: None,
        }),
        ..Step::default()
    }
}

fn phase(id: &str, state: PhaseState, span: (i64, i64), step: Step) -> Phase {
    Phase {
        id: id.to_owned(),
        name: id.to_owned(),
        state: state.into(),
        started_at: at(span.0),
        ended_at: at(span.1),
        steps: vec![step],
        ..Phase::default()
    }
}

pub(crate) fn summary(state: RunState) -> RunSummary {
    RunSummary {
        id: RUN.to_owned(),
        plan: "code_review".to_owned(),
        state: state.into(),
        started_at: at(0),
        ended_at: at(4250),
        user: "alice".to_owned(),
        labels: [("branch".to_owned(), "main".to_owned())].into(),
        settled_phases: 3,
        total_phases: 3,
        reason: String::new(),
    }
}

/// The run, completed.
pub(crate) fn run() -> Run {
    let mut arch = phase(
        "arch_review",
        PhaseState::Tolerated,
        (10, 2100),
        step("arch_review/1", "backend_architect.review", StepState::Tolerated, (10, 2100)),
    );
    arch.reason.push_str("the manifest cannot be read");
    arch.steps[0].attempts = 2;
    arch.steps[0].failure = Some(failure());
    Run {
        summary: Some(summary(RunState::Completed)),
        phases: vec![
            phase(
                "security_review",
                PhaseState::Succeeded,
                (10, 3210),
                step("security_review/1", "security_auditor.audit", StepState::Succeeded, (10, 3210)),
            ),
            arch,
            phase(
                "report",
                PhaseState::Succeeded,
                (3215, 4240),
                step("report/1", "report", StepState::Succeeded, (3215, 4240)),
            ),
        ],
        sequence: 11,
        output: json_payload(&report()),
        inputs: json!({ "path": "/srv/project" }).to_string(),
    }
}

pub(crate) fn failure() -> Failure {
    Failure {
        kind: "failed".to_owned(),
        reason: "MANIFEST".to_owned(),
        message: "Cargo.toml: expected `]`, found newline in line 7".to_owned(),
        hint: "mend the manifest and run it again".to_owned(),
        detail: json_payload(&json!({ "line": 7 })),
    }
}

/// The run, ended in another way: its last phase and the run are in these states.
pub(crate) fn ended(state: RunState, phase: PhaseState, step: StepState, reason: &str) -> Run {
    let mut run = run();
    run.output = None;
    let summary = run.summary.as_mut().expect("it has one");
    summary.state = state.into();
    summary.reason.push_str(reason);
    let last = run.phases.last_mut().expect("it has some");
    last.state = phase.into();
    last.reason.push_str(reason);
    last.steps[0].state = step.into();
    last.steps[0].failure = Some(failure());
    run
}

pub(crate) fn report() -> Value {
    let finding = |severity: &str,
                   rule: &str,
                   message: &str,
                   line: Value,
                   evidence: Value,
                   suggestion: Value| {
        json!({ "review": "security_review", "severity": severity, "rule": rule, "message": message, "file": "src/main.rs",
                "line": line, "column": 9, "evidence": evidence, "suggestion": suggestion })
    };
    json!({
        "kind": "report",
        "title": "Code review of /srv/project",
        "reviews": [
            { "name": "security_review", "status": "completed", "summary": "12 files: 2 findings (1 high, 1 info)", "error": null },
            { "name": "arch_review", "status": "failed", "summary": null, "error": "Cargo.toml cannot be read" },
        ],
        "checked": ["12 Rust files", "Cargo.lock (143 packages)"],
        "findings": [
            finding("high", "secret", "a private key stands in the source, where everybody who can read the repository can take it",
                    json!(42), json!("-----BEGIN PRIVATE KEY-----\n[redacted]"), json!("move it into a credential and revoke it")),
            finding("info", "unsafe_block", "one unsafe block", Value::Null, Value::Null, Value::Null),
        ],
        "passed": ["no command is built from input"],
        "unchecked": [
            { "check": "advisories", "reason": "no advisory database is configured; set agents.security_auditor.advisories" },
            { "check": "arch_review", "reason": "Cargo.toml cannot be read" },
        ],
        "counts": { "critical": 0, "high": 1, "medium": 0, "low": 0, "info": 1 },
    })
}

pub(crate) fn event(
    sequence: u64,
    millis: i64,
    kind: &str,
    (phase, step): (&str, &str),
    fact: &Value,
) -> WatchResponse {
    let event = Event {
        sequence,
        at: at(millis),
        kind: kind.to_owned(),
        phase: phase.to_owned(),
        step: step.to_owned(),
        message: format!("{} {kind}", if step.is_empty() { phase } else { step }).trim().to_owned(),
        json: fact.to_string(),
    };
    WatchResponse { run: RUN.to_owned(), seen: Some(Seen::Event(event)) }
}

pub(crate) fn progress(step: &str, text: &str) -> WatchResponse {
    let progress =
        Progress { step: step.to_owned(), output: vec![stdout(text)], fraction: -1.0, ..Progress::default() };
    WatchResponse { run: RUN.to_owned(), seen: Some(Seen::Progress(progress)) }
}

/// What a watcher sees of the run.
pub(crate) fn story() -> Vec<Result<WatchResponse, Status>> {
    let none = json!({});
    let wrong = json!({ "failure": { "message": "the manifest cannot be read" } });
    let story = vec![
        event(1, 0, "run_started", ("", ""), &none),
        event(2, 10, "phase_started", ("security_review", ""), &none),
        event(3, 10, "phase_started", ("arch_review", ""), &none),
        progress("security_review/1", "looking at src/main.rs\n"),
        event(4, 900, "retry_scheduled", ("", "arch_review/1"), &wrong),
        event(5, 2100, "step_failed", ("", "arch_review/1"), &wrong),
        event(
            6,
            2100,
            "phase_tolerated",
            ("arch_review", ""),
            &json!({ "reason": "the manifest cannot be read" }),
        ),
        event(7, 3210, "step_succeeded", ("", "security_review/1"), &none),
        event(8, 3210, "phase_succeeded", ("security_review", ""), &none),
        event(9, 3215, "phase_started", ("report", ""), &none),
        event(10, 4240, "phase_succeeded", ("report", ""), &none),
        event(11, 4250, "run_completed", ("", ""), &none),
    ];
    story.into_iter().map(Ok).collect()
}

/// The review, played from beginning to end.
pub(crate) fn review() -> Script {
    Script { plan: plan(), run: run(), seen: story(), ..Script::default() }
}

/// The review, waiting for an answer to a question about its report.
pub(crate) fn asking() -> Script {
    let mut script = review();
    let run = &mut script.run;
    let mut summary = summary(RunState::Waiting);
    // What goes on takes longer each time it is looked at, unless nobody knows since when.
    (summary.started_at, summary.ended_at, summary.settled_phases) = (None, None, 2);
    run.summary = Some(summary);
    run.output = None;
    let report = &mut run.phases[2];
    (report.state, report.visit) = (PhaseState::Running.into(), 2);
    (report.started_at, report.ended_at) = (None, None);
    let step = &mut report.steps[0];
    (step.state, step.evidence) = (StepState::Waiting.into(), None);
    (step.started_at, step.ended_at) = (None, None);
    step.attempts = 0;
    step.role.push_str("reporter");
    step.gate = Some(Gate {
        kind: "approval".to_owned(),
        text: "Publish the report?".to_owned(),
        call: json!({ "performer": "tools.report", "arguments": { "title": "x" } }).to_string(),
        digest: "5f3a9c".to_owned(),
        deadline: None,
    });
    script.steered = RunState::Running;
    script
}
