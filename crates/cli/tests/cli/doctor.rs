//! `op-dbus doctor` and `op-dbus agent`.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::fake::Fake;
use crate::program::{Ran, op_dbus};
use crate::scene::review;

fn examined(home: &Path, arguments: &[&str]) -> Ran {
    let mut command = op_dbus();
    command.env("HOME", home).env("PATH", "/nonexistent").args(["doctor", "--json"]).args(arguments);
    command.output().expect("it runs").into()
}

/// Health and mending of a check.
fn found(ran: &Ran, check: &str) -> (String, Value) {
    let document = ran.json();
    let finding = document.as_array().expect("a list").iter().find(|finding| finding["check"] == check);
    let finding = finding.unwrap_or_else(|| panic!("{check} is looked at: {}", ran.page()));
    (finding["health"].as_str().expect("a word").to_owned(), finding["mend"].clone())
}

#[test]
fn what_is_missing_is_told_and_does_not_count() {
    let home = tempfile::tempdir().expect("a folder");
    let ran = examined(home.path(), &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.page());
    for check in ["configuration", "plans", "state", "daemon"] {
        assert_eq!(found(&ran, check).0, "good", "{check}: {}", ran.page());
    }
    let (health, mend) = found(&ran, "cargo");
    assert!(
        health == "lacking" && mend.as_str().is_some_and(|mend| mend.contains("rustup")),
        "{}",
        ran.page()
    );
}

#[test]
fn a_daemon_that_was_named_must_answer() {
    let home = tempfile::tempdir().expect("a folder");
    let ran = examined(home.path(), &["--socket", "/nonexistent/grpc.sock"]);
    assert_eq!((ran.code, found(&ran, "daemon").0.as_str()), (Some(1), "broken"), "{}", ran.page());
    let fake = Fake::play(review());
    let socket = fake.socket();
    let ran = examined(home.path(), &["--socket", socket.to_str().expect("text")]);
    assert_eq!((ran.code, found(&ran, "daemon").0.as_str()), (Some(0), "good"), "{}", ran.page());
}

#[test]
fn a_configuration_that_cannot_be_read_is_broken_and_its_place_is_told() {
    let home = tempfile::tempdir().expect("a folder");
    fs::write(home.path().join("agents.toml"), "[pool\n").expect("writes");
    let ran = examined(home.path(), &["--config", home.path().to_str().expect("text")]);
    assert_eq!((ran.code, found(&ran, "configuration").0.as_str()), (Some(1), "broken"), "{}", ran.page());
    assert!(ran.out.contains("agents.toml"), "{}", ran.out);
}

#[test]
fn plans_with_errors_are_broken() {
    let home = tempfile::tempdir().expect("a folder");
    fs::write(home.path().join("workstacks.toml"), "[workstacks.x]\nnonsense = 1\n").expect("writes");
    let ran = examined(home.path(), &["--config", home.path().to_str().expect("text")]);
    assert_eq!((ran.code, found(&ran, "plans").0.as_str()), (Some(1), "broken"), "{}", ran.page());
}

fn agent(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = op_dbus();
    let listen = format!("unix:{}", folder.join("tools.sock").display());
    command.args(["agent", "tools", "--listen", &listen]).args(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn an_agent_ends_with_its_lifeline() {
    let folder = tempfile::tempdir().expect("a folder");
    let child = agent(folder.path(), &["--lifeline"]).stdin(Stdio::null()).spawn().expect("it runs");
    let ran = Ran::from(child.wait_with_output().expect("it ends"));
    assert_eq!(ran.code, Some(0), "{}", ran.page());
}

#[test]
fn an_agent_on_its_own_serves_until_it_is_terminated() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = agent(folder.path(), &[]).stdin(Stdio::null()).spawn().expect("it runs");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let serving = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains("serving")));
    assert!(serving.is_some(), "it says that it serves");
    assert!(folder.path().join("tools.sock").exists());
    kill_process(Pid::from_child(&child), Signal::TERM).expect("it lives");
    lines.for_each(drop);
    assert!(child.wait().expect("it ends").success());
}

#[test]
fn an_agent_that_cannot_be_what_is_asked_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let code = |command: &mut Command| command.output().expect("it runs").status.code();
    assert_eq!(code(&mut agent(folder.path(), &["--settings", "{\"rots\": []}"])), Some(2));
    assert_eq!(code(op_dbus().args(["agent", "nobody", "--listen", "tcp:127.0.0.1:0"])), Some(2));
    fs::write(folder.path().join("tools.sock"), "precious").expect("writes");
    assert_eq!(code(&mut agent(folder.path(), &[])), Some(1));
}
