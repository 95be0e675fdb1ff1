//! The limit of operations side by side.

use std::time::Duration;

use crate::bench::{Served, agent};
use crate::hub::told;

#[tokio::test]
async fn above_the_limit_operations_wait_and_beyond_the_queue_they_are_rejected() {
    let (agent, traces) = agent();
    let served = Served::start(agent.max_concurrent(1)).await;
    let mut hub = served.hub().await;
    hub.ask("0", "hold", "{}").await;
    hub.begun("0").await;
    for number in 1..=65 {
        hub.ask(&number.to_string(), "hold", "{}").await;
    }
    let (id, ended) = hub.outcome().await;
    assert_eq!((id.as_str(), told(&ended)), ("65", ("rejected", "busy")));
    assert_eq!(traces.begun(), 1);
    traces.gate.add_permits(65);
    for number in 0..65 {
        let (id, ended) = hub.outcome().await;
        assert_eq!((id, told(&ended).0), (number.to_string(), "completed"), "in the order they were asked");
    }
    assert_eq!(traces.begun(), 65);
    hub.ask("65", "echo", r#"{"text": "now"}"#).await;
    assert_eq!(told(&hub.outcome().await.1), ("completed", r#""now""#), "a rejected id may be asked again");
}

#[tokio::test]
async fn an_operation_that_waits_can_be_cancelled() {
    let (agent, traces) = agent();
    let served = Served::start(agent.max_concurrent(1)).await;
    let mut hub = served.hub().await;
    hub.ask("a", "hold", "{}").await;
    hub.begun("a").await;
    hub.ask("b", "hold", "{}").await;
    hub.cancel("b", Duration::from_mins(1)).await;
    let (id, ended) = hub.outcome().await;
    assert_eq!((id.as_str(), told(&ended)), ("b", ("cancelled", "enough")));
    assert_eq!(traces.begun(), 1);
}
