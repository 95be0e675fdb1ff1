//! The bus itself: a name that is taken, and a bus that goes away.

use std::time::Duration;

use futures::StreamExt as _;
use op_dbus::{Bus, Door, NAME, OpenError, Pace};
use op_engine::Warden;
use tokio_util::sync::CancellationToken;
use zbus::OwnedObjectPath;

use crate::support::bus::Relay;
use crate::support::fakes::SaidService;
use crate::support::{Ear, House, MANAGER, PATIENCE, PrivateBus, ROOT, engine, none};

#[tokio::test]
async fn a_name_that_is_taken_is_an_error_that_says_so() {
    let house = House::open().await;
    let opened = Door::open(
        Bus::Address(house.bus.address()),
        house.engine.clone(),
        Warden::new(0, vec![]),
        SaidService::new(),
        vec![],
        CancellationToken::new(),
    );
    match opened.await.err() {
        Some(error @ OpenError::Taken { .. }) => {
            assert!(error.to_string().contains("another op-dbus"), "{error}");
        }
        other => panic!("{other:?}"),
    }
    house.start("quick").await;
    house.close().await;
}

#[tokio::test]
async fn a_bus_that_is_not_there_is_an_error_that_says_so() {
    let house = House::open().await;
    let opened = Door::open(
        Bus::Address("unix:path=/nowhere/bus".to_owned()),
        house.engine.clone(),
        Warden::new(0, vec![]),
        SaidService::new(),
        vec![],
        CancellationToken::new(),
    );
    assert!(matches!(opened.await.err(), Some(OpenError::Connect { .. })));
    house.close().await;
}

#[tokio::test]
async fn after_a_restart_of_the_bus_the_service_is_back_with_its_name_and_runs_never_stopped() {
    let pace = Pace { check: Duration::from_millis(200), ..Pace::default() };
    let mut house = House::paced(pace).await;
    let run = house.start("held").await;
    house.perform.was_asked(1).await;
    house.bus.stop().await;
    house.back().await;
    assert_eq!(house.state(&run).await, "running");
    let mut ear = Ear::on(&house.client).await;
    house.release.notify_one();
    ear.signal("Finished").await;
    let again: OwnedObjectPath = house.call(ROOT, MANAGER, "StartRun", &("", "quick", none(), none())).await;
    assert_ne!(again, run);
    house.close().await;
}

#[tokio::test]
async fn a_name_that_was_lost_is_noticed_and_taken_again_when_it_is_free() {
    let pace = Pace { check: Duration::from_millis(50), ..Pace::default() };
    let house = House::paced(pace).await;
    let thief = house.bus.connect().await;
    let flags = zbus::fdo::RequestNameFlags::REPLACE_EXISTING;
    thief.request_name_with_flags(NAME, flags).await.expect("taken");
    let mut owners = zbus::fdo::DBusProxy::new(&house.client).await.expect("the bus");
    let bus = owners.clone();
    let mut changed = owners.receive_name_owner_changed_with_args(&[(0, NAME)]).await.expect("listening");
    thief.release_name(NAME).await.expect("released");
    let back = async {
        while let Some(signal) = changed.next().await {
            if signal.args().expect("typed").new_owner().is_some() {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, back).await.expect("the name is owned again");
    assert!(bus.name_has_owner(NAME.try_into().expect("a name")).await.expect("asked"));
    owners = bus;
    drop(owners);
    house.start("quick").await;
    house.close().await;
}

#[tokio::test]
async fn a_connection_that_the_bus_reads_no_more_is_left_for_a_new_one_under_the_same_name() {
    let pace = Pace { check: Duration::from_millis(50), ..Pace::default() };
    let bus = PrivateBus::start().await;
    let relay = Relay::start(&bus);
    let house = House::at(pace, engine(), bus, relay.address()).await;
    let run = house.start("held").await;
    let bus = zbus::fdo::DBusProxy::new(&house.client).await.expect("the bus");
    let owner = || async { bus.get_name_owner(NAME.try_into().expect("a name")).await };
    let before = owner().await.expect("owned");
    relay.wedge();
    let anew = async {
        while owner().await.is_ok_and(|now| now == before) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, anew).await.expect("a new connection owns the name");
    assert_eq!(house.state(&run).await, "running");
    house.close().await;
}
