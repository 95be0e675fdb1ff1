//! What operations ask the hub for.

use std::sync::Arc;
use std::time::Duration;

use op_engine::fakes::{MemoryJournal, ScriptedPerform, succeed};
use op_engine::ports::{CallFilter, Journal as _, Question, Sink};
use op_engine::{Grants, Library};
use op_plan::plan::FailureKind;
use op_run::event::{HostCallEnd, HostCallStart};
use op_run::run::State;
use op_run::{Answer, Fact, Failure, RunId};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::support::{
    Deaf, ONE, World, after_a_restart, approve, calling, end, engine, facts, runs_of, settle, steer,
};

fn question(number: u32, performer: &str) -> Question {
    let arguments = json!({ "number": number }).to_string();
    Question { number, performer: performer.to_owned(), arguments, timeout: None }
}

/// Asks for one thing and says what became of it.
async fn relay(sink: Arc<dyn Sink>, question: Question) -> Answer {
    succeed(told(sink.ask(question).await))
}

fn told(answer: Answer) -> Value {
    match answer {
        Answer::Succeeded { value, .. } => value,
        Answer::Failed { failure: Failure { kind, reason, .. }, .. } => {
            assert_eq!(kind, FailureKind::Refused, "{reason}");
            json!(reason)
        }
    }
}

/// `w.step` asks for `performer`; `w` may have what `granted` says.
fn asking(performer: &'static str, granted: &[&str], perform: ScriptedPerform) -> World {
    let perform = perform.on("w.step", move |_, sink, _| relay(sink, question(1, performer)));
    let world = World::new(ONE, perform);
    grant(&world, &[("w", granted)]);
    world
}

fn grant(world: &World, grants: &[(&str, &[&str])]) {
    let owned = |patterns: &[&str]| patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
    let grants: Grants =
        grants.iter().map(|(agent, patterns)| ((*agent).to_owned(), owned(patterns))).collect();
    let library = Library::clone(&world.engine.library());
    world.engine.set_library(Library { grants, ..library });
}

async fn call(world: &World) -> Value {
    let called = world.engine.call(calling("w.step"), Arc::new(Deaf), CancellationToken::new());
    told(called.await.expect("the operation is there"))
}

#[tokio::test(start_paused = true)]
async fn what_an_operation_asks_for_is_performed_as_part_of_its_call() {
    let perform = ScriptedPerform::default().on("file_read", |_, _, _| async { succeed(json!("read")) });
    let world = asking("file_read", &["file_read"], perform);
    assert_eq!(call(&world).await, json!("read"));
    let asked = world.perform.asked();
    assert_eq!(asked[1].key, format!("{}/1", asked[0].key));
    assert_eq!(*asked[1].arguments, json!({ "number": 1 }));
    // Its outcome is kept until the call that asked has ended.
    assert_eq!(world.perform.acknowledged(), [asked[1].key.clone(), asked[0].key.clone()]);
}

#[tokio::test(start_paused = true)]
async fn an_agent_gets_nothing_that_its_settings_do_not_grant() {
    for (performer, granted, reason) in [
        ("file_read", &["file_write", "w.*"][..], "not_allowed"),
        ("rust_pro.nothing", &["*"], "unknown_operation"),
        ("w.other", &["*"], "host_loop"),
    ] {
        let world = asking(performer, granted, ScriptedPerform::default());
        assert_eq!(call(&world).await, json!(reason), "{performer}");
        assert_eq!(world.perform.asked().len(), 1, "{performer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_would_come_back_to_an_agent_that_waits_for_it_is_refused() {
    let perform = ScriptedPerform::default()
        .on("rust_pro.check", |_, sink, _| relay(sink, question(1, "file_read")))
        .on("file_read", |_, sink, _| relay(sink, question(1, "w.other")));
    let world = asking("rust_pro.check", &[], perform);
    grant(&world, &[("w", &["*"]), ("rust_pro", &["*"]), ("tools", &["*"])]);
    assert_eq!(call(&world).await, json!("host_loop"));
    let keys: Vec<_> = world.perform.asked().into_iter().map(|request| request.key).collect();
    assert_eq!(keys[2], format!("{}/1/1", keys[0]), "the key tells what it is part of");
}

#[tokio::test(start_paused = true)]
async fn the_same_call_again_and_again_without_progress_is_refused() {
    let perform = ScriptedPerform::default().on("w.step", |_, sink: Arc<dyn Sink>, _| async move {
        let mut told_all = Vec::new();
        for number in 1..=5 {
            let same = Question { arguments: "{}".to_owned(), ..question(number, "file_read") };
            told_all.push(told(sink.ask(same).await));
        }
        succeed(Value::Array(told_all))
    });
    let world = World::new(ONE, perform);
    grant(&world, &[("w", &["*"])]);
    let stuck = "no_progress";
    assert_eq!(call(&world).await, json!([null, null, null, stuck, stuck]));
}

#[tokio::test(start_paused = true)]
async fn arguments_that_are_no_object_are_refused_and_so_is_who_asks_without_end() {
    let perform = ScriptedPerform::default().on("w.step", |_, sink: Arc<dyn Sink>, _| async move {
        let wrong = Question { arguments: "[1]".to_owned(), ..question(1, "file_read") };
        assert_eq!(told(sink.ask(wrong).await), json!("invalid_arguments"));
        for number in 1..=1000 {
            assert_eq!(told(sink.ask(question(number, "file_read")).await), Value::Null);
        }
        relay(sink, question(1001, "file_read")).await
    });
    let world = World::new(ONE, perform);
    grant(&world, &[("w", &["*"])]);
    assert_eq!(call(&world).await, json!("too_many_host_calls"));
}

#[tokio::test(start_paused = true)]
async fn what_a_step_asks_for_is_in_the_journal_before_it_is_performed() {
    let perform = ScriptedPerform::default().on("file_read", |_, _, _| async {
        Answer::Failed {
            failure: Failure::new(FailureKind::Refused, "no", "it said no")
                .detail(json!("for the asker alone")),
            evidence: op_run::Evidence::default(),
        }
    });
    let world = asking("file_read", &["*"], perform);
    let run = world.run().await;
    assert_eq!((run.state(), run.step(0).output.clone()), (State::Completed, Some(json!("no"))));
    let facts: Vec<Fact> =
        facts(&world.engine, run.id(), 1).await.into_iter().map(|recorded| recorded.event.fact).collect();
    let place = facts.iter().position(|fact| fact.kind() == "host_call_started").expect("it is written down");
    assert!(
        matches!(&facts[place], Fact::HostCallStarted(HostCallStart { step, number: 1, performer, .. })
        if step == "a" && performer.to_string() == "file_read"),
        "{:?}",
        facts[place]
    );
    assert!(
        matches!(&facts[place + 1], Fact::HostCallEnded(HostCallEnd { failure: Some(failure), .. })
        if failure.reason == "no" && failure.detail.is_none()),
        "{:?}",
        facts[place + 1]
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_is_performed_for_a_step_while_the_journal_has_not_taken_it() {
    let journal = Arc::new(MemoryJournal::new());
    let stopped = Arc::clone(&journal);
    let perform = ScriptedPerform::default().on("file_read", |_, _, _| async { succeed(json!("read")) }).on(
        "w.step",
        move |_, sink, _| {
            stopped.pause();
            relay(sink, question(1, "file_read"))
        },
    );
    let perform = Arc::new(perform);
    let engine = engine(ONE, Arc::clone(&journal) as _, Arc::clone(&perform) as _);
    let world = World { journal, perform, engine };
    grant(&world, &[("w", &["*"])]);
    let run = world.start().await;
    world.perform.was_asked(1).await;
    settle().await;
    assert_eq!(world.perform.asked().len(), 1, "what it asks for is not on disk");
    world.journal.resume();
    assert_eq!(end(&world.engine, &run).await.step(0).output, Some(json!("read")));
}

#[tokio::test(start_paused = true)]
async fn a_call_gets_what_it_asks_for_while_the_daemon_drains_and_it_is_written_down() {
    let release = Arc::new(Notify::new());
    let released = Arc::clone(&release);
    let perform = ScriptedPerform::default().on("file_read", |_, _, _| async { succeed(json!("read")) }).on(
        "w.step",
        move |_, sink, _| {
            let released = Arc::clone(&released);
            async move {
                released.notified().await;
                relay(sink, question(1, "file_read")).await
            }
        },
    );
    let world = World::new(ONE, perform);
    grant(&world, &[("w", &["*"])]);
    let run = world.start().await;
    world.perform.was_asked(1).await;
    let engine = world.engine.clone();
    let down = tokio::spawn(async move { engine.shutdown().await });
    settle().await;
    let began = Instant::now();
    release.notify_one();
    down.await.expect("it goes down");
    assert!(began.elapsed() < Duration::from_secs(1), "the call waits for nobody");
    let slept = world.engine.get(run.as_str()).await.expect("known");
    assert_eq!(slept.step(0).output, Some(json!("read")));
    let kinds: Vec<_> = world.journal.events(&run, 1, usize::MAX).await.expect("read");
    let kinds: Vec<_> = kinds.iter().map(|recorded| recorded.event.fact.kind()).collect();
    assert!(kinds.windows(2).any(|pair| pair == ["host_call_started", "host_call_ended"]), "{kinds:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_stopped_gets_nothing_more() {
    let perform = ScriptedPerform::default().on(
        "w.step",
        |_, sink: Arc<dyn Sink>, stop: CancellationToken| async move {
            stop.cancelled().await;
            relay(sink, question(1, "file_read")).await
        },
    );
    let world = World::new(&format!("{ONE}timeout = '1s'\n"), perform);
    grant(&world, &[("w", &["*"])]);
    let run = world.run().await;
    let output = run.step(0).output.clone();
    assert_eq!(output, Some(json!("call_over")));
    assert_eq!(world.perform.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_no_run_writes_down_is_noted_beside_the_calls_of_clients() {
    let perform = ScriptedPerform::default().on("file_read", |_, _, _| async { succeed(json!("read")) });
    let world = asking("file_read", &["*"], perform);
    assert_eq!(call(&world).await, json!("read"));
    let noted = world.engine.calls(&CallFilter { limit: 9, ..CallFilter::default() }).await.expect("read");
    let told: Vec<_> = noted.iter().map(|call| (call.user.as_str(), call.operation.as_str())).collect();
    assert_eq!(told, [("agent w", "file_read"), ("uid:1000", "w.step")]);
}

#[tokio::test(start_paused = true)]
async fn what_was_asked_for_is_kept_over_a_shutdown() {
    let perform = ScriptedPerform::default().on("file_read", |_, _, _| async { succeed(json!("read")) }).on(
        "w.step",
        |_, sink: Arc<dyn Sink>, _| async move {
            sink.ask(question(1, "file_read")).await;
            std::future::pending().await
        },
    );
    let world = World::new(ONE, perform);
    grant(&world, &[("w", &["*"])]);
    world.start().await;
    world.perform.was_asked(2).await;
    settle().await;
    world.engine.shutdown().await;
    assert!(world.perform.acknowledged().is_empty(), "the next daemon asks for it again");
}

/// An agent that asks a person.
fn asks_a_person() -> ScriptedPerform {
    ScriptedPerform::default().on("w.step", |_, sink: Arc<dyn Sink>, _| async move {
        let arguments = json!({ "message": "Drop the table?" }).to_string();
        let question = Question { number: 1, performer: "hub.approve".to_owned(), arguments, timeout: None };
        sink.ask(question).await
    })
}

/// The question that is open, once there is one.
async fn question_of(world: &World) -> RunId {
    loop {
        settle().await;
        if let Some(open) = runs_of(&world.engine, "approval").await.pop() {
            return open.id;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_agent_asks_a_person_and_hears_the_answer() {
    for approved in [true, false] {
        let world = World::new(ONE, asks_a_person());
        grant(&world, &[("w", &["hub.approve"])]);
        let run = world.start().await;
        let open = question_of(&world).await;
        let asked = world.engine.get(open.as_str()).await.expect("known");
        let told = asked.origin().expect("started");
        assert_eq!((told.user.as_str(), told.labels["parent"].as_str()), ("agent w", run.as_str()));
        assert_eq!(told.inputs["message"], "Agent `w` asks: Drop the table?");
        steer(&world, &open, approve(approved)).await.expect("it waits for that");
        let output = end(&world.engine, &run).await.step(0).output.clone();
        assert_eq!(output, Some(json!({ "approved": approved, "comment": "", "user": "tester" })));
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_that_nobody_waits_for_is_taken_back() {
    let world = World::new(&format!("{ONE}timeout = '1m'\n"), asks_a_person());
    grant(&world, &[("w", &["hub.approve"])]);
    let run = world.start().await;
    let open = question_of(&world).await;
    assert_eq!(end(&world.engine, &run).await.state(), State::Failed);
    assert_eq!(end(&world.engine, &open).await.state(), State::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_question_outlives_the_daemon_and_is_not_asked_twice() {
    let world = World::new(ONE, asks_a_person());
    grant(&world, &[("w", &["hub.approve"])]);
    let run = world.start().await;
    let open = question_of(&world).await;
    let world = after_a_restart(world, ONE).await;
    grant(&world, &[("w", &["hub.approve"])]);
    world.engine.recover().await.expect("read");
    settle().await;
    assert_eq!(runs_of(&world.engine, "approval").await.len(), 1);
    steer(&world, &open, approve(true)).await.expect("it waits for that");
    assert_eq!(end(&world.engine, &run).await.step(0).output.as_ref().expect("done")["approved"], true);
}
