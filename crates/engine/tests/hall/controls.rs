//! Steering: what reaches a run wherever it is, and what it answers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use op_engine::fakes::ScriptedPerform;
use op_engine::handle::control::{Control, ControlError};
use op_plan::plan::FailureKind;
use op_run::run::State;
use op_run::{Refused, RunId};

use crate::support::{
    LINE, ONE, World, after_a_restart, approve, did, end, fail, is_in_memory, scripted, settle, signal,
    state, steer, step_of,
};

const GATED: &str = "
[workstacks.p]
[[workstacks.p.phases]]
id = 'a'
signal = 'go'
agents = ['w.step']
[[workstacks.p.phases]]
id = 'b'
approval = 'Sure?'
agents = ['w.step']
rollback = [{ agent = 'w', operation = 'undo' }]
";

#[derive(Debug, Clone, Copy)]
enum Where {
    InMemory,
    OutOfMemory,
    Asleep,
}

/// A run that waits for its signal.
async fn waiting(place: Where) -> (World, RunId) {
    let world = World::new(GATED, scripted());
    let run = world.start().await;
    settle().await;
    match place {
        Where::InMemory => assert!(is_in_memory(&world, &run).await),
        Where::OutOfMemory => {
            tokio::time::sleep(Duration::from_secs(6)).await;
            assert_eq!((is_in_memory(&world, &run).await, world.engine.live_runs()), (false, 1));
        }
        Where::Asleep => {
            let world = after_a_restart(world, GATED).await;
            assert_eq!(world.engine.live_runs(), 0);
            return (world, run);
        }
    }
    (world, run)
}

fn every_control() -> [Control; 11] {
    [
        Control::Cancel { rollback: false, reason: "enough".to_owned() },
        Control::Cancel { rollback: true, reason: "enough".to_owned() },
        Control::Pause { reason: "wait".to_owned() },
        Control::Resume,
        signal("go"),
        signal("og"),
        approve(true),
        Control::Recast(BTreeMap::from([("b".to_owned(), "w.flaky".to_owned())])),
        Control::Rollback { to: None },
        Control::Retry { from: None },
        Control::Resolve { accept: true },
    ]
}

fn told(run: &RunId, answer: Result<State, ControlError>) -> String {
    match answer {
        Ok(state) => state.to_string(),
        Err(error) => error.to_string().replace(run.as_str(), "RUN"),
    }
}

#[tokio::test(start_paused = true)]
async fn every_control_reaches_a_run_wherever_it_is() {
    let expected = [
        "cancelled",
        "cancelled",
        "paused",
        "run RUN: the run is waiting and cannot be resumed",
        "running",
        "run RUN: no step of the plan waits for a signal `og`; there is go",
        "run RUN: nothing in this run waits for an approval",
        "waiting",
        "run RUN: the run is waiting and cannot be rolled back",
        "run RUN: the run is waiting and cannot be retried",
        "run RUN: the run is waiting and cannot be resolved",
    ];
    for place in [Where::InMemory, Where::OutOfMemory, Where::Asleep] {
        for (control, expected) in every_control().into_iter().zip(expected) {
            let (world, run) = waiting(place).await;
            let answer = told(&run, steer(&world, &run, control.clone()).await);
            assert_eq!(answer, expected, "{control:?} {place:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_run_that_is_over_refuses_it_refuses_with_its_state_and_leaves_again() {
    let world = World::new(ONE, scripted());
    let run = world.start().await;
    end(&world.engine, &run).await;
    let before = world.journal.appends();
    let expected = [
        "run RUN: the run is completed and cannot be cancelled",
        "run RUN: the run is completed and cannot be cancelled",
        "run RUN: the run is completed and cannot be paused",
        "run RUN: the run is completed and cannot be resumed",
    ];
    for (control, expected) in every_control().into_iter().zip(expected) {
        assert_eq!(told(&run, steer(&world, &run, control).await), expected);
    }
    for control in [Control::Rollback { to: None }, Control::Retry { from: None }] {
        let refused = steer(&world, &run, control).await;
        let nothing = [Refused::NothingToUndo, Refused::NothingToRetry];
        assert!(
            matches!(&refused, Err(ControlError::Refused { refused, .. }) if nothing.contains(refused)),
            "{refused:?}"
        );
    }
    settle().await;
    assert_eq!((world.engine.live_runs(), world.journal.appends()), (0, before));
}

/// The step `b` fails for as long as it is said.
fn failing_once() -> (ScriptedPerform, Arc<AtomicBool>) {
    let fails = Arc::new(AtomicBool::new(true));
    let asked = Arc::clone(&fails);
    let perform = ScriptedPerform::default().on("w.step", move |request, _, _| {
        let fails = asked.load(Ordering::Relaxed) && step_of(&request) == "b";
        async move { if fails { fail(FailureKind::Failed) } else { did(&request) } }
    });
    (perform, fails)
}

#[tokio::test(start_paused = true)]
async fn a_run_that_failed_is_retried_and_then_undone_and_leaves_each_time() {
    let (perform, fails) = failing_once();
    let world = World::new(&LINE.replacen("rollback = 'run'", "rollback = 'none'", 1), perform);
    let run = world.run().await.id().clone();
    assert_eq!(state(&world, &run).await, State::Failed);
    settle().await;
    assert_eq!(world.engine.live_runs(), 0);
    fails.store(false, Ordering::Relaxed);
    assert_eq!(steer(&world, &run, Control::Retry { from: None }).await, Ok(State::Running));
    assert_eq!(end(&world.engine, &run).await.state(), State::Completed);
    assert_eq!(world.called(), ["a", "b", "b", "c"]);
    settle().await;
    assert_eq!(world.engine.live_runs(), 0);
    let to = Some("a".to_owned());
    assert_eq!(steer(&world, &run, Control::Rollback { to }).await, Ok(State::RollingBack));
    assert_eq!(end(&world.engine, &run).await.state(), State::RolledBack);
    assert_eq!(world.called()[4..], ["undo:c:1", "undo:b:1", "undo:b:1"], "each visit is undone");
    settle().await;
    assert_eq!(world.engine.live_runs(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_stuck_run_is_resolved_after_a_restart() {
    let perform = ScriptedPerform::default()
        .on("w.step", |request, _, _| async move {
            if step_of(&request) == "c" { fail(FailureKind::Failed) } else { did(&request) }
        })
        .on("w.undo", |request, _, _| async move {
            if step_of(&request) == "undo:b:1" { fail(FailureKind::Failed) } else { did(&request) }
        });
    let world = World::new(LINE, perform);
    let run = world.run().await.id().clone();
    assert_eq!(state(&world, &run).await, State::Stuck);
    let world = after_a_restart(world, LINE).await;
    assert_eq!(steer(&world, &run, Control::Resolve { accept: false }).await, Ok(State::RollingBack));
    assert_eq!(end(&world.engine, &run).await.state(), State::Stuck);
    assert_eq!(steer(&world, &run, Control::Resolve { accept: true }).await, Ok(State::RollingBack));
    assert_eq!(end(&world.engine, &run).await.state(), State::RolledBack);
    assert_eq!(world.called().last().map(String::as_str), Some("undo:a:1"));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_held_begins_nothing_and_goes_on_when_it_is_let_go() {
    let (world, run) = waiting(Where::OutOfMemory).await;
    let lunch = Control::Pause { reason: "lunch".to_owned() };
    assert_eq!(steer(&world, &run, lunch).await, Ok(State::Paused));
    assert_eq!(steer(&world, &run, signal("go")).await, Ok(State::Paused));
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!((world.called().len(), is_in_memory(&world, &run).await), (0, false));
    assert_eq!(state(&world, &run).await, State::Paused);
    let (_, told) = world.engine.explain(run.as_str()).await.expect("known");
    assert!(told[0].ends_with("by tester (lunch): nothing new starts."), "{told:?}");
    assert_eq!(steer(&world, &run, Control::Resume).await, Ok(State::Running));
    settle().await;
    assert_eq!((world.called(), state(&world, &run).await), (vec!["a".to_owned()], State::Waiting));
    steer(&world, &run, approve(false)).await.expect("it asks");
    assert_eq!(end(&world.engine, &run).await.state(), State::Failed);
}

#[tokio::test(start_paused = true)]
async fn what_comes_while_a_run_leaves_memory_reaches_it() {
    for offset in 4_900..5_100 {
        let world = World::new(GATED, scripted());
        let run = world.start().await;
        tokio::time::sleep(Duration::from_millis(offset)).await;
        steer(&world, &run, signal("go")).await.expect("it listens");
        steer(&world, &run, Control::Cancel { rollback: false, reason: String::new() })
            .await
            .expect("it listens");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_many_want_at_once_of_a_run_that_ends_all_the_time_is_done_or_refused() {
    let world = Arc::new(World::new(ONE, scripted()));
    let run = world.run().await.id().clone();
    for _ in 0..20 {
        let wishes = (0..16).map(|_| {
            let (world, run) = (Arc::clone(&world), run.clone());
            tokio::spawn(
                async move { steer(&world, &run, Control::Retry { from: Some("a".to_owned()) }).await },
            )
        });
        for wish in wishes.collect::<Vec<_>>() {
            let answer = wish.await.expect("ends");
            let refused =
                matches!(&answer, Err(ControlError::Refused { refused: Refused::Unfit { .. }, .. }));
            assert!(refused || answer == Ok(State::Running), "{answer:?}");
        }
        assert_eq!(end(&world.engine, &run).await.state(), State::Completed);
    }
    assert!(futures::poll!(Box::pin(world.engine.failed())).is_pending());
}

#[tokio::test(start_paused = true)]
async fn a_watcher_sees_all_of_a_run_that_went_on_after_its_end() {
    let (perform, fails) = failing_once();
    let world = World::new(LINE, perform);
    let run = world.run().await.id().clone();
    let before = crate::support::facts(&world.engine, &run, 1).await;
    fails.store(false, Ordering::Relaxed);
    steer(&world, &run, Control::Retry { from: None }).await.expect("it failed");
    // From where the first end was, and from the beginning.
    let rest = crate::support::facts(&world.engine, &run, before.len() as u64 + 1).await;
    assert_eq!(rest.last().expect("facts").event.fact.kind(), "run_completed");
    let all = crate::support::facts(&world.engine, &run, 1).await;
    assert_eq!(all, [before, rest].concat());
    assert!(all.iter().zip(1..).all(|(recorded, sequence)| recorded.sequence == sequence));
}

#[tokio::test(start_paused = true)]
async fn why_a_run_is_where_it_is_is_told_also_when_it_is_out_of_memory() {
    let (world, run) = waiting(Where::OutOfMemory).await;
    let (told, sentences) = world.engine.explain(run.as_str()).await.expect("known");
    assert_eq!(told.state(), State::Waiting);
    assert!(sentences.iter().any(|sentence| sentence.contains("go")), "{sentences:?}");
    assert!(!is_in_memory(&world, &run).await, "looking at it does not wake it");
}
