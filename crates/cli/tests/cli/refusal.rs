//! What is refused before anything starts, and what cannot be reached.

use std::collections::HashMap;
use std::fs;

use insta::assert_snapshot;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt as _};

use crate::fake::{Fake, Script};
use crate::program::{Ran, ask, op_dbus};
use crate::scene::review;

#[test]
fn refused_inputs_are_told_one_by_one_with_a_hint() {
    let hint = HashMap::from([("hint".to_owned(), "`op-dbus plans` shows what a plan takes".to_owned())]);
    let mut details = ErrorDetails::with_error_info("INPUTS_INVALID", "opdbus.org", hint);
    details.set_bad_request(vec![
        FieldViolation::new("title", "input `title` (string) is missing"),
        FieldViolation::new("pth", "the plan has no input `pth`; did you mean `path`?"),
    ]);
    let refusal =
        Status::with_error_details(Code::InvalidArgument, "the inputs do not fit `code_review`", details);
    let fake = Fake::play(Script { refusal: Some(refusal), ..review() });
    assert_snapshot!(ask(&fake, &["run", "code_review", "pth=."]).page());
}

#[test]
fn what_is_wrong_on_this_side_is_refused_before_anything_is_sent() {
    let fake = Fake::play(review());
    for arguments in [
        &["run", "code_review", "depth=deep"][..],
        &["run", "code_review", "title=a", "title=b"],
        &["run", "code_review", "--input", "/nonexistent/in.toml"],
        &["run", "code_review", "nonsense"],
        &["run", "code_revue"],
        &["call", "file_read", "--args", "[1]"],
        &["run"],
        &["ls", "--state", "happy"],
        &["show", "zzz"],
        &["dance"],
    ] {
        let ran = ask(&fake, arguments);
        assert_eq!(ran.code, Some(2), "{arguments:?}: {}", ran.page());
        assert!(ran.err.starts_with("error: ") && ran.out.is_empty(), "{arguments:?}: {}", ran.page());
    }
}

#[test]
fn a_daemon_that_was_named_and_is_not_there_is_not_replaced() {
    let ran =
        Ran::from(op_dbus().args(["--socket", "/nonexistent/grpc.sock", "ls"]).output().expect("it runs"));
    assert_snapshot!(ran.page());
}

#[test]
fn something_else_on_the_socket_is_an_error_and_no_hang() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("grpc.sock");
    let listener = std::os::unix::net::UnixListener::bind(&path).expect("binds");
    // Closes every connection at once.
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let ran = Ran::from(op_dbus().arg("--socket").arg(&path).arg("ls").output().expect("it runs"));
    assert_eq!(ran.code, Some(1), "{}", ran.page());
    assert!(ran.err.starts_with("error: ") && ran.err.contains("hint: "), "{}", ran.page());
}

#[test]
fn a_plan_with_errors_is_shown_with_carets() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "[workstacks.build]\ndescripton = \"x\"\n\n[[workstacks.build.phases]]\nid = \"a\"\ntools = []\nagents = \"x\"\n";
    fs::write(folder.path().join("plans.toml"), text).expect("writes");
    let mut command = op_dbus();
    command.current_dir(folder.path()).args(["check", "plans.toml"]);
    assert_snapshot!(Ran::from(command.output().expect("it runs")).page());
    let told = Ran::from(command.arg("--json").output().expect("it runs"));
    assert_eq!(told.code, Some(2));
    assert_eq!((&told.json()[0]["file"], &told.json()[0]["line"]), (&"plans.toml".into(), &2.into()));
}

#[test]
fn a_file_without_errors_is_passed_over_in_silence() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("plans.toml"), "").expect("writes");
    let mut command = op_dbus();
    let ran = Ran::from(
        command.current_dir(folder.path()).args(["check", "plans.toml"]).output().expect("it runs"),
    );
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(0), "", ""));
}

#[test]
fn a_file_that_is_not_there_is_refused() {
    let ran = Ran::from(op_dbus().args(["check", "/nonexistent/plans.toml"]).output().expect("it runs"));
    assert_eq!(ran.code, Some(2), "{}", ran.page());
    assert!(ran.err.contains("cannot read `/nonexistent/plans.toml`"), "{}", ran.err);
}
