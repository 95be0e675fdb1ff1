//! Host calls: what an operation asks the hub for.

use std::sync::{Arc, Mutex};

use op_proto::agent::v1::agent_frame::Frame as Out;
use op_proto::agent::v1::host_frame::Frame as In;
use op_proto::agent::v1::outcome::Kind;
use op_proto::agent::v1::{Completed, HostCall, Outcome, Rejected, Reply, SessionOver};

use crate::bench::{Served, agent};
use crate::hub::{Hub, soon, told};

async fn asked(hub: &mut Hub) -> HostCall {
    loop {
        match hub.next().await {
            Ok(Some(Out::HostCall(call))) => return call,
            Ok(Some(Out::Event(event))) if event.sequence == 1 => {}
            other => panic!("{other:?} is no host call"),
        }
    }
}

fn reply(call: &HostCall, kind: Kind) -> In {
    let outcome = Some(Outcome { kind: Some(kind), evidence: None });
    In::Reply(Reply { id: call.id.clone(), number: call.number, outcome })
}

fn completed(value: &str) -> Kind {
    Kind::Completed(Completed { value: value.to_owned() })
}

#[tokio::test]
async fn an_operation_gets_what_it_asks_the_hub_for() {
    let served = Served::start(agent().0).await;
    let mut hub = served.hub().await;
    hub.ask("a", "relay", r#"{"text": "file_read"}"#).await;
    let call = asked(&mut hub).await;
    assert_eq!((call.id.as_str(), call.number, call.performer.as_str()), ("a", 1, "file_read"));
    assert_eq!(call.arguments, r#"{"text":"file_read"}"#);
    hub.send(reply(&call, completed(r#"{"found": 1}"#))).await;
    assert_eq!(told(&hub.outcome().await.1), ("completed", r#"{"found":1}"#));
}

#[tokio::test]
async fn what_the_hub_refuses_is_the_failure_of_the_call() {
    let served = Served::start(agent().0).await;
    let mut hub = served.hub().await;
    hub.ask("a", "relay", r#"{"text": "models.chat"}"#).await;
    let call = asked(&mut hub).await;
    let refusal = Rejected { reason: "not_allowed".into(), message: "no".into(), ..Rejected::default() };
    hub.send(reply(&call, Kind::Rejected(refusal))).await;
    assert_eq!(told(&hub.outcome().await.1), ("rejected", "not_allowed"));
}

#[tokio::test]
async fn a_call_that_was_not_answered_is_made_again_to_a_hub_that_joined() {
    let served = Served::start(agent().0).await;
    let mut first = served.hub().await;
    first.ask("a", "relay", r#"{"text": "file_read"}"#).await;
    let call = asked(&mut first).await;
    let mut second = served.hub().await;
    second.repeat("a", "relay", r#"{"text": "file_read"}"#).await;
    second.event().await;
    drop(first);
    assert_eq!(asked(&mut second).await, call);
    second.send(reply(&call, completed("1"))).await;
    assert_eq!(told(&second.outcome().await.1), ("completed", "1"));
}

#[tokio::test]
async fn a_call_that_was_not_answered_is_made_again_to_the_hub_that_comes_back() {
    let served = Served::start(agent().0).await;
    let mut hub = served.hub().await;
    hub.ask("a", "relay", r#"{"text": "file_read"}"#).await;
    let first = asked(&mut hub).await;
    drop(hub);
    let mut hub = served.hub().await;
    hub.resume("a", 1).await;
    let again = asked(&mut hub).await;
    assert_eq!(again, first);
    hub.send(reply(&again, completed("7"))).await;
    assert_eq!(told(&hub.outcome().await.1), ("completed", "7"));
}

#[tokio::test]
async fn an_operation_that_is_cancelled_waits_for_no_answer() {
    let served = Served::start(agent().0).await;
    let mut hub = served.hub().await;
    hub.ask("a", "relay", r#"{"text": "file_read"}"#).await;
    asked(&mut hub).await;
    hub.cancel("a", std::time::Duration::from_mins(1)).await;
    assert_eq!(told(&hub.outcome().await.1), ("cancelled", "enough"));
}

#[tokio::test]
async fn what_is_kept_for_a_session_goes_with_it() {
    let (told, heard) = std::sync::mpsc::channel();
    let told = Arc::new(Mutex::new(told));
    let forget =
        move |session: &str| told.lock().expect("one at a time").send(session.to_owned()).expect("heard");
    let served = Served::start(agent().0.on_session_over(forget)).await;
    let hub = served.hub().await;
    hub.send(In::SessionOver(SessionOver { session: "s-1".into() })).await;
    let heard = soon(tokio::task::spawn_blocking(move || heard.recv())).await;
    assert_eq!(heard.expect("no panic").as_deref(), Ok("s-1"));
}
