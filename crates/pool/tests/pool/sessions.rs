//! Sessions of clients: leases on agents, and word of their end.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use op_engine::ports::{AgentState, Agents, Perform};
use op_pool::{AgentSettings, PoolSettings};
use op_proto::Address;
use op_proto::agent::v1::host_frame::Frame;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::scripted::{accepted, behave, completed, event, serve_session};
use crate::support::{Kept, agent, at, call, directory, pool, request, serve, settings, until, value};

fn held(name: &str, address: &Address) -> AgentSettings {
    AgentSettings { run_on_connection: true, ..AgentSettings::new(name, address.clone()) }
}

/// Agents that are connected only while somebody leases them, and released soon after.
fn leased() -> PoolSettings {
    PoolSettings { hold: false, idle_release: Duration::from_millis(20), ..settings() }
}

#[tokio::test]
async fn a_lease_connects_agents_side_by_side_and_holds_them_until_the_last_one_ends() {
    let home = directory();
    let (one, other, lazy) = (at(home.path(), "one"), at(home.path(), "other"), at(home.path(), "lazy"));
    let served = [serve(agent("one"), &one).await, serve(agent("other"), &other).await];
    let agents = vec![held("one", &one), held("other", &other), AgentSettings::new("lazy", lazy)];
    let pool = pool(leased(), agents);
    assert!(pool.list().iter().all(|agent| agent.state == AgentState::Idle));
    let (first, second) = (pool.lease(), pool.lease());
    assert_eq!(*first.agents(), ["one".to_owned(), "other".to_owned()]);
    for name in ["one", "other"] {
        until(&pool, name, |status| status.state == AgentState::Ready).await;
    }
    drop(first);
    // Several times as long as an idle agent is kept.
    let idle = until(&pool, "one", |status| status.state == AgentState::Idle);
    assert!(tokio::time::timeout(Duration::from_millis(200), idle).await.is_err(), "it is leased");
    drop(second);
    for name in ["one", "other"] {
        until(&pool, name, |status| status.state == AgentState::Idle).await;
    }
    assert_eq!(pool.kept(), (0, 0));
    pool.shutdown().await;
    for agent in served {
        agent.stop().await;
    }
}

#[tokio::test]
async fn a_leased_agent_that_was_lost_is_connected_again_without_a_call() {
    let home = directory();
    let address = at(home.path(), "a");
    let agent_of_before = serve(agent("a"), &address).await;
    let pool = pool(leased(), vec![held("a", &address)]);
    let lease = pool.lease();
    until(&pool, "a", |status| status.state == AgentState::Ready).await;
    agent_of_before.stop().await;
    until(&pool, "a", |status| status.state == AgentState::BackingOff).await;
    let agent_of_after = serve(agent("a"), &address).await;
    until(&pool, "a", |status| status.state == AgentState::Ready).await;
    drop(lease);
    pool.shutdown().await;
    agent_of_after.stop().await;
}

#[tokio::test]
async fn an_agent_hears_the_end_of_a_session_that_it_served_and_of_no_other() {
    let home = directory();
    let address = at(home.path(), "a");
    let (heard, told) = (Arc::new(Mutex::new(Vec::new())), Arc::new(tokio::sync::Notify::new()));
    let (hears, tells) = (Arc::clone(&heard), Arc::clone(&told));
    let served = serve_session(&address, move |frame, voice| {
        behave(&frame, voice);
        match frame {
            Frame::Operation(operation) => {
                event(voice, &operation.id, 1, accepted());
                event(voice, &operation.id, 2, completed("1"));
            }
            Frame::SessionOver(over) => {
                hears.lock().expect("no panic").push(over.session);
                tells.notify_one();
            }
            _ => {}
        }
        Some(())
    });
    let pool = pool(settings(), vec![AgentSettings::new("a", address)]);
    let within = |session: &str| {
        let request = op_engine::ports::Request {
            session: session.to_owned(),
            ..request("a.act", &format!("{session}/s/1/1"), json!({}))
        };
        pool.perform(request, Arc::new(Kept::default()), CancellationToken::new())
    };
    assert_eq!(value(within("one").await), json!(1));
    assert_eq!(value(within("two").await), json!(1));
    value(call(&pool, "a.act", "none/s/1/1", json!({})).await);
    assert_eq!(pool.kept(), (0, 2));
    for session in ["never", "two"] {
        pool.session_over(session);
    }
    told.notified().await;
    assert_eq!(*heard.lock().expect("no panic"), ["two"]);
    pool.session_over("one");
    pool.session_over("one");
    told.notified().await;
    assert_eq!((heard.lock().expect("no panic").len(), pool.kept()), (2, (0, 0)));
    pool.shutdown().await;
    served.abort();
}

#[tokio::test]
async fn an_agent_that_was_away_hears_what_ended_meanwhile() {
    let home = directory();
    let address = at(home.path(), "a");
    let (hears, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let served = serve_session(&address, move |frame, voice| {
        behave(&frame, voice);
        match frame {
            Frame::Operation(operation) => event(voice, &operation.id, 1, completed("1")),
            Frame::SessionOver(over) => drop(hears.send(over.session)),
            _ => {}
        }
        Some(())
    });
    // Released as soon as it has no call.
    let settings = PoolSettings { idle_release: Duration::from_millis(1), ..settings() };
    let pool = pool(settings, vec![AgentSettings::new("a", address)]);
    for session in ["one", "two"] {
        let request = op_engine::ports::Request {
            session: session.to_owned(),
            ..request("a.act", &format!("{session}/s/1/1"), json!({}))
        };
        value(pool.perform(request, Arc::new(Kept::default()), CancellationToken::new()).await);
    }
    until(&pool, "a", |status| status.state == AgentState::Idle).await;
    pool.session_over("one");
    pool.session_over("two");
    assert!(heard.try_recv().is_err(), "it is released");
    value(call(&pool, "a.act", "later", json!({})).await);
    assert_eq!((heard.recv().await, heard.recv().await), (Some("one".to_owned()), Some("two".to_owned())));
    pool.shutdown().await;
    served.abort();
}
