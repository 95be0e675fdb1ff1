//! Who may do what, over either door.

use crate::Machine;

/// Has a user do something as a client.
fn by(user: &str, words: &str) -> String {
    format!("runuser --user {user} -- op-dbus --socket /run/op-dbus/grpc.sock {words}")
}

/// The daemon, a member of the clients' group, and somebody who is none.
async fn people() -> Option<Machine> {
    let machine = Machine::serving().await?;
    machine.sh("useradd --groups op-dbus-client ann && useradd ben").await;
    machine.write("/etc/op-dbus/plans.d/quick.toml", QUICK).await;
    machine.sh("systemctl reload op-dbus.service").await;
    Some(machine)
}

const QUICK: &str = r#"[workstacks.quick]
[[workstacks.quick.phases]]
id = "a"
tools = [{ tool = "log", args = { message = "x" } }]
"#;

#[tokio::test]
async fn members_of_the_clients_group_run_plans_and_do_not_administer_and_others_are_not_let_in() {
    let Some(machine) = people().await else { return };
    machine.sh(&by("ann", "run quick")).await;
    let refused = machine.try_sh(&by("ann", "reload")).await;
    assert_eq!(refused.status.code(), Some(2), "{}", refused.text);
    let out = machine.try_sh(&by("ben", "plans")).await;
    assert!(!out.is_done() && out.text.contains("may not talk to the daemon on"), "{}", out.text);
}

#[tokio::test]
async fn over_the_bus_polkit_decides_and_root_is_served_without_it() {
    let Some(machine) = people().await else { return };
    let start = |user: &str| {
        let name = "org.opdbus.Orchestrator1";
        let call = format!(
            "{name} /org/opdbus/Orchestrator1 {name}.Manager StartRun 'ssa{{sv}}a{{sv}}' workstack quick 0 0"
        );
        format!("runuser --user {user} -- busctl call --timeout=30 {call}")
    };
    assert!(machine.sh(&start("ann")).await.starts_with("o \"/org/opdbus/Orchestrator1/run/"));
    assert!(!machine.try_sh(&start("ben")).await.is_done());
    machine.sh("systemctl mask --runtime --now polkit.service").await;
    assert!(!machine.try_sh(&start("ann")).await.is_done());
    machine.sh(&start("root")).await;
    machine.sh(&by("root", "run quick")).await;
}

#[tokio::test]
async fn a_rule_of_the_site_opens_an_action_to_a_user() {
    let Some(machine) = people().await else { return };
    let rule = "polkit.addRule(function (action, subject) {\n    \
        if (action.id == \"org.opdbus.orchestrator1.reload\" && subject.user == \"ann\") return polkit.Result.YES;\n});\n";
    machine.write("/etc/polkit-1/rules.d/10-site.rules", rule).await;
    machine.until(&by("ann", "reload")).await;
}
