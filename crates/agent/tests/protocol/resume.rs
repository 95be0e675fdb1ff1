//! Hubs that come back.

use std::time::Duration;

use op_proto::agent::v1::event::Kind;
use op_proto::agent::v1::host_frame::Frame as In;
use op_proto::agent::v1::{Event, Progress};

use crate::bench::{Served, agent};
use crate::hub::{Hub, soon, told};

/// Reads events until `done` says so, and grants credit for all output.
async fn read(hub: &mut Hub, mut done: impl FnMut(&Event) -> bool) -> Vec<Event> {
    let mut events = Vec::new();
    loop {
        let event = hub.event().await;
        if let Some(Kind::Output(output)) = &event.kind {
            hub.credit(&event.id, output.data.len() as u64).await;
        }
        let is_done = done(&event);
        events.push(event);
        if is_done {
            return events;
        }
    }
}

fn bytes(events: &[Event]) -> usize {
    let size = |event: &Event| match &event.kind {
        Some(Kind::Output(output)) => output.data.len(),
        _ => 0,
    };
    events.iter().map(size).sum()
}

fn is_outcome(event: &Event) -> bool {
    matches!(event.kind, Some(Kind::Outcome(_)))
}

#[tokio::test]
async fn a_hub_that_comes_back_loses_nothing_and_hears_nothing_twice() {
    let served = Served::start(agent().0).await;
    let mut hub = served.hub().await;
    assert!(hub.welcome.window.is_some_and(|window| window.seconds > 0));
    hub.ask("a", "say", r#"{"bytes": 3000000}"#).await;
    let mut events = read(&mut hub, |event| event.sequence == 5).await;
    for more in [9, 17, 23] {
        drop(hub);
        hub = served.hub().await;
        let seen = events.last().expect("some were seen").sequence;
        hub.resume_granting("a", seen, bytes(&events)).await;
        events.extend(read(&mut hub, |event| event.sequence >= more).await);
    }
    events.extend(read(&mut hub, is_outcome).await);
    let numbers: Vec<u64> = events.iter().map(|event| event.sequence).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    assert!(events.iter().all(|event| event.folded == 0));
    assert_eq!(bytes(&events), 3_000_000);
}

#[tokio::test]
async fn what_ended_while_nobody_listened_is_told_to_the_hub_that_comes_back() {
    let (agent, traces) = agent();
    let served = Served::start(agent).await;
    for seen in [0, 2] {
        let id = format!("guard-{seen}");
        let mut hub = served.hub().await;
        hub.ask(&id, "guard", "{}").await;
        hub.begun(&id).await;
        drop(hub);
        traces.gate.add_permits(1);
        let mut hub = served.hub().await;
        hub.resume(&id, seen).await;
        let events = hub.events().await;
        let numbers: Vec<u64> = events.iter().map(|event| event.sequence).collect();
        assert_eq!(numbers, (seen + 1..=3).collect::<Vec<_>>());
        assert!(is_outcome(&events[events.len() - 1]));
        // Again, as it was not acknowledged.
        hub.resume(&id, 2).await;
        let (_, outcome) = hub.outcome().await;
        assert_eq!(told(&outcome).0, "completed");
        hub.ack(&id).await;
        hub.resume(&id, 2).await;
        assert_eq!(told(&hub.outcome().await.1), ("rejected", "outcome_unknown"));
    }
    assert_eq!(traces.begun(), 2);
}

#[tokio::test]
async fn progress_that_newer_progress_overtook_meanwhile_is_counted() {
    let (agent, traces) = agent();
    let served = Served::start(agent).await;
    let mut hub = served.hub().await;
    hub.ask("a", "steps", "{}").await;
    hub.begun("a").await;
    drop(hub);
    traces.gate.add_permits(1);
    let mut hub = served.hub().await;
    hub.resume("a", 2).await;
    let events = hub.events().await;
    let newest = Kind::Progress(Progress { fraction: 0.9, note: "9".into() });
    assert_eq!(events[0].kind, Some(newest), "{events:?}");
    // As many as there were, whenever the agent noticed that its hub was gone.
    assert_eq!((events[0].sequence - events[0].folded, events[1].sequence), (3, events[0].sequence + 1));
}

#[tokio::test]
async fn what_nobody_came_back_for_is_stopped() {
    let (agent, traces) = agent();
    let served = Served::start(agent.window(Duration::from_millis(5)).grace(Duration::ZERO)).await;
    let mut hub = served.hub().await;
    hub.ask("a", "stubborn", "{}").await;
    hub.begun("a").await;
    drop(hub);
    soon(async {
        while traces.dropped() == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_hub_that_says_bye_means_it() {
    let (agent, traces) = agent();
    let served = Served::start(agent.grace(Duration::ZERO)).await;
    let mut hub = served.hub().await;
    hub.ask("a", "stubborn", "{}").await;
    hub.begun("a").await;
    hub.send(In::Bye(op_proto::agent::v1::Bye { reason: "enough".into() })).await;
    assert_eq!(told(&hub.outcome().await.1).0, "cancelled");
    assert_eq!(traces.dropped(), 1);
}

#[tokio::test]
async fn an_operation_that_nobody_knows_is_outcome_unknown() {
    let served = Served::start(agent().0).await;
    let mut hub = served.hub().await;
    hub.resume("never", 41).await;
    let event = hub.event().await;
    assert_eq!((event.sequence, event.folded), (42, 0));
    let Some(Kind::Outcome(outcome)) = event.kind else { panic!("no outcome") };
    assert_eq!(told(&outcome), ("rejected", "outcome_unknown"));
}

#[tokio::test]
async fn a_hub_that_started_anew_takes_over_what_its_predecessor_had_in_flight() {
    let (agent, traces) = agent();
    let served = Served::start(agent).await;
    let mut first = served.hub().await;
    first.ask("a", "guard", "{}").await;
    first.begun("a").await;
    drop(first);
    let mut second = served.hub().await;
    // Until the agent has noticed that the first hub is gone, the second only joins: it hears the outcome all the same.
    second.repeat("a", "guard", "{}").await;
    assert_eq!(second.event().await.kind, Some(Kind::Accepted(op_proto::agent::v1::Accepted {})));
    traces.gate.add_permits(1);
    assert_eq!(told(&second.outcome().await.1), ("completed", r#""a""#));
    assert_eq!(traces.begun(), 1);
}

#[tokio::test]
async fn a_hub_that_joined_takes_over_when_the_first_one_is_gone() {
    let (agent, traces) = agent();
    let served = Served::start(agent.window(Duration::from_millis(5)).grace(Duration::ZERO)).await;
    let mut first = served.hub().await;
    first.ask("a", "guard", "{}").await;
    first.begun("a").await;
    let mut second = served.hub().await;
    second.repeat("a", "guard", "{}").await;
    let mut events = vec![second.event().await];
    drop(first);
    // What the first hub heard, it hears from the same flight: from here on that is its own.
    events.push(second.event().await);
    assert!(matches!(events[1].kind, Some(Kind::Output(_))), "{events:?}");
    traces.gate.add_permits(1);
    events.push(second.event().await);
    let Some(Kind::Outcome(outcome)) = &events[2].kind else { panic!("no outcome") };
    assert_eq!(told(outcome), ("completed", r#""a""#));
    assert!(events.iter().map(|event| (event.sequence, event.folded)).eq([(1, 0), (2, 0), (3, 0)]));
    assert!(second.settle().await.is_empty(), "the flight that joined has no more to say");
    assert_eq!(traces.begun(), 1);
}

#[tokio::test]
async fn a_hub_that_comes_back_too_late_is_never_told_that_it_cancelled() {
    let (agent, traces) = agent();
    let served = Served::start(agent.window(Duration::from_millis(5)).grace(Duration::from_mins(1))).await;
    let mut first = served.hub().await;
    first.ask("a", "linger", "{}").await;
    first.begun("a").await;
    drop(first);
    soon(traces.stopping.acquire()).await.expect("it is never closed").forget();
    let mut second = served.hub().await;
    second.resume("a", 2).await;
    let event = second.event().await;
    assert_eq!(event.sequence, 3);
    let Some(Kind::Outcome(outcome)) = &event.kind else { panic!("{event:?} is no outcome") };
    assert_eq!(told(outcome), ("rejected", "outcome_unknown"));
    second.repeat("a", "linger", "{}").await;
    assert_eq!(second.event().await.kind, Some(Kind::Accepted(op_proto::agent::v1::Accepted {})));
    traces.gate.add_permits(1);
    assert_eq!(told(&second.outcome().await.1), ("rejected", "outcome_unknown"));
    assert_eq!(traces.begun(), 1);
}
