//! What becomes of a daemon that hangs, dies, or cannot start.

use crate::Machine;
use crate::daemon::wait_at_the_gate;

const UNIT: &str = "op-dbus.service";

/// A script that succeeds once another daemon than this one is up.
fn another(pid: &str) -> String {
    let show = format!("systemctl show --value --property={{}} {UNIT}");
    let (main, state) = (show.replace("{}", "MainPID"), show.replace("{}", "ActiveState"));
    format!("test \"$({state})\" = active && test \"$({main})\" != {pid} && test \"$({main})\" != 0")
}

#[tokio::test]
async fn a_daemon_that_hangs_is_ended_by_the_watchdog_and_comes_back() {
    let Some(machine) = Machine::serving().await else { return };
    machine.edit("[Service]\nWatchdogSec=1s\nTimeoutAbortSec=1s\n").await;
    machine.sh("systemctl restart op-dbus.service").await;
    let pid = machine.property(UNIT, "MainPID").await;
    machine.sh(&format!("kill -STOP {pid}")).await;
    machine.until(&another(&pid)).await;
    machine.sh(&format!("journalctl --unit={UNIT} | grep 'Watchdog timeout'")).await;
    machine.sh("op-dbus plans").await;
}

#[tokio::test]
async fn a_daemon_that_is_killed_comes_back_and_finds_its_socket_its_agents_and_its_run() {
    let Some(machine) = Machine::serving().await else { return };
    let run = wait_at_the_gate(&machine).await;
    let agent = machine.property("op-agent@tools.service", "MainPID").await;
    let pid = machine.property(UNIT, "MainPID").await;
    machine.sh(&format!("kill -KILL {pid}")).await;
    machine.sh("systemctl is-active op-dbus.socket").await;
    machine.until(&another(&pid)).await;
    assert_eq!(machine.property("op-agent@tools.service", "MainPID").await, agent);
    // The agent went on with its command, and the daemon that came back goes on with the call: nothing is run twice.
    machine.sh("pgrep --full --exact 'cat gate'").await;
    machine.sh("echo > /srv/app/gate").await;
    machine.until(&format!("op-dbus show {run} | grep completed")).await;
    assert_eq!(machine.sh("cat /srv/app/marks").await, "x");
}

#[tokio::test]
async fn a_daemon_that_cannot_start_is_tried_again_for_ever_and_its_socket_stays() {
    let Some(machine) = Machine::installed().await else { return };
    machine.edit("[Service]\nExecStart=\nExecStart=/bin/false\nRestartSec=10ms\nRestartSteps=0\n").await;
    machine.try_sh("systemctl start op-dbus.service").await;
    machine.until(&format!("test \"$(systemctl show --value --property=NRestarts {UNIT})\" -gt 8")).await;
    machine.sh("systemctl is-active op-dbus.socket && test -S /run/op-dbus/grpc.sock").await;
    machine.sh("rm /etc/systemd/system/op-dbus.service.d/test.conf && systemctl daemon-reload").await;
    machine.until("systemctl is-active op-dbus.service").await;
    machine.sh("op-dbus plans").await;
}

#[tokio::test]
async fn an_agent_that_is_killed_is_started_again_by_the_daemon() {
    let Some(machine) = Machine::serving().await else { return };
    let unit = "op-agent@rust_pro.service";
    machine.until(&format!("systemctl is-active {unit}")).await;
    let pid = machine.property(unit, "MainPID").await;
    machine.sh(&format!("systemctl kill --signal=KILL {unit}")).await;
    machine.until(&another(&pid).replace(UNIT, unit)).await;
    machine.until("op-dbus agents | grep -E '^rust_pro +ready'").await;
}
