//! Who may do what. Callers that the daemon does not trust are processes of another user where the tests run as root.

use op_engine::ports::Right;
use tokio::process::Command;

use crate::support::fakes::Verdict;
use crate::support::{House, ROOT};

/// Calls a method of the manager as somebody that the daemon does not trust; what the program says.
async fn knock(house: &House, interactive: bool, path: &str, words: &[&str]) -> (bool, String) {
    // `true` only for the super-user, who would be let in.
    let is_root = Command::new("id").arg("-u").output().await.expect("id").stdout == b"0\n";
    let mut command = if is_root {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "busctl"]);
        command
    } else {
        Command::new("busctl")
    };
    let asks = if interactive { "yes" } else { "no" };
    command.arg(format!("--address={}", house.bus.address()));
    command.arg(format!("--allow-interactive-authorization={asks}"));
    command.args(["call", op_dbus::NAME, path]).args(words);
    let output = command.output().await.expect("busctl is installed");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

const START: [&str; 7] =
    ["org.opdbus.Orchestrator1.Manager", "StartRun", "ssa{sv}a{sv}", "", "held", "0", "0"];

#[tokio::test]
async fn a_caller_is_allowed_denied_or_asked_to_prove_itself_before_anything_happens() {
    let house = House::open().await;
    house.authority.say(Verdict::No);
    let (ok, said) = knock(&house, true, ROOT, &START).await;
    assert!(!ok && said.contains("Access denied"), "{said}");
    house.authority.say(Verdict::Challenge);
    let (ok, said) = knock(&house, false, ROOT, &START).await;
    assert!(!ok && said.contains("only after a person has authenticated"), "{said}");
    house.authority.say(Verdict::Absent);
    let (ok, said) = knock(&house, true, ROOT, &START).await;
    assert!(!ok && said.contains("Access denied"), "{said}");
    assert_eq!(house.engine.live_runs(), 0);
    house.authority.say(Verdict::Challenge);
    let (ok, said) = knock(&house, true, ROOT, &START).await;
    assert!(ok && said.contains("/run/"), "{said}");
    let (right, user, about) = house.authority.asked().pop().expect("asked");
    assert!(right == Right::Run && user.is_some());
    assert!(about.contains(&("definition".to_owned(), "held".to_owned())), "{about:?}");
    house.close().await;
}

#[tokio::test]
async fn runs_of_others_agents_reload_and_the_daemon_itself_each_need_their_right() {
    let house = House::open().await;
    let run = house.start("held").await;
    house.authority.say(Verdict::No);
    let (run, agent) = (run.as_str(), "/org/opdbus/Orchestrator1/agent/w");
    let (of_run, of_agent) = ("org.opdbus.Orchestrator1.Run", "org.opdbus.Orchestrator1.Agent");
    let manager = "org.opdbus.Orchestrator1.Manager";
    for (path, words, right) in [
        (run, vec![of_run, "Cancel", "a{sv}", "0"], Right::ControlOthers),
        (run, vec![of_run, "ReadEvents", "tu", "0", "0"], Right::ReadOutput),
        (run, vec![of_run, "ReadOutput", "sa{sv}", "a", "0"], Right::ReadOutput),
        (run, vec![of_run, "OpenEventStream", "a{sv}", "0"], Right::ReadOutput),
        (agent, vec![of_agent, "Stop", "a{sv}", "0"], Right::ManageAgents),
        (ROOT, vec![manager, "Reload", "a{sv}", "0"], Right::Reload),
        (ROOT, vec![manager, "SetDraining", "ba{sv}", "true", "0"], Right::Admin),
        (ROOT, vec![manager, "DumpState", "a{sv}", "0"], Right::Admin),
        (ROOT, vec![manager, "ListEvents", "a{sv}u", "0", "0"], Right::ReadOutput),
        (ROOT, vec![manager, "Call", "sa{sv}a{sv}", "w.step", "0", "0"], Right::Run),
    ] {
        let (ok, said) = knock(&house, false, path, &words).await;
        assert!(!ok && said.contains("Access denied"), "{words:?}: {said}");
        assert_eq!(house.authority.asked().last().expect("asked").0, right);
    }
    assert!(!house.engine.is_draining() && house.engine.live_runs() == 1);
    for words in [vec![manager, "ListRuns", "a{sv}su", "0", "", "0"], vec![manager, "ListAgents"]] {
        let (ok, said) = knock(&house, false, ROOT, &words).await;
        assert!(ok, "{said}");
    }
    house.close().await;
}
