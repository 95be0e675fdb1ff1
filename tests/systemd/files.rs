//! What ships below `systemd/`, where the host looks for it.

use crate::Machine;

/// What systemd 252 says of keys that later ones know.
const LATER: [&str; 3] = [
    "Failed to parse service type, ignoring: notify-reload",
    "Unknown key 'RestartSteps' in section [Service], ignoring.",
    "Unknown key 'RestartMaxDelaySec' in section [Service], ignoring.",
];

fn units() -> Vec<String> {
    let fixed = ["op-dbus.service", "op-dbus.socket", "op-agents.target", "op.slice", "op-agents.slice"];
    let agents = op_agents::NAMES
        .iter()
        .flat_map(|name| [format!("op-agent@{name}.service"), format!("op-agent@{name}.socket")]);
    fixed.into_iter().map(str::to_owned).chain(agents).collect()
}

#[tokio::test]
async fn units_verify_and_are_exposed_no_more_than_promised() {
    let Some(machine) = Machine::installed().await else { return };
    for unit in units() {
        let said = machine.try_sh(&format!("systemd-analyze verify --man=no '{unit}'")).await;
        let complaints: Vec<_> =
            said.text.lines().filter(|line| !LATER.iter().any(|later| line.ends_with(later))).collect();
        assert!(said.is_done() && complaints.is_empty(), "{unit}: {complaints:#?}");
    }
    let exposure = |unit: String, tenths: u32| {
        format!("systemd-analyze security --offline=true --threshold={tenths} '{unit}' | tail -1")
    };
    println!("{}", machine.sh(&exposure("op-dbus.service".to_owned(), 5)).await);
    for name in op_agents::NAMES {
        println!("{}", machine.sh(&exposure(format!("op-agent@{name}.service"), 15)).await);
    }
}

#[tokio::test]
async fn users_and_directories_are_what_the_units_need() {
    let Some(machine) = Machine::installed().await else { return };
    assert_eq!(machine.sh("id --user --name op-dbus; id --group --name op-dbus").await, "op-dbus\nop-dbus");
    assert!(machine.sh("getent passwd op-dbus").await.ends_with(":/var/lib/op-dbus:/usr/sbin/nologin"));
    machine.sh("getent group op-dbus-client op-agents").await;
    let stat = "stat --format='%A %U:%G' /run/op-dbus /run/op-dbus/agents";
    assert_eq!(machine.sh(stat).await, "drwxr-xr-x root:root\ndrwxr-x--- op-dbus:op-dbus");
    machine.sh("systemctl start op-dbus.socket").await;
    let stat = "stat --format='%A %U:%G' /run/op-dbus/grpc.sock";
    assert_eq!(machine.sh(stat).await, "srw-rw---- root:op-dbus-client");
}

#[tokio::test]
async fn the_bus_gives_the_name_to_the_daemon_alone_and_polkit_knows_the_actions() {
    let Some(machine) = Machine::installed().await else { return };
    let own = |user: &str| {
        let name = "org.freedesktop.DBus";
        let call = format!("{name} /org/freedesktop/DBus {name} RequestName su org.opdbus.Orchestrator1 0");
        format!("runuser --user {user} -- busctl call {call}")
    };
    assert_eq!(machine.sh(&own("op-dbus")).await, "u 1");
    let refused = machine.try_sh(&own("nobody")).await;
    assert!(!refused.is_done() && refused.text.contains("denied"), "{}", refused.text);
    for action in ["run", "control-others", "read-output", "manage-agents", "reload", "admin"] {
        let told =
            machine.sh(&format!("pkaction --verbose --action-id org.opdbus.orchestrator1.{action}")).await;
        assert!(told.contains("org.freedesktop.policykit.owner -> unix-user:op-dbus"), "{told}");
    }
}
