//! A daemon, and those who watch its runs.

use op_tests::support::client::kinds;
use op_tests::support::fixture::Fixture;
use op_tests::support::{Daemon, Ended, Place};
use serde_json::{Value, json};

use crate::plans::{WAIT, gate, is_waiting, plan, shell};

/// What every line says of an event; progress is left out.
fn events(watched: &Ended) -> Vec<Value> {
    watched
        .json_lines()
        .into_iter()
        .map(|line| line["event"].clone())
        .filter(|event| !event.is_null())
        .collect()
}

fn sequences(events: &[Value]) -> Vec<u64> {
    events.iter().map(|event| event["sequence"].as_u64().expect("a sequence")).collect()
}

#[tokio::test]
async fn a_review_by_a_daemon_ends_with_the_same_report() {
    let place = Place::new();
    let folder = Fixture::Dirty.write(&place, "dirty");
    let daemon = Daemon::start(&place).await;
    let path = format!("path={}", folder.display());
    let ended = place.op(&["run", "code_review", &path]).await.code(0);
    ended.says(&["Findings", "src/lib.rs:4", "Passed", "Not checked", "advisories", "completed in"]);
    assert!(daemon.terminate().await.success());
    place.is_quiet().await;
}

#[tokio::test]
async fn a_detached_run_can_be_watched_shown_listed_and_read() {
    let place = Place::new();
    plan(
        &place,
        "talk",
        "output = \"${steps.say.output.stdout}\"",
        &[&shell("say", "echo hello; echo aside >&2")],
    );
    let _daemon = Daemon::start(&place).await;
    let run = place.op(&["run", "talk", "--detach"]).await.code(0).stdout.trim().to_owned();
    let watched = place.op(&["watch", &run, "--json"]).await.code(0);
    let all = events(&watched);
    assert_eq!(sequences(&all), (1..=all.len() as u64).collect::<Vec<_>>());
    assert_eq!(
        (&all[0]["kind"], &all[all.len() - 1]["kind"]),
        (&json!("run_started"), &json!("run_completed"))
    );

    place.op(&["show", &run]).await.code(0).says(&["say", "completed"]);
    let shown = place.op(&["show", &run[..6], "--json"]).await.code(0).json();
    assert_eq!((&shown["id"], &shown["state"]), (&json!(run), &json!("completed")));
    assert_eq!(shown["phases"][0]["steps"][0]["evidence"]["exit_code"], 0);
    let listed = place.op(&["ls", "--json"]).await.code(0).json();
    assert_eq!((listed.as_array().map(Vec::len), &listed[0]["id"]), (Some(1), &json!(run)));
    place.op(&["logs", &run]).await.code(0).says(&["hello", "aside"]);
    assert_eq!(place.op(&["output", &run]).await.code(0).stdout.trim(), "hello");
    place.op(&["output", &run, "say", "--json"]).await.code(0).says(&["\"stdout\"", "hello\\n"]);
    let audit = place.op(&["events", "--run", &run, "--json"]).await;
    let audit =
        if audit.status.success() { audit } else { place.op(&["events", &run, "--json"]).await.code(0) };
    let audited: Vec<_> = audit.json_lines().into_iter().map(|line| line["event"].clone()).collect();
    assert_eq!(audited, all);
}

#[tokio::test]
async fn two_watchers_see_the_same_events_from_wherever_they_begin() {
    let place = Place::new();
    let before = shell("before", "true");
    let after = shell("after", "true");
    plan(&place, "wait", "", &[&before, WAIT, &after]);
    let gate = gate(&place);
    let daemon = Daemon::start(&place).await;
    let run = daemon.client().start("wait", &json!({})).await;
    is_waiting(&place).await;
    let watchers = [1, 1, 4].map(|from| place.start(&["watch", &run, "--from", &from.to_string(), "--json"]));
    gate.open();
    let seen = futures::future::join_all(watchers.map(Ended::of)).await;
    let seen: Vec<_> = seen.into_iter().map(|ended| events(&ended.code(0))).collect();
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0][3..], seen[2]);
    assert_eq!(sequences(&seen[0]), (1..=seen[0].len() as u64).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_repeated_key_is_the_same_run_and_with_another_request_an_error() {
    let place = Place::new();
    plan(&place, "once", "", &[&shell("mark", "echo x >> marks")]);
    let daemon = Daemon::start(&place).await;
    let first = place.op(&["run", "once", "--detach", "--key", "k"]).await.code(0);
    let again = place.op(&["run", "once", "--detach", "--key", "k"]).await.code(0);
    assert_eq!(first.stdout, again.stdout);
    place.op(&["run", "code_review", "path=.", "--detach", "--key", "k"]).await.code(2).says(&["key"]);
    daemon.client().events(first.stdout.trim()).await;
    assert_eq!(place.read("work/marks"), "x\n");
}

#[tokio::test]
async fn a_failed_step_fails_the_run_and_says_which_program_said_what() {
    let place = Place::new();
    plan(&place, "fail", "", &[&shell("bad", "echo because >&2; exit 7"), &shell("never", "echo x > never")]);
    let ended = place.op(&["run", "fail"]).await.code(3);
    ended.says(&["bad", "exit code 7", "because"]);
    assert!(!place.at("work/never").exists());
}

#[tokio::test]
async fn a_watch_over_grpc_and_the_command_line_tell_the_same() {
    let place = Place::new();
    plan(&place, "two", "", &[&shell("a", "true"), &shell("b", "true")]);
    let daemon = Daemon::start(&place).await;
    let run = daemon.client().start("two", &json!({})).await;
    let wire = kinds(&daemon.client().events(&run).await);
    let told = events(&place.op(&["watch", &run, "--json"]).await.code(0));
    let kind = |event: &Value| event["kind"].as_str().expect("a kind").to_owned();
    assert_eq!(told.iter().map(kind).collect::<Vec<_>>().len(), wire.len());
    assert_eq!(wire.first().map(String::as_str), Some("run_started"));
    assert_eq!(wire.last().map(String::as_str), Some("run_completed"));
}
