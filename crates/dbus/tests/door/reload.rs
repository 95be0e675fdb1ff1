//! What a reload brings, changes and takes away, also while there is no bus.

use std::time::Duration;

use op_dbus::Pace;
use op_engine::ports::Service as _;
use zbus::{Message, OwnedObjectPath};

use crate::support::{AGENT, Ear, House, MANAGER, PLAN, PLANS, ROOT, is, library, none};

const QUICK: &str = "/org/opdbus/Orchestrator1/plan/quick";
const HELD: &str = "/org/opdbus/Orchestrator1/plan/held";

/// Whether a message tells that something stands at a path, or does no more.
fn tells(message: &Message, member: &str, path: &str) -> bool {
    is(message, member)
        && message.body().deserialize::<zbus::Structure<'_>>().is_ok_and(|body| {
            let of: Option<&zbus::ObjectPath<'_>> =
                body.fields().first().and_then(|field| field.downcast_ref().ok());
            of.is_some_and(|of| of.as_str() == path)
        })
}

#[tokio::test]
async fn a_plan_that_a_reload_changed_leaves_and_comes_back_as_it_is_now() {
    let house = House::open().await;
    let mut ear = Ear::on(&house.client).await;
    for description in ["Does them anew", "Does them once more"] {
        house.engine.set_library(library(&PLANS.replace("Does two things", description)));
        house.call::<_, u64>(ROOT, MANAGER, "Reload", &(none(),)).await;
        ear.wait(|message| tells(message, "InterfacesRemoved", QUICK)).await;
        ear.wait(|message| tells(message, "InterfacesAdded", QUICK)).await;
        assert_eq!(house.get::<String>(QUICK, PLAN, "Description").await, description);
    }
    house.close().await;
}

#[tokio::test]
async fn what_a_reload_brought_stands_there_as_soon_as_somebody_asked_for_it() {
    let house = House::open().await;
    let late = "[workstacks.late]\n[[workstacks.late.phases]]\nid = 'a'\nagents = ['w.step']\n";
    house.engine.set_library(library(&format!("{PLANS}{late}")));
    house.agents.add("late");
    let plan: OwnedObjectPath = house.call(ROOT, MANAGER, "GetPlan", &("late",)).await;
    assert_eq!(house.get::<String>(plan.as_str(), PLAN, "Id").await, "late");
    let agent: OwnedObjectPath = house.call(ROOT, MANAGER, "GetAgent", &("late",)).await;
    assert_eq!(house.get::<String>(agent.as_str(), AGENT, "AgentId").await, "late");
    house.agents.remove("late");
    assert_eq!(house.refused(ROOT, MANAGER, "GetAgent", &("late",)).await, "NoSuchAgent");
    house.close().await;
}

#[tokio::test]
async fn what_went_while_there_was_no_bus_is_not_on_it_when_it_is_back() {
    let pace = Pace { check: Duration::from_millis(200), ..Pace::default() };
    let mut house = House::paced(pace).await;
    house.bus.stop().await;
    house.engine.set_library(library(&PLANS.replace("workstacks.held", "workstacks.kept")));
    house.agents.remove("w");
    house.service.reload().await.expect("nothing is wrong");
    house.back().await;
    for (path, interface, property) in
        [(HELD, PLAN, "Id"), ("/org/opdbus/Orchestrator1/agent/w", AGENT, "AgentId")]
    {
        let asked = (interface, property);
        let refused = house.refused(path, "org.freedesktop.DBus.Properties", "Get", &asked).await;
        assert_eq!(refused, "UnknownObject", "{path}");
    }
    let agents: Vec<(String, OwnedObjectPath, String, String)> =
        house.call(ROOT, MANAGER, "ListAgents", &()).await;
    assert_eq!(agents.iter().map(|agent| agent.0.as_str()).collect::<Vec<_>>(), ["tools"]);
    assert_eq!(house.get::<u32>(ROOT, MANAGER, "AgentsTotal").await, 1);
    let plans: Vec<(String, OwnedObjectPath, String, String)> =
        house.call(ROOT, MANAGER, "ListPlans", &()).await;
    let ids: Vec<_> = plans.iter().map(|plan| plan.0.as_str()).collect();
    assert!(ids.contains(&"kept") && !ids.contains(&"held"), "{ids:?}");
    house.close().await;
}
