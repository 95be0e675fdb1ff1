//! Agents in Python that take part in runs.

use std::path::PathBuf;
use std::process::Stdio;

use op_proto::v1::RunState;
use op_tests::support::client::{state, step};
use op_tests::support::python::{self, script};
use op_tests::support::{Daemon, Place, Python};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::plans::plan;

/// A hub that notices soon that an agent is back.
const SOON: &str = "[pool]\nretry_base_delay = \"PT0.01S\"\nretry_max_delay = \"PT0.05S\"";

/// Where an agent of this name is to listen.
fn place_for(place: &Place, name: &str, keys: &str) -> PathBuf {
    let socket = place.at("run/python.sock");
    place.configure(
        "agents.toml",
        &format!("{SOON}\n[agents.{name}]\naddress = \"unix:{}\"\n{keys}", socket.display()),
    );
    socket
}

/// A plan with a step of the scribe, which counts the words of two files.
fn count(place: &Place) {
    place.write("work/verse.txt", "so much depends upon\n");
    place.write("work/more.txt", "a red wheel barrow\n");
    let count = "id = \"count\"\nretry = { max = 1, on = [\"lost\"] }\nagents = [{ agent = \"scribe\", \
                 operation = \"count_words\", args = { paths = [\"verse.txt\", \"more.txt\"] } }]";
    plan(place, "read", "output = \"${steps.count.output}\"", &[count]);
}

/// Watches a run until somebody says that it is so far.
async fn watch_until(place: &Place, run: &str, note: &str) {
    let mut command = place.command(&["watch", run, "--json"]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("op-dbus starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    while let Some(line) = lines.next_line().await.expect("it is text") {
        if line.contains(note) {
            return;
        }
    }
    panic!("nobody said `{note}`");
}

#[tokio::test]
async fn an_agent_in_python_streams_progress_is_killed_comes_back_and_the_run_ends_right() {
    if !python::is_there().await {
        return;
    }
    let place = Place::new();
    let socket = place_for(&place, "trial", "");
    let go = "id = \"go\"\nretry = { max = 1, on = [\"lost\"] }\n\
              agents = [{ agent = \"trial\", operation = \"plod\", args = { steps = 3 } }]";
    let tell = "id = \"tell\"\ndepends_on = [\"go\"]\n\
                tools = [{ tool = \"log\", args = { message = \"it took ${steps.go.output} steps\" } }]";
    plan(&place, "walk", "", &[go, tell]);
    let agent = Python::serve(&place, &script("trial.py"), &socket, &["3600"]).await;
    let daemon = Daemon::start(&place).await;
    let run = daemon.client().start("walk", &json!({})).await;
    watch_until(&place, &run, "step 1 of 3").await;
    agent.kill().await;

    let _agent = Python::serve(&place, &script("trial.py"), &socket, &[]).await;
    let ended = daemon.client().end(&run).await;
    assert_eq!(state(&ended), RunState::Completed, "{ended:#?}");
    assert_eq!(step(&ended, "go").attempts, 2, "{ended:#?}");
    let told = place.op(&["output", &run, "tell", "--json"]).await.code(0).json();
    assert_eq!(told["value"]["message"], "it took 3 steps", "{told:#}");
}

#[tokio::test]
async fn an_agent_in_python_asks_the_hub_for_a_tool_is_killed_in_the_middle_and_the_run_ends_right() {
    if !python::is_there().await {
        return;
    }
    let place = Place::new();
    let socket = place_for(&place, "scribe", "may_ask = [\"file_read\"]");
    count(&place);
    let agent = Python::serve(&place, &script("agent.py"), &socket, &["3600"]).await;
    let daemon = Daemon::start(&place).await;
    let run = daemon.client().start("read", &json!({})).await;
    daemon.client().until(&run, |event| event.kind == "host_call_ended").await;
    agent.kill().await;

    let _agent = Python::serve(&place, &script("agent.py"), &socket, &[]).await;
    let ended = daemon.client().end(&run).await;
    assert_eq!(state(&ended), RunState::Completed, "{ended:#?}");
    let output = place.op(&["output", &run, "--json"]).await.code(0);
    assert!(output.stdout.contains('8'), "{output:#?}");
    let events = daemon.client().events(&run).await;
    let asked = events.iter().filter(|event| event.kind == "host_call_started").count();
    assert_eq!(asked, 3, "one file before it was killed, and both after: {events:#?}");
}

#[tokio::test]
async fn what_the_hub_does_not_allow_an_agent_in_python_is_refused_and_the_run_says_so() {
    if !python::is_there().await {
        return;
    }
    let place = Place::new();
    let socket = place_for(&place, "scribe", "");
    count(&place);
    let _agent = Python::serve(&place, &script("agent.py"), &socket, &[]).await;
    let daemon = Daemon::start(&place).await;
    let run = daemon.client().start("read", &json!({})).await;
    let ended = daemon.client().end(&run).await;
    assert_eq!(state(&ended), RunState::Failed, "{ended:#?}");
    let failure = step(&ended, "count").failure.clone().expect("a failed step says why");
    assert_eq!(failure.reason, "not_allowed", "{failure:#?}");
    assert!(failure.hint.contains("may_ask"), "{failure:#?}");
}
