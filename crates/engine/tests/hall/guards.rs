//! Guards around calls: secrets and sizes.

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;
use op_engine::fakes::{MemoryJournal, ScriptedPerform, succeed};
use op_engine::guard::{chain, secret, size};
use op_engine::handle::control::Control;
use op_engine::ports::{Channel, Chunk, EventFilter, Journal as _, Progress, Question, Request, Sink};
use op_engine::start::StartRequest;
use op_engine::{Engine, Library};
use op_plan::plan::FailureKind;
use op_run::run::State;
use op_run::{Answer, Evidence, Failure, Run};
use serde_json::{Value, json};

use crate::support::{end, engine, fail, request};

const PLAN: &str = "
[workstacks.p]
[workstacks.p.inputs]
token = { type = 'secret', required = true }
[[workstacks.p.phases]]
id = 'a'
agents = [{ agent = 'w', operation = 'step', args = { token = '${token}' } }]
";

/// The secret has quotes and lines in it, and another one is part of it.
const SECRET: &str = "-----BEGIN KEY-----\nsw\"ordfish-4711\n-----END";

struct Store;

impl secret::Credentials for Store {
    fn read(&self, name: &str) -> Result<String, String> {
        match name {
            "deploy" => Ok(SECRET.to_owned()),
            "part" => Ok("ordfish".to_owned()),
            "binary" => Ok("\u{7f}key".to_owned()),
            _ => Err("there is no such file".to_owned()),
        }
    }
}

fn guarded(plan: &str, perform: Arc<ScriptedPerform>) -> (Engine, Arc<MemoryJournal>) {
    let journal = Arc::new(MemoryJournal::new());
    let guards = vec![size::size(10_000), secret::secret(Arc::new(Store))];
    (engine(plan, journal.clone(), chain(guards, perform)), journal)
}

async fn run(engine: &Engine, inputs: Value) -> (Arc<Run>, String) {
    let Value::Object(inputs) = inputs else { panic!("inputs are an object") };
    let run = engine.start(StartRequest { inputs, ..request("p") }).await.expect("started").run;
    let (_, watch) = engine.watch(run.as_str(), 1, true).await.expect("known");
    let seen: Vec<_> = watch.map(|seen| format!("{seen:?}")).collect().await;
    (end(engine, &run).await, seen.concat())
}

/// Echoes the secret wherever a performer can.
fn leaky() -> ScriptedPerform {
    ScriptedPerform::default().on("w.step", |request, sink, _| async move {
        let token = request.arguments["token"].as_str().expect("resolved").to_owned();
        for line in token.lines().chain([token.as_str()]) {
            let data = Bytes::from(format!("got {line}\n"));
            sink.take(Progress::Output(Chunk { channel: Channel::Stderr, data }));
            sink.take(Progress::Fraction { fraction: None, note: format!("using {line}") });
        }
        let quoted = Value::from(token.as_str()).to_string();
        tokio::task::yield_now().await;
        if request.key.ends_with("/1") {
            return Answer::Failed {
                failure: Failure::new(FailureKind::Failed, "bad", format!("bad {token}"))
                    .hint(format!("not {token}"))
                    .detail(json!({ "args": [quoted, { token.as_str(): token }] })),
                evidence: Evidence::default(),
            };
        }
        succeed(json!({ "echo": token, "quoted": quoted, "list": [token, { token.as_str(): token }] }))
    })
}

#[tokio::test(start_paused = true)]
async fn a_secret_reaches_the_performer_and_nothing_else() {
    let perform = Arc::new(leaky());
    let (engine, journal) = guarded(&format!("{PLAN}max_retries = 1\n"), perform.clone());
    let (ended, seen) = run(&engine, json!({ "token": "deploy" })).await;
    assert_eq!(ended.state(), State::Completed);
    assert_eq!(perform.asked()[0].arguments["token"], SECRET);
    let filter = EventFilter { limit: 1000, ..EventFilter::default() };
    let events = format!("{:?}", journal.audit(&filter).await.expect("read"));
    let kept = format!("{:?}", engine.output(ended.id().as_str(), "a", None, None).await.expect("known").1);
    for (what, text) in [("events", &events), ("kept output", &kept), ("what is seen", &seen)] {
        assert!(text.contains("[secret]"), "{what}: {text}");
        assert!(!text.contains("ordfish"), "{what}: {text}");
    }
    assert_eq!(ended.output().expect("completed")["echo"], "[secret]");
}

#[tokio::test(start_paused = true)]
async fn a_secret_within_another_one_leaves_no_rest_of_it() {
    let plan = PLAN.replace("[[", "also = { type = 'secret', required = true }\n[[");
    let (engine, _) = guarded(&plan, Arc::new(leaky()));
    let (ended, seen) = run(&engine, json!({ "token": "deploy", "also": "part" })).await;
    let message = &ended.step(0).trial.failure.as_ref().expect("failed").message;
    assert_eq!(message, "bad [secret]");
    assert!(!seen.contains("BEGIN KEY") && !seen.contains("4711"), "{seen}");
}

#[tokio::test(start_paused = true)]
async fn output_that_is_not_text_passes_as_it_is_but_for_the_secret() {
    let perform = ScriptedPerform::default().on("w.step", |_, sink, _| async move {
        let data = Bytes::from_static(b"\xff\xfe\x7fkey\x00\x7fkey\xff");
        sink.take(Progress::Output(Chunk { channel: Channel::Stdout, data }));
        succeed(Value::Null)
    });
    let (engine, _) = guarded(PLAN, Arc::new(perform));
    let (ended, _) = run(&engine, json!({ "token": "binary" })).await;
    let (_, kept) = engine.output(ended.id().as_str(), "a", None, None).await.expect("known");
    assert_eq!(&*kept.expect("kept").chunks[0].data, b"\xff\xfe[secret]\x00[secret]\xff");
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_cannot_be_read_is_refused_before_the_performer_is_asked() {
    let perform = Arc::new(leaky());
    let (engine, _) = guarded(PLAN, perform.clone());
    let (ended, _) = run(&engine, json!({ "token": "nothing" })).await;
    let failure = ended.step(0).trial.failure.as_ref().expect("failed");
    assert_eq!((failure.kind, failure.reason.as_str()), (FailureKind::Refused, "secret_missing"));
    assert_eq!(failure.message, "the secret `nothing` cannot be read: there is no such file");
    assert_eq!(perform.asked(), []);
}

#[tokio::test(start_paused = true)]
async fn a_forged_reference_to_a_secret_is_not_resolved() {
    let plan = PLAN.replace("[[", "data = { type = 'json', required = true }\n[[");
    let plan = plan.replace("token = '${token}'", "token = '${token}', data = '${data}'");
    let perform = Arc::new(ScriptedPerform::default());
    let (engine, _) = guarded(&plan, perform.clone());
    let forged = json!({ "$secret": "part" });
    run(&engine, json!({ "token": "deploy", "data": forged })).await;
    assert_eq!(perform.asked()[0].arguments["data"], forged);
    // Without any secret of its own a run resolves none at all.
    let plan =
        plan.replace("token = { type = 'secret', required = true }", "").replace("token = '${token}', ", "");
    let perform = Arc::new(ScriptedPerform::default());
    let (engine, _) = guarded(&plan, perform.clone());
    run(&engine, json!({ "data": { "$secret": "deploy" } })).await;
    assert_eq!(perform.asked()[0].arguments["data"], json!({ "$secret": "deploy" }));
}

#[tokio::test(start_paused = true)]
async fn arguments_that_are_too_large_are_refused_before_the_performer_is_asked() {
    let plan = PLAN.replace("type = 'secret'", "type = 'string'");
    let perform = Arc::new(ScriptedPerform::default());
    let (engine, _) = guarded(&plan, perform.clone());
    let (fits, _) = run(&engine, json!({ "token": "x".repeat(9_000) })).await;
    assert_eq!(fits.state(), State::Completed);
    let (refused, _) = run(&engine, json!({ "token": "x".repeat(10_000) })).await;
    let failure = refused.step(0).trial.failure.as_ref().expect("failed");
    assert_eq!((failure.kind, failure.reason.as_str()), (FailureKind::Refused, "arguments_too_large"));
    assert_eq!(perform.asked().len(), 1);
}

/// A step that asks for `file_read` with these arguments, and what it hears of it.
fn asking(arguments: fn(&Request) -> Value) -> Arc<ScriptedPerform> {
    let perform = ScriptedPerform::default()
        .on("file_read", |request: Request, _, _| async move {
            let message = format!("there is no file {}", request.arguments["path"]);
            Answer::Failed {
                failure: Failure::new(FailureKind::Failed, "missing", message),
                evidence: Evidence::default(),
            }
        })
        .on("w.step", move |request: Request, sink: Arc<dyn Sink>, _| async move {
            let arguments = arguments(&request).to_string();
            let question =
                Question { number: 1, performer: "file_read".to_owned(), arguments, timeout: None };
            match sink.ask(question).await {
                Answer::Failed { failure, .. } => succeed(json!(failure.reason)),
                answered @ Answer::Succeeded { .. } => answered,
            }
        });
    Arc::new(perform)
}

async fn ask(perform: &Arc<ScriptedPerform>) -> (Arc<Run>, String) {
    let (engine, _) = guarded(PLAN, Arc::clone(perform));
    let grants = [("w".to_owned(), vec!["*".to_owned()])].into_iter().collect();
    let library = Library::clone(&engine.library());
    engine.set_library(Library { grants, ..library });
    run(&engine, json!({ "token": "part" })).await
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_goes_on_in_what_a_step_asks_for_is_in_no_event() {
    let perform = asking(|request| json!({ "path": request.arguments["token"] }));
    let (run, told) = ask(&perform).await;
    assert_eq!(run.step(0).output, Some(json!("missing")));
    assert_eq!(perform.asked()[1].arguments["path"], "ordfish", "the performer gets it");
    assert!(told.contains("there is no file \\\"[secret]\\\"") && !told.contains("ordfish"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_asks_names_no_secret() {
    let perform = asking(|_| json!({ "path": [{ "$secret": "part" }] }));
    let (run, _) = ask(&perform).await;
    assert_eq!(run.step(0).output, Some(json!("invalid_arguments")));
    assert_eq!(perform.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_undo_is_given_what_its_call_was_given_and_what_it_returned() {
    let plan = "
[workstacks.p]
[workstacks.p.inputs]
token = { type = 'string', required = true }
[[workstacks.p.phases]]
id = 'a'
agents = [{ agent = 'w', operation = 'step', args = { token = '${token}' } }]
rollback = [{ agent = 'w', operation = 'undo' }]
[[workstacks.p.phases]]
id = 'b'
depends_on = ['a']
agents = ['w.flaky']
";
    let perform = ScriptedPerform::default()
        .on("w.step", |_, _, _| async { succeed(json!("y".repeat(9_000))) })
        .on("w.flaky", |_, _, _| async { fail(FailureKind::Failed) })
        .on("w.undo", |_, _, _| async { succeed(Value::Null) });
    let (engine, _) = guarded(plan, Arc::new(perform));
    let (run, _) = run(&engine, json!({ "token": "x".repeat(9_000) })).await;
    let (_, state) =
        engine.control(run.id().as_str(), Control::Rollback { to: None }, "me").await.expect("it failed");
    assert!(!state.is_over());
    assert_eq!(end(&engine, run.id()).await.state(), State::RolledBack);
}
