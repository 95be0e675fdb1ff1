//! Cancelling, time limits, lost hubs.

use std::time::Duration;

use op_proto::agent::v1::Operation;
use op_proto::agent::v1::host_frame::Frame as In;

use crate::bench::{Served, agent};
use crate::hub::{operation, told};

const LONG: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_cancelled_operation_ends_by_itself_within_the_grace() {
    let served = Served::start(agent().0).await;
    let mut hub = served.hub().await;
    hub.ask("a", "hold", "{}").await;
    hub.begun("a").await;
    hub.cancel("a", LONG).await;
    assert_eq!(told(&hub.outcome().await.1), ("cancelled", "enough: put away"));
}

#[tokio::test]
async fn what_completes_within_the_grace_is_completed() {
    let served = Served::start(agent().0).await;
    let mut hub = served.hub().await;
    hub.ask("a", "finisher", "{}").await;
    hub.begun("a").await;
    hub.cancel("a", LONG).await;
    assert_eq!(told(&hub.outcome().await.1), ("completed", "60"));
}

#[tokio::test]
async fn what_does_not_end_within_the_grace_is_dropped_before_the_outcome() {
    let (agent, traces) = agent();
    let served = Served::start(agent).await;
    let mut hub = served.hub().await;
    hub.ask("a", "stubborn", "{}").await;
    hub.begun("a").await;
    assert_eq!(traces.dropped(), 0);
    hub.cancel("a", Duration::from_millis(5)).await;
    assert_eq!(told(&hub.outcome().await.1), ("cancelled", "enough: it did not end by itself"));
    assert_eq!(traces.dropped(), 1);
}

#[tokio::test]
async fn a_time_limit_stops_an_operation() {
    let (agent, traces) = agent();
    let served = Served::start(agent.grace(Duration::ZERO)).await;
    let mut hub = served.hub().await;
    let timeout = Some(prost_types::Duration { seconds: 0, nanos: 1_000_000 });
    hub.send(In::Operation(Operation { timeout, ..operation("a", "stubborn", "{}") })).await;
    let (_, ended) = hub.outcome().await;
    assert_eq!(told(&ended), ("cancelled", "its time limit was reached: it did not end by itself"));
    assert_eq!(traces.dropped(), 1);
}

#[tokio::test]
async fn a_lost_session_stops_what_it_asked_for() {
    let (agent, traces) = agent();
    let mut served = Served::start(agent.grace(Duration::ZERO).drain(LONG)).await;
    let mut hub = served.hub().await;
    hub.ask("a", "stubborn", "{}").await;
    hub.begun("a").await;
    drop(hub);
    served.stop();
    // Drained long before the limit, so the operation ended because its hub was gone.
    served.ended().await;
    assert_eq!(traces.dropped(), 1);
}
