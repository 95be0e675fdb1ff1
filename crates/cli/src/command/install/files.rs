//! The files of `systemd/`, which is laid out as the host is. A test of the house holds this list to the folder.

/// Where a file goes, from the root, and what it says.
pub(super) type File = (&'static str, &'static str);

/// What every host gets.
#[rustfmt::skip]
pub(super) const FILES: [File; 23] = [
    ("usr/lib/systemd/system-preset/50-op-dbus.preset", include_str!("../../../../../systemd/usr/lib/systemd/system-preset/50-op-dbus.preset")),
    ("usr/lib/systemd/system/op-agent@.service", include_str!("../../../../../systemd/usr/lib/systemd/system/op-agent@.service")),
    ("usr/lib/systemd/system/op-agent@.socket", include_str!("../../../../../systemd/usr/lib/systemd/system/op-agent@.socket")),
    ("usr/lib/systemd/system/op-agent@context_manager.service.d/50-work.conf", include_str!("../../../../../systemd/usr/lib/systemd/system/op-agent@context_manager.service.d/50-work.conf")),
    ("usr/lib/systemd/system/op-agent@debugger.service.d/50-look.conf", include_str!("../../../../../systemd/usr/lib/systemd/system/op-agent@debugger.service.d/50-look.conf")),
    ("usr/lib/systemd/system/op-agent@deployment.service.d/50-reach.conf", include_str!("../../../../../systemd/usr/lib/systemd/system/op-agent@deployment.service.d/50-reach.conf")),
    ("usr/lib/systemd/system/op-agent@models.service.d/50-network.conf", include_str!("../../../../../systemd/usr/lib/systemd/system/op-agent@models.service.d/50-network.conf")),
    ("usr/lib/systemd/system/op-agent@offline.service.d/50-work.conf", include_str!("../../../../../systemd/usr/lib/systemd/system/op-agent@offline.service.d/50-work.conf")),
    ("usr/lib/systemd/system/op-agent@python_pro.service.d/50-work.conf", include_str!("../../../../../systemd/usr/lib/systemd/system/op-agent@python_pro.service.d/50-work.conf")),
    ("usr/lib/systemd/system/op-agent@rust_pro.service.d/50-work.conf", include_str!("../../../../../systemd/usr/lib/systemd/system/op-agent@rust_pro.service.d/50-work.conf")),
    ("usr/lib/systemd/system/op-agent@tools.service.d/50-work.conf", include_str!("../../../../../systemd/usr/lib/systemd/system/op-agent@tools.service.d/50-work.conf")),
    ("usr/lib/systemd/system/op-agents.slice", include_str!("../../../../../systemd/usr/lib/systemd/system/op-agents.slice")),
    ("usr/lib/systemd/system/op-agents.target", include_str!("../../../../../systemd/usr/lib/systemd/system/op-agents.target")),
    ("usr/lib/systemd/system/op-dbus.service", include_str!("../../../../../systemd/usr/lib/systemd/system/op-dbus.service")),
    ("usr/lib/systemd/system/op-dbus.socket", include_str!("../../../../../systemd/usr/lib/systemd/system/op-dbus.socket")),
    ("usr/lib/systemd/system/op.slice", include_str!("../../../../../systemd/usr/lib/systemd/system/op.slice")),
    ("usr/lib/sysusers.d/op-dbus.conf", include_str!("../../../../../systemd/usr/lib/sysusers.d/op-dbus.conf")),
    ("usr/lib/tmpfiles.d/op-dbus.conf", include_str!("../../../../../systemd/usr/lib/tmpfiles.d/op-dbus.conf")),
    ("usr/share/dbus-1/interfaces/org.opdbus.Orchestrator1.xml", include_str!("../../../../../systemd/usr/share/dbus-1/interfaces/org.opdbus.Orchestrator1.xml")),
    ("usr/share/dbus-1/system-services/org.opdbus.Orchestrator1.service", include_str!("../../../../../systemd/usr/share/dbus-1/system-services/org.opdbus.Orchestrator1.service")),
    ("usr/share/dbus-1/system.d/org.opdbus.Orchestrator1.conf", include_str!("../../../../../systemd/usr/share/dbus-1/system.d/org.opdbus.Orchestrator1.conf")),
    ("usr/share/polkit-1/actions/org.opdbus.orchestrator1.policy", include_str!("../../../../../systemd/usr/share/polkit-1/actions/org.opdbus.orchestrator1.policy")),
    ("usr/share/polkit-1/rules.d/50-op-dbus.rules", include_str!("../../../../../systemd/usr/share/polkit-1/rules.d/50-op-dbus.rules")),
];

/// What a host gets whose systemd knows no `Type=notify-reload`.
#[rustfmt::skip]
pub(super) const BEFORE_NOTIFY_RELOAD: [File; 1] = [
    ("usr/lib/systemd/system/op-dbus.service.d/10-reload.conf", include_str!("../../../../../systemd/bookworm/usr/lib/systemd/system/op-dbus.service.d/10-reload.conf")),
];
