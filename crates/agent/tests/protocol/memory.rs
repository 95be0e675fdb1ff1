//! Outcomes kept by id: nothing is done twice.

use std::time::Duration;

use crate::bench::{Served, agent};
use crate::hub::told;

#[tokio::test]
async fn an_outcome_is_answered_again_until_it_is_acknowledged() {
    let (agent, traces) = agent();
    let served = Served::start(agent).await;
    traces.gate.add_permits(9);
    let mut first = served.hub().await;
    first.ask("a", "guard", "{}").await;
    let outcome = first.outcome().await;
    drop(first);
    let mut second = served.hub().await;
    second.repeat("a", "guard", "{}").await;
    assert_eq!(second.events().await.len(), 2, "accepted and the outcome");
    second.repeat("a", "guard", "{}").await;
    assert_eq!(second.outcome().await, outcome);
    assert_eq!(traces.begun(), 1);
    second.ack("a").await;
    second.repeat("a", "guard", "{}").await;
    assert_eq!(told(&second.outcome().await.1), ("rejected", "outcome_unknown"));
    assert_eq!(traces.begun(), 1);
}

#[tokio::test]
async fn a_repeat_of_what_only_reads_is_performed_again() {
    let (agent, traces) = agent();
    let served = Served::start(agent).await;
    traces.gate.add_permits(9);
    let mut hub = served.hub().await;
    hub.repeat("a", "hold", "{}").await;
    assert_eq!(told(&hub.outcome().await.1).0, "completed");
    assert_eq!(traces.begun(), 1);
}

#[tokio::test]
async fn an_id_in_flight_on_the_same_session_is_performed_and_answered_once() {
    let (agent, traces) = agent();
    let served = Served::start(agent).await;
    let mut hub = served.hub().await;
    hub.ask("a", "guard", "{}").await;
    hub.ask("a", "guard", "{}").await;
    hub.begun("a").await;
    traces.gate.add_permits(9);
    assert_eq!(told(&hub.outcome().await.1).0, "completed");
    assert!(hub.settle().await.is_empty());
    assert_eq!(traces.begun(), 1);
}

#[tokio::test]
async fn an_id_in_flight_on_another_session_is_joined() {
    let (agent, traces) = agent();
    let served = Served::start(agent).await;
    let (mut first, mut second) = (served.hub().await, served.hub().await);
    first.ask("a", "guard", "{}").await;
    first.begun("a").await;
    second.repeat("a", "guard", "{}").await;
    second.event().await;
    traces.gate.add_permits(9);
    assert_eq!(first.outcome().await, second.outcome().await);
    assert_eq!(traces.begun(), 1);
}

#[tokio::test]
async fn who_joined_can_cancel() {
    let served = Served::start(agent().0).await;
    let (mut first, mut second) = (served.hub().await, served.hub().await);
    first.ask("a", "guard", "{}").await;
    first.begun("a").await;
    second.repeat("a", "guard", "{}").await;
    second.cancel("a", Duration::from_mins(1)).await;
    assert_eq!(told(&second.outcome().await.1), ("cancelled", "enough: put away"));
    assert_eq!(told(&first.outcome().await.1), ("cancelled", "enough: put away"));
}

#[tokio::test]
async fn what_a_lost_hub_abandoned_is_done_again_where_that_is_safe() {
    let (agent, traces) = agent();
    let served = Served::start(agent.window(Duration::ZERO)).await;
    for (name, expected) in [("hold", ("completed", r#""hold""#)), ("guard", ("rejected", "outcome_unknown"))]
    {
        let mut first = served.hub().await;
        first.ask(name, name, "{}").await;
        first.begun(name).await;
        let mut second = served.hub().await;
        second.repeat(name, name, "{}").await;
        second.event().await;
        drop(first);
        if name == "hold" {
            second.begun("hold").await;
            traces.gate.add_permits(1);
        }
        assert_eq!(told(&second.outcome().await.1), expected);
    }
    assert_eq!(traces.begun(), 3);
}
