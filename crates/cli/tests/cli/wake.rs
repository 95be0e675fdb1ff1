//! Runs that wait, steered without a daemon.

use std::fs;
use std::io::{BufRead as _, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStderr, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::hosted::{command, home, ran};
use crate::program::{Ran, op_dbus};

/// A run in a process of its own, once it has told what it waits for: the process, that line and what comes after it.
fn waiting(home: &Path, plan: &str) -> (Child, String, Lines<BufReader<ChildStderr>>) {
    let mut command = command(home, &["run", plan, "file=notes.md"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let told =
        lines.find_map(|line| line.ok().filter(|line| line.contains('→'))).expect("it says how to go on");
    (child, told, lines)
}

/// Starts a run that waits, and ends its host.
fn asleep(home: &Path, plan: &str) -> String {
    let (mut child, _, lines) = waiting(home, plan);
    kill_process(Pid::from_child(&child), Signal::TERM).expect("it lives");
    lines.for_each(drop);
    assert_eq!(child.wait().expect("it ends").code(), Some(4));
    let listed = ran(home, &["ls", "--state", "waiting", "--json"]).json();
    listed[0]["id"].as_str().expect("an id").to_owned()
}

#[test]
fn another_process_answers_a_hosted_run_with_the_command_that_it_tells() {
    let home = home();
    let (child, told, lines) = waiting(home.path(), "ask");
    let words = told.split('`').nth(1).expect("a command");
    let words: Vec<_> = words.split(' ').skip(1).collect();
    assert_eq!((words[0], words[2]), ("--socket", "approve"), "{told}");
    let answered = Ran::from(op_dbus().args(words).output().expect("it runs"));
    assert_eq!(answered.code, Some(0), "{}", answered.page());
    lines.for_each(drop);
    let ended = Ran::from(child.wait_with_output().expect("it ends"));
    assert!(ended.code == Some(0) && ended.out.contains("forty-two"), "{}", ended.page());
}

#[test]
fn a_sleeping_run_is_woken_by_its_answer_and_followed_to_its_end() {
    let home = home();
    let run = asleep(home.path(), "ask");
    let why = ran(home.path(), &["explain", &run]);
    assert!(why.out.contains("Read it?") && why.out.contains("op-dbus approve"), "{}", why.page());
    let shown = ran(home.path(), &["show", &run]);
    assert!(shown.out.contains("it will call") && shown.out.contains("digest"), "{}", shown.page());
    let stale = ran(home.path(), &["approve", &run, "--digest", "0000"]);
    assert_eq!(stale.code, Some(2), "{}", stale.page());
    let ended = ran(home.path(), &["approve", &run[..6]]);
    assert!(ended.code == Some(0) && ended.out.contains("forty-two"), "{}", ended.page());
}

#[test]
fn a_rejected_run_ends_with_the_code_of_its_end() {
    let home = home();
    let run = asleep(home.path(), "ask");
    let ended = ran(home.path(), &["reject", &run, "--comment", "not today", "--json"]);
    assert_eq!((ended.code, &ended.json()["state"]), (Some(3), &"failed".into()), "{}", ended.page());
}

#[test]
fn a_run_is_held_let_go_on_until_it_waits_and_heard_out() {
    let home = home();
    let run = asleep(home.path(), "hear");
    let held = ran(home.path(), &["pause", &run]);
    assert!(held.code == Some(0) && held.out.contains("is paused"), "{}", held.page());
    assert_eq!(ran(home.path(), &["ls", "--state", "paused", "--json"]).json()[0]["id"], run.as_str());
    let resumed = ran(home.path(), &["resume", &run]);
    assert_eq!(resumed.code, Some(0), "{}", resumed.page());
    let way = format!("`op-dbus signal {run} go` sends it");
    assert!(resumed.out.contains(&way), "{}", resumed.page());
    let ended = ran(home.path(), &["signal", &run, "go"]);
    assert!(ended.code == Some(0) && ended.out.contains("forty-two"), "{}", ended.page());
}

#[test]
fn runs_that_match_are_cancelled_without_a_daemon() {
    let home = home();
    let run = asleep(home.path(), "hear");
    let cancelled = ran(home.path(), &["cancel", "--plan", "hear", "--state", "waiting"]);
    assert_eq!(cancelled.code, Some(0), "{}", cancelled.page());
    assert!(cancelled.out.contains("1 run matched: 1 steered, 0 refused"), "{}", cancelled.page());
    assert_eq!(ran(home.path(), &["show", &run, "--json"]).json()["state"], "cancelled");
    let again = ran(home.path(), &["cancel", &run]);
    assert_eq!(again.code, Some(2), "{}", again.page());
}

#[test]
fn a_run_that_failed_goes_on_once_its_reason_is_gone() {
    let home = home();
    assert_eq!(ran(home.path(), &["run", "read", "file=late.md"]).code, Some(3));
    fs::write(home.path().join("late.md"), "forty-three\n").expect("writes");
    let run = ran(home.path(), &["ls", "--json"]).json()[0]["id"].as_str().expect("an id").to_owned();
    let ended = ran(home.path(), &["retry", &run]);
    assert!(ended.code == Some(0) && ended.out.contains("forty-three"), "{}", ended.page());
    let undone = ran(home.path(), &["rollback", &run, "--dry-run"]);
    assert!(undone.code == Some(2) && undone.err.contains("to undo"), "{}", undone.page());
}
