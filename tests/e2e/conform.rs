//! `op-dbus agent conform`: the bundled agents, agents in Python, and one that falls short.

use std::process::Stdio;

use op_tests::support::python::{self, script};
use op_tests::support::scripted::{Behaviour, Wire};
use op_tests::support::{Ended, Place, Python, Scripted, until};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};

/// Calls of `tests/python/trial.py`.
const CALLS: [&str; 10] =
    ["--operation", "look", "--slow", "wait", "--large", "pour", "--write", "note", "--asks", "ask"];

/// The names of the checks that came to this.
fn checks(findings: &Value, verdict: &str) -> Vec<String> {
    let all = findings.as_array().expect("a list of findings").iter();
    let wanted = all.filter(|finding| finding["verdict"] == verdict);
    wanted.map(|finding| finding["check"].as_str().expect("a name").to_owned()).collect()
}

async fn conform(place: &Place, address: &str, words: &[&str]) -> Ended {
    place.op(&[&["agent", "conform", address], words].concat()).await
}

fn address(place: &Place) -> (std::path::PathBuf, String) {
    let socket = place.at("run/agent.sock");
    let address = format!("unix:{}", socket.display());
    (socket, address)
}

#[tokio::test]
async fn a_bundled_agent_passes_and_what_was_not_tried_is_told() {
    let place = Place::new();
    let (socket, address) = address(&place);
    let _agent = place.start(&["agent", "rust_pro", "--listen", &address]);
    until("the agent", async || tokio::net::UnixStream::connect(&socket).await.ok()).await;
    let ended = conform(&place, &address, &[]).await.code(0);
    ended.says(&["pass", "describe.names", "not checked", "--slow", "0 fell short"]).has_not_panicked();
}

#[tokio::test]
async fn an_agent_that_falls_short_is_told_what_was_expected_and_what_came() {
    let place = Place::new();
    let (socket, address) = address(&place);
    let _puppet = Scripted::serve(&socket, Wire::Session, Behaviour::Garble);
    let ended = conform(&place, &address, &[]).await.code(1);
    ended.says(&["FAIL", "expected JSON as the value", "came"]).has_not_panicked();
    let ended = conform(&place, &address, &["--json"]).await.code(1);
    assert!(checks(&ended.json(), "fail").contains(&"operation.outcome".to_owned()), "{ended:#?}");
}

#[tokio::test]
async fn what_cannot_be_tried_is_refused_with_what_to_do() {
    let place = Place::new();
    let (socket, address) = address(&place);
    conform(&place, &address, &[]).await.code(1).says(&["cannot connect", "hint"]);
    conform(&place, "nowhere", &[]).await.code(2).says(&["nowhere", "unix:"]);
    conform(&place, &address, &["--slow", "wait=5"]).await.code(2).says(&["NAME"]);
    let _puppet = Scripted::serve(&socket, Wire::Session, Behaviour::Echo);
    conform(&place, &address, &["--slow", "wait"]).await.code(1).says(&["no operation `wait`", "it has: do"]);
}

#[tokio::test]
async fn an_agent_in_python_keeps_to_the_whole_protocol() {
    if !python::is_there().await {
        return;
    }
    let place = Place::new();
    let (socket, address) = address(&place);
    let _agent = Python::serve(&place, &script("trial.py"), &socket, &[]).await;
    let findings = conform(&place, &address, &[&CALLS[..], &["--json"]].concat()).await.code(0).json();
    assert_eq!(checks(&findings, "not_checked"), ["health", "session.drain"], "{findings:#}");
}

#[tokio::test]
async fn an_agent_in_python_drains_while_it_is_watched() {
    if !python::is_there().await {
        return;
    }
    let place = Place::new();
    let (socket, address) = address(&place);
    let mut agent = Python::serve(&place, &script("trial.py"), &socket, &[]).await;
    let mut command = place.command(&["agent", "conform", &address, "--slow", "wait", "--drain", "--json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("op-dbus starts");
    let mut said = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let line = said.next_line().await.expect("it is text").expect("it asks for the signal");
    assert!(line.contains("SIGTERM"), "{line}");
    agent.terminate();
    let findings = Ended::of(child).await.code(0).json();
    assert!(checks(&findings, "pass").contains(&"session.drain".to_owned()), "{findings:#}");
    assert!(agent.ended().await);
}

#[tokio::test]
async fn the_example_in_python_keeps_to_the_protocol() {
    if !python::is_there().await {
        return;
    }
    let place = Place::new();
    let (socket, address) = address(&place);
    let _agent = Python::serve(&place, &script("agent.py"), &socket, &[]).await;
    let words = ["--asks", "count_words={\"paths\": [\"a\", \"b\"]}", "--json"];
    let findings = conform(&place, &address, &words).await.code(0).json();
    for check in [
        "execute.value",
        "session.resume",
        "session.host_call",
        "session.host_call_again",
        "session.host_call_joined",
    ] {
        assert!(checks(&findings, "pass").contains(&check.to_owned()), "{check}: {findings:#}");
    }
}

#[tokio::test]
async fn the_minimal_agent_of_the_readme_keeps_to_what_a_minimal_agent_must() {
    if !python::is_there().await {
        return;
    }
    let readme = include_str!("../../proto/README.md");
    let (_, code) = readme.split_once("```python\n").expect("there is an example");
    let (code, _) = code.split_once("```").expect("it ends");
    let place = Place::new();
    let (socket, address) = address(&place);
    let greeter = place.write("greeter.py", code);
    let _agent = Python::serve(&place, &greeter, &socket, &[]).await;
    let findings = conform(&place, &address, &["--json"]).await.code(0).json();
    let passed = checks(&findings, "pass");
    assert!(
        passed.contains(&"execute.value".to_owned()) && passed.contains(&"operation.sequence".to_owned())
    );
    assert!(checks(&findings, "not_checked").contains(&"session.welcome".to_owned()), "{findings:#}");
}
