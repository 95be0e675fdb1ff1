//! Without a daemon: the command hosts one, with real agents.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::program::{Ran, op_dbus};

const PLAN: &str = r#"
[workstacks.read]
output = "${text}"
[workstacks.read.inputs]
file = { type = "path", required = true }
[[workstacks.read.phases]]
id = "look"
tools = [{ tool = "file_read", args = { path = "${file}" }, store_as = "text" }]

[workstacks.ask]
output = "${text}"
[workstacks.ask.inputs]
file = { type = "path", required = true }
[[workstacks.ask.phases]]
id = "look"
approval = "Read it?"
tools = [{ tool = "file_read", args = { path = "${file}" }, store_as = "text" }]

[workstacks.hear]
output = "${text}"
[workstacks.hear.inputs]
file = { type = "path", required = true }
[[workstacks.hear.phases]]
id = "look"
signal = "go"
tools = [{ tool = "file_read", args = { path = "${file}" }, store_as = "text" }]

[workstacks.wait]
[[workstacks.wait.phases]]
id = "sleep"
tools = [{ tool = "command", args = { program = "sleep", args = ["600"] } }]
"#;

/// A home with a plan in its configuration and a file to read.
pub(crate) fn home() -> TempDir {
    let home = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(home.path().join("config/plans.d")).expect("creates");
    fs::write(home.path().join("config/plans.d/read.toml"), PLAN).expect("writes");
    fs::write(home.path().join("notes.md"), "forty-two\n").expect("writes");
    home
}

pub(crate) fn command(home: &Path, arguments: &[&str]) -> Command {
    let mut command = op_dbus();
    command.env("HOME", home).current_dir(home).args(["--config", "config"]).args(arguments);
    command
}

pub(crate) fn ran(home: &Path, arguments: &[&str]) -> Ran {
    command(home, arguments).output().expect("it runs").into()
}

#[test]
fn a_plan_runs_in_this_process_and_stays_in_the_journal() {
    let home = home();
    let first = ran(home.path(), &["run", "read", "file=notes.md", "--json"]);
    assert_eq!(first.code, Some(0), "{}", first.page());
    let document = first.json();
    assert!(document["output"].to_string().contains("forty-two"), "{document:#}");
    let listed = ran(home.path(), &["ls", "--json"]).json();
    assert_eq!(listed[0]["id"], document["run"]["id"], "the next host finds it");
    assert_eq!(listed[0]["state"], "completed");
}

#[test]
fn a_run_whose_step_fails_ends_with_its_code() {
    let home = home();
    let failed = ran(home.path(), &["run", "read", "file=missing.md"]);
    assert_eq!(failed.code, Some(3), "{}", failed.page());
    assert!(failed.err.contains("missing.md") && failed.err.contains("op-dbus logs"), "{}", failed.err);
}

#[test]
fn what_cannot_start_is_refused_without_a_daemon_as_with_one() {
    let home = home();
    for arguments in [
        &["run", "reed", "file=notes.md"][..],
        &["run", "read"],
        &["run", "read", "file=notes.md", "--detach"],
    ] {
        let refused = ran(home.path(), arguments);
        assert_eq!(refused.code, Some(2), "{arguments:?}: {}", refused.page());
    }
}

#[test]
fn a_plan_with_errors_is_shown_when_it_is_run() {
    let home = home();
    fs::write(home.path().join("config/plans.d/broken.toml"), "[workstacks.broken]\nphasis = []\n")
        .expect("writes");
    let refused = ran(home.path(), &["run", "broken"]);
    assert_eq!(refused.code, Some(2), "{}", refused.page());
    assert!(refused.err.contains("broken.toml:2:1") && refused.err.contains('^'), "{}", refused.err);
}

#[test]
fn a_tool_is_called_in_the_directory_of_the_caller() {
    let home = home();
    let called = ran(home.path(), &["call", "file_read", "path=notes.md"]);
    assert_eq!(called.code, Some(0), "{}", called.page());
    assert!(called.out.contains("forty-two"), "{}", called.out);
}

/// Starts a run that does not end, and ends its host once the step is under way.
fn abandon(home: &Path) {
    let mut command = command(home, &["run", "wait"]);
    command.env("PATH", env::var_os("PATH").unwrap_or_default()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it runs");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let started = lines.find(|line| line.as_ref().is_ok_and(|line| line.ends_with("sleep started")));
    assert!(started.is_some(), "the phase starts");
    kill_process(Pid::from_child(&child), Signal::TERM).expect("it lives");
    let rest: Vec<_> = lines.map_while(Result::ok).collect();
    assert_eq!(child.wait().expect("it ends").code(), Some(4), "{rest:?}");
    assert!(rest.iter().any(|line| line.contains("sleeps in the journal")), "{rest:?}");
}

#[test]
fn a_run_whose_host_ends_sleeps_and_every_later_host_says_so() {
    let home = home();
    abandon(home.path());
    let listed = ran(home.path(), &["ls"]);
    assert!(listed.err.contains("1 unfinished run sleeps; `op-dbus serve` wakes it"), "{}", listed.page());
    let other = ran(home.path(), &["run", "read", "file=notes.md"]);
    assert!(other.code == Some(0) && other.err.contains("1 unfinished run sleeps"), "{}", other.page());
    let run = ran(home.path(), &["ls", "--plan", "wait", "--json"]).json()[0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    for arguments in [["watch", &run, "--from=1"], ["logs", &run, "--follow"]] {
        let asleep = ran(home.path(), &arguments);
        assert_eq!(asleep.code, Some(1), "it does not wait for nobody: {}", asleep.page());
        assert!(asleep.err.contains("`op-dbus serve` wakes it"), "{}", asleep.page());
    }
}
