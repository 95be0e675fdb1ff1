//! Calls: their output, their breaking off, and those outside a run.

use std::sync::Arc;
use std::time::Duration;

use op_engine::Limits;
use op_engine::fakes::{MemoryJournal, ScriptedPerform};
use op_engine::handle::call::{CallError, Calling};
use op_engine::handle::query::GetError;
use op_engine::names::NameError;
use op_engine::ports::{Channel, KeptOutput, Progress};
use op_plan::plan::FailureKind;
use op_run::Answer;
use op_run::run::State;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::support::{
    Deaf, LINE, ONE, World, approve, attempt_of, calling, did, end, fail, limited, output, request, scripted,
    settle, steer,
};

fn kept_text(kept: &KeptOutput) -> String {
    kept.chunks.iter().map(|chunk| String::from_utf8_lossy(&chunk.data).into_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn the_output_of_each_attempt_is_kept_and_the_last_one_is_told_of_first() {
    let perform = ScriptedPerform::default().on("w.step", |request, sink, _| async move {
        sink.take(output(&format!("attempt {}", attempt_of(&request))));
        sink.take(Progress::Fraction { fraction: Some(0.5), note: "half".to_owned() });
        if attempt_of(&request) < 2 { fail(FailureKind::Failed) } else { did(&request) }
    });
    let world = World::new(&format!("{ONE}max_retries = 1\n"), perform);
    let run = world.run().await;
    for (asked, told) in [(None, Some("attempt 2")), (Some(1), Some("attempt 1")), (Some(3), None)] {
        let (_, kept) = world.engine.output(run.id().as_str(), "a", None, asked).await.expect("known");
        assert_eq!(kept.as_ref().map(kept_text).as_deref(), told);
        assert!(kept.iter().flat_map(|kept| &kept.chunks).all(|chunk| chunk.channel == Channel::Stdout));
    }
    let unknown = world.engine.output(run.id().as_str(), "b", None, None).await.map(|_| ());
    assert!(matches!(unknown, Err(GetError::Step { step, .. }) if step == "b"));
}

#[tokio::test(start_paused = true)]
async fn of_too_much_output_the_beginning_and_the_end_are_kept() {
    let perform = ScriptedPerform::default().on("w.step", |request, sink, _| async move {
        (0..10_000).for_each(|line| sink.take(output(&format!("line {line:04}\n"))));
        did(&request)
    });
    let limits = Limits { output: 1000, ..Limits::default() };
    let engine = limited(ONE, Arc::new(MemoryJournal::new()), Arc::new(perform), limits);
    let run = engine.start(request("p")).await.expect("started").run;
    end(&engine, &run).await;
    let (_, kept) = engine.output(run.as_str(), "a", None, None).await.expect("known");
    let kept = kept.expect("there was output");
    let text = kept_text(&kept);
    assert_eq!((text.len(), kept.dropped), (1000, 100_000 - 1000));
    assert!(text.starts_with("line 0000\n") && text.ends_with("line 9999\n"));
}

#[tokio::test(start_paused = true)]
async fn a_performer_that_breaks_off_fails_its_step_as_lost_and_nothing_else() {
    let perform = scripted().on("w.broken", |_, _, _| async { panic!("a bug") });
    let plans =
        format!("{}{}", ONE.replace("w.step", "w.broken"), LINE.replace("workstacks.p", "workstacks.q"));
    let world = World::new(&plans, perform);
    let run = world.run().await;
    assert_eq!(run.state(), State::Failed);
    let failure = run.step(0).trial.failure.as_ref().expect("failed");
    assert_eq!((failure.kind, failure.reason.as_str()), (FailureKind::Lost, "broke_off"));
    let next = world.engine.start(request("q")).await.expect("started").run;
    assert_eq!(end(&world.engine, &next).await.state(), State::Completed);
    assert!(futures::poll!(Box::pin(world.engine.failed())).is_pending());
}

#[tokio::test(start_paused = true)]
async fn a_time_limit_stops_the_call_and_is_its_failure() {
    let world = World::new(&format!("{}timeout = '20s'\n", ONE.replace("w.step", "w.hang")), scripted());
    let run = world.run().await;
    let failure = run.step(0).trial.failure.as_ref().expect("failed");
    assert_eq!((run.state(), failure.kind), (State::Failed, FailureKind::TimedOut));
    assert_eq!(run.ended_at().expect("over").since(run.origin().expect("started").at).as_secs(), 20);
}

async fn call(world: &World, name: &str, timeout: Option<Duration>) -> Result<Answer, CallError> {
    let of = Calling { timeout, ..calling(name) };
    world.engine.call(of, Arc::new(Deaf), CancellationToken::new()).await
}

#[tokio::test(start_paused = true)]
async fn a_call_is_approved_when_a_person_let_its_step_go_on_or_its_client_says_so() {
    let gated = format!("{ONE}approval = 'sure?'\n[[workstacks.p.phases]]\nid = 'b'\nagents = ['w.step']\n");
    let world = World::new(&gated, scripted());
    let run = world.start().await;
    settle().await;
    steer(&world, &run, approve(true)).await.expect("it asks");
    end(&world.engine, &run).await;
    let of = Calling { approved: true, ..calling("w.step") };
    world.engine.call(of, Arc::new(Deaf), CancellationToken::new()).await.expect("known");
    let approved: Vec<_> = world.perform.asked().iter().map(|request| request.approved).collect();
    assert_eq!(approved, [true, false, true]);
}

#[tokio::test(start_paused = true)]
async fn a_call_outside_a_run_is_answered_and_acknowledged() {
    let world = World::new(ONE, scripted());
    assert!(matches!(call(&world, "w.step", None).await, Ok(Answer::Succeeded { .. })));
    let asked = world.perform.asked();
    assert_eq!(world.perform.acknowledged(), [asked[0].key.clone()]);
    assert_eq!((asked[0].repeat, asked[0].timeout), (false, Some(Limits::default().call)));
    assert!(matches!(call(&world, "nobody.test", None).await, Err(CallError::Name(NameError::Agent { .. }))));
    let unknown = call(&world, "rust_pro.nothing", None).await;
    assert!(matches!(unknown, Err(CallError::Name(NameError::Operation { .. }))));
    assert_eq!(world.perform.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_outside_a_run_is_stopped_at_its_limit_and_failed_for_that() {
    let world = World::new(ONE, scripted());
    let began = Instant::now();
    let answer = call(&world, "w.hang", Some(Duration::from_secs(7))).await.expect("known");
    assert_eq!(began.elapsed(), Duration::from_secs(7));
    assert!(matches!(answer, Answer::Failed { failure, .. } if failure.kind == FailureKind::TimedOut));
    let kept = World::new(
        ONE,
        ScriptedPerform::default().on("w.step", |request, _, stop| async move {
            stop.cancelled().await;
            did(&request)
        }),
    );
    // A success that was observed counts.
    assert!(matches!(call(&kept, "w.step", None).await, Ok(Answer::Succeeded { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_call_outside_a_run_is_stopped_when_nobody_waits_for_it_any_more() {
    let stopped = Arc::new(Notify::new());
    let told = Arc::clone(&stopped);
    let perform = ScriptedPerform::default().on("w.step", move |_, _, stop| {
        let told = Arc::clone(&told);
        tokio::spawn(async move {
            stop.cancelled().await;
            told.notify_one();
        });
        std::future::pending()
    });
    let world = World::new(ONE, perform);
    let mut waiting = Box::pin(call(&world, "w.step", None));
    assert!(futures::poll!(&mut waiting).is_pending());
    settle().await;
    drop(waiting);
    stopped.notified().await;
}
