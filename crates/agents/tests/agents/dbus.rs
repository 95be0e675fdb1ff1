use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Served, serve};

/// A bus of its own; it ends with this value.
pub(crate) struct Bus {
    daemon: Child,
    pub(crate) address: String,
    _directory: TempDir,
}

impl Bus {
    /// `None`, said loudly, where there is no dbus-daemon.
    pub(crate) fn start() -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join("bus.conf");
        let listen = directory.path().join("bus.sock");
        std::fs::write(&config, format!(
            "<busconfig><type>session</type><listen>unix:path={}</listen><auth>EXTERNAL</auth>\
             <policy context=\"default\"><allow send_destination=\"*\"/><allow receive_sender=\"*\"/><allow own=\"*\"/></policy>\
             </busconfig>", listen.display())).unwrap();
        let daemon = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--print-address"])
            .stdout(Stdio::piped())
            .spawn();
        let Ok(mut daemon) = daemon else {
            eprintln!("SKIPPED: there is no dbus-daemon here, so no bus was called");
            return None;
        };
        let mut address = String::new();
        BufReader::new(daemon.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Some(Self { daemon, address: address.trim().to_owned(), _directory: directory })
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

async fn call(
    tools: &Served,
    bus: &str,
    member: &str,
    signature: &str,
    args: Value,
) -> crate::support::Answer {
    let arguments = json!({ "bus": bus, "destination": "org.freedesktop.DBus", "path": "/org/freedesktop/DBus",
        "interface": "org.freedesktop.DBus", "member": member, "signature": signature, "args": args });
    tools.ask("dbus_call", arguments).await
}

#[tokio::test]
async fn a_method_of_a_real_bus_is_called_and_its_reply_is_read() {
    let Some(bus) = Bus::start() else { return };
    let tools = serve("tools").await;
    let id = call(&tools, &bus.address, "GetId", "", json!([])).await.value();
    assert_eq!((&id["signature"], id["reply"][0].as_str().unwrap().len()), (&json!("s"), 32));
    let owned =
        call(&tools, &bus.address, "NameHasOwner", "s", json!(["org.freedesktop.DBus"])).await.value();
    assert_eq!(owned, json!({ "signature": "b", "reply": [true] }));
    let names = call(&tools, &bus.address, "ListNames", "", json!([])).await.value();
    assert!(names["reply"][0].as_array().unwrap().contains(&json!("org.freedesktop.DBus")));
    let nothing =
        call(&tools, &bus.address, "UpdateActivationEnvironment", "a{ss}", json!([{ "A": "b" }])).await;
    assert_eq!(nothing.value(), json!({ "signature": "", "reply": [] }));
}

#[tokio::test]
async fn variants_and_properties_come_back_as_plain_values() {
    let Some(bus) = Bus::start() else { return };
    let tools = serve("tools").await;
    let arguments = json!({ "bus": bus.address, "destination": "org.freedesktop.DBus", "path": "/org/freedesktop/DBus",
        "interface": "org.freedesktop.DBus.Properties", "member": "GetAll", "signature": "s",
        "args": ["org.freedesktop.DBus"] });
    let value = tools.ask("dbus_call", arguments).await.value();
    assert_eq!(value["signature"], "a{sv}");
    assert!(value["reply"][0]["Interfaces"].is_array(), "{value}");
}

#[tokio::test]
async fn the_name_of_an_error_is_kept() {
    let Some(bus) = Bus::start() else { return };
    let tools = serve("tools").await;
    let answer = call(&tools, &bus.address, "GetNameOwner", "s", json!(["org.nobody.Here"])).await;
    let (reason, detail) = answer.failed();
    assert_eq!(
        (reason, &detail["name"]),
        ("dbus_error", &json!("org.freedesktop.DBus.Error.NameHasNoOwner"))
    );
    let answer = call(&tools, &bus.address, "NoSuchMethod", "", json!([])).await;
    assert_eq!(answer.failed().1["name"], "org.freedesktop.DBus.Error.UnknownMethod");
}

#[tokio::test]
async fn a_bus_that_is_not_there_is_a_failure_and_a_wrong_address_is_rejected() {
    let tools = serve("tools").await;
    let address = format!("unix:path={}", tools.root.join("no-bus").display());
    assert_eq!(call(&tools, &address, "GetId", "", json!([])).await.failed().0, "bus_unreachable");
    for bus in ["", "sytem", "unixexec:path=/bin/sh"] {
        assert_eq!(call(&tools, bus, "GetId", "", json!([])).await.rejected(), "invalid_arguments", "{bus}");
    }
}
