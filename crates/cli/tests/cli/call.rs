//! `op-dbus call`.

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
