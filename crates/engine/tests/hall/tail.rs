//! Events of all runs, as they come.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use op_engine::fakes::ScriptedPerform;
use op_engine::handle::tail::TailError;
use op_engine::ports::{Audited, EventFilter};
use op_engine::start::StartRequest;
use tokio::sync::Notify;

use crate::crash::Mortal;
use crate::support::{LINE, ONE, World, did, end, engine, request, scripted};

fn filter() -> EventFilter {
    EventFilter { limit: 1000, ..EventFilter::default() }
}

fn of(told: &[Audited], run: &op_run::RunId) -> Vec<u64> {
    told.iter().filter(|audited| audited.run == *run).map(|audited| audited.recorded.sequence).collect()
}

#[tokio::test(start_paused = true)]
async fn a_tail_tells_what_was_and_then_what_comes_each_once_and_in_order() {
    let release = Arc::new(Notify::new());
    let told = Arc::clone(&release);
    let perform = ScriptedPerform::default().on("w.step", move |request, _, _| {
        let told = Arc::clone(&told);
        async move {
            told.notified().await;
            did(&request)
        }
    });
    let world = World::new(ONE, perform);
    let first = world.start().await;
    world.perform.was_asked(1).await;
    let tail = world.engine.tail(filter()).await.expect("read");
    let second = world.start().await;
    world.perform.was_asked(2).await;
    release.notify_waiters();
    let (a, b) = (end(&world.engine, &first).await, end(&world.engine, &second).await);
    let count = usize::try_from(a.sequence() + b.sequence()).expect("few");
    let told: Vec<_> = tail.take(count).map(|audited| audited.expect("fast enough")).collect().await;
    for run in [a, b] {
        assert_eq!(of(&told, run.id()), (1..=run.sequence()).collect::<Vec<_>>());
    }
}

#[tokio::test(start_paused = true)]
async fn a_tail_tells_only_what_is_wanted() {
    let world = World::new(LINE, scripted());
    let wanted = EventFilter {
        kinds: vec!["run_started".to_owned(), "run_completed".to_owned()],
        user: Some("ada".to_owned()),
        ..filter()
    };
    let by = |user: &str| StartRequest { user: user.to_owned(), ..request("p") };
    let mut expected = Vec::new();
    let mut tail = None;
    for user in ["ada", "bob", "ada"] {
        let run = world.engine.start(by(user)).await.expect("started").run;
        end(&world.engine, &run).await;
        expected.extend((user == "ada").then_some(run));
        // One run is past, two are to come.
        if tail.is_none() {
            tail = Some(world.engine.tail(wanted.clone()).await.expect("read"));
        }
    }
    let told: Vec<_> =
        tail.expect("opened").take(4).map(|audited| audited.expect("fast enough")).collect().await;
    let told: Vec<_> = told.into_iter().map(|of| (of.run, of.recorded.event.fact.kind())).collect();
    let started = |at: usize| (expected[at].clone(), "run_started");
    let completed = |at: usize| (expected[at].clone(), "run_completed");
    assert_eq!(told, [started(0), completed(0), started(1), completed(1)]);
}

#[tokio::test(start_paused = true)]
async fn a_tail_of_one_run_and_of_some_time_tells_that() {
    let world = World::new(ONE, scripted());
    let first = world.run().await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    let second = world.run().await;
    let since = second.origin().expect("started").at;
    let cases = [
        (EventFilter { run: Some(first.id().clone()), ..filter() }, first.id()),
        (EventFilter { until: Some(since), ..filter() }, first.id()),
        (EventFilter { since: Some(since), ..filter() }, second.id()),
    ];
    for (filter, run) in cases {
        let told = world.engine.audit(&filter).await.expect("read");
        assert_eq!(told.len(), of(&told, run).len());
        let tail: Vec<_> = world.engine.tail(filter).await.expect("read").take(told.len()).collect().await;
        assert_eq!(tail, told.into_iter().map(Ok).collect::<Vec<_>>());
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_is_too_slow_is_cut_off_and_told_so() {
    let world = World::new(LINE, scripted());
    let mut tail = world.engine.tail(EventFilter { limit: 1, ..filter() }).await.expect("read");
    for _ in 0..400 {
        world.run().await;
    }
    assert!(matches!(tail.next().await, Some(Err(TailError::Slow(missed))) if missed > 0));
    assert_eq!(tail.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn what_happens_while_the_past_is_read_is_told_once() {
    let engine = engine(LINE, Arc::new(Mortal::new(Arc::default(), None)), Arc::new(scripted()));
    let run = async {
        let run = engine.start(request("p")).await.expect("started").run;
        end(&engine, &run).await
    };
    let (tail, run) = tokio::join!(engine.tail(filter()), run);
    let mut tail = tail.expect("read");
    for sequence in 1..=run.sequence() {
        let told = tail.next().await.expect("one more").expect("fast enough");
        assert_eq!(told.recorded.sequence, sequence);
    }
    assert!(futures::poll!(tail.next()).is_pending());
}
