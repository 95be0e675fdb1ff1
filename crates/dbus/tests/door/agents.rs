//! `org.opdbus.Orchestrator1.Agent`.

use op_engine::ports::AgentState;
use zbus::{OwnedObjectPath, OwnedVariant};

use crate::support::{AGENT, Ear, House, MANAGER, ROOT, Table, is, none, one, path_of};

const W: &str = "/org/opdbus/Orchestrator1/agent/w";

fn connection_state(message: &zbus::Message) -> Option<String> {
    if !is(message, "PropertiesChanged") || path_of(message) != W {
        return None;
    }
    let (_, mut changed, _) = message.body().deserialize::<(String, Table, Vec<String>)>().expect("typed");
    changed.remove("ConnectionState").map(|state: OwnedVariant| String::try_from(state).expect("a string"))
}

#[tokio::test]
async fn an_agent_is_disconnected_connected_and_restarted_and_each_state_is_told() {
    let house = House::open().await;
    let mut ear = Ear::on(&house.client).await;
    let agent: OwnedObjectPath = house.call(ROOT, MANAGER, "GetAgent", &("w",)).await;
    assert_eq!(agent.as_str(), W);
    house.call::<_, ()>(W, AGENT, "Stop", &(none(),)).await;
    assert_eq!(house.get::<String>(W, AGENT, "ConnectionState").await, "idle");
    assert_eq!(house.get::<u64>(W, AGENT, "ConnectedTimestamp").await, 0);
    house.call::<_, ()>(W, AGENT, "Start", &(none(),)).await;
    assert_eq!(house.get::<u64>(W, AGENT, "ConnectedTimestamp").await, 1_500_000);
    house.call::<_, ()>(W, AGENT, "Restart", &(none(),)).await;
    assert_eq!(house.get::<u32>(W, AGENT, "Restarts").await, 5);
    let mut told = Vec::new();
    while told.len() < 4 {
        told.extend(connection_state(&ear.next().await));
    }
    assert_eq!(told, ["idle", "ready", "idle", "ready"]);
    house.close().await;
}

#[tokio::test]
async fn what_happens_to_an_agent_by_itself_is_told_and_makes_the_daemon_degraded() {
    let house = House::open().await;
    // The two are told in whatever order.
    let (mut ear, mut other) = (Ear::on(&house.client).await, Ear::on(&house.client).await);
    house.agents.change("w", |status| {
        status.state = AgentState::BackingOff;
        "it does not listen".clone_into(&mut status.reason);
    });
    ear.wait(|message| connection_state(message).as_deref() == Some("backing_off")).await;
    other
        .wait(|message| {
            is(message, "PropertiesChanged")
                && path_of(message) == ROOT
                && format!("{:?}", message.body().deserialize::<(String, Table, Vec<String>)>())
                    .contains("degraded")
        })
        .await;
    assert_eq!(house.get::<u32>(ROOT, MANAGER, "AgentsReady").await, 1);
    house.agents.change("w", |status| status.latency = Some(std::time::Duration::from_millis(2)));
    assert_eq!(house.get::<u64>(W, AGENT, "RttUSec").await, 2000);
    house.close().await;
}

#[tokio::test]
async fn an_agent_that_is_not_there_and_an_option_that_is_not_known_are_refused() {
    let house = House::open().await;
    assert_eq!(house.refused(ROOT, MANAGER, "GetAgent", &("x",)).await, "NoSuchAgent");
    assert_eq!(house.refused(W, AGENT, "Stop", &(one("force", true),)).await, "InvalidArgs");
    assert_eq!(
        house.refused("/org/opdbus/Orchestrator1/agent/x", AGENT, "Stop", &(none(),)).await,
        "UnknownObject"
    );
    let agents: Vec<(String, OwnedObjectPath, String, String)> =
        house.call(ROOT, MANAGER, "ListAgents", &()).await;
    assert_eq!(agents.iter().map(|agent| agent.0.as_str()).collect::<Vec<_>>(), ["tools", "w"]);
    house.close().await;
}
