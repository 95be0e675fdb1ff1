//! Many calls, many runs, and listeners that do not listen.

use std::time::Instant;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use op_dbus::NAME;
use op_engine::start::StartRequest;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use zbus::Message;

use crate::support::{Ear, House, MANAGER, PATIENCE, ROOT, Table, error_name, is, path_of};

fn request(plan: &str) -> StartRequest {
    StartRequest { plan: plan.to_owned(), user: "uid:0".to_owned(), ..StartRequest::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_makes_ten_thousand_calls_does_not_keep_another_one_waiting() {
    let house = House::open().await;
    let (greedy, modest) = (house.bus.connect().await, house.bus.connect().await);
    let flood = tokio::spawn(async move {
        let call = || greedy.call_method(Some(NAME), ROOT, Some(MANAGER), "ListAgents", &());
        let mut calls: FuturesUnordered<_> = (0..200).map(|_| call()).collect();
        let (mut made, mut refused) = (calls.len(), 0_usize);
        while let Some(answer) = calls.next().await {
            refused += usize::from(answer.is_err());
            if made < 10_000 {
                made += 1;
                calls.push(call());
            }
        }
        (made, refused)
    });
    let mut slowest = std::time::Duration::ZERO;
    let mut served = 0_u32;
    while !flood.is_finished() {
        let began = Instant::now();
        let answer = modest.call_method(Some(NAME), ROOT, Some(MANAGER), "ListPlans", &()).await;
        answer.expect("served beside the flood");
        slowest = slowest.max(began.elapsed());
        served += 1;
    }
    let (made, refused) = flood.await.expect("no panic");
    println!("{made} calls, {refused} refused; beside them {served} served, the slowest in {slowest:?}");
    assert!(served > 10 && slowest < PATIENCE);
    house.close().await;
}

#[tokio::test]
async fn calls_beyond_what_one_client_may_have_at_once_are_refused_and_others_are_served() {
    let house = House::open().await;
    let waiting = house.bus.connect().await;
    let hold =
        || waiting.call_method(Some(NAME), ROOT, Some(MANAGER), "ValidateDefinition", &("[workstacks.x]\n",));
    let mut calls: FuturesUnordered<_> = (0..400).map(|_| hold()).collect();
    let mut refused = 0;
    while let Some(answer) = calls.next().await {
        refused += usize::from(answer.is_err_and(|error| error_name(&error) == "LimitsExceeded"));
    }
    assert!(refused > 0, "none of 400 calls at once was refused");
    house.start("quick").await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_than_a_hundred_signals_a_second_go_out_whatever_happens_and_the_last_state_is_told() {
    let house = House::open().await;
    let mut ear = Ear::on(&house.client).await;
    let began = Instant::now();
    for _ in 0..1000 {
        house.engine.start(request("many-steps")).await.expect("started");
    }
    let last = house.start("held").await;
    house.release.notify_one();
    let is_last = |message: &Message| is(message, "Finished") && path_of(message) == last.as_str();
    let all = ear.all_until(is_last).await;
    let elapsed = began.elapsed();
    let seconds = usize::try_from(elapsed.as_secs()).expect("few") + 1;
    let changed = |message: &&Message| {
        let changed = message.body().deserialize::<(String, Table, Vec<String>)>();
        is(message, "PropertiesChanged")
            && changed.is_ok_and(|(_, changed, _)| {
                changed.contains_key("Progress") && !changed.contains_key("Result")
            })
    };
    let progress = all.iter().filter(changed).count();
    println!("1001 runs: {} signals, {progress} with progress, in {elapsed:?}", all.len());
    assert!(all.len() <= 100 * seconds + 100, "{} signals in {elapsed:?}", all.len());
    assert!(progress <= 20 * seconds + 20, "{progress} tellings of progress in {elapsed:?}");
    assert!(house.get::<u64>(ROOT, MANAGER, "SignalsSuppressed").await > 0);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_that_is_stopped_costs_others_nothing() {
    let house = House::open().await;
    let rule = format!("type='signal',sender='{NAME}'");
    let mut monitor = Command::new("dbus-monitor");
    monitor.args(["--address", &house.bus.address(), &rule]);
    monitor.stdout(std::process::Stdio::piped()).kill_on_drop(true);
    let mut stuck = monitor.spawn().expect("dbus-monitor is installed");
    // It says something once it listens.
    let mut byte = [0];
    stuck.stdout.as_mut().expect("piped").read_exact(&mut byte).await.expect("it speaks");
    let pid = stuck.id().expect("it runs").to_string();
    assert!(Command::new("kill").args(["-STOP", &pid]).status().await.expect("kill").success());
    for _ in 0..500 {
        house.engine.start(request("quick")).await.expect("started");
    }
    let mut ear = Ear::on(&house.client).await;
    let run = house.start("quick").await;
    ear.wait(|message| is(message, "Finished") && path_of(message) == run.as_str()).await;
    assert_eq!(house.state(&run).await, "completed");
    house.close().await;
}
