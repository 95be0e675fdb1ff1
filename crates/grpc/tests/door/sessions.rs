//! `opdbus.v1.Sessions`.

use op_proto::v1 as wire;
use op_proto::v1::open_session_response::Told;
use op_proto::v1::sessions_client::SessionsClient;
use tonic::transport::Channel;
use tonic::{Code, Streaming};

use crate::support::{House, assert_field, assert_refused};

fn client(house: &House) -> SessionsClient<Channel> {
    SessionsClient::new(house.channel.clone())
}

async fn open(client: &mut SessionsClient<Channel>) -> (wire::Session, Streaming<wire::OpenSessionResponse>) {
    let request = wire::OpenSessionRequest { client: "a test".to_owned() };
    let mut told = client.open(request).await.expect("opened").into_inner();
    let first = told.message().await.expect("told").and_then(|response| response.told);
    let Some(Told::Session(session)) = first else { panic!("{first:?}") };
    (session, told)
}

async fn listed(house: &House) -> Vec<wire::Session> {
    client(house).list(wire::ListSessionsRequest {}).await.expect("told").into_inner().sessions
}

#[tokio::test]
async fn a_session_tells_itself_and_its_agents_first_and_lasts_as_long_as_its_stream() {
    let house = House::open().await;
    let (session, told) = open(&mut client(&house)).await;
    assert_eq!(session.client, "a test");
    assert_eq!(session.agents.iter().map(|of| of.name.as_str()).collect::<Vec<_>>(), ["tools", "w"]);
    assert_eq!(listed(&house).await, [session]);
    drop(told);
    while house.engine.kept_sessions().0 > 0 {
        tokio::task::yield_now().await;
    }
    assert!(listed(&house).await.is_empty());
}

#[tokio::test]
async fn a_session_that_is_closed_ends_its_stream_well() {
    let house = House::open().await;
    let (session, mut told) = open(&mut client(&house)).await;
    let close = || wire::CloseSessionRequest { session: session.id.clone() };
    client(&house).close(close()).await.expect("closed");
    assert_eq!(told.message().await.expect("it ends well"), None);
    assert_refused(client(&house).close(close()).await, Code::NotFound, "SESSION_UNKNOWN");
}

#[tokio::test]
async fn a_client_that_goes_away_closes_its_session() {
    let house = House::open().await;
    let (_, told) = open(&mut SessionsClient::new(house.visitor().await)).await;
    assert_eq!(house.engine.kept_sessions().0, 1);
    drop(told);
    while house.engine.kept_sessions().0 > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn calls_and_starts_that_name_a_session_must_have_it() {
    let house = House::open().await;
    let mut agents = op_proto::v1::agents_client::AgentsClient::new(house.channel.clone());
    let call = |session: &str| wire::CallRequest {
        target: "w.step".to_owned(),
        session: session.to_owned(),
        ..wire::CallRequest::default()
    };
    assert_refused(agents.call(call("nothing")).await, Code::NotFound, "SESSION_UNKNOWN");
    let start = |session: &str| wire::StartRequest {
        plan: "quick".to_owned(),
        session: session.to_owned(),
        ..wire::StartRequest::default()
    };
    assert_refused(house.runs().start(start("nothing")).await, Code::NotFound, "SESSION_UNKNOWN");
    let (session, _told) = open(&mut client(&house)).await;
    agents.call(call(&session.id)).await.expect("its own");
    house.runs().start(start(&session.id)).await.expect("its own");
    let counted = listed(&house).await.remove(0);
    assert_eq!((counted.calls, counted.runs), (1, 1));
}

#[tokio::test]
async fn what_a_client_says_of_itself_is_bounded() {
    let house = House::open().await;
    let long = wire::OpenSessionRequest { client: "x".repeat(101) };
    assert_field(&client(&house).open(long).await.expect_err("refused"), "client");
}
