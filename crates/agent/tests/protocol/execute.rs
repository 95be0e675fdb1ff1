//! The plain way in, reflection, and TCP.

use op_proto::Address;
use op_proto::agent::v1::agent_client::AgentClient;
use op_proto::agent::v1::{DescribeRequest, Event, ExecuteRequest, Operation, event};
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::bench::{Served, agent};
use crate::hub::{is_outcome, operation, soon, told};

async fn execute(
    client: &mut AgentClient<Channel>,
    operation: Option<Operation>,
) -> Result<Streaming<op_proto::agent::v1::ExecuteResponse>, Status> {
    soon(client.execute(ExecuteRequest { operation })).await.map(tonic::Response::into_inner)
}

async fn events(client: &mut AgentClient<Channel>, operation: Operation) -> Vec<Event> {
    let mut stream = execute(client, Some(operation)).await.expect("executes");
    let mut events = Vec::new();
    while let Some(response) = soon(stream.message()).await.expect("no error") {
        events.push(response.event.expect("an event"));
    }
    events
}

fn ended(events: &[Event]) -> (&'static str, &str) {
    let Some(event::Kind::Outcome(outcome)) = &events[events.len() - 1].kind else { panic!("{events:?}") };
    told(outcome)
}

#[tokio::test]
async fn an_operation_outside_a_session_streams_its_events_and_ends() {
    let served = Served::start(agent().0).await;
    let mut client = AgentClient::new(served.channel().await);
    let all = events(&mut client, operation("a", "say", r#"{"bytes": 1000000}"#)).await;
    assert!(matches!(all[0].kind, Some(event::Kind::Accepted(_))));
    assert!(all.iter().zip(1..).all(|(event, sequence)| event.sequence == sequence));
    assert_eq!(all.iter().filter(|event| is_outcome(event)).count(), 1);
    assert_eq!(ended(&all), ("completed", "1000000"));
    for number in 0..200 {
        let all = events(&mut client, operation(&number.to_string(), "echo", r#"{"text": ""}"#)).await;
        assert_eq!((all.len(), ended(&all)), (2, ("completed", r#""""#)));
    }
    let unknown = events(&mut client, operation("b", "nothing", "{}")).await;
    assert_eq!(ended(&unknown), ("rejected", "unknown_operation"));
    let status = execute(&mut client, None).await.expect_err("no operation");
    assert_eq!(status.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_repeated_id_is_answered_from_memory_also_outside_a_session() {
    let (agent, traces) = agent();
    traces.gate.add_permits(9);
    let served = Served::start(agent).await;
    let mut client = AgentClient::new(served.channel().await);
    let first = events(&mut client, operation("a", "guard", "{}")).await;
    let second = events(&mut client, operation("a", "guard", "{}")).await;
    assert_eq!((ended(&first), second.len(), traces.begun()), (ended(&second), 2, 1));
}

#[tokio::test]
async fn dropping_the_stream_asks_the_operation_to_stop() {
    let (agent, traces) = agent();
    let mut served = Served::start(agent.grace(std::time::Duration::ZERO)).await;
    let mut client = AgentClient::new(served.channel().await);
    let mut stream = execute(&mut client, Some(operation("a", "stubborn", "{}"))).await.expect("executes");
    for _ in 0..2 {
        soon(stream.message()).await.expect("no error");
    }
    drop((stream, client));
    served.stop();
    served.ended().await;
    assert_eq!(traces.dropped(), 1);
}

#[tokio::test]
async fn an_agent_on_tcp_describes_itself_and_its_services() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (agent, _) = agent();
    let description = agent.description();
    let served = Served::start_at(agent, &Address::Tcp { host: "127.0.0.1".into(), port: 0 }, dir).await;
    let mut client = AgentClient::new(served.channel().await);
    let answer = soon(client.describe(DescribeRequest {})).await.expect("describes");
    assert_eq!(answer.into_inner(), description);
    let asked = MessageRequest::ListServices(String::new());
    let asked = ServerReflectionRequest { host: String::new(), message_request: Some(asked) };
    let mut reflection = ServerReflectionClient::new(served.channel().await);
    let answer = soon(reflection.server_reflection_info(tokio_stream::once(asked))).await.expect("reflects");
    let answer = soon(answer.into_inner().message()).await.expect("no error").expect("an answer");
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("{answer:?}")
    };
    let mut names: Vec<String> = list.service.into_iter().map(|service| service.name).collect();
    names.sort();
    assert_eq!(names, ["grpc.health.v1.Health", "opdbus.agent.v1.Agent"]);
}
