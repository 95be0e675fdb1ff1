//! The committed interface is what the running door says of itself.

use std::path::PathBuf;

use zbus::OwnedObjectPath;

use crate::support::{House, MANAGER, ROOT, none};

const HEAD: &str = "<!DOCTYPE node PUBLIC \"-//freedesktop//DTD D-BUS Object Introspection 1.0//EN\"
 \"http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd\">
<!-- Written by the tests of op-dbus from the running daemon: UPDATE_INTERFACES=1 cargo test -p op-dbus contract -->
<node>
";

fn file() -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.join("../../systemd/usr/share/dbus-1/interfaces/org.opdbus.Orchestrator1.xml")
}

/// The interfaces of this daemon in what an object says of itself.
fn own(xml: &str) -> String {
    let mut own = String::new();
    let mut rest = xml;
    while let Some(begin) = rest.find("  <interface name=\"org.opdbus.") {
        let end = begin + rest[begin..].find("</interface>").expect("closed") + "</interface>".len();
        own.push_str(&rest[begin..end]);
        own.push('\n');
        rest = &rest[end..];
    }
    own.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

async fn introspected(house: &House) -> String {
    let call: OwnedObjectPath = house.call(ROOT, MANAGER, "Call", &("w.held", none(), none())).await;
    let run = house.start("held").await;
    let paths = [
        ROOT,
        "/org/opdbus/Orchestrator1/agent/w",
        "/org/opdbus/Orchestrator1/plan/quick",
        run.as_str(),
        call.as_str(),
    ];
    let mut all = HEAD.to_owned();
    for path in paths {
        let xml: String = house.call(path, "org.freedesktop.DBus.Introspectable", "Introspect", &()).await;
        // Of the root, which tells of everything below it too, its own part alone.
        let xml = xml.split("  <node name").next().expect("a part");
        all.push_str(&own(xml));
    }
    all.push_str("</node>\n");
    all
}

#[tokio::test]
async fn the_committed_interface_is_what_the_door_says_of_itself() {
    let house = House::open().await;
    let now = introspected(&house).await;
    if std::env::var_os("UPDATE_INTERFACES").is_some() {
        std::fs::create_dir_all(file().parent().expect("a folder")).expect("made");
        std::fs::write(file(), &now).expect("written");
    }
    let committed = std::fs::read_to_string(file()).unwrap_or_default();
    let first = committed.lines().zip(now.lines()).find(|(committed, now)| committed != now);
    let hint = "run UPDATE_INTERFACES=1 cargo test -p op-dbus contract, and look at what changed";
    assert!(committed == now, "the interface changed, first at {first:?}: {hint}");
    house.close().await;
}

#[tokio::test]
async fn no_member_has_the_name_of_a_standard_one() {
    let house = House::open().await;
    let text = introspected(&house).await;
    let standard = ["Ping", "Get", "Set", "GetAll", "Introspect", "GetMachineId", "GetManagedObjects"];
    for name in standard {
        assert!(!text.contains(&format!("<method name=\"{name}\"")), "{name}");
    }
    for interface in ["Manager", "Agent", "Plan", "Run", "Call"] {
        assert!(
            text.contains(&format!("<interface name=\"org.opdbus.Orchestrator1.{interface}\"")),
            "{interface}"
        );
    }
    assert!(!text.contains("type=\"\""), "a method without an answer has none");
    house.close().await;
}
