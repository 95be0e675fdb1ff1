//! Shutdown is not cancellation: runs sleep in the journal.

use std::sync::Arc;
use std::time::Duration;

use op_engine::Limits;
use op_engine::fakes::{MemoryJournal, ScriptedPerform};
use op_engine::handle::control::ControlError;
use op_engine::ports::{AppendError, Journal as _};
use op_engine::start::StartError;
use op_run::run::{State, StepState};
use tokio::time::Instant;

use crate::support::{did, end, engine, limited, request, settle, step_of};

const PLAN: &str = "
[workstacks.p]
[[workstacks.p.phases]]
id = 'soon'
depends_on = []
agents = ['w.step']
[[workstacks.p.phases]]
id = 'after'
depends_on = ['soon']
agents = ['w.step']
[[workstacks.p.phases]]
id = 'late'
depends_on = []
agents = ['w.step']
";

const DRAIN: Duration = Duration::from_secs(10);

/// Answers after some time, whatever the token says.
fn slow(soon: u64, late: u64) -> ScriptedPerform {
    ScriptedPerform::default().on("w.step", move |request, _, stop| async move {
        let wait = match step_of(&request) {
            "soon" => soon,
            "late" => late,
            _ => 0,
        };
        tokio::time::sleep(Duration::from_secs(wait)).await;
        assert!(!stop.is_cancelled(), "a daemon that goes down cancels nothing");
        did(&request)
    })
}

#[tokio::test(start_paused = true)]
async fn what_is_answered_in_time_is_kept_nothing_new_starts_and_the_run_goes_on_later() {
    let journal = Arc::new(MemoryJournal::new());
    let perform = Arc::new(slow(5, 60));
    let limits = Limits { drain: DRAIN, ..Limits::default() };
    let first = limited(PLAN, journal.clone(), perform.clone(), limits);
    let run = first.start(request("p")).await.expect("started").run;
    perform.was_asked(2).await;
    let began = Instant::now();
    first.shutdown().await;
    assert_eq!(began.elapsed().as_secs(), DRAIN.as_secs());
    assert_eq!(first.live_runs(), 0);
    let asleep = first.get(run.as_str()).await.expect("known");
    assert_eq!((asleep.state(), asleep.step(0).state), (State::Running, StepState::Succeeded));
    assert_eq!((asleep.step(1).state, asleep.step(2).state), (StepState::Pending, StepState::Running));
    assert_eq!(perform.asked().len(), 2);
    assert_eq!(perform.acknowledged(), [format!("{run}/soon/1/1")]);

    let perform = Arc::new(slow(0, 0));
    let second = engine(PLAN, journal, perform.clone());
    assert_eq!(second.recover().await.expect("read").awake.len(), 1);
    assert_eq!(end(&second, &run).await.state(), State::Completed);
    let mut called: Vec<_> =
        perform.asked().iter().map(|asked| (step_of(asked).to_owned(), asked.repeat)).collect();
    called.sort();
    assert_eq!(called, [("after".to_owned(), false), ("late".to_owned(), true)]);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_with_nothing_in_flight_does_not_wait() {
    let perform = Arc::new(slow(0, 0));
    let engine = engine(PLAN, Arc::new(MemoryJournal::new()), perform);
    let run = engine.start(request("p")).await.expect("started").run;
    assert_eq!(end(&engine, &run).await.state(), State::Completed);
    let began = Instant::now();
    engine.shutdown().await;
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_goes_down_starts_and_cancels_nothing() {
    let perform = Arc::new(slow(60, 60));
    let engine = engine(PLAN, Arc::new(MemoryJournal::new()), perform.clone());
    let run = engine.start(request("p")).await.expect("started").run;
    perform.was_asked(2).await;
    let down = tokio::spawn({
        let engine = engine.clone();
        async move { engine.shutdown().await }
    });
    settle().await;
    assert_eq!(engine.start(request("p")).await, Err(StartError::GoingDown));
    let cancelled = engine.cancel(run.as_str(), false, "", "tester").await;
    assert_eq!(cancelled, Err(ControlError::Deaf(run)));
    down.await.expect("it goes down");
}

#[tokio::test(start_paused = true)]
async fn a_start_that_the_disk_holds_back_is_not_conducted_after_a_shutdown_and_not_lost() {
    let journal = Arc::new(MemoryJournal::new());
    let perform = Arc::new(slow(0, 0));
    let first = engine(PLAN, journal.clone(), perform.clone());
    journal.pause();
    let starting = tokio::spawn({
        let engine = first.clone();
        async move { engine.start(request("p")).await }
    });
    settle().await;
    let down = tokio::spawn({
        let engine = first.clone();
        async move { engine.shutdown().await }
    });
    settle().await;
    journal.resume();
    let run = starting.await.expect("ends").expect("its start is on disk").run;
    down.await.expect("it goes down");
    assert_eq!(perform.asked().len(), 0);
    let second = engine(PLAN, journal, perform);
    second.recover().await.expect("read");
    assert_eq!(end(&second, &run).await.state(), State::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_awake_is_not_woken_again() {
    let perform = Arc::new(slow(60, 60));
    let engine = engine(PLAN, Arc::new(MemoryJournal::new()), perform.clone());
    let run = engine.start(request("p")).await.expect("started").run;
    perform.was_asked(2).await;
    assert_eq!(engine.recover().await.expect("read").awake, []);
    assert_eq!(end(&engine, &run).await.state(), State::Completed);
    assert_eq!(perform.asked().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_does_not_keep_the_daemon_from_going_down() {
    let journal = Arc::new(MemoryJournal::new());
    let perform = Arc::new(slow(1, 60));
    let engine = engine(PLAN, journal.clone(), perform.clone());
    let run = engine.start(request("p")).await.expect("started").run;
    perform.was_asked(2).await;
    for _ in 0..100 {
        journal.fail_next(AppendError::Full("no space".to_owned()));
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    engine.shutdown().await;
    // Nobody was told that the outcome is kept, so the performer still has it.
    assert_eq!(perform.acknowledged(), Vec::<String>::new());
    assert_eq!(journal.find(run.as_str(), 1).await.expect("read")[0].state, State::Running);
}
