//! Runs that count together: who has a place, who waits, who makes way.

use op_engine::handle::control::Control;
use op_engine::ports::AppendError;
use op_engine::start::{StartError, StartRequest};
use op_run::RunId;
use op_run::run::State;
use serde_json::{Map, json};

use crate::support::{World, after_a_restart, request, scripted, settle, signal, state, steer};

fn plan(on_conflict: &str) -> String {
    format!(
        "
[workstacks.p]
concurrency = {{ key = '${{k}}', limit = 1, on_conflict = '{on_conflict}' }}
inputs = {{ k = {{ type = 'string', default = 'x' }} }}
[[workstacks.p.phases]]
id = 'a'
signal = 'go'
agents = ['w.step']
"
    )
}

async fn start(world: &World) -> RunId {
    let run = world.start().await;
    settle().await;
    run
}

async fn states<const N: usize>(world: &World, runs: [&RunId; N]) -> [State; N] {
    settle().await;
    let mut states = [State::Stuck; N];
    for (at, run) in runs.into_iter().enumerate() {
        states[at] = state(world, run).await;
    }
    states
}

fn cancel() -> Control {
    Control::Cancel { rollback: false, reason: String::new() }
}

use State::{Cancelled, Completed, Pending, Waiting};

#[tokio::test(start_paused = true)]
async fn runs_under_one_key_go_one_after_the_other_in_the_order_of_their_start() {
    let world = World::new(&plan("queue"), scripted());
    let [a, b, c] = [start(&world).await, start(&world).await, start(&world).await];
    assert_eq!(states(&world, [&a, &b, &c]).await, [Waiting, Pending, Pending]);
    let other = Map::from_iter([("k".to_owned(), json!("y"))]);
    let other =
        world.engine.start(StartRequest { inputs: other, ..request("p") }).await.expect("started").run;
    assert_eq!(states(&world, [&other]).await, [Waiting], "another key is another queue");
    steer(&world, &a, signal("go")).await.expect("it waits");
    assert_eq!(states(&world, [&a, &b, &c]).await, [Completed, Waiting, Pending]);
    steer(&world, &b, signal("go")).await.expect("it waits");
    assert_eq!(states(&world, [&b, &c]).await, [Completed, Waiting]);
}

#[tokio::test(start_paused = true)]
async fn a_queue_survives_a_restart_in_its_order() {
    let text = plan("queue");
    let world = World::new(&text, scripted());
    let [a, b, c] = [start(&world).await, start(&world).await, start(&world).await];
    let world = after_a_restart(world, &text).await;
    assert_eq!(world.engine.recover().await.expect("read").awake.len(), 3);
    assert_eq!(states(&world, [&a, &b, &c]).await, [Waiting, Pending, Pending]);
    let d = start(&world).await;
    for (run, next) in [(&a, &b), (&b, &c), (&c, &d)] {
        assert_eq!(states(&world, [next]).await, [Pending]);
        steer(&world, run, signal("go")).await.expect("it waits");
        assert_eq!(states(&world, [run, next]).await, [Completed, Waiting]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_place_that_came_free_while_nobody_was_there_is_given_at_the_next_start() {
    let text = plan("queue");
    let world = World::new(&text, scripted());
    let [a, b] = [start(&world).await, start(&world).await];
    // It ends in a world that does not live to admit the next one.
    let world = after_a_restart(world, &text).await;
    steer(&world, &a, cancel()).await.expect("it comes back for it");
    let world = after_a_restart(world, &text).await;
    world.engine.recover().await.expect("read");
    assert_eq!(states(&world, [&a, &b]).await, [Cancelled, Waiting]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_cancelled_in_the_queue_leaves_it_and_nobody_waits_for_it() {
    let world = World::new(&plan("queue"), scripted());
    let [a, b, c] = [start(&world).await, start(&world).await, start(&world).await];
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    steer(&world, &b, cancel()).await.expect("it waits");
    assert_eq!(states(&world, [&a, &b, &c]).await, [Waiting, Cancelled, Pending]);
    steer(&world, &a, cancel()).await.expect("it waits");
    assert_eq!(states(&world, [&a, &b, &c]).await, [Cancelled, Cancelled, Waiting]);
}

#[tokio::test(start_paused = true)]
async fn one_more_run_is_refused_where_the_plan_says_so_and_told_which_one_is_under_way() {
    let world = World::new(&plan("skip"), scripted());
    let a = start(&world).await;
    match world.engine.start(request("p")).await {
        Err(StartError::Busy { plan, key, run }) => {
            assert_eq!((plan.as_str(), key.as_str(), run), ("p", "p:x", a.clone()));
        }
        other => panic!("{other:?}"),
    }
    steer(&world, &a, signal("go")).await.expect("it waits");
    settle().await;
    world.engine.start(request("p")).await.expect("there is a place again");
}

#[tokio::test(start_paused = true)]
async fn the_newest_run_has_the_place_where_the_plan_says_so() {
    let world = World::new(&plan("cancel"), scripted());
    let a = start(&world).await;
    let b = start(&world).await;
    assert_eq!(states(&world, [&a, &b]).await, [Cancelled, Waiting]);
    let record = world.engine.find(a.as_str()).await.expect("known");
    assert_eq!(record.reason, format!("run {b} takes its place"));
    // Also when many come before the first one has gone.
    let many = futures::future::join_all((0..5).map(|_| world.engine.start(request("p")))).await;
    let many: Vec<_> = many.into_iter().map(|started| started.expect("started").run).collect();
    settle().await;
    let mut waiting = 0;
    for run in many.iter().chain([&b]) {
        let state = state(&world, run).await;
        assert!(matches!(state, Waiting | Cancelled), "{state}");
        waiting += usize::from(state == Waiting);
    }
    assert_eq!((waiting, state(&world, &many[4]).await), (1, Waiting));
}

#[tokio::test(start_paused = true)]
async fn a_start_that_fails_gives_its_place_back_and_makes_nobody_go() {
    let world = World::new(&plan("cancel"), scripted());
    for _ in 0..2 {
        world.journal.fail_next(AppendError::Full("no space".to_owned()));
        assert!(matches!(world.engine.start(request("p")).await, Err(StartError::Append(_))));
    }
    let a = start(&world).await;
    world.journal.fail_next(AppendError::Full("no space".to_owned()));
    assert!(matches!(world.engine.start(request("p")).await, Err(StartError::Append(_))));
    assert_eq!(states(&world, [&a]).await, [Waiting]);
    let b = start(&world).await;
    assert_eq!(states(&world, [&a, &b]).await, [Cancelled, Waiting]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_goes_on_after_its_end_has_its_place_again() {
    let world = World::new(&plan("queue"), scripted());
    let a = start(&world).await;
    steer(&world, &a, cancel()).await.expect("it waits");
    steer(&world, &a, Control::Retry { from: None }).await.expect("it was cancelled");
    let b = start(&world).await;
    assert_eq!(states(&world, [&a, &b]).await, [Waiting, Pending]);
    steer(&world, &a, signal("go")).await.expect("it waits");
    assert_eq!(states(&world, [&a, &b]).await, [Completed, Waiting]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_retried_waits_for_its_place_behind_those_that_wait() {
    let text = plan("queue");
    let mut world = World::new(&text, scripted());
    let [a, b, c] = [start(&world).await, start(&world).await, start(&world).await];
    steer(&world, &b, cancel()).await.expect("it waits");
    assert_eq!(steer(&world, &b, Control::Retry { from: None }).await, Ok(Pending));
    assert_eq!(states(&world, [&a, &c, &b]).await, [Waiting, Pending, Pending]);
    // Also over a restart, and when the one before it is retried as well.
    world = after_a_restart(world, &text).await;
    world.engine.recover().await.expect("read");
    steer(&world, &c, signal("go")).await.expect("the signal is kept");
    steer(&world, &a, cancel()).await.expect("it waits");
    steer(&world, &a, Control::Retry { from: None }).await.expect("it was cancelled");
    settle().await;
    steer(&world, &b, signal("go")).await.expect("it listens");
    assert_eq!(states(&world, [&b, &c, &a]).await, [Completed, Completed, Waiting]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_retried_while_it_still_holds_its_place_gives_it_to_those_that_wait() {
    let world = World::new(&plan("queue"), scripted());
    let [a, b] = [start(&world).await, start(&world).await];
    // Both are in the inbox before the run looks at the first.
    let retry = Control::Retry { from: None };
    let steered = tokio::join!(steer(&world, &a, cancel()), steer(&world, &a, retry));
    assert_eq!(steered, (Ok(Cancelled), Ok(Pending)));
    assert_eq!(states(&world, [&b, &a]).await, [Waiting, Pending]);
    steer(&world, &b, signal("go")).await.expect("it waits");
    assert_eq!(states(&world, [&b, &a]).await, [Completed, Waiting]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_retried_has_the_place_where_the_plan_gives_it_to_the_newest() {
    let world = World::new(&plan("cancel"), scripted());
    let [a, b] = [start(&world).await, start(&world).await];
    assert_eq!(states(&world, [&a, &b]).await, [Cancelled, Waiting]);
    steer(&world, &a, Control::Retry { from: None }).await.expect("it was cancelled");
    assert_eq!(states(&world, [&a, &b]).await, [Waiting, Cancelled]);
}
