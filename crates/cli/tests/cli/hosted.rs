//! Without a daemon: the command hosts one, with real agents.

use std::fs;
use std::path::Path;
use std::process::Command;

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
"#;

/// A home with a plan in its configuration and a file to read.
fn home() -> TempDir {
    let home = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(home.path().join("config/plans.d")).expect("creates");
    fs::write(home.path().join("config/plans.d/read.toml"), PLAN).expect("writes");
    fs::write(home.path().join("notes.md"), "forty-two\n").expect("writes");
    home
}

fn command(home: &Path, arguments: &[&str]) -> Command {
    let mut command = op_dbus();
    command.env("HOME", home).current_dir(home).args(["--config", "config"]).args(arguments);
    command
}

fn ran(home: &Path, arguments: &[&str]) -> Ran {
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
