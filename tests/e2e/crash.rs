//! kill -9, of the daemon and of agents.

use op_proto::v1::RunState;
use op_tests::support::client::{state, step};
use op_tests::support::scripted::{Behaviour, Wire};
use op_tests::support::{Daemon, Place, Scripted, process, until};
use rustix::process::Signal;
use serde_json::json;

use crate::plans::{plan, runs, shell};

/// A program with a child, neither of which ends by itself.
const FAMILY: &str = "echo x >> marks; sleep 1001 & sleep 1002; true";

/// An agent that is no process of the daemon.
pub(crate) fn puppet(place: &Place, behaviour: Behaviour) -> Scripted {
    let socket = place.at("puppet.sock");
    place.configure("agents.toml", &format!("[agents.puppet]\naddress = \"unix:{}\"", socket.display()));
    Scripted::serve(&socket, Wire::Session, behaviour)
}

#[tokio::test]
async fn a_run_goes_on_after_kill_9_and_repeats_no_step_that_was_answered() {
    let place = Place::new();
    let puppet = puppet(&place, Behaviour::HangOnce);
    let call = "id = \"call\"\nagents = [{ agent = \"puppet\", operation = \"do\", args = { n = 1 } }]";
    plan(&place, "go", "", &[&shell("mark", "echo x >> marks"), call, &shell("after", "echo x >> after")]);
    let daemon = Daemon::start(&place).await;
    let run = daemon.client().start("go", &json!({})).await;
    until("the call", async || (puppet.asked().len() == 1).then_some(())).await;
    let before =
        daemon.client().until(&run, |event| event.kind == "step_started" && event.step == "call").await;
    daemon.kill().await;
    place.is_quiet().await;

    let daemon = Daemon::start(&place).await;
    let after = daemon.client().events(&run).await;
    assert_eq!(after[..before.len()], before);
    let sequences: Vec<_> = after.iter().map(|event| event.sequence).collect();
    assert_eq!(sequences, (1..=after.len() as u64).collect::<Vec<_>>());
    assert_eq!(state(&daemon.client().run(&run).await), RunState::Completed);
    let asked = puppet.asked();
    assert_eq!((asked.len(), &asked[0].id, asked[0].repeat, asked[1].repeat), (2, &asked[1].id, false, true));
    assert_eq!((place.read("work/marks"), place.read("work/after")), ("x\n".into(), "x\n".into()));
}

#[tokio::test]
async fn no_child_survives_kill_9_of_the_daemon_and_what_it_did_is_not_done_twice() {
    let place = Place::new();
    plan(&place, "long", "", &[&shell("sleep", FAMILY)]);
    let daemon = Daemon::start(&place).await;
    let run = daemon.client().start("long", &json!({})).await;
    runs(&place, "sleep 1001").await;
    runs(&place, "sleep 1002").await;
    daemon.kill().await;
    place.is_quiet().await;

    let daemon = Daemon::start(&place).await;
    let ended = daemon.client().end(&run).await;
    assert_ne!(state(&ended), RunState::Completed, "{ended:#?}");
    let failure = step(&ended, "sleep").failure.clone().expect("a typed failure");
    assert!(["lost", "rejected"].contains(&failure.kind.as_str()), "{failure:#?}");
    assert_eq!(place.read("work/marks"), "x\n", "nobody knows what became of it, so it is not repeated");
}

#[tokio::test]
async fn kill_9_of_a_command_that_hosts_the_daemon_leaves_nothing_but_a_run_that_sleeps() {
    let place = Place::new();
    plan(&place, "long", "", &[&shell("sleep", FAMILY)]);
    let mut hosting = place.start(&["run", "long"]);
    runs(&place, "sleep 1001").await;
    hosting.kill().await.expect("it runs");
    place.is_quiet().await;
    let listed = place.op(&["ls", "--json"]).await.code(0).json();
    assert_eq!(listed[0]["state"], "running", "{listed:#}");
    plan(&place, "short", "", &[&shell("quick", "true")]);
    place.op(&["run", "short"]).await.code(0).says(&["1 unfinished run sleeps", "op-dbus serve"]);
}

#[tokio::test]
async fn kill_9_of_an_agent_is_a_typed_failure_and_the_agent_comes_back() {
    let place = Place::new();
    plan(&place, "long", "", &[&shell("sleep", FAMILY)]);
    let daemon = Daemon::start(&place).await;
    let client = daemon.client();
    let run = client.start("long", &json!({})).await;
    runs(&place, "sleep 1001").await;
    let agent = client.agent("tools").await;
    process::signal(agent.pid, Signal::KILL);
    let ended = client.end(&run).await;
    assert_eq!(state(&ended), RunState::Failed);
    assert_eq!(step(&ended, "sleep").failure.as_ref().map(|failure| failure.kind.as_str()), Some("lost"));
    client.call("file_list", &json!({ "path": "." })).await.expect("the agent is back");
    let listed = place.op(&["agents", "--json"]).await.code(0).json();
    let tools =
        listed.as_array().expect("agents").iter().find(|agent| agent["name"] == "tools").expect("tools");
    assert!(tools["restarts"].as_u64() >= Some(1) && tools["pid"] != json!(agent.pid), "{tools:#}");
}

#[tokio::test]
async fn a_declared_retry_outlives_kill_9_of_an_agent() {
    let place = Place::new();
    let script = "if [ -e marks ]; then echo x >> marks; else echo x >> marks; sleep 1001; fi";
    let retry = "\nretry = { max = 1, on = [\"lost\"] }";
    plan(&place, "again", "", &[&(shell("sleep", script) + retry)]);
    let daemon = Daemon::start(&place).await;
    let run = daemon.client().start("again", &json!({})).await;
    runs(&place, "sleep 1001").await;
    process::signal(daemon.client().agent("tools").await.pid, Signal::KILL);
    let ended = daemon.client().end(&run).await;
    assert_eq!((state(&ended), step(&ended, "sleep").attempts), (RunState::Completed, 2), "{ended:#?}");
    assert_eq!(place.read("work/marks"), "x\nx\n");
}

#[tokio::test]
async fn the_programs_of_an_agent_that_was_killed_do_not_survive() {
    let place = Place::new();
    plan(&place, "long", "", &[&shell("sleep", FAMILY)]);
    let daemon = Daemon::start(&place).await;
    let run = daemon.client().start("long", &json!({})).await;
    runs(&place, "sleep 1001").await;
    runs(&place, "sleep 1002").await;
    process::signal(daemon.client().agent("tools").await.pid, Signal::KILL);
    daemon.client().end(&run).await;
    until("the end of its programs", async || {
        let is_left = place.processes().iter().any(|process| process.line.contains("sleep"));
        (!is_left).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_a_program_leaves_behind_is_reaped_when_it_ends_and_ended_with_the_daemon() {
    let place = Place::new();
    let gate = crate::plans::gate(&place);
    // The pipes tell that both are out of the group that ends with the call.
    let script = "mkfifo a b; setsid sh -c 'echo > a; exec cat gate' & setsid sh -c 'echo > b; exec sleep 1003' & \
                  read line < a; read line < b";
    plan(&place, "leave", "", &[&shell("leave", script)]);
    let daemon = Daemon::start(&place).await;
    let run = daemon.client().start("leave", &json!({})).await;
    let ended = daemon.client().end(&run).await;
    assert_eq!(state(&ended), RunState::Completed, "{ended:#?}");
    let cat = runs(&place, "cat gate").await;
    runs(&place, "sleep 1003").await;
    gate.open();
    until("its grave", async || (!process::is_known(cat)).then_some(())).await;
    assert!(daemon.terminate().await.success());
    place.is_quiet().await;
}
