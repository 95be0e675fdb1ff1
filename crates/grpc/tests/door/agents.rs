//! `opdbus.v1.Agents` and `opdbus.v1.Tools`.

use op_proto::v1 as wire;
use op_proto::v1::agents_client::AgentsClient;
use op_proto::v1::tools_client::ToolsClient;
use tonic::Code;
use tonic::transport::Channel;

use crate::support::{House, assert_field, assert_refused};

fn client(house: &House) -> AgentsClient<Channel> {
    AgentsClient::new(house.channel.clone())
}

fn call(target: &str) -> wire::CallRequest {
    wire::CallRequest { target: target.to_owned(), ..wire::CallRequest::default() }
}

fn stream(target: &str) -> wire::CallStreamRequest {
    wire::CallStreamRequest { call: Some(call(target)) }
}

fn value(outcome: &wire::CallOutcome) -> &str {
    match outcome.kind.as_ref().expect("an outcome") {
        wire::call_outcome::Kind::Value(wire::Payload { kind: Some(wire::payload::Kind::Json(json)) }) => {
            json
        }
        other => panic!("{other:?}"),
    }
}

fn failure(outcome: &wire::CallOutcome) -> &wire::Failure {
    match outcome.kind.as_ref().expect("an outcome") {
        wire::call_outcome::Kind::Failure(failure) => failure,
        wire::call_outcome::Kind::Value(value) => panic!("{value:?}"),
    }
}

#[tokio::test]
async fn agents_are_told_of_as_they_stand() {
    let house = House::open().await;
    let agents = client(&house).list(wire::ListAgentsRequest {}).await.expect("told").into_inner().agents;
    assert_eq!(agents.iter().map(|agent| agent.name.as_str()).collect::<Vec<_>>(), ["tools", "w"]);
    let agent = &agents[1];
    assert_eq!(
        (agent.state(), agent.breaker.as_str(), agent.pid),
        (wire::AgentState::Ready, "half_open", 42)
    );
    assert_eq!((agent.active, agent.queued, agent.restarts, agent.calls, agent.faults), (1, 2, 3, 4, 5));
    assert_eq!(agent.latency.expect("measured").nanos, 250_000);
    let since = agent.since.expect("told");
    assert_eq!((since.seconds, since.nanos, agent.run_on_connection), (1, 500_000_000, true));
    let operation = &agent.operations[0];
    assert_eq!(
        (operation.name.as_str(), operation.effects.as_str(), operation.idempotent),
        ("file_read", "read", true)
    );
    assert_eq!((operation.calls, operation.failures, operation.total.expect("counted").seconds), (2, 1, 1));
    let mut watch = client(&house).watch(wire::WatchAgentsRequest {}).await.expect("told").into_inner();
    for agent in agents {
        assert_eq!(watch.message().await.expect("seen").expect("one more").agent, Some(agent));
    }
}

#[tokio::test]
async fn an_agent_is_connected_and_released_by_its_name() {
    let house = House::open().await;
    let connect = |agent: &str| wire::ConnectRequest { agent: agent.to_owned() };
    let connected = client(&house).connect(connect("w")).await.expect("connected").into_inner();
    assert_eq!(connected.agent.expect("told").name, "w");
    assert_refused(client(&house).connect(connect("x")).await, Code::NotFound, "AGENT_UNKNOWN");
    let release = |agent: &str| wire::DisconnectRequest { agent: agent.to_owned() };
    client(&house).disconnect(release("w")).await.expect("released");
    assert_refused(client(&house).disconnect(release("x")).await, Code::NotFound, "AGENT_UNKNOWN");
}

#[tokio::test]
async fn a_call_is_answered_with_its_value_or_its_failure() {
    let house = House::open().await;
    let outcome = async |target| {
        client(&house).call(call(target)).await.expect("answered").into_inner().outcome.expect("an outcome")
    };
    for target in ["w.step", "agent_w.step"] {
        assert_eq!(value(&outcome(target).await), r#"{"by":"step"}"#);
    }
    let failed = outcome("w.fail").await;
    assert_eq!(
        (failure(&failed).kind.as_str(), failure(&failed).hint.as_str()),
        ("failed", "look at the script")
    );
    assert_eq!(failed.evidence.as_ref().expect("observed").exit_code, Some(3));
    let short = prost_types::Duration { seconds: 0, nanos: 1_000_000 };
    let limited = wire::CallRequest { timeout: Some(short), ..call("w.held") };
    let stopped =
        client(&house).call(limited).await.expect("answered").into_inner().outcome.expect("an outcome");
    assert_eq!(failure(&stopped).kind, "timed_out");
}

#[tokio::test]
async fn a_call_that_cannot_be_made_is_refused() {
    let house = House::open().await;
    let mut agents = client(&house);
    assert_refused(agents.call(call("nobody.step")).await, Code::NotFound, "AGENT_UNKNOWN");
    assert_refused(agents.call(call("tools.nothing")).await, Code::NotFound, "OPERATION_UNKNOWN");
    assert_refused(agents.call(call("nothing")).await, Code::NotFound, "NAME_UNKNOWN");
    assert_refused(agents.call(call("agent_w")).await, Code::InvalidArgument, "OPERATION_MISSING");
    assert_refused(agents.call(call("workflow_x")).await, Code::NotFound, "PLAN_UNKNOWN");
    assert_refused(agents.call(call("skill_x")).await, Code::NotFound, "SKILL_UNKNOWN");
    assert_field(&agents.call(call("quick")).await.expect_err("a plan is run"), "target");
    let wrong = wire::CallRequest { arguments: "1".to_owned(), ..call("w.step") };
    assert_field(&agents.call(wrong).await.expect_err("refused"), "arguments");
    let nothing = wire::CallRequest { timeout: Some(prost_types::Duration::default()), ..call("w.step") };
    assert_field(&agents.call(nothing).await.expect_err("refused"), "timeout");
    let missing = agents.call_stream(wire::CallStreamRequest { call: None }).await;
    assert_field(&missing.expect_err("refused"), "call");
    assert!(house.perform.asked().is_empty());
}

#[tokio::test]
async fn a_streamed_call_shows_its_output_and_then_its_outcome() {
    let house = House::open().await;
    let mut seen = client(&house).call_stream(stream("w.step")).await.expect("begun").into_inner();
    let first = seen.message().await.expect("seen").and_then(|response| response.seen).expect("output");
    let wire::call_stream_response::Seen::Progress(progress) = first else { panic!("{first:?}") };
    assert_eq!((progress.output[0].data.as_ref(), progress.fraction), (&b"done\n"[..], -1.0));
    let last = seen.message().await.expect("seen").and_then(|response| response.seen).expect("an outcome");
    let wire::call_stream_response::Seen::Outcome(outcome) = last else { panic!("{last:?}") };
    assert_eq!(value(&outcome), r#"{"by":"step"}"#);
    assert_eq!(seen.message().await.expect("the stream ends well"), None);
}

#[tokio::test]
async fn a_streamed_call_that_nobody_reads_folds_its_output_and_says_so() {
    let house = House::open().await;
    let mut seen = client(&house).call_stream(stream("w.noisy")).await.expect("begun").into_inner();
    let (mut pieces, mut folded, mut outcomes) = (0, 0, 0);
    while let Some(response) = seen.message().await.expect("the stream ends well") {
        match response.seen.expect("something is seen") {
            wire::call_stream_response::Seen::Progress(progress) => {
                pieces += 1;
                folded += progress.folded;
            }
            wire::call_stream_response::Seen::Outcome(_) => outcomes += 1,
        }
    }
    assert_eq!((pieces + folded, outcomes), (1000, 1));
}

#[tokio::test]
async fn a_call_whose_client_goes_away_is_stopped() {
    let house = House::open().await;
    let mut visitor = AgentsClient::new(house.visitor().await);
    let mut seen = visitor.call_stream(stream("w.held")).await.expect("begun").into_inner();
    seen.message().await.expect("seen");
    drop(seen);
    house.was_stopped(1).await;
    // The same without a stream.
    let waiting = tokio::spawn(async move { visitor.call(call("w.held")).await });
    house.perform.was_asked(2).await;
    waiting.abort();
    house.was_stopped(2).await;
}

#[tokio::test]
async fn tools_are_listed_and_called_by_their_bare_names() {
    let house = House::open().await;
    let mut tools = ToolsClient::new(house.channel.clone());
    let listed = tools.list(wire::ListToolsRequest {}).await.expect("told").into_inner().tools;
    assert_eq!(listed.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(), ["file_read"]);
    let arguments = r#"{"path":"x"}"#.to_owned();
    let call =
        wire::CallToolRequest { tool: "file_read".to_owned(), arguments: arguments.clone(), timeout: None };
    let outcome = tools.call(call).await.expect("answered").into_inner().outcome.expect("an outcome");
    assert_eq!(value(&outcome), arguments);
    let unknown = wire::CallToolRequest { tool: "w.step".to_owned(), ..wire::CallToolRequest::default() };
    assert_refused(tools.call(unknown).await, Code::NotFound, "OPERATION_UNKNOWN");
}
