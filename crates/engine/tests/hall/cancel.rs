//! Cancelling a run: at every step, with rollback and without.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use op_engine::fakes::ScriptedPerform;
use op_engine::handle::control::ControlError;
use op_engine::handle::query::FindError;
use op_plan::plan::FailureKind;
use op_run::Refused;
use op_run::run::{State, StepState};

use crate::support::{LINE, ONE, World, did, end, fail, scripted, settle, step_of};

type Log = Arc<Mutex<Vec<String>>>;

/// A performer whose one step goes on until it is stopped, and a log of what it saw.
fn hanging_at(step: &'static str) -> (ScriptedPerform, Log) {
    let log = Log::default();
    let seen = Arc::clone(&log);
    let perform = ScriptedPerform::default()
        .on("w.step", move |request, _, stop| {
            let seen = Arc::clone(&seen);
            async move {
                if step_of(&request) != step {
                    return did(&request);
                }
                stop.cancelled().await;
                // It takes its time to die: the run waits for it.
                tokio::time::sleep(Duration::from_secs(3)).await;
                seen.lock().expect("no panic").push(format!("stopped {step}"));
                fail(FailureKind::Failed)
            }
        })
        .on("w.undo", {
            let seen = Arc::clone(&log);
            move |request, _, _| {
                seen.lock().expect("no panic").push(step_of(&request).to_owned());
                std::future::ready(did(&request))
            }
        });
    (perform, log)
}

#[tokio::test(start_paused = true)]
async fn a_run_cancelled_at_any_step_is_cancelled_once_its_call_has_stopped() {
    for (at, step) in ["a", "b", "c"].into_iter().enumerate() {
        let (perform, log) = hanging_at(step);
        let world = World::new(LINE, perform);
        let run = world.start().await;
        world.perform.was_asked(at + 1).await;
        let cancelled = world.engine.cancel(run.as_str(), false, "enough", "tester").await;
        assert_eq!(cancelled, Ok((run.clone(), State::Running)));
        let ended = end(&world.engine, &run).await;
        assert_eq!((ended.state(), ended.reason()), (State::Cancelled, "enough"));
        assert_eq!(*log.lock().expect("no panic"), [format!("stopped {step}")]);
        // A call that was stopped failed because of that, whatever it says of its end.
        let failure = ended.step(at).trial.failure.as_ref().map(|failure| failure.kind);
        assert_eq!(failure, Some(FailureKind::Cancelled));
        assert!((at + 1..3).all(|later| ended.step(later).state != StepState::Succeeded));
        assert_eq!(world.called().len(), at + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_cancelled_with_rollback_at_any_step_undoes_what_began_in_reverse_order() {
    for (at, step) in ["a", "b", "c"].into_iter().enumerate() {
        let (perform, log) = hanging_at(step);
        let world = World::new(LINE, perform);
        let run = world.start().await;
        world.perform.was_asked(at + 1).await;
        world.engine.cancel(run.as_str(), true, "enough", "tester").await.expect("it runs");
        assert_eq!(end(&world.engine, &run).await.state(), State::RolledBack);
        let undone = ["a", "b", "c"][..=at].iter().rev().map(|phase| format!("undo:{phase}:1"));
        let expected: Vec<_> = std::iter::once(format!("stopped {step}")).chain(undone).collect();
        assert_eq!(*log.lock().expect("no panic"), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn side_by_side_calls_are_all_stopped() {
    let plan = "
        [workstacks.p]
        [[workstacks.p.phases]]
        id = 'a'
        parallel = true
        agents = ['w.hang', 'w.hang', 'w.hang', 'w.step']
        [[workstacks.p.phases]]
        id = 'b'
        agents = ['w.step']
    ";
    let world = World::new(plan, scripted());
    let run = world.start().await;
    world.perform.was_asked(4).await;
    settle().await;
    world.engine.cancel(run.as_str(), false, "enough", "tester").await.expect("it runs");
    let ended = end(&world.engine, &run).await;
    assert_eq!(ended.state(), State::Cancelled);
    // What had succeeded before stays so; the phase after it never began.
    assert_eq!(ended.step(3).state, StepState::Succeeded);
    assert_eq!(ended.step(4).state, StepState::Pending);
    assert_eq!(world.called().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_succeeds_while_it_is_stopped_has_succeeded() {
    let perform = ScriptedPerform::default().on("w.step", |request, _, stop| async move {
        stop.cancelled().await;
        did(&request)
    });
    let world = World::new(ONE, perform);
    let run = world.start().await;
    world.perform.was_asked(1).await;
    world.engine.cancel(run.as_str(), false, "enough", "tester").await.expect("it runs");
    let ended = end(&world.engine, &run).await;
    assert_eq!((ended.state(), ended.step(0).state), (State::Cancelled, StepState::Succeeded));
}

#[tokio::test(start_paused = true)]
async fn a_run_is_cancelled_once() {
    let (perform, _) = hanging_at("a");
    let world = World::new(ONE, perform);
    let run = world.start().await;
    world.perform.was_asked(1).await;
    world.engine.cancel(run.as_str(), false, "enough", "tester").await.expect("it runs");
    let again = world.engine.cancel(run.as_str(), true, "more", "tester").await;
    assert_eq!(again, Err(ControlError::Refused { run: run.clone(), refused: Refused::Cancelling }));
    let ended = end(&world.engine, &run).await;
    assert_eq!((ended.state(), ended.reason()), (State::Cancelled, "enough"));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_over_cannot_be_cancelled() {
    let world = World::new(ONE, scripted());
    let run = world.run().await;
    let refused = ControlError::Refused { run: run.id().clone(), refused: Refused::State(State::Completed) };
    // At once, while the engine still knows it, and later, when the journal alone does.
    for _ in 0..2 {
        let cancelled = world.engine.cancel(run.id().as_str(), false, "late", "tester").await;
        assert_eq!(cancelled, Err(refused.clone()));
        settle().await;
    }
    assert_eq!(
        refused.to_string(),
        format!("run {}: the run is completed and cannot be cancelled", run.id())
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_that_undoes_itself_cannot_be_cancelled() {
    let perform = scripted().on("w.undo", |_, _, _| std::future::pending());
    let plan = LINE.replacen("id = 'c'\nagents = ['w.step']", "id = 'c'\nagents = ['w.fail']", 1);
    let world = World::new(&plan, perform);
    let run = world.start().await;
    world.perform.was_asked(4).await;
    let cancelled = world.engine.cancel(run.as_str(), false, "late", "tester").await;
    assert_eq!(cancelled, Err(ControlError::Refused { run, refused: Refused::State(State::RollingBack) }));
}

#[tokio::test(start_paused = true)]
async fn a_run_is_meant_by_its_id_or_a_prefix_that_no_other_has() {
    let (perform, _) = hanging_at("a");
    let world = World::new(ONE, perform);
    // More runs than letters an id can begin with.
    let mut runs = Vec::new();
    for _ in 0..33 {
        runs.push(world.start().await);
    }
    let unknown = world.engine.cancel("nobody", false, "", "tester").await;
    assert_eq!(unknown, Err(ControlError::Find(FindError::Unknown("nobody".to_owned()))));
    assert!(matches!(world.engine.find("").await, Err(FindError::Unknown(prefix)) if prefix.is_empty()));
    let shares = |run: &&op_run::RunId| {
        runs.iter().filter(|other| other.as_str()[..1] == run.as_str()[..1]).count() > 1
    };
    let prefix = &runs.iter().find(shares).expect("two runs begin alike").as_str()[..1];
    match world.engine.cancel(prefix, false, "", "tester").await {
        Err(ControlError::Find(FindError::Ambiguous { prefix: given, runs })) => {
            assert_eq!(given, prefix);
            assert!(runs.len() > 1 && runs.iter().all(|run| run.starts_with(prefix)));
        }
        other => panic!("{other:?}"),
    }
    let (cancelled, _) =
        world.engine.cancel(&runs[7].as_str()[..11], false, "", "tester").await.expect("one");
    assert_eq!(cancelled, runs[7]);
}
