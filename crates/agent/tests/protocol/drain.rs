//! The way to the end.

use std::time::Duration;

use op_agent::{Agent, Call, Failure, Listener, Operation, ServeError};
use op_proto::Address;
use op_proto::agent::v1::agent_frame::Frame as Out;
use tokio::net::UnixStream;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::bench::{Nothing, Served, agent};
use crate::hub::{soon, told};

const LONG: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_drain_tells_refuses_lets_end_and_ends() {
    let (agent, traces) = agent();
    let mut served = Served::start(agent.drain(LONG)).await;
    let mut hub = served.hub().await;
    hub.ask("a", "hold", "{}").await;
    hub.begun("a").await;
    served.stop();
    assert!(matches!(hub.next().await, Ok(Some(Out::Draining(_)))));
    hub.ask("b", "echo", r#"{"text": "late"}"#).await;
    assert_eq!(told(&hub.outcome().await.1), ("rejected", "draining"));
    traces.gate.add_permits(1);
    assert_eq!(told(&hub.outcome().await.1), ("completed", r#""a""#));
    assert!(matches!(hub.next().await, Ok(None)));
    let Address::Unix(path) = served.address.clone() else { panic!("not a socket") };
    served.ended().await;
    assert!(UnixStream::connect(&path).await.is_err() && !path.exists());
}

#[tokio::test]
async fn what_does_not_end_within_the_drain_is_stopped() {
    let (agent, traces) = agent();
    let mut served =
        Served::start(agent.drain(Duration::from_millis(5)).grace(Duration::from_millis(5))).await;
    let mut hub = served.hub().await;
    hub.ask("a", "hold", "{}").await;
    hub.begun("a").await;
    hub.ask("b", "stubborn", "{}").await;
    hub.begun("b").await;
    served.stop();
    assert!(matches!(hub.next().await, Ok(Some(Out::Draining(_)))));
    let (id, ended) = hub.outcome().await;
    assert_eq!((id.as_str(), told(&ended)), ("a", ("cancelled", "the agent is going away: put away")));
    let (id, ended) = hub.outcome().await;
    assert_eq!((id.as_str(), told(&ended).0), ("b", "cancelled"));
    served.ended().await;
    assert_eq!(traces.dropped(), 1);
}

#[tokio::test]
async fn a_hub_that_never_reads_and_names_a_long_grace_cannot_hold_up_the_end() {
    let (agent, traces) = agent();
    let mut served = Served::start(agent.drain(Duration::ZERO).grace(Duration::ZERO)).await;
    let mut hub = served.hub().await;
    hub.ask("a", "stubborn", "{}").await;
    hub.begun("a").await;
    hub.cancel("a", LONG).await;
    for number in 0..100 {
        hub.ask(&number.to_string(), "say", r#"{"bytes": 262144}"#).await;
    }
    served.stop();
    served.ended().await;
    assert_eq!(traces.dropped(), 1);
}

#[tokio::test]
async fn health_is_serving_until_the_drain_and_then_says_so() {
    let (agent, traces) = agent();
    let mut served = Served::start(agent.drain(LONG)).await;
    let mut health = HealthClient::new(served.channel().await);
    let mut watches = Vec::new();
    for service in ["", "opdbus.agent.v1.Agent"] {
        let asked = HealthCheckRequest { service: service.to_owned() };
        let mut watch = soon(health.watch(asked)).await.expect("watches").into_inner();
        let first = soon(watch.message()).await.expect("no error").expect("a status");
        assert_eq!(first.status(), ServingStatus::Serving, "{service}");
        watches.push(watch);
    }
    let mut hub = served.hub().await;
    hub.ask("a", "hold", "{}").await;
    hub.begun("a").await;
    served.stop();
    for watch in &mut watches {
        let next = soon(watch.message()).await.expect("no error").expect("a status");
        assert_eq!(next.status(), ServingStatus::NotServing);
    }
    traces.gate.add_permits(1);
    served.ended().await;
}

#[tokio::test]
async fn an_agent_with_contradictions_is_not_served() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let address = Address::Unix(dir.path().join("agent.sock"));
    let serve = async |operations: [Operation; 2]| {
        let nothing = async |_: Call, _: Nothing| Ok::<(), Failure>(());
        let agent =
            operations.into_iter().fold(Agent::new("odd", "1"), |agent, one| agent.operation(one, nothing));
        let listener = Listener::bind(&address).await.expect("binds");
        agent.serve(listener, std::future::pending()).await
    };
    let twice = serve([Operation::read("a", ""), Operation::write("a", "")]).await;
    assert!(matches!(twice, Err(ServeError::Duplicate { operation, .. }) if operation == "a"));
    let lost = serve([Operation::read("a", ""), Operation::write("b", "").undo("c")]).await;
    assert!(
        matches!(lost, Err(ServeError::Undo { operation, undo, .. }) if (&*operation, &*undo) == ("b", "c"))
    );
}
