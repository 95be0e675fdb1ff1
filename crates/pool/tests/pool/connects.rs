//! Links come, go and come back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use op_engine::ports::{AgentState, Agents, ConnectError};
use op_plan::catalogue::Operations;
use op_plan::plan::FailureKind;
use op_plan::{Effects, Performer, Risk};
use op_pool::{AgentSettings, Backoff, PoolSettings};
use op_proto::Address;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;

use crate::scripted::listen;
use crate::support::{
    agent, answer, at, begin, call, directory, failure, one, pool, serve, settings, until, value,
};

fn held(name: &str, address: &Address) -> AgentSettings {
    AgentSettings { run_on_connection: true, ..AgentSettings::new(name, address.clone()) }
}

/// Without the lookout nobody would try again within a test.
fn slow_backoff() -> PoolSettings {
    let (base, max) = (Duration::from_mins(10), Duration::from_mins(20));
    PoolSettings { backoff: Backoff { base, max, ..Backoff::default() }, ..settings() }
}

#[tokio::test]
async fn a_call_to_a_closed_port_fails_and_to_an_open_one_succeeds() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = closed.local_addr().expect("an address").port();
    let address = Address::Tcp { host: "127.0.0.1".into(), port };
    drop(closed);
    let pool = one(settings(), &address);
    let refused = failure(call(&pool, "a.echo", "1", json!({"n": 1})).await);
    assert_eq!((refused.kind, refused.reason.as_str()), (FailureKind::Unavailable, "not_connected"));
    assert!(!refused.hint.is_empty());
    let agent = serve(agent("a"), &address).await;
    assert_eq!(value(call(&pool, "a.echo", "2", json!({"n": 1})).await), json!({"n": 1}));
    pool.shutdown().await;
    agent.stop().await;
}

#[tokio::test]
async fn agents_that_run_on_connection_are_connected_side_by_side_at_the_start() {
    let home = directory();
    let mute = at(home.path(), "mute");
    let _mute = listen(&mute);
    let (first, last) = (at(home.path(), "first"), at(home.path(), "last"));
    let served = [serve(agent("first"), &first).await, serve(agent("last"), &last).await];
    let agents = vec![held("first", &first), held("last", &last), held("mute", &mute)];
    let pool = pool(settings(), agents);
    for name in ["first", "last"] {
        until(&pool, name, |status| status.state == AgentState::Ready).await;
    }
    let states: Vec<AgentState> = pool.list().into_iter().map(|status| status.state).collect();
    assert_eq!(states, [AgentState::Ready, AgentState::Ready, AgentState::Connecting]);
    pool.shutdown().await;
    for agent in served {
        agent.stop().await;
    }
}

#[tokio::test]
async fn an_agent_that_was_not_there_is_connected_as_soon_as_it_comes() {
    let home = directory();
    let address = at(home.path(), "a");
    let pool = pool(slow_backoff(), vec![held("a", &address)]);
    until(&pool, "a", |status| status.state == AgentState::BackingOff).await;
    let agent = serve(agent("a"), &address).await;
    until(&pool, "a", |status| status.state == AgentState::Ready).await;
    pool.shutdown().await;
    agent.stop().await;
}

#[tokio::test]
async fn an_agent_that_comes_back_takes_calls_again() {
    let home = directory();
    let address = at(home.path(), "a");
    let pool = pool(settings(), vec![held("a", &address)]);
    for round in 0..3 {
        let agent = serve(agent("a"), &address).await;
        until(&pool, "a", |status| status.state == AgentState::Ready).await;
        assert_eq!(value(call(&pool, "a.echo", &round.to_string(), json!({})).await), json!({}));
        agent.stop().await;
        until(&pool, "a", |status| status.state == AgentState::BackingOff).await;
    }
    pool.shutdown().await;
}

#[tokio::test]
async fn a_lazy_agent_is_connected_at_its_first_call_and_released_when_idle() {
    let home = directory();
    let address = at(home.path(), "a");
    let agent = serve(agent("a"), &address).await;
    let pool = one(PoolSettings { idle_release: Duration::from_millis(50), ..settings() }, &address);
    assert_eq!(pool.list()[0].state, AgentState::Idle);
    for round in ["1", "2"] {
        assert_eq!(value(call(&pool, "a.echo", round, json!({})).await), json!({}));
        until(&pool, "a", |status| status.state == AgentState::Idle).await;
    }
    let stop = CancellationToken::new();
    let waiting = begin(&pool, "3", &stop).await;
    // Several times as long as an idle agent is kept.
    let later = tokio::time::timeout(
        Duration::from_millis(300),
        until(&pool, "a", |status| status.state == AgentState::Idle),
    );
    assert!(later.await.is_err(), "an agent at work is not released");
    stop.cancel();
    assert_eq!(failure(answer(waiting).await).kind, FailureKind::Cancelled);
    pool.shutdown().await;
    agent.stop().await;
}

#[tokio::test]
async fn an_agent_that_is_not_serving_gets_no_calls_until_it_is() {
    let home = directory();
    let address = at(home.path(), "a");
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_service_status("", ServingStatus::NotServing).await;
    let incoming = tokio_stream::wrappers::UnixListenerStream::new(listen(&address));
    let rogue = crate::scripted::service(|frame, voice| {
        crate::scripted::behave(&frame, voice);
        if let op_proto::agent::v1::host_frame::Frame::Operation(operation) = frame {
            crate::scripted::event(voice, &operation.id, 1, crate::scripted::completed("1"));
        }
        Some(())
    });
    let server = tonic::transport::Server::builder().add_service(health).add_service(rogue);
    let server = tokio::spawn(server.serve_with_incoming(incoming));
    let pool = pool(settings(), vec![held("a", &address)]);
    until(&pool, "a", |status| status.state == AgentState::Unhealthy).await;
    let waiting = tokio::spawn({
        let pool = pool.clone();
        async move { call(&pool, "a.x", "1", json!({})).await }
    });
    until(&pool, "a", |status| status.active == 1 && status.state == AgentState::Unhealthy).await;
    reporter.set_service_status("", ServingStatus::Serving).await;
    assert_eq!(value(answer(waiting).await), json!(1));
    reporter.set_service_status("", ServingStatus::NotServing).await;
    let status = until(&pool, "a", |status| status.state == AgentState::Unhealthy).await;
    assert!(status.reason.contains("not serving"), "{}", status.reason);
    pool.shutdown().await;
    server.abort();
}

#[tokio::test]
async fn a_disconnected_agent_has_its_calls_cancelled_and_is_connected_again_at_the_next() {
    let home = directory();
    let address = at(home.path(), "a");
    let agent = serve(agent("a"), &address).await;
    let pool = pool(settings(), vec![held("a", &address)]);
    let waiting = begin(&pool, "1", &CancellationToken::new()).await;
    let status = pool.disconnect("a").await.expect("a known agent");
    assert_eq!((status.state, status.reason.as_str()), (AgentState::Idle, "it was disconnected"));
    assert_eq!(failure(answer(waiting).await).kind, FailureKind::Cancelled);
    assert_eq!(value(call(&pool, "a.echo", "2", json!({})).await), json!({}));
    pool.shutdown().await;
    agent.stop().await;
}

#[tokio::test]
async fn connecting_says_who_is_unknown_and_who_is_unreachable() {
    let home = directory();
    let address = at(home.path(), "a");
    let pool = one(settings(), &address);
    assert_eq!(pool.connect("nobody").await, Err(ConnectError::Unknown("nobody".into())));
    let error = pool.connect("a").await.expect_err("nobody listens");
    let ConnectError::Unreachable { name, endpoint, reason } = error else { panic!("{error}") };
    assert_eq!((name.as_str(), endpoint), ("a", address.to_string()));
    assert!(reason.contains("No such file"), "{reason}");
    let agent = serve(agent("a"), &address).await;
    let status = pool.connect("a").await.expect("it listens");
    assert_eq!((status.state, status.version.as_str()), (AgentState::Ready, "1.2.3"));
    assert_eq!(status.operations.len(), 5);
    pool.shutdown().await;
    agent.stop().await;
}

#[tokio::test]
async fn the_catalogue_holds_what_is_known_and_then_what_was_described() {
    let home = directory();
    let (a, b) = (at(home.path(), "a"), at(home.path(), "b"));
    let known = op_plan::Operation {
        description: "known before".into(),
        input: json!({}),
        output: json!({}),
        effects: Effects::Write,
        risk: Risk::Medium,
        idempotent: false,
        streaming: false,
        undo: None,
        unavailable: None,
    };
    let known = BTreeMap::from([("echo".to_owned(), Arc::new(known))]);
    let bundled = AgentSettings { known: Some(known.into()), ..AgentSettings::new("a", a.clone()) };
    let pool = pool(settings(), vec![bundled, AgentSettings::new("b", b)]);
    let echo = Performer::new("a", "echo");
    let before = pool.catalogue();
    assert_eq!(before.operation(&echo).map(|echo| echo.effects), Some(Effects::Write));
    assert!(!before.has(&Performer::new("a", "fail")));
    assert_eq!(before.agents["b"], Operations::Open);
    let agent = serve(agent("a"), &a).await;
    pool.connect("a").await.expect("it listens");
    let after = pool.catalogue();
    assert_eq!(
        after.operation(&echo).map(|echo| (echo.effects, echo.idempotent)),
        Some((Effects::Read, true))
    );
    assert!(after.has(&Performer::new("a", "fail")));
    pool.shutdown().await;
    agent.stop().await;
}

#[tokio::test]
async fn a_shutdown_ends_the_calls_in_flight_and_takes_no_more() {
    let home = directory();
    let address = at(home.path(), "a");
    let agent = serve(agent("a"), &address).await;
    let pool = one(settings(), &address);
    let waiting = begin(&pool, "1", &CancellationToken::new()).await;
    pool.shutdown().await;
    // The agent goes on, and nobody here will hear how it ends.
    assert_eq!(failure(answer(waiting).await).kind, FailureKind::Lost);
    let late = failure(call(&pool, "a.echo", "2", json!({})).await);
    assert_eq!(late.kind, FailureKind::Unavailable);
    assert!(late.message.contains("shutting down"), "{}", late.message);
    agent.stop().await;
}

#[tokio::test]
async fn a_watch_tells_every_agent_once_and_then_the_newest_of_each() {
    let home = directory();
    let address = at(home.path(), "a");
    let agent = serve(agent("a"), &address).await;
    let agents = vec![AgentSettings::new("a", address), AgentSettings::new("b", at(home.path(), "b"))];
    let pool = pool(settings(), agents);
    let mut changes = pool.watch();
    let mut names = [changes.next().await, changes.next().await].map(|status| status.expect("an agent").name);
    names.sort();
    assert_eq!(names, ["a", "b"]);
    pool.connect("a").await.expect("it listens");
    let newest = changes.next().await.expect("a change");
    assert_eq!((newest.name.as_str(), newest.state), ("a", AgentState::Ready), "what came before is skipped");
    pool.shutdown().await;
    agent.stop().await;
}
