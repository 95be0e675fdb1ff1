//! Cancelling: everything that was started ends, and what was done is undone when asked.

use op_tests::support::{Daemon, Ended, Place, process};
use rustix::process::Signal;

use crate::plans::{plan, runs, sh, shell};

/// A program with a child, neither of which ends by itself.
const FAMILY: &str = "sleep 1001 & sleep 1002; true";

async fn the_run(place: &Place) -> String {
    let listed = place.op(&["ls", "--json"]).await.code(0).json();
    listed[0]["id"].as_str().expect("a run").to_owned()
}

#[tokio::test]
async fn a_cancelled_run_ends_with_its_programs_and_their_children() {
    let place = Place::new();
    plan(&place, "long", "", &[&shell("sleep", FAMILY), &shell("never", "echo x > never")]);
    let daemon = Daemon::start(&place).await;
    let watching = place.start(&["run", "long"]);
    runs(&place, "sleep 1001").await;
    runs(&place, "sleep 1002").await;
    let run = the_run(&place).await;
    place.op(&["cancel", &run, "--reason", "enough"]).await.code(0).says(&[&run]);
    Ended::of(watching).await.code(4).says(&["cancelled"]);
    assert!(
        !place.processes().iter().any(|process| process.line.contains("sleep")),
        "{:#?}",
        place.processes()
    );
    assert!(!place.at("work/never").exists());
    place.op(&["events", "--json"]).await.code(0).says(&["enough"]);
    place.op(&["cancel", &run]).await.says(&["cancelled"]);
    assert!(daemon.terminate().await.success());
}

#[tokio::test]
async fn a_cancelled_run_is_undone_in_reverse_order_when_asked() {
    let place = Place::new();
    let undoing = |id: &str| {
        format!(
            "{}\nrollback = [{}]",
            shell(id, &format!("echo {id} >> done")),
            sh(&format!("echo {id} >> undone"))
        )
    };
    plan(&place, "undo", "rollback = \"run\"", &[&undoing("one"), &undoing("two"), &shell("three", FAMILY)]);
    let _daemon = Daemon::start(&place).await;
    let watching = place.start(&["run", "undo"]);
    runs(&place, "sleep 1001").await;
    place.op(&["cancel", &the_run(&place).await, "--rollback"]).await.code(0);
    Ended::of(watching).await.code(4).says(&["rolled back"]);
    assert_eq!(
        (place.read("work/done"), place.read("work/undone")),
        ("one\ntwo\n".into(), "two\none\n".into())
    );
    assert!(!place.processes().iter().any(|process| process.line.contains("sleep")));
}

#[tokio::test]
async fn an_undo_that_fails_leaves_the_run_stuck_and_says_so() {
    let place = Place::new();
    let done = format!("{}\nrollback = [{}]", shell("done", "true"), sh("exit 9"));
    plan(&place, "stuck", "rollback = \"run\"", &[&done, &shell("bad", "exit 1")]);
    place.op(&["run", "stuck"]).await.code(5).says(&["stuck"]);
}

#[tokio::test]
async fn an_interrupt_cancels_a_run_that_is_hosted_here_and_leaves_nothing() {
    let place = Place::new();
    plan(&place, "long", "", &[&shell("sleep", FAMILY)]);
    let hosting = place.start(&["run", "long"]);
    runs(&place, "sleep 1001").await;
    process::signal(hosting.id().expect("it runs"), Signal::INT);
    Ended::of(hosting).await.code(4);
    place.is_quiet().await;
}

#[tokio::test]
async fn a_step_that_takes_too_long_is_stopped_with_its_programs() {
    let place = Place::new();
    plan(&place, "late", "", &[&(shell("sleep", FAMILY) + "\ntimeout = \"300ms\"")]);
    let ended = place.op(&["run", "late"]).await.code(3);
    ended.says(&["sleep", "time limit"]);
    place.is_quiet().await;
}

#[tokio::test]
async fn a_command_that_is_terminated_while_it_hosts_a_run_leaves_nothing_but_a_run_that_sleeps() {
    let place = Place::new();
    place.configure("op-dbusd.toml", "[limits]\ndrain = \"PT0.1S\"");
    plan(&place, "long", "", &[&shell("sleep", FAMILY)]);
    let hosting = place.start(&["run", "long"]);
    runs(&place, "sleep 1001").await;
    process::signal(hosting.id().expect("it runs"), Signal::TERM);
    Ended::of(hosting).await.code(4).says(&["sleeps in the journal", "op-dbus serve"]);
    place.is_quiet().await;
    let listed = place.op(&["ls", "--json"]).await.code(0).json();
    assert_eq!(listed[0]["state"], "running", "{listed:#}");
}
