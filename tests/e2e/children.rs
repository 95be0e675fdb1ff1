//! Plans that steps of other plans run.

use op_proto::v1::{ListRequest, RunState, RunSummary};
use op_tests::support::client::{payload, state, step};
use op_tests::support::scripted::Behaviour;
use op_tests::support::{Client, Daemon, Place, until};
use serde_json::json;

use crate::crash::puppet;
use crate::plans::{plan, shell};

/// A plan that runs the plan `child`, and notes when that is done.
fn parent(place: &Place) {
    let child = "id = \"make\"\nplan = \"child\"\nargs = { what = \"a ${what}\" }";
    let keys =
        "inputs = { what = { type = \"string\", default = \"box\" } }\noutput = \"${steps.make.output}\"";
    plan(place, "parent", keys, &[child, &shell("after", "echo x >> after")]);
}

/// The plan `child` of these phases, which answers what it was given.
fn child(place: &Place, phases: &[&str]) {
    let keys = "inputs = { what = { type = \"string\", required = true } }\noutput = \"made ${what}\"";
    plan(place, "child", keys, phases);
}

async fn children(client: &Client) -> Vec<RunSummary> {
    let request = ListRequest { plan: "child".into(), ..ListRequest::default() };
    client.runs().list(request).await.expect("the daemon lists its runs").into_inner().runs
}

/// The only child, once it is there.
async fn only_child(client: &Client) -> String {
    until("the child", async || children(client).await.into_iter().next()).await.id
}

#[tokio::test]
async fn a_child_answers_its_parent_and_is_a_run_of_its_own() {
    let place = Place::new();
    parent(&place);
    child(&place, &[&shell("mark", "echo x >> marks")]);
    let daemon = Daemon::start(&place).await;
    let client = daemon.client();
    let run = client.start("parent", &json!({})).await;
    let ended = client.end(&run).await;
    assert_eq!(state(&ended), RunState::Completed, "{ended:#?}");
    assert_eq!(payload(ended.output.as_ref()), json!("made a box"));
    let children = children(client).await;
    assert_eq!(children.len(), 1);
    assert_eq!((children[0].labels["parent"].as_str(), children[0].labels["step"].as_str()), (&*run, "make"));
    let evidence = step(&ended, "make").evidence.clone().expect("it was observed");
    assert_eq!(evidence.peer, format!("run {}", children[0].id));
}

#[tokio::test]
async fn a_child_that_fails_fails_its_parent_which_names_it() {
    let place = Place::new();
    parent(&place);
    child(&place, &[&shell("bad", "exit 7")]);
    let daemon = Daemon::start(&place).await;
    let client = daemon.client();
    let run = client.start("parent", &json!({})).await;
    let ended = client.end(&run).await;
    assert_eq!(state(&ended), RunState::Failed, "{ended:#?}");
    let failure = step(&ended, "make").failure.clone().expect("it says why");
    let child = only_child(client).await;
    assert_eq!(failure.reason, "child_failed");
    assert!(failure.message.contains(&child) && failure.message.contains("exit code 7"), "{failure:#?}");
    assert!(!place.at("work/after").exists());
}

#[tokio::test]
async fn a_child_is_cancelled_with_its_parent() {
    let place = Place::new();
    parent(&place);
    child(&place, &["id = \"listen\"\nsignal = \"go\"", &shell("never", "echo x >> marks")]);
    let daemon = Daemon::start(&place).await;
    let client = daemon.client();
    let run = client.start("parent", &json!({})).await;
    let child = only_child(client).await;
    client.gate(&child, "listen").await;
    client.cancel(&run).await.expect("it runs");
    assert_eq!(state(&client.end(&run).await), RunState::Cancelled);
    let ended = client.end(&child).await;
    assert_eq!(state(&ended), RunState::Cancelled);
    assert!(ended.summary.is_some_and(|summary| summary.reason.contains(&run)));
    assert!(!place.at("work/marks").exists() && !place.at("work/after").exists());
}

#[tokio::test]
async fn a_parent_finds_the_child_it_had_after_kill_9() {
    let place = Place::new();
    let puppet = puppet(&place, Behaviour::HangOnce);
    parent(&place);
    let call = "id = \"call\"\nagents = [\"puppet.do\"]";
    child(&place, &[&shell("mark", "echo x >> marks"), call]);
    let daemon = Daemon::start(&place).await;
    let run = daemon.client().start("parent", &json!({})).await;
    until("the call", async || (puppet.asked().len() == 1).then_some(())).await;
    let child = only_child(daemon.client()).await;
    daemon.kill().await;
    place.is_quiet().await;

    let daemon = Daemon::start(&place).await;
    let client = daemon.client();
    let ended = client.end(&run).await;
    assert_eq!(state(&ended), RunState::Completed, "{ended:#?}");
    let children: Vec<_> = children(client).await.into_iter().map(|child| child.id).collect();
    assert_eq!(children, [child], "one child for one step");
    let asked = puppet.asked();
    assert_eq!((asked.len(), &asked[0].id, asked[1].repeat), (2, &asked[1].id, true));
    assert_eq!((place.read("work/marks"), place.read("work/after")), ("x\n".into(), "x\n".into()));
}
