//! Steps that run other plans.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use op_engine::fakes::{MemoryJournal, ScriptedPerform};
use op_engine::handle::control::Control;
use op_engine::ports::RunRecord;
use op_engine::start::StartRequest;
use op_plan::plan::FailureKind;
use op_run::RunId;
use op_run::run::State;
use tokio::time::Instant;

use crate::crash::{Cut, Mortal};
use crate::support::{
    World, after_a_restart, approve, did, end, engine, fail, request, runs_of, scripted, settle, state,
    steer, step_of,
};

const FAMILY: &str = "
[workstacks.p]
rollback = 'run'
[[workstacks.p.phases]]
id = 'a'
plan = 'q'
[[workstacks.p.phases]]
id = 'b'
agents = ['w.step']
[workstacks.q]
[[workstacks.q.phases]]
id = 'x'
agents = ['w.step']
rollback = [{ agent = 'w', operation = 'undo' }]
[[workstacks.q.phases]]
id = 'y'
agents = ['w.step']
rollback = [{ agent = 'w', operation = 'undo' }]
";

/// The family, where a step of it does something else.
fn family(step: &str, operation: &str) -> String {
    let from = format!("id = '{step}'\nagents = ['w.step']");
    FAMILY.replace(&from, &format!("id = '{step}'\nagents = ['{operation}']"))
}

async fn only_child(engine: &op_engine::Engine) -> RunRecord {
    let mut children = runs_of(engine, "q").await;
    assert_eq!(children.len(), 1);
    children.remove(0)
}

#[tokio::test(start_paused = true)]
async fn a_step_that_runs_a_plan_returns_what_the_plan_does() {
    let world = World::new(FAMILY, scripted());
    let run = world.run().await;
    assert_eq!(
        (run.state(), world.called()),
        (State::Completed, ["x", "y", "b"].map(str::to_owned).to_vec())
    );
    let child = only_child(&world.engine).await;
    assert_eq!(run.step(0).output, Some(serde_json::json!({ "did": "y" })));
    assert_eq!(run.step(0).trial.evidence.as_ref().expect("observed").peer, format!("run {}", child.id));
    assert_eq!((child.labels["parent"].as_str(), child.labels["step"].as_str()), (run.id().as_str(), "a"));
    assert_eq!(child.user, "tester");
}

#[tokio::test(start_paused = true)]
async fn a_step_whose_plan_fails_fails_and_says_of_which_run() {
    let world = World::new(&family("y", "w.fail"), scripted());
    let run = world.run().await;
    let child = only_child(&world.engine).await;
    let failure = run.step(0).trial.failure.as_ref().expect("failed");
    assert_eq!((failure.kind, child.state), (FailureKind::Failed, State::RolledBack));
    assert!(
        failure.message.starts_with(&format!("run {} of plan `q` is failed", child.id)),
        "{}",
        failure.message
    );
    // The phase that failed was undone by the child itself, and the rest of it with its parent.
    assert_eq!(run.state(), State::RolledBack);
    assert_eq!(world.called(), ["x", "y", "undo:y:1", "undo:x:1"]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_cancelled_stops_its_child_and_has_it_undone_if_it_is() {
    for (rollback, ends, calls) in [
        (false, [State::Cancelled, State::Cancelled], vec!["x", "y"]),
        (true, [State::RolledBack, State::RolledBack], vec!["x", "y", "undo:y:1", "undo:x:1"]),
    ] {
        let world = World::new(&family("y", "w.hang"), scripted());
        let run = world.start().await;
        world.perform.was_asked(2).await;
        let cancel = Control::Cancel { rollback, reason: "enough".to_owned() };
        steer(&world, &run, cancel).await.expect("it runs");
        let parent = end(&world.engine, &run).await.state();
        assert_eq!([parent, only_child(&world.engine).await.state], ends);
        assert_eq!(world.called(), calls);
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_limit_of_a_run_stops_its_child_and_has_it_undone() {
    let world = World::new(&family("y", "w.hang"), scripted());
    let limited = StartRequest { timeout: Some(Duration::from_secs(90)), ..request("p") };
    let run = world.engine.start(limited).await.expect("started").run;
    let began = Instant::now();
    let run = end(&world.engine, &run).await;
    assert_eq!((run.state(), began.elapsed().as_secs()), (State::RolledBack, 90));
    assert_eq!(run.step(0).trial.failure.as_ref().map(|failure| failure.kind), Some(FailureKind::TimedOut));
    assert_eq!(only_child(&world.engine).await.state, State::RolledBack);
}

#[tokio::test(start_paused = true)]
async fn a_child_that_completed_is_undone_with_its_parent() {
    let world = World::new(&family("b", "w.fail"), scripted());
    let run = world.run().await;
    assert_eq!((run.state(), only_child(&world.engine).await.state), (State::RolledBack, State::RolledBack));
    assert_eq!(world.called(), ["x", "y", "b", "undo:y:1", "undo:x:1"]);
    // And when a person wants it, after the end.
    let world = World::new(FAMILY, scripted());
    let run = world.run().await.id().clone();
    let preview = world.engine.preview_rollback(run.as_str(), None).await.expect("something");
    assert_eq!((preview.len(), preview[0].calls[0].to_string().as_str()), (1, "plan.undo"));
    steer(&world, &run, Control::Rollback { to: None }).await.expect("it completed");
    assert_eq!(end(&world.engine, &run).await.state(), State::RolledBack);
    assert_eq!(only_child(&world.engine).await.state, State::RolledBack);
    assert_eq!(world.called(), ["x", "y", "b", "undo:y:1", "undo:x:1"]);
}

#[tokio::test(start_paused = true)]
async fn a_child_that_cannot_be_undone_leaves_its_parent_stuck_until_both_are_resolved() {
    let perform = ScriptedPerform::default().on("w.undo", |request, _, _| async move {
        if step_of(&request) == "undo:x:1" { fail(FailureKind::Failed) } else { did(&request) }
    });
    let world = World::new(FAMILY, perform);
    let run = world.run().await.id().clone();
    steer(&world, &run, Control::Rollback { to: None }).await.expect("it completed");
    let parent = end(&world.engine, &run).await;
    let child = only_child(&world.engine).await;
    assert_eq!((parent.state(), child.state), (State::Stuck, State::Stuck));
    assert!(parent.reason().contains(child.id.as_str()), "{}", parent.reason());
    steer(&world, &child.id, Control::Resolve { accept: true }).await.expect("it is stuck");
    end(&world.engine, &child.id).await;
    steer(&world, &run, Control::Resolve { accept: false }).await.expect("it is stuck");
    assert_eq!(end(&world.engine, &run).await.state(), State::RolledBack);
}

#[tokio::test(start_paused = true)]
async fn a_child_waits_for_an_approval_and_its_parent_for_it() {
    let world = World::new(&FAMILY.replace("id = 'y'", "id = 'y'\napproval = 'Sure?'"), scripted());
    let run = world.start().await;
    tokio::time::sleep(Duration::from_hours(1)).await;
    let child = only_child(&world.engine).await.id;
    assert_eq!((state(&world, &run).await, state(&world, &child).await), (State::Running, State::Waiting));
    let (_, told) = world.engine.explain(run.as_str()).await.expect("known");
    let waits = format!("`a` waits for run {child} of plan `q`, which is waiting.");
    assert!(told[1].starts_with(&waits), "{told:?}");
    steer(&world, &child, approve(true)).await.expect("it asks");
    assert_eq!(end(&world.engine, &run).await.state(), State::Completed);
}

#[tokio::test(start_paused = true)]
async fn roles_are_handed_on_to_the_child() {
    let text = FAMILY.replace("agents = ['w.step']", "agents = [{ role = 'coder' }]");
    let world = World::new(&text, scripted());
    let cast = BTreeMap::from([("coder".to_owned(), "rust_pro.check".to_owned())]);
    let run = world.engine.start(StartRequest { cast, ..request("p") }).await.expect("started").run;
    end(&world.engine, &run).await;
    let asked: Vec<_> = world.perform.asked().iter().map(|asked| asked.performer.to_string()).collect();
    assert_eq!(asked, ["rust_pro.check"; 3]);
}

/// A child for each of two items, of which the second one fails once in its second phase.
const TWINS: &str = "
[workstacks.p]
rollback = 'none'
[[workstacks.p.phases]]
id = 'a'
for_each = [1, 2]
plan = 'q'
args = { n = '${item}' }
[workstacks.q]
rollback = 'none'
inputs = { n = { type = 'integer', required = true } }
[[workstacks.q.phases]]
id = 'x'
agents = [{ agent = 'w', operation = 'step', args = { n = '${n}' } }]
rollback = [{ agent = 'w', operation = 'undo' }]
[[workstacks.q.phases]]
id = 'y'
agents = [{ agent = 'w', operation = 'once', args = { n = '${n}' } }]
rollback = [{ agent = 'w', operation = 'undo' }]
";

#[tokio::test(start_paused = true)]
async fn children_of_a_list_that_succeeded_stay_and_all_of_every_visit_are_undone() {
    let fails = AtomicBool::new(true);
    let perform = ScriptedPerform::default().on("w.once", move |request, _, _| {
        let fails = request.arguments["n"] == 2 && fails.swap(false, Ordering::Relaxed);
        async move { if fails { fail(FailureKind::Failed) } else { did(&request) } }
    });
    let world = World::new(TWINS, perform);
    let run = world.run().await;
    assert_eq!((run.state(), world.called().len()), (State::Failed, 4));
    steer(&world, run.id(), Control::Retry { from: None }).await.expect("it failed");
    assert_eq!(end(&world.engine, run.id()).await.state(), State::Completed);
    assert_eq!(world.called()[4..], ["x", "y"], "the first child stays");
    let children = || async { runs_of(&world.engine, "q").await.into_iter().map(|run| run.state) };
    let states = [State::Completed, State::Failed, State::Completed];
    assert!(children().await.eq(states));
    steer(&world, run.id(), Control::Rollback { to: None }).await.expect("it completed");
    assert_eq!(end(&world.engine, run.id()).await.state(), State::RolledBack);
    assert!(children().await.eq([State::RolledBack; 3]));
    assert_eq!(world.called()[6..], ["undo:y:1", "undo:x:1"].repeat(3));
}

/// A family that waits in its child.
fn waiting() -> String {
    FAMILY
        .replace("id = 'y'", "id = 'y'\napproval = 'Sure?'")
        .replace("id = 'b'\nagents = ['w.step']", "id = 'b'\nagents = [{ role = 'coder' }]")
        .replace("id = 'x'\nagents = ['w.step']", "id = 'x'\nagents = [{ role = 'coder' }]")
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_does_not_wait_for_children_and_each_finds_its_own_again() {
    let text = waiting();
    let mut world = World::new(&text, scripted());
    let run = world.start().await;
    settle().await;
    for who in ["rust_pro.check", "rust_pro.test"] {
        let began = Instant::now();
        world = after_a_restart(world, &text).await;
        assert_eq!(began.elapsed().as_millis(), 0);
        world.engine.recover().await.expect("read");
        settle().await;
        // Another cast by now is no reason to begin another child.
        let recast = BTreeMap::from([("b".to_owned(), who.to_owned())]);
        steer(&world, &run, Control::Recast(recast)).await.expect("it has not begun");
    }
    // The parent alone is woken, and wakes its child.
    world = after_a_restart(world, &text).await;
    steer(&world, &run, Control::Pause { reason: String::new() }).await.expect("it runs");
    steer(&world, &run, Control::Resume).await.expect("it is held");
    settle().await;
    let child = only_child(&world.engine).await.id;
    steer(&world, &child, approve(true)).await.expect("it asks");
    assert_eq!(end(&world.engine, &run).await.state(), State::Completed);
    only_child(&world.engine).await;
    assert_eq!(world.called().len(), 3);
}

/// What stays when a world ends.
struct Story {
    text: String,
    journal: Arc<MemoryJournal>,
    perform: Arc<ScriptedPerform>,
}

impl Story {
    fn new(text: &str) -> Self {
        Self { text: text.to_owned(), journal: Arc::default(), perform: Arc::new(scripted()) }
    }

    /// One world, to the end of the parent or to its own; tells whether the parent ended.
    fn live(&self, cut: Option<Cut>) -> bool {
        let runtime = runtime();
        runtime.block_on(async {
            let mortal = Arc::new(Mortal::new(Arc::clone(&self.journal), cut));
            let engine = engine(&self.text, mortal.clone(), self.perform.clone());
            let drive = async {
                let run = match runs_of(&engine, "p").await.first() {
                    None => engine.start(request("p")).await.expect("started").run,
                    Some(record) => {
                        engine.recover().await.expect("read");
                        record.id.clone()
                    }
                };
                end(&engine, &run).await;
            };
            tokio::select! {
                biased;
                () = mortal.over() => false,
                () = drive => true,
            }
        })
    }

    /// How both runs ended.
    fn ends(&self) -> Vec<(State, String)> {
        runtime().block_on(async {
            let engine = engine(&self.text, self.journal.clone(), self.perform.clone());
            let child = only_child(&engine).await;
            let parent = runs_of(&engine, "p").await.remove(0);
            let told = |record: &RunRecord, of: &RunId| record.reason.replace(of.as_str(), "RUN");
            vec![(parent.state, told(&parent, &child.id)), (child.state, told(&child, &parent.id))]
        })
    }

    /// Calls without their run, each once.
    fn calls(&self) -> Vec<String> {
        let mut calls: Vec<_> = self.perform.asked().iter().map(|asked| step_of(asked).to_owned()).collect();
        calls.sort();
        calls.dedup();
        calls
    }
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().expect("a runtime without IO")
}

#[test]
fn a_world_that_ends_after_any_commit_never_begins_a_second_child_and_changes_no_end() {
    for text in [FAMILY.to_owned(), family("y", "w.fail"), family("b", "w.fail")] {
        let whole = Story::new(&text);
        assert!(whole.live(None));
        let commits = whole.journal.appends();
        assert!(commits >= 4, "{commits}");
        for cut in (1..=commits).flat_map(|commit| [Cut::Unheard(commit), Cut::Acted(commit)]) {
            let story = Story::new(&text);
            if !story.live(Some(cut)) {
                assert!(story.live(None), "{cut:?}");
            }
            assert_eq!((story.ends(), story.calls()), (whole.ends(), whole.calls()), "{cut:?} in {text}");
        }
    }
}
