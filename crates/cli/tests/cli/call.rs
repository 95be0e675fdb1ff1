//! `op-dbus call`.

use insta::assert_snapshot;
use op_proto::v1::call_outcome::Kind;
use op_proto::v1::call_stream_response::Seen;
use op_proto::v1::*;
use serde_json::{Value, json};

use crate::fake::{Asked, Fake, Script};
use crate::program::ask;
use crate::scene::{failure, json_payload, review, stdout};

fn script(kind: Kind) -> Script {
    let progress = Progress { output: vec![stdout("compiling\n")], fraction: -1.0, ..Progress::default() };
    let seen = [Seen::Progress(progress), Seen::Outcome(CallOutcome { kind: Some(kind), evidence: None })];
    let operation = OperationStatus {
        name: "test".to_owned(),
        input_schema: json!({ "properties": { "name": { "type": "string" } } }).to_string(),
        ..OperationStatus::default()
    };
    let agent =
        AgentStatus { name: "rust_pro".to_owned(), operations: vec![operation], ..AgentStatus::default() };
    Script {
        call: seen.map(|seen| CallStreamResponse { seen: Some(seen) }).into(),
        agents: vec![agent],
        ..review()
    }
}

#[test]
fn output_goes_aside_and_the_value_to_standard_output() {
    let fake = Fake::play(script(Kind::Value(json_payload(&json!({ "passed": 3 })).expect("a payload"))));
    let ran = ask(
        &fake,
        &["call", "rust_pro.test", "name=7", "limit=7", "--timeout", "5s", "--session", "s1", "--approved"],
    );
    assert_eq!(
        (ran.out.as_str(), ran.err.as_str(), ran.code),
        ("{\n  \"passed\": 3\n}\n", "compiling\n", Some(0))
    );
    let call = fake.wait(|asked| if let Asked::Call(call) = asked { Some(call) } else { None });
    let arguments: Value = serde_json::from_str(&call.arguments).expect("JSON");
    assert_eq!(arguments, json!({ "name": "7", "limit": 7 }), "text stays text where the schema wants text");
    assert_eq!((call.session.as_str(), call.approved), ("s1", true));
    assert_eq!(
        (call.target.as_str(), call.timeout.map(|timeout| timeout.seconds)),
        ("rust_pro.test", Some(5))
    );
}

#[test]
fn a_failure_tells_its_kind_and_hint_and_what_was_found_out_all_the_same() {
    let ran = ask(&Fake::play(script(Kind::Failure(failure()))), &["call", "rust_pro.test"]);
    assert_eq!((ran.out.as_str(), ran.code), ("{\n  \"line\": 7\n}\n", Some(3)), "{}", ran.page());
    assert!(
        ran.err.contains("failed: Cargo.toml") && ran.err.contains("hint: mend the manifest"),
        "{}",
        ran.err
    );
}

#[test]
fn json_carries_the_outcome_whole() {
    let ran = ask(&Fake::play(script(Kind::Failure(failure()))), &["call", "rust_pro.test", "--json"]);
    let told = ran.json();
    assert_eq!(
        (&told["failure"]["kind"], &told["value"], ran.code),
        (&json!("failed"), &Value::Null, Some(3))
    );
}

#[test]
fn a_call_without_an_outcome_is_no_success() {
    let script = Script { call: Vec::new(), ..script(Kind::Failure(failure())) };
    let ran = ask(&Fake::play(script), &["call", "rust_pro.test"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{}", ran.page());
}

#[test]
fn an_agent_in_the_place_of_an_operation_is_told_its_operations() {
    let fake = Fake::play(script(Kind::Failure(failure())));
    assert_snapshot!(ask(&fake, &["call", "rust_pro"]).page());
    assert_eq!(ask(&fake, &["call", "agent_rust_pro"]).code, Some(2));
    assert_eq!(
        ask(&fake, &["call", "file_read"]).code,
        Some(3),
        "whether it is a tool is the daemon's to say"
    );
}

/// A batch of so many successes and a failure.
fn ended_well(successes: u32) -> Script {
    let value = |n: u32| json_payload(&json!({ "call": n, "text": "long ".repeat(40) })).expect("a payload");
    let ended = |place, kind| {
        let outcome = Some(CallOutcome { kind: Some(kind), evidence: None });
        call_batch_response::Seen::Ended(BatchOutcome { place, outcome })
    };
    let mut seen: Vec<_> = (0..successes).map(|n| ended(n, Kind::Value(value(n)))).collect();
    seen.push(ended(successes, Kind::Failure(failure())));
    let first = (successes > 0).then(|| value(0));
    let summary = BatchSummary { successes, failures: 1, value: first, ..BatchSummary::default() };
    seen.push(call_batch_response::Seen::Summary(summary));
    let batch = seen.into_iter().map(|seen| CallBatchResponse { seen: Some(seen) }).collect();
    Script { batch, ..review() }
}

#[test]
fn the_values_of_a_batch_go_to_standard_output_and_lines_aside_are_cut() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("calls.json");
    std::fs::write(&file, json!([{ "target": "a.b" }, { "target": "c" }, { "target": "d" }]).to_string())
        .expect("written");
    let path = file.to_str().expect("text");
    for successes in [0, 1, 2] {
        // The fake answers whatever the strategy is; of all together there is a value only where one is asked for.
        let mut script = ended_well(successes);
        if let Some(call_batch_response::Seen::Summary(summary)) =
            &mut script.batch.last_mut().expect("a summary").seen
        {
            summary.value = None;
        }
        assert_snapshot!(ask(&Fake::play(script), &["call", "--batch", path]).page());
    }
    let ran = ask(&Fake::play(ended_well(2)), &["call", "--batch", path, "--strategy", "voting"]);
    assert_eq!(ran.json()["call"], 0, "{}", ran.page());
    assert!(ran.err.lines().all(|line| line.chars().count() <= 100), "{}", ran.page());
}

fn batch() -> Script {
    let value = json_payload(&json!(1)).expect("a payload");
    let ended = |place, kind: Option<Kind>| {
        let outcome = kind.map(|kind| CallOutcome { kind: Some(kind), evidence: None });
        call_batch_response::Seen::Ended(BatchOutcome { place, outcome })
    };
    let summary = BatchSummary {
        succeeded: false,
        successes: 1,
        failures: 1,
        skipped: 1,
        value: None,
        remark: String::new(),
    };
    let seen = [
        ended(1, Some(Kind::Value(value))),
        ended(0, Some(Kind::Failure(failure()))),
        ended(2, None),
        call_batch_response::Seen::Summary(summary),
    ];
    Script { batch: seen.map(|seen| CallBatchResponse { seen: Some(seen) }).into(), ..review() }
}

#[test]
fn a_batch_is_read_from_a_file_and_each_call_told_as_it_ends() {
    let fake = Fake::play(batch());
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("calls.jsonl");
    let line = |n: u32| format!("{{\"target\": \"rust_pro.test\", \"arguments\": {{\"n\": {n}}}}}\n");
    std::fs::write(&file, (1..=3).map(line).collect::<String>()).expect("written");
    let path = file.to_str().expect("text");
    let asked = ["call", "--batch", path, "--strategy", "sequential", "--stop-on-error", "--timeout", "5s"];
    let ran = ask(&fake, &asked);
    assert_eq!((ran.out.as_str(), ran.code), ("1\n", Some(3)), "{}", ran.page());
    for part in ["2 rust_pro.test succeeded\n", "1 rust_pro.test failed\n", "3 rust_pro.test was not begun\n"]
    {
        assert!(ran.err.contains(part), "{part}: {}", ran.page());
    }
    assert!(ran.err.ends_with("the batch failed: 1 success, 1 failure, 1 not begun\n"), "{}", ran.page());
    let request = fake.wait(|asked| if let Asked::Batch(request) = asked { Some(request) } else { None });
    let strategy = call_batch_request::Strategy::Sequential(Sequential { stop_on_error: true });
    assert_eq!(request.strategy, Some(strategy));
    assert_eq!((request.calls.len(), request.calls[2].arguments.as_str()), (3, "{\"n\":3}"));
    assert!(request.calls.iter().all(|call| call.timeout.is_some_and(|timeout| timeout.seconds == 5)));
    let lines = ask(&fake, &["call", "--batch", path, "--json"]).out;
    assert_eq!(lines.lines().count(), 4, "{lines}");
}

#[test]
fn a_batch_that_cannot_be_read_is_refused_before_anything_is_asked() {
    let fake = Fake::play(batch());
    assert_eq!(ask(&fake, &["call", "--batch", "/nonexistent"]).code, Some(2));
    assert_eq!(ask(&fake, &["call", "file_read", "--strategy", "voting"]).code, Some(2));
    assert_eq!(ask(&fake, &["call"]).code, Some(2));
}
