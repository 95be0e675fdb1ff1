//! How the daemon starts, tells how it stands, reads its settings again, and ends.

use serde_json::Value;

use crate::Machine;

const UNIT: &str = "op-dbus.service";

/// Starts the plan `wait` and returns its run once it waits at the gate.
pub(crate) async fn wait_at_the_gate(machine: &Machine) -> String {
    let told = machine.sh("op-dbus run wait --detach --json").await;
    let run = serde_json::from_str::<Value>(&told).expect("JSON")["run"].as_str().expect("a run").to_owned();
    machine.until("pgrep --full --exact 'cat gate'").await;
    run
}

#[tokio::test]
async fn the_first_connection_starts_the_daemon_and_is_answered() {
    let Some(machine) = Machine::installed().await else { return };
    machine.sh("systemctl start op-dbus.socket").await;
    assert_eq!(machine.property(UNIT, "ActiveState").await, "inactive");
    assert!(machine.sh("op-dbus --socket /run/op-dbus/grpc.sock plans").await.contains("code_review"));
    assert_eq!(machine.property(UNIT, "ActiveState").await, "active");
    // The socket is systemd's, and outlives the daemon.
    machine.sh("systemctl stop op-dbus.service; test -S /run/op-dbus/grpc.sock").await;
    machine.sh("op-dbus --socket /run/op-dbus/grpc.sock plans").await;
}

#[tokio::test]
async fn the_first_call_over_the_bus_starts_the_daemon_and_is_answered() {
    let Some(machine) = Machine::installed().await else { return };
    let name = "org.opdbus.Orchestrator1";
    let version = format!("busctl get-property {name} /org/opdbus/Orchestrator1 {name}.Manager Version");
    assert_eq!(machine.sh(&version).await, format!("s \"{}\"", env!("CARGO_PKG_VERSION")));
    assert_eq!(machine.property(UNIT, "ActiveState").await, "active");
    machine.sh("systemctl service-log-level op-dbus.service debug").await;
    assert_eq!(machine.sh("systemctl service-log-level op-dbus.service").await, "debug");
}

#[tokio::test]
async fn the_status_says_how_the_daemon_stands() {
    let Some(machine) = Machine::serving().await else { return };
    let status = |text: &str| {
        format!("systemctl show --value --property=StatusText {UNIT} | grep --fixed-strings '{text}'")
    };
    machine.until(&status("0 runs active")).await;
    let run = wait_at_the_gate(&machine).await;
    machine.until(&status("1 run active")).await;
    machine.sh("echo > /srv/app/gate").await;
    machine.until(&status("0 runs active")).await;
    let journal = machine.sh(&format!("journalctl --unit={UNIT} RUN={run} --output=json")).await;
    assert!(journal.lines().count() > 1, "{journal}");
}

#[tokio::test]
async fn a_reload_holds_when_it_returns_and_a_bad_one_changes_nothing() {
    let Some(machine) = Machine::serving().await else { return };
    let pid = machine.property(UNIT, "MainPID").await;
    let plan = |name: &str| {
        format!(
            "[workstacks.{name}]\n[[workstacks.{name}.phases]]\nid = \"a\"\ntools = [{{ tool = \"log\", args = {{ message = \"x\" }} }}]\n"
        )
    };
    machine.write("/etc/op-dbus/plans.d/fresh.toml", &plan("fresh")).await;
    machine.sh("systemctl reload op-dbus.service && op-dbus plans | grep fresh").await;
    machine.write("/etc/op-dbus/op-dbusd.toml", "nonsense = 1\n").await;
    machine.write("/etc/op-dbus/plans.d/later.toml", &plan("later")).await;
    machine.try_sh("systemctl reload op-dbus.service").await;
    machine.until(&format!("systemctl show --value --property=StatusText {UNIT} | grep 'configuration: /etc/op-dbus/op-dbusd.toml'")).await;
    let plans = machine.sh("op-dbus --socket /run/op-dbus/grpc.sock plans").await;
    assert!(plans.contains("fresh") && !plans.contains("later"), "{plans}");
    assert_eq!(
        (machine.property(UNIT, "ActiveState").await, machine.property(UNIT, "MainPID").await),
        ("active".into(), pid)
    );
}

#[tokio::test]
async fn a_call_that_ends_while_the_daemon_drains_is_kept_and_the_run_goes_on_at_the_next_start() {
    let Some(machine) = Machine::serving().await else { return };
    let run = wait_at_the_gate(&machine).await;
    machine.sh("systemctl stop --no-block op-dbus.service").await;
    machine.until(&format!("journalctl --unit={UNIT} | grep draining")).await;
    machine.sh("echo > /srv/app/gate").await;
    machine.until("! systemctl is-active --quiet op-dbus.service").await;
    assert_eq!(machine.property(UNIT, "Result").await, "success");
    machine
        .until("test -z \"$(systemctl list-units --plain --no-legend --state=active 'op-agent@*')\"")
        .await;
    machine.sh("systemctl start op-dbus.service").await;
    machine.until(&format!("op-dbus show {run} | grep completed")).await;
    assert_eq!(machine.sh("cat /srv/app/marks").await, "x");
}

#[tokio::test]
async fn a_call_longer_than_the_drain_goes_on_over_a_restart() {
    let Some(machine) = Machine::serving().await else { return };
    let settings = "allowed_roots = [\"/srv/app\"]\n[limits]\ndrain = \"100ms\"\n";
    machine.write("/etc/op-dbus/op-dbusd.toml", settings).await;
    machine.sh("systemctl restart op-dbus.service").await;
    let run = wait_at_the_gate(&machine).await;
    let agent = machine.property("op-agent@tools.service", "MainPID").await;
    machine.sh("systemctl restart op-dbus.service").await;
    assert_eq!(machine.property("op-agent@tools.service", "MainPID").await, agent);
    // The agent went on with its command, as after a crash: to go down is not to cancel.
    machine.sh("pgrep --full --exact 'cat gate'").await;
    machine.sh("echo > /srv/app/gate").await;
    machine.until(&format!("op-dbus show {run} | grep completed")).await;
    assert_eq!(machine.sh("cat /srv/app/marks").await, "x");
}
