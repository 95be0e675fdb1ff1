//! Skills: what calls are given of them, in runs and outside, and what the hub tells of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use op_engine::fakes::{FixedAgents, MemoryJournal, ScriptedPerform, succeed};
use op_engine::handle::call::Calling;
use op_engine::names::{NameError, Target};
use op_engine::ports::{Question, Sink, SystemClock};
use op_engine::{Engine, Library, Limits, Ports};
use op_plan::catalogue::Operations;
use op_plan::skill::{Skills, Written};
use op_plan::{Catalogue, Operation, Source, load};
use op_run::run::State;
use op_run::{Answer, Run};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::{Deaf, calling, catalogue, end, facts, request};

fn written(name: &str, metadata: &str, body: &str) -> Written {
    let text = format!("---\nname: {name}\ndescription: About {name}.\nmetadata:\n{metadata}---\n{body}\n");
    let source = Source { name: format!("{name}/SKILL.md"), text };
    Written { directory: name.to_owned(), source, ..Written::default() }
}

/// A skill of every call of `m`, one of paths, and one that only a step brings in.
fn skills() -> Arc<Skills> {
    let resources = BTreeMap::from([("references/more.md".to_owned(), "More.".to_owned())]);
    let care =
        "  op-dbus-tools: m.*\n  op-dbus-priority: '9'\n  op-dbus-constraints: forbid_argument m.* force\n";
    let skills = Skills::read(&[
        Written { resources, ..written("care-taking", care, "Take care.") },
        written("rusty", "  op-dbus-paths: '*.rs'\n", "Mind the crab."),
        written("named", "  op-dbus-constraints: max_executions * 1\n", "Only by name."),
    ]);
    assert_eq!(op_plan::diagnostic::render_all(skills.diagnostics(), false), "");
    Arc::new(skills)
}

/// An agent `m` that takes skills, and one that takes none.
fn stocked() -> Catalogue {
    let mut catalogue = catalogue();
    let Some(Operations::Known(known)) = catalogue.agents.get("rust_pro") else { panic!("it is known") };
    let mut respond = Operation::clone(&known["test"]);
    respond.input = json!({ "properties": { "skills": {}, "path": {}, "force": {} } });
    let deaf = Operation::clone(&known["test"]);
    let operations = BTreeMap::from([("respond".to_owned(), respond), ("deaf".to_owned(), deaf)]);
    catalogue.agents.insert("m".to_owned(), operations.into());
    Catalogue { skills: skills(), ..catalogue }
}

/// An engine with these phases for a plan `p`, and who performs.
fn engine(phases: &str) -> (Engine, Arc<ScriptedPerform>) {
    engine_with(phases, ScriptedPerform::default().on("w.step", |_, _, _| async { succeed(json!("done")) }))
}

/// The same, where others than `m` are performed as told.
fn engine_with(phases: &str, perform: ScriptedPerform) -> (Engine, Arc<ScriptedPerform>) {
    let answer = |_, _, _| async { succeed(json!("done")) };
    let perform = Arc::new(perform.on("m.respond", answer).on("m.deaf", answer));
    let text = format!("[workstacks.p]\n{phases}");
    let loaded = load(&[Source { name: "plans.toml".to_owned(), text }], &stocked());
    assert_eq!(op_plan::diagnostic::render_all(&loaded.diagnostics, false), "");
    let library = Library { skills: skills(), ..Library::from(loaded.plans) };
    let ports = Ports {
        journal: Arc::new(MemoryJournal::new()),
        perform: Arc::clone(&perform) as _,
        results: Arc::new(MemoryJournal::new()),
        agents: Arc::new(FixedAgents::of(stocked())),
        clock: Arc::new(SystemClock::new()),
    };
    (Engine::new(ports, library, Limits::default()), perform)
}

async fn run(engine: &Engine) -> Arc<Run> {
    let run = engine.start(request("p")).await.expect("the plan can be started").run;
    end(engine, &run).await
}

async fn call(engine: &Engine, performer: &str, arguments: Value) -> Answer {
    let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
    let of = Calling { arguments, ..calling(performer) };
    engine.call(of, Arc::new(Deaf), CancellationToken::new()).await.expect("the operation exists")
}

const PHASES: &str = "
[[workstacks.p.phases]]
id = 'a'
agents = [{ agent = 'm.respond', args = { path = 'src/lib.rs' }, skills = ['named'] }]
[[workstacks.p.phases]]
id = 'b'
agents = ['m.deaf']
[[workstacks.p.phases]]
id = 'c'
agents = ['w.step']
";

#[tokio::test(start_paused = true)]
async fn a_call_is_given_the_skills_that_are_active_in_it_where_it_takes_them_and_the_journal_says_why() {
    let (engine, perform) = engine(PHASES);
    let run = run(&engine).await;
    assert_eq!(run.state(), State::Completed, "{}", run.reason());
    let asked: Vec<_> = perform.asked().into_iter().map(|request| (*request.arguments).clone()).collect();
    let lesson = |name: &str, text: &str| json!({ "name": name, "text": text });
    let given = [
        lesson("care-taking", "Take care."),
        lesson("named", "Only by name."),
        lesson("rusty", "Mind the crab."),
    ];
    assert_eq!(asked, [json!({ "path": "src/lib.rs", "skills": given }), json!({}), json!({})]);
    let facts = facts(&engine, run.id(), 1).await;
    let of = |wanted: &'static str| facts.iter().filter(move |recorded| recorded.event.fact.kind() == wanted);
    let told: Vec<_> = of("skill_activated")
        .map(|recorded| serde_json::to_value(&recorded.event.fact).expect("JSON"))
        .collect();
    let why: Vec<_> = told
        .iter()
        .map(|fact| (fact["step"].as_str(), fact["skill"].as_str(), fact["because"].clone()))
        .collect();
    let because = [
        (Some("a"), Some("care-taking"), json!({ "performer": "m.*" })),
        (Some("a"), Some("named"), json!("named")),
        (Some("a"), Some("rusty"), json!({ "path": "*.rs" })),
        (Some("b"), Some("care-taking"), json!({ "performer": "m.*" })),
    ];
    assert_eq!(why, because);
    let digest = &skills().get("named").expect("it is there").digest.clone();
    assert_eq!((told[1]["digest"].as_str(), told[1]["given"].as_u64()), (Some(digest.as_str()), Some(13)));
    let first_start = of("step_started").next().expect("it began").sequence;
    assert!(of("skill_activated").take(3).all(|recorded| recorded.sequence < first_start));
}

#[tokio::test(start_paused = true)]
async fn a_run_keeps_the_skills_that_it_began_with() {
    let gated = format!("{PHASES}approval = 'Go on?'\n").replace("w.step", "m.respond");
    let (engine, perform) = engine(&gated);
    let started = engine.start(request("p")).await.expect("the plan can be started").run;
    perform.was_asked(2).await;
    let plans = engine.library().plans.clone();
    engine.set_library(Library::from(plans));
    tokio::time::timeout(std::time::Duration::from_mins(1), async {
        while engine.get(started.as_str()).await.expect("known").gated_steps().next().is_none() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("it asks");
    let approve = op_engine::handle::control::Control::Approve {
        step: String::new(),
        digest: String::new(),
        approved: true,
        comment: String::new(),
    };
    engine.control(started.as_str(), approve, "tester").await.expect("it is asked");
    assert_eq!(end(&engine, &started).await.state(), State::Completed);
    assert_eq!(perform.asked()[2].arguments["skills"][0]["name"], "care-taking");
}

#[tokio::test(start_paused = true)]
async fn a_skill_refuses_the_arguments_of_a_call_in_a_run_and_outside() {
    let (engine, perform) = engine(
        "[[workstacks.p.phases]]\nid = 'a'\nagents = [{ agent = 'm.respond', args = { force = true } }]\n",
    );
    let run = run(&engine).await;
    assert_eq!(run.state(), State::Failed);
    assert!(
        run.reason().contains("the skill `care-taking` does not let m.respond be called"),
        "{}",
        run.reason()
    );
    let Answer::Failed { failure, .. } = call(&engine, "m.respond", json!({ "force": true })).await else {
        panic!("it is refused")
    };
    assert_eq!((failure.kind.word(), failure.reason.as_str()), ("refused", "skill_constraint"));
    assert_eq!(failure.detail.expect("it says which")["constraint"], "forbid_argument m.* force");
    assert!(perform.asked().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_call_outside_of_a_run_is_given_skills_too_and_never_over_its_own() {
    let (engine, perform) = engine(PHASES);
    call(&engine, "m.respond", json!({ "path": "a.rs" })).await;
    call(&engine, "m.respond", json!({ "skills": "mine" })).await;
    call(&engine, "w.step", json!({ "path": "a.rs" })).await;
    let given: Vec<_> =
        perform.asked().into_iter().map(|request| request.arguments["skills"].clone()).collect();
    let names: Vec<_> =
        given[0].as_array().expect("a list").iter().map(|lesson| lesson["name"].clone()).collect();
    assert_eq!(names, ["care-taking", "rusty"]);
    assert_eq!((&given[1], &given[2]), (&json!("mine"), &Value::Null));
}

fn told(engine: &Engine, name: &str, arguments: Value) -> Answer {
    let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
    let arguments: Map<_, _> = arguments;
    match engine.resolve(name).expect(name) {
        Target::Skill(question) => engine.tell(&question, &arguments),
        other => panic!("{name} is {other:?}"),
    }
}

fn value(answer: Answer) -> Value {
    match answer {
        Answer::Succeeded { value, evidence } if evidence.peer == "hub" => value,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_hub_tells_of_skills_in_three_levels_of_detail() {
    let (engine, perform) = engine(PHASES);
    let list = value(told(&engine, "skill_list", json!({})));
    let first = json!({ "name": "care-taking", "description": "About care-taking.", "priority": 9 });
    assert_eq!((list.as_array().map(Vec::len), &list[0]), (Some(3), &first));
    let described = value(told(&engine, "skill_describe", json!({ "name": "care_taking" })));
    assert_eq!(
        (&described["tools"], &described["resources"]),
        (&json!(["m.*"]), &json!(["references/more.md"]))
    );
    assert_eq!((described.get("text"), &described["bytes"]), (None, &json!(10)));
    for name in ["skill_care_taking", "skill_care-taking"] {
        assert_eq!(value(told(&engine, name, json!({})))["text"], "Take care.");
    }
    let more = json!({ "resource": "./references/more.md" });
    assert_eq!(value(told(&engine, "skill_care_taking", more))["text"], "More.");
    assert!(perform.asked().is_empty(), "no agent is asked");
}

#[tokio::test]
async fn questions_about_skills_that_make_no_sense_are_rejected() {
    let (engine, _) = engine(PHASES);
    for (name, arguments, message) in [
        ("skill_list", json!({ "name": "x" }), "it takes no arguments, and `name` is given"),
        ("skill_describe", json!({}), "the argument `name` is missing"),
        ("skill_describe", json!({ "name": 3 }), "the argument `name` must be text"),
        (
            "skill_describe",
            json!({ "name": "care-takin" }),
            "no skill is called `care-takin`; did you mean `care-taking`?",
        ),
        (
            "skill_named",
            json!({ "resource": "../care-taking/SKILL.md" }),
            "the skill `named` has no file `../care-taking/SKILL.md`",
        ),
        (
            "skill_care_taking",
            json!({ "resource": "x" }),
            "the skill `care-taking` has no file `x`; it has references/more.md",
        ),
    ] {
        match told(&engine, name, arguments) {
            Answer::Failed { failure, .. } => {
                assert_eq!((failure.kind.word(), failure.message.as_str()), ("rejected", message));
            }
            Answer::Succeeded { value, .. } => panic!("{name}: {value}"),
        }
    }
    let unknown = engine.resolve("skill_care_takin").expect_err("there is none");
    assert!(
        matches!(&unknown, NameError::Skill { nearest: Some(near), .. } if near == "care-taking"),
        "{unknown}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_an_agent_asks_for_is_held_to_the_skills_that_are_active_in_it() {
    let care = "forbid_argument m.deaf force\n    max_executions m.deaf(path=once) 1";
    for (arguments, told) in [
        (json!({ "force": true }), "must not be given"),
        (json!({ "path": "once" }), "is held of the steps of a plan alone"),
        (json!({ "path": "often" }), ""),
    ] {
        let question = Question {
            number: 1,
            performer: "m.deaf".to_owned(),
            arguments: arguments.to_string(),
            timeout: None,
        };
        let perform = ScriptedPerform::default().on("w.step", move |_, sink: Arc<dyn Sink>, _| {
            let question = question.clone();
            async move { sink.ask(question).await }
        });
        let (engine, perform) =
            engine_with("[[workstacks.p.phases]]\nid = 'a'\nagents = ['w.step']\n", perform);
        let metadata = format!("  op-dbus-tools: m.*\n  op-dbus-constraints: |\n    {care}\n");
        let skills = Arc::new(Skills::read(&[written("care", &metadata, "Take care.")]));
        let grants = [("w".to_owned(), vec!["*".to_owned()])].into_iter().collect();
        let library = Library::clone(&engine.library());
        engine.set_library(Library { skills, grants, ..library });
        let run = run(&engine).await;
        let failure = run.step(0).trial.failure.clone();
        let message = failure.map(|failure| failure.message).unwrap_or_default();
        assert!(message.contains(told) && message.is_empty() == told.is_empty(), "{arguments}: {message}");
        assert_eq!(perform.asked().len(), if told.is_empty() { 2 } else { 1 }, "{arguments}");
    }
}
