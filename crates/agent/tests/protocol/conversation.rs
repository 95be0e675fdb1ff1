//! Opening, asking, answering.

use std::collections::HashMap;

use op_proto::agent::v1::host_frame::Frame as In;
use op_proto::agent::v1::{Bye, Event, Hello, HostFrame, Operation, event, outcome};
use tonic::Code;

use crate::bench::{Served, agent};
use crate::hub::{dial, is_outcome, operation, soon, told};

#[tokio::test]
async fn a_session_opens_with_the_version_both_speak_and_the_description() {
    let (agent, _) = agent();
    let description = agent.description();
    let hub = Served::start(agent).await.hub().await;
    assert_eq!(hub.welcome.version, 1);
    assert_eq!(hub.welcome.agent.as_ref(), Some(&description));
    let echo = &description.operations[0];
    let schema: serde_json::Value = serde_json::from_str(&echo.input_schema).expect("a schema");
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["properties"]["text"]["description"], "What to say.");
    assert_eq!(schema["additionalProperties"], false);
}

#[tokio::test]
async fn a_session_that_does_not_open_with_hello_is_refused() {
    let served = Served::start(agent().0).await;
    for first in
        [In::Operation(operation("a", "echo", "{}")), In::Hello(Hello { version: 0, hub: String::new() })]
    {
        let (frames, mut inbox) = dial(served.channel().await).await;
        frames.send(HostFrame { frame: Some(first) }).await.expect("the session is open");
        let status = soon(inbox.message()).await.expect_err("refused");
        assert_eq!(status.code(), Code::FailedPrecondition, "{status}");
    }
}

#[tokio::test]
async fn unknown_frames_are_ignored() {
    let served = Served::start(agent().0).await;
    let mut hub = served.hub().await;
    hub.send_frame(HostFrame { frame: None }).await;
    hub.send(In::Hello(Hello { version: 1, hub: "again".into() })).await;
    hub.cancel("nobody", std::time::Duration::ZERO).await;
    hub.credit("nobody", 1).await;
    hub.ack("nobody").await;
    assert!(hub.settle().await.is_empty());
    hub.ask("a", "echo", r#"{"text": "still here"}"#).await;
    assert_eq!(told(&hub.outcome().await.1), ("completed", r#""still here""#));
}

#[tokio::test]
async fn each_operation_is_accepted_first_and_ends_with_its_only_outcome() {
    let served = Served::start(agent().0).await;
    let mut hub = served.hub().await;
    for number in 0..200 {
        hub.ask(&format!("run/{number}/1/1"), "say", r#"{"bytes": 100000}"#).await;
    }
    let mut all: HashMap<String, Vec<Event>> = HashMap::new();
    let mut ended = 0;
    while ended < 200 {
        let event = hub.event().await;
        ended += usize::from(is_outcome(&event));
        all.entry(event.id.clone()).or_default().push(event);
    }
    assert!(hub.settle().await.is_empty(), "nothing follows the outcomes");
    assert_eq!(all.len(), 200);
    for events in all.values() {
        assert!(events.iter().zip(1..).all(|(event, sequence)| event.sequence == sequence), "{events:?}");
        assert!(matches!(events[0].kind, Some(event::Kind::Accepted(_))));
        assert_eq!(events.iter().filter(|event| is_outcome(event)).count(), 1);
        assert!(is_outcome(&events[events.len() - 1]));
    }
}

#[tokio::test]
async fn an_operation_says_nothing_after_its_outcome() {
    let served = Served::start(agent().0).await;
    let mut hub = served.hub().await;
    for number in 0..20 {
        hub.ask(&number.to_string(), "leaker", "{}").await;
        let events = hub.events().await;
        assert_eq!(told(&outcome(&events)), ("completed", "null"));
        assert!(hub.settle().await.is_empty());
    }
}

fn outcome(events: &[Event]) -> op_proto::agent::v1::Outcome {
    let Some(event::Kind::Outcome(outcome)) = events[events.len() - 1].kind.clone() else {
        panic!("{events:?}")
    };
    outcome
}

#[tokio::test]
async fn wrong_arguments_and_unknown_operations_are_rejected_with_what_would_be_right() {
    let served = Served::start(agent().0).await;
    let mut hub = served.hub().await;
    let cases = [
        ("echo", r#"{"text": 5}"#, "invalid_arguments", "`text`", "`text`"),
        ("echo", "[\"x\"]", "invalid_arguments", "not a JSON object", "`text`"),
        ("ecko", "{}", "unknown_operation", "`ecko`", "did you mean `echo`? it has: echo, say, large"),
        ("zzzzzz", "{}", "unknown_operation", "`zzzzzz`", "it has: echo"),
    ];
    for (number, (name, arguments, reason, message, hint)) in cases.into_iter().enumerate() {
        hub.ask(&number.to_string(), name, arguments).await;
        let events = hub.events().await;
        assert!(matches!(events[0].kind, Some(event::Kind::Accepted(_))) && events.len() == 2, "{events:?}");
        let Some(outcome::Kind::Rejected(rejected)) = outcome(&events).kind else { panic!("{events:?}") };
        assert_eq!(rejected.reason, reason);
        assert!(rejected.message.contains(message) && rejected.hint.contains(hint), "{rejected:?}");
    }
}

#[tokio::test]
async fn an_operation_without_id_or_with_a_negative_time_limit_is_rejected() {
    let served = Served::start(agent().0).await;
    let mut hub = served.hub().await;
    hub.ask("", "echo", r#"{"text": ""}"#).await;
    assert_eq!(told(&hub.outcome().await.1), ("rejected", "invalid_operation"));
    let timeout = Some(prost_types::Duration { seconds: -1, nanos: 0 });
    hub.send(In::Operation(Operation { timeout, ..operation("a", "echo", r#"{"text": ""}"#) })).await;
    assert_eq!(told(&hub.outcome().await.1), ("rejected", "invalid_operation"));
}

#[tokio::test]
async fn a_call_knows_what_it_was_asked_with() {
    let served = Served::start(agent().0).await;
    let mut hub = served.hub().await;
    let asked = Operation {
        session: "alice".into(),
        traceparent: "00-1-2-01".into(),
        timeout: Some(prost_types::Duration { seconds: 60, nanos: 0 }),
        ..operation("r/s/1/1", "context", "{}")
    };
    hub.send(In::Operation(asked)).await;
    assert_eq!(told(&hub.outcome().await.1), ("completed", r#""r/s/1/1 alice 00-1-2-01 true""#));
}

#[tokio::test]
async fn an_outcome_carries_what_was_observed() {
    let served = Served::start(agent().0).await;
    let mut hub = served.hub().await;
    hub.ask("a", "exit", "{}").await;
    let events = hub.events().await;
    assert!(matches!(&events[1].kind, Some(event::Kind::Output(output)) if &output.data[..] == b"no\n"));
    assert!(matches!(&events[2].kind, Some(event::Kind::Progress(half)) if half.note == "half way"));
    let ended = outcome(&events);
    let evidence = ended.evidence.expect("evidence");
    assert_eq!((evidence.exit_code, evidence.bytes), (Some(3), 3));
    assert!(evidence.duration.is_some_and(|duration| duration.seconds > 0 || duration.nanos > 0));
    let Some(outcome::Kind::Failed(failed)) = ended.kind else { panic!("not failed") };
    assert_eq!((failed.hint.as_str(), failed.detail.as_str()), ("look", "[1]"));
}

#[tokio::test]
async fn a_panic_fails_its_operation_and_nothing_else() {
    let served = Served::start(agent().0).await;
    let mut hub = served.hub().await;
    hub.ask("a", "panic", r#"{"text": "ouch"}"#).await;
    let (_, ended) = hub.outcome().await;
    assert_eq!(told(&ended), ("failed", "panicked"));
    assert!(matches!(ended.kind, Some(outcome::Kind::Failed(failed)) if failed.message.contains("ouch")));
    hub.ask("b", "echo", r#"{"text": "on"}"#).await;
    assert_eq!(told(&hub.outcome().await.1), ("completed", r#""on""#));
}

#[tokio::test]
async fn an_unavailable_operation_fails_with_the_setting_it_needs() {
    let served = Served::start(agent().0).await;
    let mut hub = served.hub().await;
    hub.ask("a", "ask", "{}").await;
    let (_, ended) = hub.outcome().await;
    let Some(outcome::Kind::Failed(failed)) = ended.kind else { panic!("{ended:?}") };
    assert_eq!((failed.reason.as_str(), failed.message.as_str()), ("not_configured", "set models.default"));
}

#[tokio::test]
async fn a_value_is_sent_up_to_its_limit() {
    let served = Served::start(agent().0).await;
    let mut hub = served.hub().await;
    hub.ask("a", "large", &format!(r#"{{"bytes": {}}}"#, (4 << 20) - 2)).await;
    assert_eq!(told(&hub.outcome().await.1).0, "completed");
    hub.ask("b", "large", &format!(r#"{{"bytes": {}}}"#, 4 << 20)).await;
    assert_eq!(told(&hub.outcome().await.1), ("failed", "value_too_large"));
}

#[tokio::test]
async fn after_bye_operations_in_flight_report_and_the_session_ends() {
    let served = Served::start(agent().0).await;
    let mut hub = served.hub().await;
    hub.ask("a", "hold", "{}").await;
    hub.begun("a").await;
    hub.send(In::Bye(Bye { reason: "done".into() })).await;
    let (id, ended) = hub.outcome().await;
    assert_eq!((id.as_str(), told(&ended).0), ("a", "cancelled"));
    assert!(matches!(hub.next().await, Ok(None)));
}
