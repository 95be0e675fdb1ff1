//! Law 1: decide, commit, act. What the journal does not take did not happen.

use std::sync::Arc;

use op_engine::fakes::ScriptedPerform;
use op_engine::ports::{AppendError, Journal as _, RunFilter};
use op_engine::start::StartError;
use op_run::run::State;
use tokio::sync::Notify;

use crate::support::{LINE, ONE, World, did, end, request, scripted, settle, step_of};

fn full() -> AppendError {
    AppendError::Full("no space".to_owned())
}

fn broken() -> AppendError {
    AppendError::Broken("the disk is gone".to_owned())
}

/// A performer whose step `a` goes on until it is told to end.
fn held() -> (ScriptedPerform, Arc<Notify>) {
    let release = Arc::new(Notify::new());
    let told = Arc::clone(&release);
    let perform = ScriptedPerform::default().on("w.step", move |request, _, _| {
        let told = Arc::clone(&told);
        async move {
            if step_of(&request) == "a" {
                told.notified().await;
            }
            did(&request)
        }
    });
    (perform, release)
}

#[tokio::test(start_paused = true)]
async fn a_start_that_the_journal_does_not_take_did_not_happen() {
    let world = World::new(ONE, scripted());
    for error in [full(), broken()] {
        world.journal.fail_next(error.clone());
        let refused = world.engine.start(request("p")).await;
        assert_eq!(refused, Err(StartError::Append(error)));
    }
    settle().await;
    assert_eq!(world.perform.asked(), []);
    assert_eq!(world.engine.live_runs(), 0);
    assert_eq!(world.journal.appends(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_is_sent_only_when_its_start_is_on_disk() {
    let (perform, release) = held();
    let world = World::new(LINE, perform);
    let run = world.start().await;
    world.perform.was_asked(1).await;
    world.journal.pause();
    release.notify_one();
    settle().await;
    // The answer of `a` and the start of `b` wait for the disk: nobody heard of either.
    assert_eq!(world.called(), ["a"]);
    assert_eq!(world.perform.acknowledged(), Vec::<String>::new());
    let seen = world.engine.get(run.as_str()).await.expect("known").sequence();
    assert_eq!(seen, world.journal.events(&run, 1, 100).await.expect("read").len() as u64);
    world.journal.resume();
    assert_eq!(end(&world.engine, &run).await.state(), State::Completed);
    assert_eq!(world.called(), ["a", "b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn an_outcome_is_acknowledged_once_it_is_on_disk() {
    let world = World::new(LINE, scripted());
    let run = world.run().await;
    let keys: Vec<_> = ["a", "b", "c"].map(|step| format!("{}/{step}/1/1", run.id())).into();
    assert_eq!(world.perform.acknowledged(), keys);
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_is_waited_for_and_no_answer_is_lost() {
    let (perform, release) = held();
    let world = World::new(LINE, perform);
    let run = world.start().await;
    world.perform.was_asked(1).await;
    for _ in 0..5 {
        world.journal.fail_next(full());
    }
    release.notify_one();
    let ended = end(&world.engine, &run).await;
    assert_eq!(ended.state(), State::Completed);
    assert_eq!(world.called(), ["a", "b", "c"]);
    assert!(ended.ended_at().expect("over").since(ended.origin().expect("started").at).as_secs() >= 5);
}

#[tokio::test(start_paused = true)]
async fn a_broken_journal_takes_the_engine_down_and_names_the_run() {
    let (perform, release) = held();
    let world = World::new(LINE, perform);
    let run = world.start().await;
    world.perform.was_asked(1).await;
    let before = world.engine.get(run.as_str()).await.expect("known").sequence();
    world.journal.fail_next(broken());
    release.notify_one();
    let cause = world.engine.failed().await;
    assert!(cause.contains(run.as_str()) && cause.contains("the disk is gone"), "{cause}");
    assert_eq!(world.called(), ["a"]);
    assert_eq!(world.perform.acknowledged(), Vec::<String>::new());
    assert_eq!(world.engine.get(run.as_str()).await.expect("known").sequence(), before);
    // The first cause stays.
    assert_eq!(world.engine.failed().await, cause);
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_starter_goes_away_before_the_disk_answers_is_conducted_all_the_same() {
    let world = World::new(ONE, scripted());
    world.journal.pause();
    let mut start = Box::pin(world.engine.start(request("p")));
    assert!(futures::poll!(&mut start).is_pending());
    settle().await;
    drop(start);
    world.journal.resume();
    world.perform.was_asked(1).await;
    settle().await;
    let runs = world.journal.list(&RunFilter { limit: 10, ..RunFilter::default() }).await.expect("read");
    assert_eq!(runs.iter().map(|run| run.state).collect::<Vec<_>>(), [State::Completed]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_the_journal_knows_is_known_to_the_engine() {
    let world = World::new(ONE, scripted());
    world.journal.pause();
    let starting = tokio::spawn({
        let engine = world.engine.clone();
        async move { engine.start(request("p")).await }
    });
    settle().await;
    // Nothing is on disk, so there is nothing to be found, and the place is taken all the same.
    assert_eq!(world.engine.live_runs(), 1);
    assert!(
        world.engine.list(&RunFilter { limit: 9, ..RunFilter::default() }).await.expect("read").is_empty()
    );
    world.journal.resume();
    let run = starting.await.expect("ends").expect("started").run;
    assert_eq!(end(&world.engine, &run).await.state(), State::Completed);
    settle().await;
    assert_eq!(world.engine.live_runs(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_conductor_that_hangs_is_told_and_one_that_waits_is_not() {
    let longest = std::time::Duration::from_secs(5);
    let (perform, release) = held();
    let world = World::new(LINE, perform);
    let run = world.start().await;
    world.perform.was_asked(1).await;
    tokio::time::advance(longest * 2).await;
    assert_eq!(world.engine.stalled(longest), None, "it waits for its call");
    world.journal.pause();
    release.notify_one();
    settle().await;
    assert_eq!(world.engine.stalled(longest), None, "it has only begun to");
    tokio::time::advance(longest * 2).await;
    assert_eq!(world.engine.stalled(longest), Some(run.clone()));
    world.journal.resume();
    end(&world.engine, &run).await;
    assert_eq!(world.engine.stalled(longest), None);
}

#[tokio::test(start_paused = true)]
async fn a_conductor_that_waits_for_room_on_the_disk_does_not_hang() {
    let (perform, release) = held();
    let world = World::new(LINE, perform);
    world.start().await;
    world.perform.was_asked(1).await;
    world.journal.fail_next(full());
    release.notify_one();
    settle().await;
    assert_eq!(world.engine.stalled(std::time::Duration::ZERO), None);
}
