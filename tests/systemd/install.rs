//! `op-dbus install` and `uninstall` on a host.

use crate::Machine;

#[tokio::test]
async fn a_dry_run_tells_what_an_installation_does_and_touches_nothing() {
    let Some(machine) = Machine::boot().await else { return };
    machine.sh("touch /run/mark").await;
    let told = machine.sh(&Machine::under_test("install --dry-run")).await;
    let by_nobody =
        machine.sh(&format!("runuser --user nobody -- {}", Machine::under_test("install --dry-run"))).await;
    assert_eq!(told, by_nobody);
    // What else is below the root is that of who tests. Logs are written all the time.
    let changed = "find /boot /etc /opt /srv /usr /var -cnewer /run/mark -not -path '/var/log/*'";
    assert_eq!(machine.sh(changed).await, "");
    let done = machine.sh(&Machine::under_test("install")).await;
    let steps: Vec<_> = told.lines().collect();
    let done: Vec<_> = done.lines().filter(|line| steps.contains(line)).collect();
    assert_eq!(done, steps);
    assert!(machine.sh(changed).await.lines().any(|path| path == "/usr/bin/op-dbus"));
}

#[tokio::test]
async fn an_installation_is_refused_to_others_than_root_with_a_sentence() {
    let Some(machine) = Machine::boot().await else { return };
    let said = machine.try_sh(&format!("runuser --user nobody -- {}", Machine::under_test("install"))).await;
    assert_eq!(said.status.code(), Some(2));
    assert!(
        said.text.starts_with("error: only root may change what is installed on this host\nhint: "),
        "{}",
        said.text
    );
}

#[tokio::test]
async fn an_installation_enables_the_daemon_once_and_is_undone_by_an_uninstallation() {
    let Some(machine) = Machine::installed().await else { return };
    let units = "op-dbus.service op-dbus.socket";
    assert_eq!(machine.sh(&format!("systemctl is-enabled {units}")).await, "enabled\nenabled");
    // Again, over itself, with a choice of the host's owner that must stay.
    machine.sh("systemctl disable --quiet op-dbus.service && mkdir -p /etc/op-dbus && echo > /etc/op-dbus/op-dbusd.toml").await;
    let again = machine.sh("/usr/bin/op-dbus install").await;
    assert!(!again.contains("write ") && !again.contains("copy ") && !again.contains("preset"), "{again}");
    assert_eq!(machine.try_sh("systemctl is-enabled op-dbus.service").await.text.trim(), "disabled");
    machine.sh("systemctl start op-dbus.socket && op-dbus uninstall").await;
    let places = "/usr/bin /usr/lib/systemd /usr/lib/sysusers.d /usr/lib/tmpfiles.d /usr/share/dbus-1 /usr/share/polkit-1 /etc/systemd";
    let ours = "-name '*op-dbus*' -o -name 'op-agent*' -o -name '*opdbus*' -o -name 'op.slice'";
    assert_eq!(machine.sh(&format!("find {places} {ours}")).await, "");
    machine.sh("test -e /etc/op-dbus/op-dbusd.toml && id op-dbus && ! systemctl is-active --quiet op-dbus.socket").await;
}
