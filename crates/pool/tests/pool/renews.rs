//! Other agents than before, while calls are under way.

use op_engine::ports::{AgentState, Agents};
use op_pool::{AgentSettings, BuildError, Renewed};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::support::{
    PATIENCE, agent, answer, at, begin, call, directory, failure, one, pool, serve, settings, until, value,
};

#[tokio::test]
async fn an_agent_that_did_not_change_keeps_its_connection() {
    let home = directory();
    let (first, second) = (at(home.path(), "first"), at(home.path(), "second"));
    let served = [serve(agent("a"), &first).await, serve(agent("b"), &second).await];
    let pool = one(settings(), &first);
    let connected = pool.connect("a").await.expect("it listens").since;
    let agents = ["a", "b"].into_iter().zip([&first, &second]);
    let agents = agents.map(|(name, address)| AgentSettings::new(name, address.clone())).collect();
    let renewed = pool.renew(agents).expect("they fit");
    assert_eq!(renewed, Renewed { added: vec!["b".to_owned()], ..Renewed::default() });
    assert_eq!(value(call(&pool, "b.echo", "1", json!({"n": 1})).await), json!({"n": 1}));
    let status = until(&pool, "a", |status| status.state == AgentState::Ready).await;
    assert_eq!(status.since, connected);
    pool.shutdown().await;
    for agent in served {
        agent.stop().await;
    }
}

#[tokio::test]
async fn an_agent_that_changed_ends_its_calls_first() {
    let home = directory();
    let (before, after) = (at(home.path(), "before"), at(home.path(), "after"));
    let served = [serve(agent("a"), &before).await, serve(agent("a"), &after).await];
    let pool = one(settings(), &before);
    let stop = CancellationToken::new();
    let waiting = begin(&pool, "1", &stop).await;
    for address in [&at(home.path(), "never"), &after] {
        let renewed = pool.renew(vec![AgentSettings::new("a", address.clone())]).expect("it fits");
        assert_eq!(renewed.changed, ["a"]);
    }
    // Calls still go where the one under way went.
    assert_eq!(value(call(&pool, "a.echo", "2", json!({"n": 2})).await), json!({"n": 2}));
    assert_eq!(pool.list()[0].endpoint, before.to_string());
    stop.cancel();
    assert_eq!(failure(answer(waiting).await).kind, op_plan::plan::FailureKind::Cancelled);
    until(&pool, "a", |status| status.endpoint == after.to_string()).await;
    assert_eq!(value(call(&pool, "a.echo", "3", json!({"n": 3})).await), json!({"n": 3}));
    pool.shutdown().await;
    for agent in served {
        agent.stop().await;
    }
}

#[tokio::test]
async fn an_agent_that_is_no_longer_wanted_ends_its_calls_and_takes_no_more() {
    let home = directory();
    let address = at(home.path(), "a");
    let served = serve(agent("a"), &address).await;
    let pool = one(settings(), &address);
    let stop = CancellationToken::new();
    let waiting = begin(&pool, "1", &stop).await;
    assert_eq!(pool.renew(vec![]).expect("nobody fits").removed, ["a"]);
    assert_eq!(failure(call(&pool, "a.echo", "2", json!({"n": 2})).await).reason, "unknown_agent");
    assert!(pool.list().is_empty() && !waiting.is_finished());
    stop.cancel();
    answer(waiting).await;
    pool.shutdown().await;
    served.stop().await;
}

#[tokio::test]
async fn an_agent_that_comes_back_while_its_last_call_runs_is_reached_when_the_one_before_is_gone() {
    let home = directory();
    let (address, beside) = (at(home.path(), "a"), at(home.path(), "b"));
    let served = [serve(agent("a"), &address).await, serve(agent("b"), &beside).await];
    let pool = one(settings(), &address);
    let stop = CancellationToken::new();
    let waiting = begin(&pool, "1", &stop).await;
    pool.renew(vec![]).expect("nobody fits");
    let held = ["a", "b"].into_iter().zip([&address, &beside]).map(|(name, address)| AgentSettings {
        run_on_connection: true,
        ..AgentSettings::new(name, address.clone())
    });
    assert_eq!(pool.renew(held.collect()).expect("they fit").added, ["a", "b"]);
    until(&pool, "b", |status| status.state == AgentState::Ready).await;
    assert_eq!(pool.list()[0].state, AgentState::Idle, "its address is still in use");
    assert!(!waiting.is_finished());
    stop.cancel();
    answer(waiting).await;
    until(&pool, "a", |status| status.state == AgentState::Ready).await;
    assert_eq!(value(call(&pool, "a.echo", "2", json!({"n": 2})).await), json!({"n": 2}));
    pool.shutdown().await;
    for agent in served {
        agent.stop().await;
    }
}

#[tokio::test]
async fn agents_that_do_not_fit_leave_those_before() {
    let home = directory();
    let address = at(home.path(), "a");
    let pool = one(settings(), &address);
    let both = ["a", "b"].map(|name| AgentSettings::new(name, address.clone()));
    assert!(matches!(pool.renew(both.into()), Err(BuildError::Address { .. })));
    assert_eq!(pool.list().len(), 1);
}

#[tokio::test]
async fn whoever_watches_sees_agents_that_came_later() {
    use futures::StreamExt as _;
    let pool = pool(settings(), vec![]);
    let mut watch = pool.watch();
    pool.renew(vec![AgentSettings::new("late", at(directory().path(), "late"))]).expect("it fits");
    let seen = tokio::time::timeout(PATIENCE, watch.next()).await.expect("it is told");
    assert_eq!(seen.expect("a watch without end").name, "late");
}
