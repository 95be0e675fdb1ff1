//! Agents as units of a scripted systemd on a bus of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use futures::StreamExt;
use op_engine::ports::{AgentState, Agents};
use op_pool::{AgentSettings, Launch, UnitLaunch};
use op_proto::Address;
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use zbus::connection::Builder;
use zbus::message::Type;
use zbus::{Connection, Message, MessageStream, ObjectPath, Variant};

use crate::support::{
    PATIENCE, Served, agent, at, call, directory, failure, pool, serve, settings, until, value,
};

const ROOT: &str = "/org/freedesktop/systemd1";
const MANAGER: &str = "org.freedesktop.systemd1.Manager";
const UNIT: &str = "op-agent@a.service";
/// The result of a job that never ends, and whose caller is not even answered.
const NEVER: &str = "never";
const UNIT_PATH: &str = "/org/freedesktop/systemd1/unit/a";

/// A bus; it ends with this value.
struct Bus {
    daemon: Child,
    address: String,
    _directory: TempDir,
}

impl Bus {
    /// `None`, said loudly, where there is no dbus-daemon.
    fn start() -> Option<Self> {
        let directory = directory();
        let (config, listen) = (directory.path().join("bus.conf"), directory.path().join("bus.sock"));
        let text = format!(
            "<busconfig><type>session</type><listen>unix:path={}</listen><auth>EXTERNAL</auth><policy context=\"default\">\
             <allow send_destination=\"*\"/><allow receive_sender=\"*\"/><allow own=\"*\"/></policy></busconfig>",
            listen.display()
        );
        std::fs::write(&config, text).expect("a new file");
        let mut command = Command::new("dbus-daemon");
        command.arg(format!("--config-file={}", config.display())).args(["--nofork", "--print-address"]);
        let Ok(mut daemon) = command.stdout(Stdio::piped()).spawn() else {
            assert!(
                std::env::var_os("OP_DBUS_TESTS").is_none_or(|value| value != "require"),
                "no dbus-daemon"
            );
            println!("SKIPPED: there is no dbus-daemon here");
            return None;
        };
        let mut address = String::new();
        let stdout = daemon.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut address).expect("it tells its address");
        Some(Self { daemon, address: address.trim().to_owned(), _directory: directory })
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

/// What the scripted systemd did, and the unit it has.
struct Script {
    address: Address,
    unit: Option<Served>,
    calls: Vec<String>,
    /// How the next job to start ends.
    result: &'static str,
    /// Told of each job.
    asked: Arc<Notify>,
}

/// A hub's view of a systemd: a bus, a file, and the agent `a` as a unit.
struct Scene {
    bus: Bus,
    home: TempDir,
    script: Arc<Mutex<Script>>,
    asked: Arc<Notify>,
    connection: Connection,
    systemd: JoinHandle<()>,
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.systemd.abort();
    }
}

impl Scene {
    async fn new() -> Option<Self> {
        let (bus, home) = (Bus::start()?, directory());
        let address = at(home.path(), "a");
        let asked = Arc::new(Notify::new());
        let script =
            Script { address, unit: None, calls: Vec::new(), result: "done", asked: Arc::clone(&asked) };
        let script = Arc::new(Mutex::new(script));
        let connection = Builder::address(bus.address.as_str()).build().await.expect("a bus");
        let calls = MessageStream::from(&connection);
        connection.request_name("org.freedesktop.systemd1").await.expect("nobody has it");
        let systemd = tokio::spawn(answer_all(connection.clone(), calls, Arc::clone(&script)));
        Some(Self { bus, home, script, asked, connection, systemd })
    }

    fn agent(&self, told: &str) -> AgentSettings {
        let launch = UnitLaunch {
            unit: UNIT.to_owned(),
            file: self.home.path().join("a.json"),
            told: told.to_owned(),
            bus: Some(self.bus.address.clone()),
        };
        AgentSettings {
            launch: Some(Launch::Unit(launch)),
            ..AgentSettings::new("a", at(self.home.path(), "a"))
        }
    }

    fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.script.lock().expect("no panic").calls)
    }

    /// Waits until a job was asked for.
    async fn until(&self, job: &str) {
        let found = async {
            while !self.script.lock().expect("no panic").calls.iter().any(|call| call == job) {
                self.asked.notified().await;
            }
        };
        tokio::time::timeout(PATIENCE, found).await.expect("the job is asked for");
    }

    /// Ends the unit from outside.
    async fn end(&self) {
        let unit = self.script.lock().expect("no panic").unit.take().expect("it runs");
        unit.stop().await;
        changed(&self.connection).await;
    }
}

async fn answer_all(connection: Connection, mut calls: MessageStream, script: Arc<Mutex<Script>>) {
    while let Some(Ok(call)) = calls.next().await {
        if call.message_type() == Type::MethodCall {
            answer(&connection, &call, &script).await.expect("the bus takes it");
        }
    }
}

async fn answer(connection: &Connection, call: &Message, script: &Mutex<Script>) -> zbus::Result<()> {
    let header = call.header();
    let member = header.member().expect("a member").to_string();
    match member.as_str() {
        "Subscribe" => connection.reply(&header, &()).await,
        "LoadUnit" => connection.reply(&header, &ObjectPath::try_from(UNIT_PATH)?).await,
        "Get" => {
            let body = call.body();
            let (_, name): (&str, &str) = body.deserialize()?;
            let runs = script.lock().expect("no panic").unit.is_some();
            match name {
                "ActiveState" => {
                    connection.reply(&header, &Variant::from(if runs { "active" } else { "failed" })).await
                }
                "Result" => connection.reply(&header, &Variant::from("exit-code")).await,
                "ExecMainStatus" => connection.reply(&header, &Variant::from(3_i32)).await,
                _ => connection.reply(&header, &Variant::from(4711_u32)).await,
            }
        }
        job => do_job(connection, &header, job, script).await,
    }
}

/// Does a job, and tells of its end before the reply.
async fn do_job(
    connection: &Connection,
    header: &zbus::message::Header<'_>,
    job: &str,
    script: &Mutex<Script>,
) -> zbus::Result<()> {
    let (before, address, result) = {
        let mut script = script.lock().expect("no panic");
        script.calls.push(job.to_owned());
        script.asked.notify_one();
        if script.result == NEVER {
            script.result = "done";
            return Ok(());
        }
        let before = if job == "StartUnit" { None } else { script.unit.take() };
        (before, script.address.clone(), std::mem::replace(&mut script.result, "done"))
    };
    if let Some(unit) = before {
        unit.stop().await;
    }
    let is_start = matches!(job, "StartUnit" | "RestartUnit") && result == "done";
    if is_start && script.lock().expect("no panic").unit.is_none() {
        let served = serve(agent("a"), &address).await;
        script.lock().expect("no panic").unit = Some(served);
    }
    let path = ObjectPath::try_from(format!("{ROOT}/job/7"))?;
    changed(connection).await;
    connection.emit_signal(None::<&str>, ROOT, MANAGER, "JobRemoved", &(7_u32, &path, UNIT, result)).await?;
    connection.reply(header, &path).await
}

async fn changed(connection: &Connection) {
    let body = (
        "org.freedesktop.systemd1.Unit",
        std::collections::HashMap::<&str, Variant<'_>>::new(),
        ["ActiveState"],
    );
    let interface = "org.freedesktop.DBus.Properties";
    connection
        .emit_signal(None::<&str>, UNIT_PATH, interface, "PropertiesChanged", &body)
        .await
        .expect("a bus");
}

#[tokio::test]
async fn an_agent_is_started_as_a_unit_when_it_is_called_and_stopped_when_it_is_let_go() {
    let Some(scene) = Scene::new().await else { return };
    let pool = pool(settings(), vec![scene.agent("{}")]);
    assert_eq!(value(call(&pool, "a.echo", "1", json!({"x": 1})).await), json!({"x": 1}));
    assert_eq!(until(&pool, "a", |status| status.pid.is_some()).await.pid, Some(4711));
    assert_eq!(std::fs::read_to_string(scene.home.path().join("a.json")).expect("it was told"), "{}");
    let status = pool.disconnect("a").await.expect("a known agent");
    assert_eq!((status.state, status.pid), (AgentState::Idle, None));
    assert_eq!(scene.calls(), ["RestartUnit", "StopUnit"]);
    value(call(&pool, "a.echo", "2", json!({})).await);
    assert_eq!(scene.calls(), ["StartUnit"], "it was told the same before");
    pool.shutdown().await;
}

#[tokio::test]
async fn a_unit_that_ends_by_itself_is_told_of_and_started_again() {
    let Some(scene) = Scene::new().await else { return };
    let held = AgentSettings { run_on_connection: true, ..scene.agent("{}") };
    let pool = pool(settings(), vec![held]);
    until(&pool, "a", |status| status.state == AgentState::Ready).await;
    scene.end().await;
    until(&pool, "a", |status| status.restarts > 0 && status.state == AgentState::Ready).await;
    let calls = scene.calls();
    assert_eq!((calls[0].as_str(), calls[calls.len() - 1].as_str()), ("RestartUnit", "StartUnit"));
    pool.shutdown().await;
}

#[tokio::test]
async fn a_unit_outlives_its_hub_and_the_next_one_goes_on_with_it_unless_it_is_to_be_told_something_else() {
    let Some(scene) = Scene::new().await else { return };
    for (told, job) in [("{}", "RestartUnit"), ("{}", "StartUnit"), ("{\"roots\":[]}", "RestartUnit")] {
        let pool = pool(settings(), vec![scene.agent(told)]);
        value(call(&pool, "a.echo", told, json!({})).await);
        pool.shutdown().await;
        assert_eq!(scene.calls(), [job], "nobody stops it but systemd");
    }
}

#[tokio::test]
async fn a_unit_that_is_no_longer_wanted_is_stopped_and_not_left_to_the_next_hub() {
    let Some(scene) = Scene::new().await else { return };
    let held = AgentSettings { run_on_connection: true, ..scene.agent("{}") };
    let pool = pool(settings(), vec![held]);
    until(&pool, "a", |status| status.state == AgentState::Ready).await;
    assert_eq!(pool.renew(vec![]).expect("nobody fits").removed, ["a"]);
    scene.until("StopUnit").await;
    pool.shutdown().await;
    assert_eq!(scene.calls(), ["RestartUnit", "StopUnit"]);
}

#[tokio::test]
async fn a_job_that_fails_is_the_reason_that_callers_get() {
    let Some(scene) = Scene::new().await else { return };
    scene.script.lock().expect("no panic").result = "dependency";
    let once = op_pool::PoolSettings { max_retries: 0, ..settings() };
    let pool = pool(once, vec![scene.agent("{}")]);
    let failure = failure(call(&pool, "a.echo", "1", json!({})).await);
    let sentence = "the job to restart op-agent@a.service ended as `dependency`";
    assert!(failure.message.contains(sentence), "{}", failure.message);
    assert_eq!(scene.calls(), ["RestartUnit"]);
    pool.disconnect("a").await.expect("a known agent");
    value(call(&pool, "a.echo", "2", json!({})).await);
    assert_eq!(scene.calls().last().expect("a job"), "RestartUnit", "what nobody was told is news");
    pool.shutdown().await;
}

#[tokio::test]
async fn a_unit_whose_restart_was_broken_off_is_started_anew_by_the_next_hub() {
    let Some(scene) = Scene::new().await else { return };
    let before = pool(settings(), vec![scene.agent("{}")]);
    value(call(&before, "a.echo", "1", json!({})).await);
    before.shutdown().await;
    scene.calls();
    scene.script.lock().expect("no panic").result = NEVER;
    let broken_off = pool(settings(), vec![scene.agent("{\"roots\":[]}")]);
    broken_off.wanted(["a"]);
    scene.until("RestartUnit").await;
    broken_off.shutdown().await;
    assert_eq!(scene.calls(), ["RestartUnit"]);
    let after = pool(settings(), vec![scene.agent("{\"roots\":[]}")]);
    value(call(&after, "a.echo", "2", json!({})).await);
    assert_eq!(scene.calls(), ["RestartUnit"], "it still runs with what it was told first");
    after.shutdown().await;
}
