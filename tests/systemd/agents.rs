//! Agents as units, started as the daemon's user does it.

use crate::Machine;

/// Has the user of the daemon ask systemd for a job.
fn ask(user: &str, member: &str, unit: &str) -> String {
    let systemd = "org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager";
    format!("runuser --user {user} -- busctl call {systemd} {member} ss '{unit}' replace")
}

/// Tells an agent what it may touch, as the daemon does.
async fn tell(machine: &Machine, agent: &str, settings: &str) {
    let file = format!("/run/op-dbus/agents/{agent}.json");
    let script = format!("umask 0077; cat > {file} <<< '{settings}'");
    machine.sh(&format!("runuser --user op-dbus -- bash -c \"{}\"", script.replace('"', "\\\""))).await;
}

async fn start(machine: &Machine, agent: &str) {
    tell(machine, agent, "{}").await;
    let unit = format!("op-agent@{agent}.service");
    machine.sh(&ask("op-dbus", "StartUnit", &unit)).await;
    machine.until(&format!("systemctl is-active '{unit}'")).await;
}

#[tokio::test]
async fn every_bundled_agent_runs_as_a_unit_of_its_own_user_in_the_slice_of_agents() {
    let Some(machine) = Machine::installed().await else { return };
    let mut users = std::collections::BTreeSet::new();
    for agent in op_agents::NAMES {
        start(&machine, agent).await;
        let unit = format!("op-agent@{agent}.service");
        let group = machine.property(&unit, "ControlGroup").await;
        assert_eq!(group, format!("/op.slice/op-agents.slice/{unit}"));
        assert_eq!(machine.property(&unit, "StatusText").await, format!("{agent} takes calls"));
        let pid = machine.property(&unit, "MainPID").await;
        users.insert(machine.sh(&format!("stat --format=%u /proc/{pid}")).await);
        let journal = machine.sh(&format!("journalctl --unit='{unit}'")).await;
        assert!(!journal.contains("WARN"), "the kernel confines it: {journal}");
    }
    assert_eq!(users.len(), op_agents::NAMES.len(), "nobody shares a user: {users:?}");
    assert!(!users.contains("0"));
    machine.sh("systemctl stop op-agents.target").await;
    assert_eq!(machine.sh("systemctl list-units --plain --no-legend 'op-agent@*'").await, "");
}

#[tokio::test]
async fn the_user_of_the_daemon_starts_and_stops_agents_and_no_other_unit() {
    let Some(machine) = Machine::installed().await else { return };
    start(&machine, "offline").await;
    for (user, member, unit) in [
        ("op-dbus", "StopUnit", "dbus.service"),
        ("op-dbus", "StartUnit", "rescue.service"),
        ("op-dbus", "StopUnit", "op-dbus.socket"),
        ("nobody", "StopUnit", "op-agent@offline.service"),
    ] {
        let said = machine.try_sh(&ask(user, member, unit)).await;
        assert!(!said.is_done(), "{user} may {member} {unit}");
        assert!(
            said.text.contains("authentication required") || said.text.contains("Access denied"),
            "{}",
            said.text
        );
    }
    machine.sh(&ask("op-dbus", "StopUnit", "op-agent@offline.service")).await;
    machine.until("! systemctl is-active --quiet op-agent@offline.service").await;
}

#[tokio::test]
async fn an_agent_listens_for_the_daemon_alone_and_wakes_at_the_first_connection() {
    let Some(machine) = Machine::installed().await else { return };
    tell(&machine, "offline", "{}").await;
    machine.sh("systemctl start op-agent@offline.socket").await;
    let knock = |user: &str| {
        format!("runuser --user {user} -- op-dbus --socket /run/op-dbus/agents/offline.sock ls 2>&1 || true")
    };
    let refused = machine.sh(&knock("nobody")).await;
    assert!(refused.contains("may not talk to the daemon on"), "{refused}");
    assert_eq!(machine.property("op-agent@offline.service", "ActiveState").await, "inactive");
    machine.sh(&knock("op-dbus")).await;
    machine.until("systemctl is-active op-agent@offline.service").await;
}

#[tokio::test]
async fn an_agent_that_is_told_nothing_does_not_start_and_its_state_is_its_own() {
    let Some(machine) = Machine::installed().await else { return };
    machine.sh(&ask("op-dbus", "StartUnit", "op-agent@tools.service")).await;
    machine.until("systemctl is-failed op-agent@tools.service").await;
    machine.sh("systemctl reset-failed op-agent@tools.service").await;
    start(&machine, "tools").await;
    let settings = "cat /run/credentials/op-agent@tools.service/settings";
    assert_eq!(machine.sh(settings).await, "{}");
    assert!(!machine.try_sh(&format!("runuser --user nobody -- {settings}")).await.is_done());
    assert_eq!(machine.sh("stat --format=%A /var/lib/private/op-agents/tools").await, "drwx------");
}
