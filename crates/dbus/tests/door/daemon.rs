//! `org.opdbus.Orchestrator1.Manager`, plans, and what is logged.

use std::io::Read as _;

use op_dbus::NAME;
use zbus::{OwnedFd, OwnedObjectPath};

use crate::support::{Ear, House, MANAGER, PLAN, ROOT, RUN, Table, fakes, is, library, none, one, path_of};

/// Whether a definition is valid, and what is wrong.
type Checked = (bool, Vec<(String, u32, u32, String, String)>);

#[tokio::test]
async fn a_reload_is_told_before_its_answer_and_a_bad_one_changes_nothing_but_what_is_wrong() {
    let house = House::open().await;
    let mut ear = Ear::on(&house.client).await;
    house.engine.set_library(library(
        "[workstacks.other-one]\n[[workstacks.other-one.phases]]\nid = 'a'\nagents = ['w.step']\n",
    ));
    let generation: u64 = house.call(ROOT, MANAGER, "Reload", &(none(),)).await;
    assert_eq!(generation, 2);
    assert_eq!(house.get::<u64>(ROOT, MANAGER, "ConfigGeneration").await, 2);
    let (mut added, mut reloaded) = (false, None);
    while !added || reloaded.is_none() {
        let message = ear.next().await;
        added |= is(&message, "InterfacesAdded");
        if is(&message, "Reloaded") {
            reloaded = Some(message.body().deserialize::<(u64, bool, String)>().expect("typed"));
        }
    }
    assert_eq!(reloaded, Some((2, true, String::new())));
    let path = "/org/opdbus/Orchestrator1/plan/other_2done";
    assert_eq!(house.get::<String>(path, PLAN, "Id").await, "other-one");

    house.service.wrong.lock().expect("ours").push("line 3 is wrong".to_owned());
    assert_eq!(house.refused(ROOT, MANAGER, "Reload", &(none(),)).await, "ConfigInvalid");
    assert_eq!(house.get::<u64>(ROOT, MANAGER, "ConfigGeneration").await, 2);
    assert_eq!(house.get::<String>(ROOT, MANAGER, "State").await, "degraded");
    let reloaded = ear.signal("Reloaded").await;
    assert_eq!(
        reloaded.body().deserialize::<(u64, bool, String)>().expect("typed"),
        (2, false, "line 3 is wrong".to_owned())
    );
    house.close().await;
}

#[tokio::test]
async fn a_daemon_that_is_drained_starts_nothing() {
    let house = House::open().await;
    house.call::<_, ()>(ROOT, MANAGER, "SetDraining", &(true, none())).await;
    assert_eq!(house.get::<String>(ROOT, MANAGER, "State").await, "draining");
    assert_eq!(house.refused(ROOT, MANAGER, "StartRun", &("", "quick", none(), none())).await, "Draining");
    house.call::<_, ()>(ROOT, MANAGER, "SetDraining", &(false, none())).await;
    house.start("quick").await;
    house.close().await;
}

#[tokio::test]
async fn what_cannot_be_taken_is_refused_by_name() {
    let house = House::open().await;
    for (kind, name, params, options, error) in [
        ("", "nothing", none(), none(), "NoSuchDefinition"),
        ("machine", "quick", none(), none(), "NoSuchDefinition"),
        ("tool", "quick", none(), none(), "InvalidArgs"),
        ("skill", "quick", none(), none(), "InvalidArgs"),
        ("", "quick", one("count", "x"), none(), "ParameterInvalid"),
        ("", "quick", none(), one("dry_run", true), "InvalidArgs"),
        ("", "quick", none(), one("dry-run", "yes"), "InvalidArgs"),
        ("", "quick", none(), one("timeout-usec", 0_u64), "InvalidArgs"),
    ] {
        let refused = house.refused(ROOT, MANAGER, "StartRun", &(kind, name, params, options)).await;
        assert_eq!(refused, error, "{kind} {name}");
    }
    assert_eq!(house.refused(ROOT, MANAGER, "StartRun", &("quick",)).await, "InvalidArgs");
    assert_eq!(house.refused(ROOT, MANAGER, "Start", &()).await, "UnknownMethod");
    assert_eq!(house.refused(ROOT, MANAGER, "GetRun", &("zzz",)).await, "NoSuchRun");
    assert_eq!(
        house.refused("/org/opdbus/Orchestrator1/run/zzz", RUN, "Explain", &()).await,
        "UnknownObject"
    );
    let dry: OwnedObjectPath =
        house.call(ROOT, MANAGER, "StartRun", &("", "quick", none(), one("dry-run", true))).await;
    assert_eq!(dry.as_str(), "/");
    house.close().await;
}

#[tokio::test]
async fn the_same_key_is_answered_with_the_same_run() {
    let house = House::open().await;
    let ask = || ("", "quick", none(), one("idempotency-key", "k"));
    let first: OwnedObjectPath = house.call(ROOT, MANAGER, "StartRun", &ask()).await;
    let again: OwnedObjectPath = house.call(ROOT, MANAGER, "StartRun", &ask()).await;
    assert_eq!(first, again);
    let other = ("", "quick", one("count", 9_u32), one("idempotency-key", "k"));
    assert_eq!(house.refused(ROOT, MANAGER, "StartRun", &other).await, "IdempotencyKeyReused");
    house.close().await;
}

#[tokio::test]
async fn plans_are_listed_started_and_drawn() {
    let house = House::open().await;
    let plans: Vec<(String, OwnedObjectPath, String, String)> =
        house.call(ROOT, MANAGER, "ListPlans", &()).await;
    assert!(plans.iter().any(|plan| plan.1.as_str() == "/org/opdbus/Orchestrator1/plan/many_2dsteps"));
    let plan: OwnedObjectPath = house.call(ROOT, MANAGER, "GetPlan", &("workstack_quick",)).await;
    let drawn: String = house.call(plan.as_str(), PLAN, "Draw", &("mermaid",)).await;
    assert!(drawn.contains("First"), "{drawn}");
    assert_eq!(house.refused(plan.as_str(), PLAN, "Draw", &("png",)).await, "InvalidArgs");
    let mut ear = Ear::on(&house.client).await;
    let run: OwnedObjectPath = house.call(plan.as_str(), PLAN, "Start", &(none(), none())).await;
    assert_eq!(path_of(&ear.signal("Finished").await), run.as_str());
    let definitions: Vec<(String, String, String, bool)> =
        house.call(ROOT, MANAGER, "ListDefinitions", &(one("kind", "tool"),)).await;
    assert_eq!(
        definitions,
        [("tool".to_owned(), "file_read".to_owned(), fakes::operation().description, true)]
    );
    house.close().await;
}

#[tokio::test]
async fn a_definition_is_checked_and_a_long_one_is_not() {
    let house = House::open().await;
    let (valid, wrong): Checked =
        house.call(ROOT, MANAGER, "ValidateDefinition", &("[workstacks.x]\nfoo = 1\n",)).await;
    assert!(!valid && wrong.iter().any(|line| line.1 == 2), "{wrong:?}");
    let long = "#".repeat(300 << 10);
    assert_eq!(house.refused(ROOT, MANAGER, "ValidateDefinition", &(long,)).await, "LimitsExceeded");
    house.close().await;
}

#[tokio::test]
async fn events_of_all_runs_and_the_state_of_the_daemon_are_read() {
    let house = House::open().await;
    let mut ear = Ear::on(&house.client).await;
    house.start("quick").await;
    ear.signal("Finished").await;
    let mut filter = Table::new();
    filter.extend(one("kinds", vec!["run_started", "run_completed"]));
    let events: Vec<(String, u64, u64, String, String, Table)> =
        house.call(ROOT, MANAGER, "ListEvents", &(filter, 10_u32)).await;
    assert_eq!(
        events.iter().map(|event| event.4.as_str()).collect::<Vec<_>>(),
        ["run_started", "run_completed"]
    );
    let state: OwnedFd = house.call(ROOT, MANAGER, "DumpState", &(none(),)).await;
    let mut text = String::new();
    std::fs::File::from(std::os::fd::OwnedFd::from(state)).read_to_string(&mut text).expect("readable");
    assert!(text.contains("\"plan\": \"quick\""), "{text}");
    house.close().await;
}

#[tokio::test]
async fn what_is_logged_is_read_and_set_in_the_words_of_systemd() {
    let house = House::open().await;
    let (path, interface) = ("/org/freedesktop/LogControl1", "org.freedesktop.LogControl1");
    assert_eq!(house.get::<String>(path, interface, "LogLevel").await, "info");
    let set = |level: &'static str| async move { (interface, "LogLevel", zbus::Variant::from(level)) };
    house.call::<_, ()>(path, "org.freedesktop.DBus.Properties", "Set", &set("warning").await).await;
    assert_eq!(house.get::<String>(path, interface, "LogLevel").await, "warning");
    let refused = house.refused(path, "org.freedesktop.DBus.Properties", "Set", &set("loud").await).await;
    assert_eq!(refused, "InvalidArgs");
    house.close().await;
}

#[tokio::test]
async fn a_door_that_closes_says_so_before_it_leaves_the_bus() {
    let house = House::open().await;
    let mut ear = Ear::on(&house.client).await;
    house.shutdown.cancel();
    let state = loop {
        let message = ear.next().await;
        if !is(&message, "PropertiesChanged") || path_of(&message) != ROOT {
            continue;
        }
        let (_, mut changed, _) =
            message.body().deserialize::<(String, Table, Vec<String>)>().expect("typed");
        if let Some(state) = changed.remove("State") {
            break String::try_from(state).expect("a word");
        }
    };
    assert_eq!(state, "stopping");
    house.server.await.expect("no panic").expect("served");
}

#[tokio::test]
async fn the_name_is_given_up_when_the_door_closes() {
    let house = House::open().await;
    let bus = zbus::fdo::DBusProxy::new(&house.client).await.expect("the bus");
    let name = || NAME.try_into().expect("a name");
    assert!(bus.name_has_owner(name()).await.expect("asked"));
    house.shutdown.cancel();
    house.server.await.expect("no panic").expect("served");
    assert!(!bus.name_has_owner(name()).await.expect("asked"));
}
