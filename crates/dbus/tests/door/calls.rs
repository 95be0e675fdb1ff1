//! `org.opdbus.Orchestrator1.Call`.

use std::time::Duration;

use op_dbus::{NAME, Pace};
use zbus::{OwnedObjectPath, OwnedVariant};

use crate::support::{CALL, Ear, House, MANAGER, ROOT, Table, error_name, is, none, one, path_of};

fn text(value: &OwnedVariant) -> String {
    String::try_from(value.try_clone().expect("data")).expect("a string")
}

#[tokio::test]
async fn a_tool_is_called_without_blocking_and_its_result_is_read() {
    let house = House::open().await;
    let mut ear = Ear::on(&house.client).await;
    let arguments = one("path", "x");
    let call: OwnedObjectPath = house.call(ROOT, MANAGER, "Call", &("file_read", arguments, none())).await;
    let finished = ear.signal("Finished").await;
    assert_eq!(
        (path_of(&finished).as_str(), finished.body().deserialize::<String>().expect("typed").as_str()),
        (call.as_str(), "succeeded")
    );
    let result: Table = house.call(call.as_str(), CALL, "ReadResult", &(none(),)).await;
    assert!(format!("{:?}", result["value"]).contains("\"x\""), "{result:?}");
    assert_eq!(house.get::<String>(call.as_str(), CALL, "Target").await, "file_read");
    house.close().await;
}

#[tokio::test]
async fn a_call_is_cancelled_by_its_owner_and_touched_by_nobody_else() {
    let house = House::open().await;
    let mut ear = Ear::on(&house.client).await;
    let call: OwnedObjectPath = house.call(ROOT, MANAGER, "Call", &("w.held", none(), none())).await;
    let other = house.bus.connect().await;
    for member in ["Cancel", "ReadResult"] {
        let answer = other.call_method(Some(NAME), call.as_str(), Some(CALL), member, &(none(),)).await;
        assert_eq!(error_name(&answer.expect_err("refused")), "AccessDenied");
    }
    assert_eq!(house.refused(call.as_str(), CALL, "ReadResult", &(none(),)).await, "CallNotFinished");
    house.call::<_, ()>(call.as_str(), CALL, "Cancel", &(none(),)).await;
    let finished = ear.signal("Finished").await;
    assert_eq!(finished.body().deserialize::<String>().expect("typed"), "cancelled");
    house.close().await;
}

#[tokio::test]
async fn calls_of_a_caller_that_leaves_the_bus_are_cancelled_and_go_with_it() {
    let house = House::open().await;
    let mut ear = Ear::on(&house.client).await;
    let other = house.bus.connect().await;
    let answer =
        other.call_method(Some(NAME), ROOT, Some(MANAGER), "Call", &("w.held", none(), none())).await;
    let call: OwnedObjectPath = answer.expect("begun").body().deserialize().expect("a path");
    house.perform.was_asked(1).await;
    other.close().await.expect("closed");
    house.was_stopped(1).await;
    let removed = ear.signal("InterfacesRemoved").await;
    let (path, _): (OwnedObjectPath, Vec<String>) = removed.body().deserialize().expect("typed");
    assert_eq!(path, call);
    house.close().await;
}

#[tokio::test]
async fn a_caller_has_so_many_calls_and_no_more_until_ended_ones_are_forgotten() {
    let house = House::paced(Pace { keep_calls: Duration::from_millis(50), ..Pace::default() }).await;
    let mut ear = Ear::on(&house.client).await;
    let mut calls = Vec::new();
    for _ in 0..16 {
        calls
            .push(house.call::<_, OwnedObjectPath>(ROOT, MANAGER, "Call", &("w.held", none(), none())).await);
    }
    assert_eq!(house.refused(ROOT, MANAGER, "Call", &("w.held", none(), none())).await, "LimitsExceeded");
    house.call::<_, ()>(calls[0].as_str(), CALL, "Cancel", &(none(),)).await;
    ear.wait(|message| is(message, "InterfacesRemoved")).await;
    // The object goes a moment before its place is free.
    let mut tried =
        house.client.call_method(Some(NAME), ROOT, Some(MANAGER), "Call", &("w.step", none(), none())).await;
    while tried.is_err() {
        tried = house
            .client
            .call_method(Some(NAME), ROOT, Some(MANAGER), "Call", &("w.step", none(), none()))
            .await;
    }
    house.close().await;
}

#[tokio::test]
async fn a_value_that_is_too_large_says_where_it_is_and_a_plan_is_not_called() {
    let house = House::open().await;
    let mut ear = Ear::on(&house.client).await;
    let call: OwnedObjectPath = house.call(ROOT, MANAGER, "Call", &("w.large", none(), none())).await;
    ear.signal("Finished").await;
    let result: Table = house.call(call.as_str(), CALL, "ReadResult", &(none(),)).await;
    assert!(!result.contains_key("value") && text(&result["rest"]).contains("gRPC"), "{result:?}");
    assert_eq!(house.refused(ROOT, MANAGER, "Call", &("quick", none(), none())).await, "InvalidArgs");
    assert_eq!(house.refused(ROOT, MANAGER, "Call", &("w", none(), none())).await, "NoSuchDefinition");
    house.close().await;
}
