//! Runs that only wait: out of memory, and back when there is something for them.

use std::time::Duration;

use futures::StreamExt as _;
use op_run::RunId;
use op_run::run::State;
use tokio::time::Instant;

use crate::support::{
    World, after_a_restart, approve, end, is_in_memory, request, runs_of, scripted, settle, signal, state,
    steer,
};

const DELAYED: &str = "
[workstacks.p]
[[workstacks.p.phases]]
id = 'a'
delay = '1h'
agents = ['w.step']
";

/// Longer than a run lingers.
const A_WHILE: Duration = Duration::from_secs(6);

fn gated(gate: &str) -> String {
    DELAYED.replace("delay = '1h'", gate)
}

async fn leaves(world: &World, run: &RunId) {
    settle().await;
    assert!(is_in_memory(world, run).await);
    tokio::time::sleep(A_WHILE).await;
    assert_eq!((is_in_memory(world, run).await, world.engine.live_runs()), (false, 1));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_waits_for_its_time_leaves_memory_and_comes_back_by_itself() {
    let world = World::new(DELAYED, scripted());
    let (began, run) = (Instant::now(), world.start().await);
    leaves(&world, &run).await;
    assert_eq!(state(&world, &run).await, State::Waiting);
    world.perform.was_asked(1).await;
    assert_eq!(began.elapsed().as_secs(), 3600);
    settle().await;
    assert_eq!((state(&world, &run).await, world.engine.live_runs()), (State::Completed, 0));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_waits_for_somebody_leaves_memory_and_comes_back_for_them() {
    for (gate, control) in [("signal = 'go'", signal("go")), ("approval = 'Sure?'", approve(true))] {
        let world = World::new(&gated(gate), scripted());
        let run = world.start().await;
        leaves(&world, &run).await;
        assert_eq!(steer(&world, &run, control).await, Ok(State::Running));
        settle().await;
        assert_eq!((state(&world, &run).await, world.called().len()), (State::Completed, 1));
        assert!(!world.perform.asked()[0].repeat, "it was never sent before");
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_must_be_looked_at_soon_stays_in_memory() {
    let world = World::new(&gated("delay = '30s'"), scripted());
    let run = world.start().await;
    tokio::time::sleep(A_WHILE).await;
    assert!(is_in_memory(&world, &run).await);
}

#[tokio::test(start_paused = true)]
async fn a_watcher_brings_a_run_back_and_keeps_it_and_sees_how_it_goes_on() {
    let world = World::new(&gated("signal = 'go'"), scripted());
    let run = world.start().await;
    leaves(&world, &run).await;
    let (_, mut watch) = world.engine.watch(run.as_str(), 1, false).await.expect("known");
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert!(is_in_memory(&world, &run).await);
    drop(watch.next().await.expect("a fact"));
    steer(&world, &run, signal("go")).await.expect("it listens");
    assert!(watch.count().await > 3);
    assert_eq!(state(&world, &run).await, State::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_run_leaves_again_when_the_last_watcher_has_gone() {
    let world = World::new(&gated("signal = 'go'"), scripted());
    let run = world.start().await;
    leaves(&world, &run).await;
    let before = world.journal.appends();
    for _ in 0..3 {
        let watch = world.engine.watch(run.as_str(), 1, true).await.expect("known");
        tokio::time::sleep(A_WHILE).await;
        assert!(is_in_memory(&world, &run).await);
        drop(watch);
        leaves(&world, &run).await;
    }
    assert_eq!(before, world.journal.appends(), "coming and going is no event");
}

#[tokio::test(start_paused = true)]
async fn thousands_of_waiting_runs_are_in_memory_only_when_their_time_has_come() {
    let world = World::new(DELAYED, scripted());
    for _ in 0..2_000 {
        world.engine.start(request("p")).await.expect("started");
    }
    tokio::time::sleep(A_WHILE).await;
    for run in runs_of(&world.engine, "p").await {
        assert!(!is_in_memory(&world, &run.id).await);
    }
    assert_eq!(world.engine.live_runs(), 2_000);
    world.perform.was_asked(2_000).await;
    settle().await;
    assert_eq!(world.engine.live_runs(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_for_no_waiting_run_and_the_next_start_brings_it_back() {
    let world = World::new(DELAYED, scripted());
    let (began, run) = (Instant::now(), world.start().await);
    leaves(&world, &run).await;
    let down = Instant::now();
    world.engine.shutdown().await;
    assert_eq!((down.elapsed().as_millis(), world.engine.live_runs()), (0, 0));
    // After it nobody is brought back: who looks is told what is known.
    let (_, watch) = world.engine.watch(run.as_str(), 1, false).await.expect("known");
    assert!(watch.count().await > 1);
    assert_eq!(world.engine.live_runs(), 0);
    let world = after_a_restart(world, DELAYED).await;
    assert_eq!(world.engine.recover().await.expect("read").awake.len(), 1);
    assert_eq!(end(&world.engine, &run).await.state(), State::Completed);
    assert!(began.elapsed().as_secs() >= 3600);
}
