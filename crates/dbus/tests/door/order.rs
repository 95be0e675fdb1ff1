//! What comes before what.

use std::collections::HashMap;
use std::time::Duration;

use futures::StreamExt as _;
use op_dbus::Pace;
use zbus::message::{Message, Type};
use zbus::{MatchRule, MessageStream, OwnedObjectPath};

use crate::support::{Ear, House, MANAGER, PATIENCE, ROOT, RUN, Table, is, none, path_of};

/// Runs in lines, and where the next ones begin.
type Listed = (Vec<(String, OwnedObjectPath, String, String, String, f64, u64, u64)>, String);

/// Interfaces by path, and properties by interface.
type Managed = HashMap<OwnedObjectPath, HashMap<String, Table>>;

/// Everything that one connection is sent by the daemon, replies included, as it came.
async fn everything(house: &House) -> MessageStream {
    let rule = MatchRule::builder().sender(op_dbus::NAME).build().expect("valid");
    MessageStream::for_match_rule(rule, &house.client, None).await.expect("listening")
}

/// Messages of a stream up to the first that a test waits for.
async fn until(stream: &mut MessageStream, is_it: impl Fn(&Message) -> bool) -> Vec<Message> {
    let mut all = Vec::new();
    loop {
        let message = tokio::time::timeout(PATIENCE, stream.next()).await.expect("in time");
        let message = message.expect("the connection lives").expect("a message");
        let is_last = is_it(&message);
        all.push(message);
        if is_last {
            return all;
        }
    }
}

fn at(all: &[Message], is_it: impl Fn(&Message) -> bool) -> usize {
    all.iter().position(is_it).expect("it came")
}

fn is_reply(message: &Message) -> bool {
    message.message_type() == Type::MethodReturn
}

fn changes(message: &Message) -> Option<(String, Table, Vec<String>)> {
    is(message, "PropertiesChanged").then(|| message.body().deserialize().expect("typed"))
}

fn tells(message: &Message, property: &str) -> bool {
    changes(message).is_some_and(|(_, changed, _)| changed.contains_key(property))
}

#[tokio::test]
async fn an_object_stands_before_its_path_is_told_and_the_reply_goes_before_run_new() {
    let house = House::open().await;
    let mut stream = everything(&house).await;
    let run = house.start("quick").await;
    let all = until(&mut stream, |message| is(message, "Finished")).await;
    let added = at(&all, |message| {
        let added = is(message, "InterfacesAdded");
        added
            && message
                .body()
                .deserialize::<(OwnedObjectPath, HashMap<String, Table>)>()
                .is_ok_and(|(path, _)| path == run)
    });
    let reply = at(&all, |message| {
        is_reply(message) && message.body().deserialize::<OwnedObjectPath>().is_ok_and(|path| path == run)
    });
    let new = at(&all, |message| is(message, "RunNew"));
    assert!(added < reply && reply < new, "{added} {reply} {new}");
    assert_eq!(all.iter().filter(|message| is(message, "RunNew")).count(), 1);
    house.close().await;
}

#[tokio::test]
async fn properties_changed_goes_before_the_reply_and_every_other_signal_after_it() {
    let house = House::open().await;
    let run = house.start("held").await;
    house.perform.was_asked(1).await;
    let mut stream = everything(&house).await;
    house.steer(&run, "Cancel", none()).await;
    let all = until(&mut stream, |message| is(message, "Finished")).await;
    let reply = at(&all, is_reply);
    let first_told = all.iter().position(|message| is(message, "PhaseChanged") || is(message, "Finished"));
    assert!(first_told.expect("told") > reply);
    let last = all.iter().rposition(|message| tells(message, "State")).expect("told");
    assert!(last < at(&all, |message| is(message, "Finished")));
    let (_, changed, _) = changes(&all[last]).expect("changes");
    for property in ["State", "StateReason", "Result", "Error", "FinishTimestamp"] {
        assert!(changed.contains_key(property), "{property}: {changed:?}");
    }
    house.close().await;
}

#[tokio::test]
async fn the_state_after_pause_was_told_when_pause_returns() {
    let house = House::open().await;
    let run = house.start("held").await;
    let mut stream = everything(&house).await;
    house.steer(&run, "Pause", none()).await;
    let all = until(&mut stream, is_reply).await;
    let told = all.iter().filter_map(changes).any(|(_, changed, _)| {
        changed.get("State").is_some_and(|state| format!("{state:?}").contains("paused"))
    });
    assert!(told, "{all:?}");
    house.close().await;
}

#[tokio::test]
async fn a_run_that_ended_stays_for_its_time_and_then_its_object_goes_before_the_word_of_it() {
    let pace = Pace { keep_runs: Duration::from_millis(200), ..Pace::default() };
    let house = House::paced(pace).await;
    let mut ear = Ear::on(&house.client).await;
    let run = house.start("quick").await;
    let all = ear.all_until(|message| is(message, "RunRemoved")).await;
    let count = |member: &str| {
        all.iter().filter(|message| is(message, member) && path_of(message) == run.as_str()).count()
    };
    assert_eq!(count("Finished"), 1);
    let removed = all.iter().position(|message| is(message, "InterfacesRemoved")).expect("removed");
    assert!(removed > all.iter().position(|message| is(message, "Finished")).expect("finished"));
    assert_eq!(house.refused(run.as_str(), RUN, "Explain", &()).await, "UnknownObject");

    let id = run.as_str().rsplit('/').next().expect("an id").to_owned();
    let again: OwnedObjectPath = house.call(ROOT, MANAGER, "GetRun", &(id,)).await;
    assert_eq!(again, run);
    assert_eq!(house.state(&run).await, "completed");
    house.close().await;
}

#[tokio::test]
async fn no_more_than_64_ended_runs_stay() {
    let house = House::open().await;
    let mut ear = Ear::on(&house.client).await;
    for _ in 0..70 {
        let started = house.engine.start(op_engine::start::StartRequest {
            plan: "quick".to_owned(),
            user: "uid:0".to_owned(),
            ..op_engine::start::StartRequest::default()
        });
        started.await.expect("started");
    }
    // Once the last one is told of, those before it are too.
    let last = house.start("quick").await;
    ear.wait(|message| is(message, "Finished") && path_of(message) == last.as_str()).await;
    let mut shown = usize::MAX;
    while shown > 64 {
        let managed: Managed =
            house.call(ROOT, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", &()).await;
        shown = managed.values().filter(|interfaces| interfaces.contains_key(RUN)).count();
    }
    assert!(shown > 0);
    let (runs, next): Listed = house.call(ROOT, MANAGER, "ListRuns", &(none(), "", 60_u32)).await;
    assert!(runs.len() == 60 && !next.is_empty());
    let (rest, next): Listed = house.call(ROOT, MANAGER, "ListRuns", &(none(), next, 60_u32)).await;
    assert!(rest.len() == 11 && next.is_empty());
    house.close().await;
}
