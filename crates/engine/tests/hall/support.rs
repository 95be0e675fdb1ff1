//! What the tests stand on: plans in TOML, a performer by script, an engine over fakes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use indexmap::IndexMap;
use op_engine::fakes::{FixedAgents, MemoryJournal, ScriptedPerform, succeed};
use op_engine::handle::call::Calling;
use op_engine::handle::control::{Control, ControlError};
use op_engine::names::Plans;
use op_engine::ports::{
    Channel, Chunk, Journal, Perform, Progress, Recorded, Request, RunFilter, RunRecord, Sink, SystemClock,
};
use op_engine::start::StartRequest;
use op_engine::watch::Seen;
use op_engine::{Engine, Limits, Ports};
use op_plan::catalogue::{Brief, Operations, Role};
use op_plan::plan::FailureKind;
use op_plan::{Catalogue, Effects, Operation, Performer, Risk, Source, load};
use op_run::run::State;
use op_run::{Answer, Evidence, Failure, Run, RunId};
use serde_json::{Map, Value, json};

/// Three phases, one after the other, each with something to undo.
pub(crate) const LINE: &str = "
[workstacks.p]
rollback = 'run'
[[workstacks.p.phases]]
id = 'a'
agents = ['w.step']
rollback = [{ agent = 'w', operation = 'undo', retry = { max = 1, delay = '1s' } }]
[[workstacks.p.phases]]
id = 'b'
agents = ['w.step']
rollback = [{ agent = 'w', operation = 'undo', retry = { max = 1, delay = '1s' } }]
[[workstacks.p.phases]]
id = 'c'
agents = ['w.step']
rollback = [{ agent = 'w', operation = 'undo', retry = { max = 1, delay = '1s' } }]
";

/// One phase that does one thing.
pub(crate) const ONE: &str = "
[workstacks.p]
[[workstacks.p.phases]]
id = 'a'
agents = ['w.step']
";

fn operation() -> Operation {
    Operation {
        description: String::new(),
        input: json!({}),
        output: json!({}),
        effects: Effects::Read,
        risk: Risk::Low,
        idempotent: true,
        streaming: false,
        undo: None,
        unavailable: None,
    }
}

/// An agent `w` that takes any operation, one that has two, two tools and a role.
pub(crate) fn catalogue() -> Catalogue {
    let known = |names: [&str; 2]| {
        names.into_iter().map(|name| (name.to_owned(), operation())).collect::<BTreeMap<_, _>>().into()
    };
    let coder = Role { performer: Performer::new("w", "step"), brief: Brief::default() };
    Catalogue {
        agents: BTreeMap::from([
            ("w".to_owned(), Operations::Open),
            ("rust_pro".to_owned(), known(["check", "test"])),
            ("tools".to_owned(), known(["file_read", "file_write"])),
        ]),
        roles: IndexMap::from([("coder".to_owned(), coder)]),
        ..Catalogue::default()
    }
}

pub(crate) fn plans(text: &str) -> Plans {
    let source = Source { name: "plans.toml".to_owned(), text: text.to_owned() };
    let loaded = load(&[source], &catalogue());
    assert_eq!(op_plan::diagnostic::render_all(&loaded.diagnostics, false), "");
    loaded.plans
}

pub(crate) fn engine(text: &str, journal: Arc<dyn Journal>, perform: Arc<dyn Perform>) -> Engine {
    limited(text, journal, perform, Limits::default())
}

pub(crate) fn limited(
    text: &str,
    journal: Arc<dyn Journal>,
    perform: Arc<dyn Perform>,
    limits: Limits,
) -> Engine {
    let (results, agents) = (Arc::new(MemoryJournal::new()), Arc::new(FixedAgents::of(catalogue())));
    let clock = Arc::new(SystemClock::new());
    Engine::new(Ports { journal, perform, results, agents, clock }, plans(text), limits)
}

/// Takes what nobody watches.
pub(crate) struct Deaf;

impl Sink for Deaf {
    fn take(&self, _progress: Progress) {}
}

/// A call by `uid:1000`, for no session.
pub(crate) fn calling(name: &str) -> Calling {
    Calling {
        performer: Performer::parse(name),
        arguments: Map::new(),
        timeout: None,
        user: "uid:1000".to_owned(),
        session: String::new(),
        approved: false,
    }
}

/// An engine with what it stands on.
pub(crate) struct World {
    pub(crate) journal: Arc<MemoryJournal>,
    pub(crate) perform: Arc<ScriptedPerform>,
    pub(crate) engine: Engine,
}

impl World {
    pub(crate) fn new(text: &str, perform: ScriptedPerform) -> Self {
        let (journal, perform) = (Arc::new(MemoryJournal::new()), Arc::new(perform));
        let engine = engine(text, journal.clone(), perform.clone());
        Self { journal, perform, engine }
    }

    /// Starts the plan `p`.
    pub(crate) async fn start(&self) -> RunId {
        self.engine.start(request("p")).await.expect("the plan can be started").run
    }

    /// Runs the plan `p` to its end.
    pub(crate) async fn run(&self) -> Arc<Run> {
        let run = self.start().await;
        end(&self.engine, &run).await
    }

    /// Steps and undos that were called, in order, as their keys name them.
    pub(crate) fn called(&self) -> Vec<String> {
        self.perform.asked().iter().map(|request| step_of(request).to_owned()).collect()
    }
}

pub(crate) fn request(plan: &str) -> StartRequest {
    StartRequest { plan: plan.to_owned(), user: "tester".to_owned(), ..StartRequest::default() }
}

/// Every fact of a run from a sequence on, to its end.
pub(crate) async fn facts(engine: &Engine, run: &RunId, from: u64) -> Vec<Recorded> {
    let (_, watch) = engine.watch(run.as_str(), from, false).await.expect("the run is known");
    let facts = watch.map(|seen| match seen.expect("the journal can be read") {
        Seen::Event(recorded) => recorded,
        Seen::Progress { .. } => panic!("progress was not asked for"),
    });
    facts.collect().await
}

/// The run after its end.
pub(crate) async fn end(engine: &Engine, run: &RunId) -> Arc<Run> {
    facts(engine, run, 1).await;
    engine.get(run.as_str()).await.expect("a run that ended is known")
}

/// Another engine over the same disk, after the one before it went down. Nothing is awake yet.
pub(crate) async fn after_a_restart(world: World, text: &str) -> World {
    world.engine.shutdown().await;
    let World { journal, perform, .. } = world;
    let engine = engine(text, journal.clone(), perform.clone());
    World { journal, perform, engine }
}

/// A person who steers a run.
pub(crate) async fn steer(world: &World, run: &RunId, control: Control) -> Result<State, ControlError> {
    world.engine.control(run.as_str(), control, "tester").await.map(|(_, state)| state)
}

pub(crate) fn signal(name: &str) -> Control {
    Control::Signal { signal: name.to_owned(), data: json!({ "sent": true }) }
}

pub(crate) fn approve(approved: bool) -> Control {
    Control::Approve { step: String::new(), digest: String::new(), approved, comment: String::new() }
}

/// Whether a run is in memory: then it is not read from the journal anew each time one looks.
pub(crate) async fn is_in_memory(world: &World, run: &RunId) -> bool {
    let look = || async { world.engine.get(run.as_str()).await.expect("known") };
    Arc::ptr_eq(&look().await, &look().await)
}

pub(crate) async fn state(world: &World, run: &RunId) -> State {
    world.engine.get(run.as_str()).await.expect("known").state()
}

/// Every run of a plan, oldest first.
pub(crate) async fn runs_of(engine: &Engine, plan: &str) -> Vec<RunRecord> {
    let filter = RunFilter { plan: Some(plan.to_owned()), limit: 10_000, ..RunFilter::default() };
    let mut runs = engine.list(&filter).await.expect("read");
    runs.reverse();
    runs
}

/// Returns once nothing can happen any more before time passes.
pub(crate) async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// The step or undo that a call is made for.
pub(crate) fn step_of(request: &Request) -> &str {
    request.key.split('/').nth(1).expect("a key names its step")
}

/// The attempt that a call is.
pub(crate) fn attempt_of(request: &Request) -> u32 {
    request
        .key
        .rsplit('/')
        .next()
        .and_then(|attempt| attempt.parse().ok())
        .expect("a key ends with its attempt")
}

/// A success that tells the step.
pub(crate) fn did(request: &Request) -> Answer {
    succeed(json!({ "did": step_of(request) }))
}

pub(crate) fn fail(kind: FailureKind) -> Answer {
    Answer::Failed { failure: Failure::new(kind, "scripted", "as scripted"), evidence: Evidence::default() }
}

pub(crate) fn output(text: &str) -> Progress {
    Progress::Output(Chunk { channel: Channel::Stdout, data: text.to_owned().into() })
}

/// Operations of `w`: `step` succeeds, `fail` fails, `flaky` succeeds at the third attempt, `hang` goes on until it is
/// stopped, `undo` succeeds, `undo_flaky` at the second attempt.
pub(crate) fn scripted() -> ScriptedPerform {
    let until = |attempt| {
        move |request: Request, _, _| async move {
            if attempt_of(&request) < attempt { fail(FailureKind::Failed) } else { did(&request) }
        }
    };
    ScriptedPerform::default()
        .on("w.step", until(1))
        .on("w.undo", until(1))
        .on("w.flaky", until(3))
        .on("w.undo_flaky", until(2))
        .on("w.fail", until(u32::MAX))
        .on("w.hang", |_, _, stop| async move {
            stop.cancelled().await;
            fail(FailureKind::Cancelled)
        })
}

/// A value of a run in text, for messages.
pub(crate) fn text(value: &Value) -> String {
    value.to_string()
}
