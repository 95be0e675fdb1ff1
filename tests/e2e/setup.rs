//! The set-up: doctor, completions, and readers that go away.

use std::process::Stdio;

use op_tests::support::{Daemon, Place};

#[tokio::test]
async fn doctor_has_nothing_against_a_good_set_up() {
    let place = Place::new();
    let ended = place.op(&["doctor", "--json"]).await.code(0);
    let findings = ended.json();
    let found = findings.as_array().expect("findings");
    assert!(found.iter().all(|finding| finding["health"] != "broken"), "{findings:#}");
    assert!(found.iter().any(|finding| finding["check"] == "configuration"));
    let _daemon = Daemon::start(&place).await;
    place.op(&["doctor"]).await.code(0).says(&["daemon"]);
}

#[tokio::test]
async fn doctor_names_what_is_broken_and_how_to_mend_it() {
    let place = Place::new();
    place.configure("op-dbusd.toml", "[limits]\nrusn = 3");
    place.op(&["doctor"]).await.code(1).says(&["op-dbusd.toml", "rusn", "mend:"]);
    let place = Place::new();
    place.write("config/plans.d/bad.toml", "[workstacks.bad]\nphases = 3\n");
    place.op(&["doctor"]).await.says(&["plans", "bad.toml"]);
}

#[tokio::test]
async fn every_shell_has_completions() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish"] {
        place.op(&["completions", shell]).await.code(0).says(&["op-dbus", "doctor"]);
    }
}

#[tokio::test]
async fn a_reader_that_goes_away_is_no_error() {
    let place = Place::new();
    for words in [&["plans"][..], &["ls"], &["agents"], &["completions", "bash"], &["run", "--help"]] {
        let mut command = place.command(words);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("op-dbus starts");
        drop(child.stdout.take());
        let ended = op_tests::support::Ended::of(child).await;
        ended.has_not_panicked();
        assert_eq!(ended.status.code(), Some(0), "{words:?}: {ended:#?}");
    }
}

#[tokio::test]
async fn what_is_listed_can_be_read_by_machines() {
    let place = Place::new();
    for words in [["plans", "--json"], ["agents", "--json"], ["tools", "--json"], ["ls", "--json"]] {
        assert!(place.op(&words).await.code(0).json().is_array(), "{words:?}");
    }
    place.op(&["plans"]).await.code(0).says(&["code_review", "full_stack_feature"]);
    place.op(&["graph", "code_review"]).await.code(0).says(&["Security Review", "Report"]);
    place.op(&["tools"]).await.code(0).says(&["file_read", "command", "dbus_call", "ovs_list_bridges"]);
}

#[tokio::test]
async fn a_tool_is_called_by_its_bare_name_and_an_operation_by_both() {
    let place = Place::new();
    place.write("work/notes.txt", "hello");
    let read = place.op(&["call", "file_read", "path=notes.txt", "--json"]).await.code(0);
    assert!(read.stdout.contains("hello"), "{read:#?}");
    place.op(&["call", "rust_pro.version"]).await.code(0).says(&["cargo"]);
    place.op(&["call", "file_raed", "path=x"]).await.code(2).says(&["file_read"]);
    place.op(&["call", "rust_pro.tset"]).await.code(2).says(&["rust_pro", "test"]);
    place.is_quiet().await;
}
