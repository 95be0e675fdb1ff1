//! Sessions: whose they are, how many there may be, what calls and runs have of them, and when they are over.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt as _;
use op_engine::fakes::{FixedAgents, MemoryJournal, ScriptedPerform};
use op_engine::handle::call::{CallError, Calling};
use op_engine::handle::control::{Control, ControlError};
use op_engine::ports::{AgentState, AgentStatus, Breaker, SystemClock};
use op_engine::session::{SessionError, SessionLimits};
use op_engine::start::{StartError, StartRequest};
use op_engine::{Engine, Limits, Ports};
use op_run::Timestamp;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::support::{Deaf, ONE, calling, catalogue, did, end, plans, request, scripted, settle};

const USER: &str = "uid:1000";

struct Scene {
    agents: FixedAgents,
    perform: Arc<ScriptedPerform>,
    engine: Engine,
}

fn agent(name: &str, run_on_connection: bool) -> AgentStatus {
    AgentStatus {
        name: name.to_owned(),
        state: AgentState::Ready,
        reason: String::new(),
        endpoint: String::new(),
        run_on_connection,
        operations: BTreeMap::new(),
        version: String::new(),
        active: 0,
        queued: 0,
        restarts: 0,
        calls: 0,
        faults: 0,
        latency: None,
        since: Timestamp::default(),
        pid: None,
        breaker: Breaker::Closed,
    }
}

fn scene_with(perform: ScriptedPerform, text: &str, sessions: SessionLimits) -> Scene {
    scene_on(Arc::new(MemoryJournal::new()), perform, text, sessions)
}

fn scene_on(
    journal: Arc<MemoryJournal>,
    perform: ScriptedPerform,
    text: &str,
    sessions: SessionLimits,
) -> Scene {
    let agents = FixedAgents::of(catalogue()).with(vec![agent("memory", true), agent("w", false)]);
    let perform = Arc::new(perform);
    let ports = Ports {
        journal,
        perform: perform.clone(),
        results: Arc::new(MemoryJournal::new()),
        agents: Arc::new(agents.clone()),
        clock: Arc::new(SystemClock::new()),
    };
    let limits = Limits { sessions, ..Limits::default() };
    Scene { agents, perform, engine: Engine::new(ports, plans(text), limits) }
}

fn scene() -> Scene {
    scene_with(scripted(), ONE, SessionLimits::default())
}

impl Scene {
    async fn call(&self, session: &str, user: &str) -> Result<(), CallError> {
        let of = Calling { session: session.to_owned(), user: user.to_owned(), ..calling("w.step") };
        self.engine.call(of, Arc::new(Deaf), CancellationToken::new()).await.map(drop)
    }
}

/// A performer whose calls end one by one, each when it is let go.
fn held() -> (ScriptedPerform, Arc<Notify>) {
    let release = Arc::new(Notify::new());
    let released = Arc::clone(&release);
    let perform = ScriptedPerform::default().on("w.step", move |request, _, _| {
        let released = Arc::clone(&released);
        async move {
            released.notified().await;
            did(&request)
        }
    });
    (perform, release)
}

fn within(session: &str) -> StartRequest {
    StartRequest { session: Some(session.to_owned()), user: USER.to_owned(), ..request("p") }
}

#[tokio::test(start_paused = true)]
async fn a_session_leases_agents_until_it_is_dropped() {
    let scene = scene();
    let session = scene.engine.open_session(USER, "a test").expect("there is room");
    assert_eq!(scene.agents.leases(), 1);
    let (status, _) = session.attend().expect("it stands");
    assert_eq!((status.record.user.as_str(), status.record.client.as_str()), (USER, "a test"));
    let names: Vec<_> = status.agents.iter().map(|agent| agent.name.as_str()).collect();
    assert_eq!(names, ["memory"], "agents that are connected on demand are nobody's");
    let id = session.id().to_owned();
    drop(session);
    assert_eq!((scene.agents.leases(), scene.engine.kept_sessions()), (0, (0, 0)));
    assert_eq!(scene.agents.over(), [id]);
}

#[tokio::test(start_paused = true)]
async fn agents_are_told_of_anew_only_when_they_changed() {
    let scene = scene();
    let session = scene.engine.open_session(USER, "").expect("there is room");
    let (_, changes) = session.attend().expect("it stands");
    // The agents of this scene never change.
    assert_eq!(changes.count().await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_sessions_leave_nothing_behind() {
    let scene = scene();
    for _ in 0..1000 {
        let session = scene.engine.open_session(USER, "").expect("there is room");
        scene.call(session.id(), USER).await.expect("its own");
    }
    assert_eq!((scene.engine.kept_sessions(), scene.engine.sessions().len()), ((0, 0), 0));
    assert_eq!((scene.agents.leases(), scene.agents.over().len()), (0, 1000));
}

#[tokio::test(start_paused = true)]
async fn no_more_sessions_are_opened_than_allowed() {
    let limits = SessionLimits { total: 3, user: 2 };
    let scene = scene_with(scripted(), ONE, limits);
    let open = |user: &str| scene.engine.open_session(user, "");
    let (first, _second) = (open(USER).expect("room"), open(USER).expect("room"));
    let too_many = open(USER).map(drop);
    assert_eq!(too_many, Err(SessionError::TooManyOfUser { user: USER.to_owned(), limit: 2 }));
    let _other = open("uid:1001").expect("room");
    assert_eq!(open("uid:1002").map(drop), Err(SessionError::TooMany(3)));
    assert_eq!(scene.agents.leases(), 3, "who is refused holds nothing");
    drop(first);
    open("uid:1002").expect("room again");
}

#[tokio::test(start_paused = true)]
async fn who_names_a_session_that_is_not_theirs_is_refused() {
    let scene = scene();
    let session = scene.engine.open_session(USER, "").expect("room");
    let id = session.id();
    assert!(matches!(scene.call(id, "uid:1001").await, Err(CallError::Session(_))));
    assert!(matches!(scene.call("nothing", USER).await, Err(CallError::Session(_))));
    let foreign = StartRequest { user: "uid:1001".to_owned(), ..within(id) };
    assert!(matches!(scene.engine.start(foreign).await, Err(StartError::Session(_))));
    // A label says the same as the field.
    let labels = BTreeMap::from([("session".to_owned(), id.to_owned())]);
    let labelled = StartRequest { labels, user: "uid:1001".to_owned(), ..request("p") };
    assert!(matches!(scene.engine.start(labelled).await, Err(StartError::Session(_))));
    assert!(scene.engine.close_session(id, Some("uid:1001")).is_err());
    assert!(scene.perform.asked().is_empty());
    scene.engine.close_session(id, Some(USER)).expect("its own");
    assert!(matches!(scene.call(id, USER).await, Err(CallError::Session(_))), "it is closed");
}

#[tokio::test(start_paused = true)]
async fn calls_and_runs_carry_the_session_and_are_counted() {
    let scene = scene();
    let session = scene.engine.open_session(USER, "").expect("room");
    scene.call(session.id(), USER).await.expect("its own");
    let started = scene.engine.start(within(session.id())).await.expect("started");
    let run = end(&scene.engine, &started.run).await;
    assert_eq!(run.origin().expect("started").labels["session"], session.id());
    let sessions: Vec<_> = scene.perform.asked().into_iter().map(|request| request.session).collect();
    assert_eq!(sessions, [session.id(), session.id()]);
    let record = &scene.engine.sessions()[0].record;
    assert_eq!((record.calls, record.runs), (1, 1));
    assert!(scene.agents.over().is_empty(), "the run was no session of its own");
}

#[tokio::test(start_paused = true)]
async fn a_run_without_a_session_is_one_that_is_over_with_it() {
    let scene = scene();
    let run = scene.engine.start(request("p")).await.expect("started").run;
    end(&scene.engine, &run).await;
    settle().await;
    assert_eq!(scene.perform.asked()[0].session, run.as_str());
    assert_eq!(scene.agents.over(), [run.as_str()]);
}

#[tokio::test(start_paused = true)]
async fn a_child_shares_the_session_of_its_parent_and_ends_it_not() {
    let text = format!(
        "{ONE}[workstacks.parent]\n[[workstacks.parent.phases]]\nid = 'x'\nplan = 'p'\n\
         [[workstacks.parent.phases]]\nid = 'y'\nagents = ['w.step']\n"
    );
    let scene = scene_with(scripted(), &text, SessionLimits::default());
    let run = scene.engine.start(request("parent")).await.expect("started").run;
    end(&scene.engine, &run).await;
    settle().await;
    let sessions: Vec<_> = scene.perform.asked().into_iter().map(|request| request.session).collect();
    assert_eq!(sessions, [run.as_str(), run.as_str()]);
    assert_eq!(scene.agents.over(), [run.as_str()]);
}

#[tokio::test(start_paused = true)]
async fn a_session_is_over_for_agents_when_the_last_of_its_runs_is() {
    let (perform, release) = held();
    let scene = scene_with(perform, ONE, SessionLimits { total: 1, user: 1 });
    let session = scene.engine.open_session(USER, "").expect("room");
    let id = session.id().to_owned();
    let run = scene.engine.start(within(&id)).await.expect("started").run;
    scene.perform.was_asked(1).await;
    drop(session);
    assert!(scene.agents.over().is_empty() && scene.engine.sessions().is_empty());
    assert_eq!(scene.agents.leases(), 0);
    drop(scene.engine.open_session(USER, "").expect("a closed session counts against nothing"));
    release.notify_one();
    end(&scene.engine, &run).await;
    settle().await;
    assert_eq!(scene.agents.over().last(), Some(&id));
    assert_eq!(scene.engine.kept_sessions(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_over_and_hears_something_more_leaves_its_session_once() {
    let (perform, release) = held();
    let scene = scene_with(perform, ONE, SessionLimits { total: 1, user: 1 });
    let session = scene.engine.open_session(USER, "").expect("room");
    let id = session.id().to_owned();
    release.notify_one();
    let first = scene.engine.start(within(&id)).await.expect("started").run;
    end(&scene.engine, &first).await;
    let second = scene.engine.start(within(&id)).await.expect("started").run;
    scene.perform.was_asked(2).await;
    drop(session);
    let again = scene.engine.control(first.as_str(), Control::Retry { from: None }, USER).await;
    assert!(matches!(again, Err(ControlError::Refused { .. })), "{again:?}");
    settle().await;
    assert!(scene.agents.over().is_empty(), "the other run goes on");
    release.notify_one();
    end(&scene.engine, &second).await;
    settle().await;
    assert_eq!(scene.agents.over(), [id]);
}

#[tokio::test(start_paused = true)]
async fn a_session_is_over_for_agents_when_the_last_of_its_calls_is() {
    let (perform, release) = held();
    let scene = scene_with(perform, ONE, SessionLimits::default());
    let session = scene.engine.open_session(USER, "").expect("room");
    let id = session.id().to_owned();
    let mut called = Box::pin(scene.call(&id, USER));
    assert!(futures::poll!(&mut called).is_pending());
    drop(session);
    assert!(scene.agents.over().is_empty());
    assert!(scene.call(&id, USER).await.is_err(), "it is closed");
    release.notify_one();
    called.await.expect("it goes on");
    assert_eq!(scene.agents.over(), [id]);
    assert_eq!(scene.engine.kept_sessions().0, 0);
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_a_session_is_over_when_the_last_of_its_runs_is() {
    let hang = || ScriptedPerform::default().on("w.step", |_, _, _| std::future::pending());
    let journal = Arc::new(MemoryJournal::new());
    let before = scene_on(Arc::clone(&journal), hang(), ONE, SessionLimits::default());
    let session = before.engine.open_session(USER, "").expect("room");
    let id = session.id().to_owned();
    let first = before.engine.start(within(&id)).await.expect("started").run;
    let second = before.engine.start(within(&id)).await.expect("started").run;
    before.perform.was_asked(2).await;
    drop(session);
    before.engine.shutdown().await;

    let (perform, release) = held();
    let after = scene_on(journal, perform, ONE, SessionLimits::default());
    after.engine.recover().await.expect("read");
    after.perform.was_asked(2).await;
    release.notify_one();
    settle().await;
    assert_eq!((after.engine.live_runs(), after.agents.over().len()), (1, 0), "the other run goes on");
    release.notify_one();
    end(&after.engine, &first).await;
    end(&after.engine, &second).await;
    settle().await;
    assert_eq!(after.agents.over(), [id]);
}

#[tokio::test(start_paused = true)]
async fn a_label_of_a_client_makes_no_child() {
    let labels = [("parent".to_owned(), "x".to_owned())].into();
    let refused = scene().engine.start(StartRequest { labels, ..request("p") }).await;
    assert!(matches!(refused, Err(StartError::Label("parent"))), "{refused:?}");
}
