//! Agents as child processes. The children are this very test program, started again as one ignored test.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use op_agent::{Agent, Call, Failure, Listener, Operation};
use op_engine::ports::{AgentState, AgentStatus, Agents};
use op_plan::plan::FailureKind;
use op_pool::{AgentSettings, ChildLaunch, Launch, Pool};
use op_proto::Address;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use crate::support::{PATIENCE, at, call, directory, failure, pool, settings, until, value};

/// Where the child is to listen.
const LISTEN: &str = "POOL_TEST_LISTEN";

/// Whether it is to ignore that it is told to end.
const STUBBORN: &str = "POOL_TEST_STUBBORN";

/// The arguments that start this program again as one test.
fn as_test(name: &str) -> Vec<String> {
    [name, "--exact", "--ignored", "--nocapture"].map(str::to_owned).to_vec()
}

fn launched(address: &Address, extra: Option<(&str, &str)>) -> AgentSettings {
    let environment = [(LISTEN, address.to_string())].into_iter();
    let extra = extra.map(|(name, value)| (name, value.to_owned()));
    let launch = ChildLaunch {
        program: std::env::current_exe().expect("this program"),
        arguments: as_test("processes::an_agent_process"),
        environment: environment.chain(extra).map(|(name, value)| (name.to_owned(), value)).collect(),
    };
    AgentSettings {
        run_on_connection: true,
        launch: Some(Launch::Child(launch)),
        ..AgentSettings::new("a", address.clone())
    }
}

/// Not a test of its own: the agent that other tests start as a child.
#[tokio::test]
#[ignore = "the agent process of other tests"]
async fn an_agent_process() {
    let address: Address = std::env::var(LISTEN).expect("an address").parse().expect("a right address");
    let agent = Agent::new("a", "1")
        .operation(Operation::read("pid", "Its process."), |_: Call, _: Value| async move {
            Ok::<_, Failure>(std::process::id())
        })
        .operation(Operation::read("crash", "Ends at once."), |_: Call, _: Value| async move {
            std::process::exit(7);
            #[expect(unreachable_code, reason = "the type of the operation")]
            Ok::<u32, Failure>(0)
        });
    let lifeline = async {
        let mut rest = Vec::new();
        let _ = tokio::io::stdin().read_to_end(&mut rest).await;
        if std::env::var_os(STUBBORN).is_some() {
            std::future::pending::<()>().await;
        }
    };
    let listener = Listener::bind(&address).await.expect("a free address");
    agent.serve(listener, lifeline).await.expect("it serves");
    // The harness may wait for nothing more.
    std::process::exit(0);
}

/// Not a test of its own: a hub with one agent, until it is killed.
#[tokio::test]
#[ignore = "the hub process of another test"]
async fn a_hub_process() {
    let address: Address = std::env::var(LISTEN).expect("an address").parse().expect("a right address");
    let _pool = pool(settings(), vec![launched(&address, None)]);
    std::future::pending::<()>().await;
}

/// Whether a process runs; one that ended and was not reaped yet does not.
fn runs(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

async fn wait_gone(pid: u32) {
    let gone = async {
        while runs(pid) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("the process ends");
}

async fn ready(pool: &Pool) -> AgentStatus {
    until(pool, "a", |status| status.state == AgentState::Ready).await
}

fn start(home: &Path) -> (Arc<Pool>, Address) {
    let address = at(home, "a");
    (pool(settings(), vec![launched(&address, None)]), address)
}

#[tokio::test]
async fn an_agent_is_started_answers_and_is_gone_after_the_shutdown() {
    let home = directory();
    let (pool, _) = start(home.path());
    let pid = ready(&pool).await.pid.expect("a process");
    assert_eq!(value(call(&pool, "a.pid", "1", json!({})).await), json!(pid));
    assert!(runs(pid));
    pool.shutdown().await;
    assert!(!runs(pid));
}

#[tokio::test]
async fn an_agent_that_crashes_loses_its_call_and_is_started_again() {
    let home = directory();
    let (pool, _) = start(home.path());
    let first = ready(&pool).await.pid.expect("a process");
    let lost = failure(call(&pool, "a.crash", "1", json!({})).await);
    assert_eq!(lost.kind, FailureKind::Lost);
    let status = until(&pool, "a", |status| status.restarts == 1 && status.state == AgentState::Ready).await;
    assert_ne!(status.pid, Some(first));
    assert_eq!(value(call(&pool, "a.pid", "2", json!({})).await), json!(status.pid));
    pool.shutdown().await;
}

#[tokio::test]
async fn an_agent_that_is_killed_is_started_again() {
    let home = directory();
    let (pool, _) = start(home.path());
    let pid = ready(&pool).await.pid.expect("a process");
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).expect("a pid")).expect("a pid");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it runs");
    until(&pool, "a", |status| status.restarts == 1 && status.state == AgentState::Ready).await;
    pool.shutdown().await;
}

#[tokio::test]
async fn a_disconnected_agent_has_no_process() {
    let home = directory();
    let (pool, _) = start(home.path());
    let pid = ready(&pool).await.pid.expect("a process");
    let status = pool.disconnect("a").await.expect("a known agent");
    assert_eq!((status.state, status.pid), (AgentState::Idle, None));
    assert!(!runs(pid));
    let status = pool.connect("a").await.expect("it is started again");
    assert_ne!(status.pid, Some(pid));
    pool.shutdown().await;
}

#[tokio::test]
async fn an_agent_that_does_not_want_to_end_is_killed() {
    let home = directory();
    let address = at(home.path(), "a");
    // A shell between the pool and the agent that ignores the request to end.
    let mut stubborn = launched(&address, Some((STUBBORN, "yes")));
    if let Some(Launch::Child(launch)) = &mut stubborn.launch {
        let script = r#"trap '' TERM; "$0" "$@" & wait; wait"#.to_owned();
        let program = launch.program.display().to_string();
        launch.program = "/bin/sh".into();
        launch.arguments.splice(..0, ["-c".to_owned(), script, program]);
    }
    let pool = pool(settings(), vec![stubborn]);
    ready(&pool).await;
    let pid = value(call(&pool, "a.pid", "1", json!({})).await);
    pool.shutdown().await;
    wait_gone(u32::try_from(pid.as_u64().expect("a pid")).expect("a pid")).await;
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named_in_the_failure() {
    let home = directory();
    let mut settings_of = launched(&at(home.path(), "a"), None);
    if let Some(Launch::Child(launch)) = &mut settings_of.launch {
        launch.program = "/nowhere/at/all".into();
    }
    let pool = pool(settings(), vec![settings_of]);
    let failure = failure(call(&pool, "a.pid", "1", json!({})).await);
    assert_eq!(failure.kind, FailureKind::Unavailable);
    assert!(failure.message.contains("cannot start `/nowhere/at/all`"), "{}", failure.message);
    pool.shutdown().await;
}

#[tokio::test]
async fn a_hub_that_is_killed_leaves_no_agent_behind() {
    let home = directory();
    let address = at(home.path(), "a");
    let mut hub = tokio::process::Command::new(std::env::current_exe().expect("this program"))
        .args(as_test("processes::a_hub_process"))
        .env(LISTEN, address.to_string())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("it starts");
    // A second hub asks the agent of the first who it is.
    let asking =
        pool(settings(), vec![AgentSettings { run_on_connection: true, ..AgentSettings::new("a", address) }]);
    ready(&asking).await;
    let pid = value(call(&asking, "a.pid", "1", json!({})).await);
    let pid = u32::try_from(pid.as_u64().expect("a pid")).expect("a pid");
    assert!(runs(pid));
    hub.start_kill().expect("it runs");
    assert_eq!(hub.wait().await.expect("a child").signal(), Some(9));
    wait_gone(pid).await;
    asking.shutdown().await;
}
