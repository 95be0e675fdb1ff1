//! Clients that nobody here wrote, as processes: `busctl`, `gdbus`, and two in Python (`dbus-fast`, `jeepney`).
//!
//! One that is not installed is passed over with a line that says so; with `OP_DBUS_TESTS=require` it is a failure.

use tokio::process::Command;

use crate::support::{House, ROOT};

/// Starts a run, waits for its end by properties, and reads its result.
const DBUS_FAST: &str = r"
import asyncio, sys
from dbus_fast.aio import MessageBus
from dbus_fast import DBusError

async def main():
    bus = await MessageBus(bus_address=sys.argv[1]).connect()
    name, root = 'org.opdbus.Orchestrator1', '/org/opdbus/Orchestrator1'
    manager = bus.get_proxy_object(name, root, await bus.introspect(name, root)).get_interface(name + '.Manager')
    path = await manager.call_start_run('workstack', 'quick', {}, {})
    run = bus.get_proxy_object(name, path, await bus.introspect(name, path))
    over, properties = asyncio.Event(), run.get_interface('org.freedesktop.DBus.Properties')
    def changed(interface, values, invalidated):
        if values.get('Result') is not None:
            over.set()
    properties.on_properties_changed(changed)
    of = run.get_interface(name + '.Run')
    if await of.get_result() == '':
        await asyncio.wait_for(over.wait(), 30)
    assert await of.get_state() == 'completed'
    try:
        await of.call_pause({})
    except DBusError as error:
        print(error.type)
asyncio.run(main())
";

const JEEPNEY: &str = r"
import sys
from jeepney import DBusAddress, new_method_call, Properties
from jeepney.io.blocking import open_dbus_connection

bus = open_dbus_connection(bus=sys.argv[1])
name, root = 'org.opdbus.Orchestrator1', '/org/opdbus/Orchestrator1'
manager = DBusAddress(root, bus_name=name, interface=name + '.Manager')
reply = bus.send_and_get_reply(new_method_call(manager, 'StartRun', 'ssa{sv}a{sv}', ('', 'held', {}, {})), timeout=30)
path = reply.body[0]
run = DBusAddress(path, bus_name=name, interface=name + '.Run')
bus.send_and_get_reply(new_method_call(run, 'Pause', 'a{sv}', ({'reason': ('s', 'lunch')},)), timeout=30)
state = bus.send_and_get_reply(Properties(run).get('State'), timeout=30).body[0]
print(state)
refused = bus.send_and_get_reply(new_method_call(run, 'Pause', 'a{sv}', ({'reson': ('s', 'lunch')},)), timeout=30)
print(refused.header.fields[4], refused.body[0])
";

/// Whether a program is there; says so when it is not.
async fn is_there(program: &str, words: &[&str]) -> bool {
    let tried = Command::new(program).args(words).output().await;
    let is_there = tried.is_ok_and(|output| output.status.success());
    if !is_there {
        println!("SKIPPED: {program} {} is not there", words.join(" "));
        let required = std::env::var("OP_DBUS_TESTS").is_ok_and(|tests| tests == "require");
        assert!(!required, "{program} {words:?} is required and not there");
    }
    is_there
}

async fn said(command: &mut Command) -> String {
    let output = command.output().await.expect("it runs");
    let said = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test]
async fn busctl_starts_a_run_reads_properties_and_shows_sentences() {
    if !is_there("busctl", &["--version"]).await {
        return;
    }
    let house = House::open().await;
    let address = format!("--address={}", house.bus.address());
    let busctl = || {
        let mut command = Command::new("busctl");
        command.arg(&address);
        command
    };
    let manager = [op_dbus::NAME, ROOT, "org.opdbus.Orchestrator1.Manager"];
    let started =
        said(busctl().arg("call").args(manager).args(["StartRun", "ssa{sv}a{sv}", "", "held", "0", "0"]))
            .await;
    let path = started.trim().strip_prefix("o \"").and_then(|path| path.strip_suffix('"')).expect("a path");
    let run = [op_dbus::NAME, path, "org.opdbus.Orchestrator1.Run"];
    let paused =
        said(busctl().arg("call").args(run).args(["Pause", "a{sv}", "1", "reason", "s", "lunch"])).await;
    assert_eq!(paused, "");
    let state = said(busctl().arg("get-property").args(run).args(["State", "StateReason"])).await;
    assert_eq!(state, "s \"paused\"\n(ss) \"paused\" \"lunch\"\n");
    let unknown =
        said(busctl().arg("call").args(run).args(["Pause", "a{sv}", "1", "reson", "s", "lunch"])).await;
    assert!(unknown.contains("Option `reson` is not known; there is reason."), "{unknown}");
    let introspected = said(busctl().arg("introspect").args([op_dbus::NAME, path])).await;
    assert!(introspected.contains(".PhaseChanged") && introspected.contains(".Cancel"), "{introspected}");
    let tree = said(busctl().args(["tree", op_dbus::NAME])).await;
    assert!(tree.contains("/org/opdbus/Orchestrator1/plan/many_2dsteps"), "{tree}");
    house.close().await;
}

#[tokio::test]
async fn gdbus_starts_a_run_and_shows_names_of_errors() {
    if !is_there("gdbus", &["help"]).await {
        return;
    }
    let house = House::open().await;
    let gdbus = |member: &str, path: &str, words: &[&str]| {
        let mut command = Command::new("gdbus");
        command.args([
            "call",
            "--address",
            &house.bus.address(),
            "-d",
            op_dbus::NAME,
            "-o",
            path,
            "-m",
            member,
        ]);
        command.args(words);
        command
    };
    let start = "org.opdbus.Orchestrator1.Manager.StartRun";
    let started = said(&mut gdbus(start, ROOT, &["workstack", "quick", "{'count': <7>}", "{}"])).await;
    assert!(started.contains("objectpath '/org/opdbus/Orchestrator1/run/"), "{started}");
    let unknown = said(&mut gdbus(start, ROOT, &["", "quikc", "{}", "{}"])).await;
    assert!(unknown.contains("org.opdbus.Orchestrator1.Error.NoSuchDefinition"), "{unknown}");
    assert!(unknown.contains("did you mean `quick`?"), "{unknown}");
    house.close().await;
}

#[tokio::test]
async fn dbus_fast_follows_a_run_to_its_end() {
    if !is_there("python3", &["-c", "import dbus_fast"]).await {
        return;
    }
    let house = House::open().await;
    let said = said(Command::new("python3").args(["-c", DBUS_FAST, &house.bus.address()])).await;
    assert_eq!(said, "org.opdbus.Orchestrator1.Error.RunState\n");
    house.close().await;
}

#[tokio::test]
async fn jeepney_steers_a_run_and_is_refused_by_name() {
    if !is_there("python3", &["-c", "import jeepney"]).await {
        return;
    }
    let house = House::open().await;
    let said = said(Command::new("python3").args(["-c", JEEPNEY, &house.bus.address()])).await;
    assert!(
        said.starts_with("('s', 'paused')\norg.freedesktop.DBus.Error.InvalidArgs Option `reson`"),
        "{said}"
    );
    house.close().await;
}
