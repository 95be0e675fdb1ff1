//! A secret reaches the program it is for, and nothing else.

use std::fs;
use std::path::Path;

use op_proto::v1::RunState;
use op_tests::support::client::state;
use op_tests::support::{Daemon, Place};
use serde_json::json;

use crate::plans::plan;

const SECRET: &str = "correct-horse-battery-staple";

/// A step that writes the secret to a file, says it, and fails with it when asked to.
fn place() -> Place {
    let place = Place::new();
    place.write("credentials/token", &format!("{SECRET}\n"));
    let credentials = format!("credentials = {:?}\n", place.text("credentials"));
    let before = place.read("config/op-dbusd.toml");
    place.write("config/op-dbusd.toml", &(credentials + &before));
    let script = "printf %s \\\"$0\\\" > got; echo the token is \\\"$0\\\"; exit $1";
    let step = format!(
        "id = \"use\"\ntools = [{{ tool = \"command\", args = {{ program = \"sh\", args = [\"-c\", \"{script}\", \"${{token}}\", \"${{code}}\"] }} }}]"
    );
    let inputs = "[workstacks.login.inputs]\ntoken = { type = \"secret\", required = true }\ncode = { type = \"string\", default = \"0\" }";
    plan(&place, "login", inputs, &[&step]);
    place
}

/// Files below a folder that hold the secret.
fn leaks(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let found = entries.flat_map(|entry| {
        let path = entry.path();
        let holds = || {
            fs::read(&path)
                .is_ok_and(|bytes| bytes.windows(SECRET.len()).any(|part| part == SECRET.as_bytes()))
        };
        if path.is_dir() {
            leaks(&path)
        } else {
            holds().then(|| path.display().to_string()).into_iter().collect()
        }
    });
    found.collect()
}

#[tokio::test]
async fn a_secret_is_in_no_event_no_log_no_output_and_no_journal() {
    for (code, ended) in [("0", RunState::Completed), ("3", RunState::Failed)] {
        let place = place();
        let daemon = Daemon::start(&place).await;
        let run = daemon.client().start("login", &json!({ "token": "token", "code": code })).await;
        let run = daemon.client().end(&run).await;
        assert_eq!(state(&run), ended, "{run:#?}");
        assert_eq!(place.read("work/got"), SECRET, "the program has it");
        let id = run.summary.expect("a summary").id;
        for words in
            [&["show", &id, "--json"][..], &["watch", &id, "--json"], &["logs", &id], &["events", "--json"]]
        {
            let told = place.op(words).await;
            assert!(!told.stdout.contains(SECRET) && !told.stderr.contains(SECRET), "{words:?}: {told:#?}");
        }
        place.op(&["logs", &id]).await.says(&["the token is [secret]"]);
        assert!(daemon.terminate().await.success());
        for folder in ["state", "run", "tmp"] {
            assert_eq!(leaks(&place.at(folder)), Vec::<String>::new());
        }
        assert!(!place.read("daemon.log").contains(SECRET));
    }
}

#[tokio::test]
async fn a_secret_that_is_not_there_fails_the_step_and_says_where_it_was_looked_for() {
    let place = place();
    fs::remove_file(place.at("credentials/token")).expect("it was there");
    place.op(&["run", "login", "token=token"]).await.code(3).says(&["the secret `token` cannot be read"]);
    place.op(&["run", "login"]).await.code(2).says(&["`token`"]);
}
