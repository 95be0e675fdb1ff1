//! What steps returned, taken by others instead of calling again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use op_engine::fakes::{FixedAgents, HandClock, MemoryJournal, ScriptedPerform, succeed};
use op_engine::guard::{cache::cache, chain, secret};
use op_engine::handle::control::Control;
use op_engine::ports::{KeptResult, Perform, ReadError, Results};
use op_engine::start::StartRequest;
use op_engine::{Engine, Limits, Ports};
use op_plan::catalogue::Operations;
use op_plan::plan::FailureKind;
use op_plan::{Catalogue, Effects};
use op_run::run::State;
use op_run::{Evidence, Fact, Run, RunId, Timestamp, explain};
use serde_json::{Map, Value, json};

use crate::support::{catalogue, end, facts, fail, plans, request};

/// One step, which keeps what it returned for ten minutes.
const PLAN: &str = "
[workstacks.p.inputs]
path = { default = 'x' }
[[workstacks.p.phases]]
id = 'a'
agents = [{ role = 'coder', args = { path = '${path}' }, cache = '10m' }]
";

struct Store;

impl secret::Credentials for Store {
    fn read(&self, _name: &str) -> Result<String, String> {
        Ok("swordfish-4711".to_owned())
    }
}

/// Engines over one disk and one clock.
struct House {
    journal: Arc<MemoryJournal>,
    clock: Arc<HandClock>,
    perform: Arc<ScriptedPerform>,
    results: Arc<dyn Results>,
}

/// What is known of operations: `file_write` changes something, and of `w` nothing is known but `step`, which reads.
fn known() -> Catalogue {
    let mut catalogue = catalogue();
    let Some(Operations::Known(tools)) = catalogue.agents.get("tools") else { panic!("tools are known") };
    let with = |name: &str, effects| {
        let mut operation = op_plan::Operation::clone(&tools[name]);
        operation.effects = effects;
        operation
    };
    let (read, write) = (with("file_read", Effects::Read), with("file_write", Effects::Write));
    let tools = BTreeMap::from([("file_read".to_owned(), read.clone()), ("file_write".to_owned(), write)]);
    catalogue.agents.insert("tools".to_owned(), tools.into());
    catalogue.agents.insert("w".to_owned(), BTreeMap::from([("step".to_owned(), read)]).into());
    catalogue
}

impl House {
    fn new(perform: ScriptedPerform) -> Self {
        let (journal, perform) = (Arc::new(MemoryJournal::new()), Arc::new(perform));
        let clock = Arc::new(HandClock::at(Timestamp::from_millis(1_000_000)));
        Self { results: journal.clone(), journal, clock, perform }
    }

    /// An engine whose performers count their calls, unless a script says otherwise.
    fn engine(&self, text: &str) -> Engine {
        let agents = Arc::new(FixedAgents::of(known()));
        let guard = cache(self.results.clone(), agents.clone(), self.clock.clone());
        let guards = vec![guard, secret::secret(Arc::new(Store))];
        let ports = Ports {
            journal: self.journal.clone(),
            perform: chain(guards, self.perform.clone() as Arc<dyn Perform>),
            results: self.results.clone(),
            agents,
            clock: self.clock.clone(),
        };
        Engine::new(ports, plans(text), Limits::default())
    }

    fn calls(&self) -> usize {
        self.perform.asked().len()
    }
}

/// Answers how often it was called.
fn counting() -> ScriptedPerform {
    let count = Arc::new(AtomicUsize::new(0));
    let names = ["w.step", "rust_pro.check", "file_write", "file_read"];
    names.into_iter().fold(ScriptedPerform::default(), |perform, name| {
        let count = Arc::clone(&count);
        perform.on(name, move |_, _, _| {
            let number = count.fetch_add(1, Ordering::SeqCst) + 1;
            async move { succeed(json!(number)) }
        })
    })
}

async fn run(engine: &Engine, of: StartRequest) -> Arc<Run> {
    let run = engine.start(of).await.expect("the plan can be started").run;
    end(engine, &run).await
}

fn inputs(of: Value) -> Map<String, Value> {
    let Value::Object(inputs) = of else { panic!("inputs are an object") };
    inputs
}

fn cast(who: &str) -> StartRequest {
    StartRequest { cast: BTreeMap::from([("coder".to_owned(), who.to_owned())]), ..request("p") }
}

/// What the step of a run returned, and what was observed.
async fn answer(engine: &Engine, run: &Run) -> (Value, Evidence) {
    let facts = facts(engine, run.id(), 1).await;
    let found = facts.into_iter().find_map(|recorded| match recorded.event.fact {
        Fact::StepSucceeded { output, evidence, .. } => Some((output, evidence)),
        _ => None,
    });
    found.expect("the step succeeded")
}

#[tokio::test(start_paused = true)]
async fn a_step_takes_what_was_kept_of_the_same_call_and_says_whose_it_was() {
    let house = House::new(counting());
    let engine = house.engine(PLAN);
    let first = run(&engine, request("p")).await;
    house.clock.move_on(Duration::from_mins(5));
    let second = run(&engine, request("p")).await;
    let (output, evidence) = answer(&engine, &second).await;
    assert_eq!((house.calls(), output), (1, json!(1)));
    let kept = evidence.kept.expect("it was kept");
    assert_eq!((&kept.run, kept.at), (first.id(), Timestamp::from_millis(1_000_000)));
    assert_eq!((evidence.peer.as_str(), evidence.bytes), ("scripted", 0));
    assert_eq!(answer(&engine, &first).await.1.kept, None);

    let told = explain(&second, Timestamp::from_millis(1_300_000)).join("\n");
    let said = format!("Nobody was called for `a`: it has what was kept of run {}", first.id());
    assert!(told.contains(&said) && told.contains("(5 min ago)"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_outlives_the_engine() {
    let house = House::new(counting());
    run(&house.engine(PLAN), request("p")).await;
    run(&house.engine(PLAN), request("p")).await;
    assert_eq!(house.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn another_call_takes_nothing() {
    let house = House::new(counting());
    let engine = house.engine(PLAN);
    run(&engine, request("p")).await;
    let others = [
        StartRequest { inputs: inputs(json!({ "path": "y" })), ..request("p") },
        cast("rust_pro.check"),
        StartRequest { user: "somebody".to_owned(), ..request("p") },
    ];
    for (place, other) in others.into_iter().enumerate() {
        run(&engine, other.clone()).await;
        assert_eq!(house.calls(), place + 2, "{other:?}");
        run(&engine, other).await;
        assert_eq!(house.calls(), place + 2, "each has a result of its own");
    }
    run(&house.engine(&PLAN.replace("10m", "11m")), request("p")).await;
    assert_eq!(house.calls(), 5, "another plan");
    run(&engine, request("p")).await;
    assert_eq!(house.calls(), 5);
}

#[tokio::test(start_paused = true)]
async fn what_was_taken_does_not_last_longer_for_it() {
    let house = House::new(counting());
    let engine = house.engine(PLAN);
    for (minutes, calls) in [(0, 1), (6, 1), (3, 1), (1, 2), (9, 2), (1, 3)] {
        house.clock.move_on(Duration::from_mins(minutes));
        run(&engine, request("p")).await;
        assert_eq!(house.calls(), calls, "after {minutes} minutes more");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_not_kept() {
    let house = House::new(ScriptedPerform::default().on("w.step", |request, _, _| async move {
        if request.key.ends_with("/1/1") { fail(FailureKind::Failed) } else { succeed(json!(1)) }
    }));
    let engine = house.engine(PLAN);
    let failed = run(&engine, request("p")).await;
    assert_eq!(failed.state(), State::Failed);
    run(&engine, request("p")).await;
    assert_eq!(house.calls(), 2);
    engine.control(failed.id().as_str(), Control::Retry { from: None }, "tester").await.expect("it failed");
    end(&engine, failed.id()).await;
    let third = run(&engine, request("p")).await;
    assert_eq!((house.calls(), third.state()), (3, State::Completed), "the retry succeeded, and is kept");
}

#[tokio::test(start_paused = true)]
async fn what_the_step_does_not_accept_is_not_kept() {
    let house = House::new(counting());
    let engine = house.engine(&PLAN.replace("cache =", "accept = 'output >= 2', cache ="));
    let states = [State::Failed, State::Completed, State::Completed];
    for (state, calls) in states.into_iter().zip([1, 2, 2]) {
        assert_eq!((run(&engine, request("p")).await.state(), house.calls()), (state, calls));
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_with_a_secret_is_neither_kept_nor_spared() {
    let house = House::new(counting());
    let engine = house.engine(
        &PLAN
            .replace("path = {", "token = { type = 'secret' }\npath = {")
            .replace("'${path}'", "'${path}', token = '${token}'"),
    );
    let with = StartRequest { inputs: inputs(json!({ "token": "deploy" })), ..request("p") };
    for calls in [1, 2] {
        run(&engine, with.clone()).await;
        assert_eq!(house.calls(), calls);
        assert_eq!(house.perform.asked()[0].arguments["token"], "swordfish-4711");
    }
}

#[tokio::test(start_paused = true)]
async fn what_changes_something_is_done_each_time() {
    let house = House::new(counting());
    let engine = house.engine(PLAN);
    for calls in [1, 2] {
        run(&engine, cast("tools.file_write")).await;
        assert_eq!(house.calls(), calls);
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_that_keeps_nothing_takes_nothing() {
    let house = House::new(counting());
    let engine = house.engine(&PLAN.replace(", cache = '10m'", ""));
    for calls in [1, 2] {
        run(&engine, request("p")).await;
        assert_eq!(house.calls(), calls);
    }
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_to_a_step_asks_anew_and_keeps_what_came_last() {
    let house = House::new(counting());
    let engine = house.engine(&format!("{PLAN}repeat = {{ while = 'steps.a.output < 3', max = 5 }}\n"));
    let first = run(&engine, request("p")).await;
    assert_eq!((first.state(), house.calls()), (State::Completed, 3));
    let second = run(&engine, request("p")).await;
    assert_eq!((answer(&engine, &second).await.0, house.calls()), (json!(3), 3));
}

#[tokio::test(start_paused = true)]
async fn items_of_a_list_are_kept_one_by_one() {
    let house = House::new(counting());
    let text = PLAN
        .replace("'${path}' }", "'${item}' }, for_each = '${path}'")
        .replace("path = { default = 'x' }", "path = { type = 'list', default = ['x', 'y'] }");
    let engine = house.engine(&text);
    run(&engine, request("p")).await;
    let more = StartRequest { inputs: inputs(json!({ "path": ["y", "z", "x"] })), ..request("p") };
    let second = run(&engine, more).await;
    assert_eq!((house.calls(), second.state()), (3, State::Completed));
    assert_eq!(house.perform.asked()[2].arguments["path"], "z");
    let told = explain(&second, Timestamp::from_millis(1_000_000)).join("\n");
    assert!(told.contains("Nobody was called for 2 items of `a`"), "{told}");
}

/// Keeps nothing, and cannot be read.
struct Broken;

#[async_trait]
impl Results for Broken {
    async fn get(&self, _key: &str, _now: Timestamp) -> Result<Option<KeptResult>, ReadError> {
        Err(ReadError::Broken("the disk is gone".to_owned()))
    }

    fn put(&self, _result: KeptResult) {}
}

#[tokio::test(start_paused = true)]
async fn where_nothing_can_be_kept_calls_are_made() {
    let house = House { results: Arc::new(Broken), ..House::new(counting()) };
    let engine = house.engine(PLAN);
    for calls in [1, 2] {
        assert_eq!(run(&engine, request("p")).await.state(), State::Completed);
        assert_eq!(house.calls(), calls);
    }
}

#[tokio::test(start_paused = true)]
async fn who_may_do_more_than_read_by_now_is_called() {
    let house = House::new(counting());
    let engine = house.engine(PLAN);
    run(&engine, cast("tools.file_read")).await;
    let writes = Arc::new(FixedAgents::of({
        let mut catalogue = known();
        let Some(Operations::Known(tools)) = catalogue.agents.get("tools") else { panic!("tools are known") };
        let write = op_plan::Operation::clone(&tools["file_write"]);
        let tools = BTreeMap::from([("file_read".to_owned(), write)]);
        catalogue.agents.insert("tools".to_owned(), tools.into());
        catalogue
    }));
    let ports = Ports {
        journal: house.journal.clone(),
        perform: cache(house.results.clone(), writes.clone(), house.clock.clone())(house.perform.clone()),
        results: house.results.clone(),
        agents: writes,
        clock: house.clock.clone(),
    };
    let engine = Engine::new(ports, plans(PLAN), Limits::default());
    run(&engine, cast("tools.file_read")).await;
    assert_eq!(house.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_may_have_been_sent_is_answered_by_who_has_it() {
    let house = House::new(ScriptedPerform::default().on("w.step", |request, _, stop| async move {
        if !request.repeat && request.arguments["path"] == "x" {
            stop.cancelled().await;
        }
        succeed(json!(request.repeat))
    }));
    let engine = house.engine(PLAN);
    let held = engine.start(request("p")).await.expect("started").run;
    house.perform.was_asked(1).await;
    engine.shutdown().await;
    // Meanwhile another daemon kept the same result.
    let key = house.perform.asked()[0].keep.as_ref().expect("it is kept").key.clone();
    house.journal.put(KeptResult {
        key,
        run: RunId::new("other"),
        at: Timestamp::from_millis(1_000_000),
        until: Timestamp::from_millis(2_000_000),
        evidence: Evidence::default(),
        value: json!("kept"),
    });
    let engine = house.engine(PLAN);
    engine.recover().await.expect("the journal can be read");
    let run = end(&engine, &held).await;
    assert_eq!((answer(&engine, &run).await.0, house.calls()), (json!(true), 2));
}
