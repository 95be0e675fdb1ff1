//! Pipes whose reader goes away.

use std::process::Stdio;

use op_proto::v1::{OutputResponse, RunState};

use crate::fake::{Fake, Script};
use crate::program::{Ran, op_dbus};
use crate::scene::{ended, review, stdout, summary};

/// Runs a command whose standard output nobody reads.
fn unread(fake: &Fake, arguments: &[&str]) -> Ran {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = op_dbus();
    command
        .arg("--socket")
        .arg(fake.socket())
        .args(arguments)
        .stdout(Stdio::from(writer))
        .stderr(Stdio::piped());
    command.spawn().expect("it runs").wait_with_output().expect("it ends").into()
}

#[test]
fn a_reader_that_has_seen_enough_ends_the_command_quietly() {
    let outputs = vec![OutputResponse {
        step: "report/1".to_owned(),
        chunks: vec![stdout("x\n")],
        ..OutputResponse::default()
    }];
    let fake = Fake::play(Script { runs: vec![summary(RunState::Completed); 2000], outputs, ..review() });
    for arguments in [
        &["ls"][..],
        &["ls", "--json"],
        &["show", "k3x9"],
        &["logs", "k3x9", "--step", "report/1"],
        &["completions", "bash"],
    ] {
        let ran = unread(&fake, arguments);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn a_failed_run_stays_failed_when_nobody_reads() {
    let run =
        ended(RunState::Failed, op_proto::v1::PhaseState::Failed, op_proto::v1::StepState::Failed, "because");
    let ran = unread(&Fake::play(Script { run, ..review() }), &["run", "code_review", "title=x", "--json"]);
    assert_eq!(ran.code, Some(3), "{}", ran.page());
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
}

#[test]
fn standard_error_may_be_closed_as_well() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let fake = Fake::play(review());
    let mut command = op_dbus();
    command
        .arg("--socket")
        .arg(fake.socket())
        .args(["run", "code_review", "title=x"])
        .stderr(Stdio::from(writer));
    let ran = Ran::from(command.stdout(Stdio::piped()).output().expect("it runs"));
    assert_eq!(ran.code, Some(0), "{}", ran.page());
    assert!(ran.out.contains("Code review of /srv/project"), "{}", ran.out);
}
