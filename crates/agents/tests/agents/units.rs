use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures::StreamExt;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use zbus::connection::Builder;
use zbus::message::Type;
use zbus::{Connection, Message, MessageStream, ObjectPath, Variant};

use crate::dbus::Bus;
use crate::support::{Answer, Served, serve};

const ROOT: &str = "/org/freedesktop/systemd1";
const MANAGER: &str = "org.freedesktop.systemd1.Manager";

/// What the scripted systemd knows of its one unit, and the calls it got.
#[derive(Debug)]
struct Script {
    properties: BTreeMap<&'static str, &'static str>,
    calls: Vec<String>,
    /// How its jobs end; one that ends not at all is `hangs`.
    result: &'static str,
}

impl Script {
    fn set_file(&mut self, member: String) {
        match member.as_str() {
            "EnableUnitFiles" => drop(self.properties.insert("UnitFileState", "enabled")),
            "DisableUnitFiles" => drop(self.properties.insert("UnitFileState", "disabled")),
            _ => {}
        }
        self.calls.push(member);
    }
}

/// A bus with a scripted systemd on it.
pub(crate) struct Scripted {
    pub(crate) bus: Bus,
    script: Arc<Mutex<Script>>,
    systemd: JoinHandle<()>,
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.systemd.abort();
    }
}

impl Scripted {
    pub(crate) async fn start(active: &'static str, file: &'static str) -> Option<Self> {
        let bus = Bus::start()?;
        let properties = [
            ("Id", "app.service"),
            ("LoadState", "loaded"),
            ("ActiveState", active),
            ("UnitFileState", file),
        ];
        let script = Script { properties: properties.into(), calls: Vec::new(), result: "done" };
        let script = Arc::new(Mutex::new(script));
        let connection = Builder::address(bus.address.as_str()).build().await.unwrap();
        let calls = MessageStream::from(&connection);
        connection.request_name("org.freedesktop.systemd1").await.unwrap();
        let systemd = tokio::spawn(run(connection, calls, Arc::clone(&script)));
        Some(Self { bus, script, systemd })
    }

    async fn ask(&self, tools: &Served, action: &str) -> Answer {
        tools.ask("systemd_unit", self.arguments(action)).await
    }

    fn arguments(&self, action: &str) -> Value {
        json!({ "unit": "app", "action": action, "bus": self.bus.address })
    }

    async fn undo(&self, tools: &Served, action: &str, output: &Value) -> Value {
        let undo = json!({ "arguments": self.arguments(action), "output": output });
        tools.ask("systemd_unit_restore", undo).await.value()
    }

    pub(crate) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.script.lock().unwrap().calls)
    }

    pub(crate) fn set(&self, property: &'static str, value: &'static str) {
        self.script.lock().unwrap().properties.insert(property, value);
    }
}

async fn run(connection: Connection, mut calls: MessageStream, script: Arc<Mutex<Script>>) {
    while let Some(Ok(call)) = calls.next().await {
        if call.message_type() == Type::MethodCall {
            answer(&connection, &call, &script).await.unwrap();
        }
    }
}

async fn answer(connection: &Connection, call: &Message, script: &Mutex<Script>) -> zbus::Result<()> {
    let header = call.header();
    let member = header.member().unwrap().to_string();
    let unit = ObjectPath::try_from(format!("{ROOT}/unit/app_2eservice"))?;
    match member.as_str() {
        "LoadUnit" => connection.reply(&header, &unit).await,
        "Get" => {
            let body = call.body();
            let (_, name): (&str, &str) = body.deserialize()?;
            let value = script.lock().unwrap().properties[name];
            connection.reply(&header, &Variant::from(value)).await
        }
        "Subscribe" => connection.reply(&header, &()).await,
        "EnableUnitFiles" | "DisableUnitFiles" | "Reload" => {
            script.lock().unwrap().set_file(member);
            connection.reply(&header, &()).await
        }
        job => do_job(connection, &header, job, script).await,
    }
}

/// Tells of the end of two jobs, the one that was asked for last, and only then which one that is.
async fn do_job(
    connection: &Connection,
    header: &zbus::message::Header<'_>,
    member: &str,
    script: &Mutex<Script>,
) -> zbus::Result<()> {
    let result = {
        let mut script = script.lock().unwrap();
        script.calls.push(member.to_owned());
        match (script.result, member) {
            ("done", "StopUnit") => drop(script.properties.insert("ActiveState", "inactive")),
            ("done", _) => drop(script.properties.insert("ActiveState", "active")),
            _ => drop(script.properties.insert("ActiveState", "failed")),
        }
        script.result
    };
    let job = |id: u32| ObjectPath::try_from(format!("{ROOT}/job/{id}")).unwrap();
    for (id, result) in [(1, "canceled"), (2, result)] {
        if result != "hangs" {
            let body = (id, job(id), "app.service", result);
            connection.emit_signal(None::<&str>, ROOT, MANAGER, "JobRemoved", &body).await?;
        }
    }
    connection.reply(header, &job(2)).await
}

#[tokio::test]
async fn a_unit_is_started_and_its_job_awaited() {
    let Some(systemd) = Scripted::start("inactive", "disabled").await else { return };
    let tools = serve("tools").await;
    let value = systemd.ask(&tools, "start").await.value();
    assert_eq!(
        value,
        json!({ "unit": "app.service", "active_state": "active", "previous_state": "inactive",
                "file_state": "disabled", "previous_file_state": "disabled" })
    );
    for (action, member) in [("stop", "StopUnit"), ("restart", "RestartUnit"), ("reload", "ReloadUnit")] {
        systemd.calls();
        systemd.ask(&tools, action).await.value();
        assert_eq!(systemd.calls(), [member]);
    }
}

#[tokio::test]
async fn undoing_brings_a_unit_back_once() {
    let Some(systemd) = Scripted::start("inactive", "disabled").await else { return };
    let tools = serve("tools").await;
    let output = systemd.ask(&tools, "start").await.value();
    systemd.calls();
    let undone = systemd.undo(&tools, "start", &output).await;
    assert_eq!((&undone["active_state"], &undone["changed"]), (&json!("inactive"), &json!(true)));
    let again = systemd.undo(&tools, "start", &output).await;
    assert_eq!((&again["active_state"], &again["changed"]), (&json!("inactive"), &json!(false)));
    assert_eq!(systemd.calls(), ["StopUnit"]);
    systemd.set("ActiveState", "active");
    let output = systemd.ask(&tools, "stop").await.value();
    assert_eq!(systemd.undo(&tools, "stop", &output).await["active_state"], "active");
}

#[tokio::test]
async fn a_unit_is_enabled_and_disabled_again_by_undoing() {
    let Some(systemd) = Scripted::start("active", "disabled").await else { return };
    let tools = serve("tools").await;
    let output = systemd.ask(&tools, "enable").await.value();
    assert_eq!(
        (&output["file_state"], &output["previous_file_state"]),
        (&json!("enabled"), &json!("disabled"))
    );
    for changed in [true, false] {
        let undone = systemd.undo(&tools, "enable", &output).await;
        assert_eq!((&undone["file_state"], &undone["changed"]), (&json!("disabled"), &json!(changed)));
    }
    assert_eq!(systemd.calls(), ["EnableUnitFiles", "Reload", "DisableUnitFiles", "Reload"]);
}

#[tokio::test]
async fn a_job_that_fails_is_a_failure_with_the_state_of_the_unit() {
    let Some(systemd) = Scripted::start("inactive", "disabled").await else { return };
    let tools = serve("tools").await;
    systemd.script.lock().unwrap().result = "failed";
    let answer = systemd.ask(&tools, "start").await;
    assert_eq!(answer.failed(), ("job_failed", json!({ "result": "failed", "active_state": "failed" })));
}

#[tokio::test]
async fn a_unit_that_systemd_does_not_know_is_rejected() {
    let Some(systemd) = Scripted::start("inactive", "").await else { return };
    let tools = serve("tools").await;
    systemd.set("LoadState", "not-found");
    assert_eq!(systemd.ask(&tools, "start").await.rejected(), "unit_not_found");
    assert!(systemd.calls().is_empty());
}

#[tokio::test]
async fn a_job_that_hangs_is_left_when_the_time_of_the_call_is_over() {
    let Some(systemd) = Scripted::start("inactive", "").await else { return };
    let tools = serve("tools").await;
    systemd.script.lock().unwrap().result = "hangs";
    let limit = Some(std::time::Duration::from_millis(500));
    let answer = tools.ask_within("systemd_unit", systemd.arguments("start"), limit).await;
    assert!(answer.is_cancelled(), "{:?}", answer.outcome);
}

#[tokio::test]
async fn a_bus_without_systemd_is_a_failure() {
    let Some(bus) = Bus::start() else { return };
    let tools = serve("tools").await;
    let answer =
        tools.ask("systemd_unit", json!({ "unit": "app", "action": "start", "bus": bus.address })).await;
    assert_eq!(answer.failed().1["name"], "org.freedesktop.DBus.Error.ServiceUnknown");
    let nowhere = json!({ "unit": "app", "action": "start", "bus": format!("{}x", bus.address) });
    assert_eq!(tools.ask("systemd_unit", nowhere).await.failed().0, "bus_unreachable");
}
