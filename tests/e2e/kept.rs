//! A step that keeps what it returned is called once, and says so of every run that called nobody.

use op_proto::v1::{Kept, Run};
use op_tests::support::client::{payload, step};
use op_tests::support::scripted::Behaviour;
use op_tests::support::{Daemon, Place};
use serde_json::json;

use crate::crash::puppet;
use crate::plans::plan;

/// A phase that keeps what its step returned.
const PHASE: &str =
    "id = \"look\"\nagents = [{ agent = \"puppet.do\", args = { at = \"${at}\" }, cache = \"1h\" }]";

const KEYS: &str = "inputs = { at = { default = \"here\" } }\noutput = \"${steps.look.output}\"";

fn kept(run: &Run) -> Option<Kept> {
    step(run, "look").evidence.clone().expect("it was observed").kept
}

#[tokio::test]
async fn a_second_run_takes_what_the_first_one_was_told_also_from_another_daemon() {
    let place = Place::new();
    let puppet = puppet(&place, Behaviour::Echo);
    plan(&place, "watch", KEYS, &[PHASE]);
    let daemon = Daemon::start(&place).await;
    let client = daemon.client();
    let first = client.start("watch", &json!({})).await;
    assert_eq!(kept(&client.end(&first).await), None);

    let second = place.op(&["run", "watch"]).await.code(0);
    second.says(&[&format!("look called nobody: kept from run {first}")]);
    let third = client.start("watch", &json!({})).await;
    let ended = client.end(&third).await;
    assert_eq!(kept(&ended).map(|kept| kept.run).as_ref(), Some(&first));
    assert_eq!(payload(ended.output.as_ref()), json!({ "at": "here" }));
    assert_eq!(puppet.asked().len(), 1);

    place.op(&["show", &third]).await.code(0).says(&[&format!("kept from run {first}, "), " ago"]);
    let explained = format!("Nobody was called for `look`: it has what was kept of run {first}");
    place.op(&["explain", &third]).await.code(0).says(&[&explained]);
    let shown = place.op(&["show", &third, "--json"]).await.code(0).json();
    assert_eq!(shown["phases"][0]["steps"][0]["evidence"]["kept"]["run"], json!(first));
    let said = client.events(&third).await;
    let succeeded = said.iter().find(|event| event.kind == "step_succeeded").expect("it did");
    assert_eq!(succeeded.message, format!("step `look` succeeded with what was kept of run {first}"));

    let elsewhere = client.start("watch", &json!({ "at": "there" })).await;
    assert_eq!(kept(&client.end(&elsewhere).await), None);
    assert_eq!(puppet.asked().len(), 2);

    assert!(daemon.terminate().await.success());
    let daemon = Daemon::start(&place).await;
    let fourth = daemon.client().start("watch", &json!({})).await;
    assert_eq!(kept(&daemon.client().end(&fourth).await).map(|kept| kept.run), Some(first));
    assert_eq!(puppet.asked().len(), 2);
}

#[tokio::test]
async fn result_bytes_bound_what_is_kept() {
    let place = Place::new();
    let puppet = puppet(&place, Behaviour::Echo);
    place.configure("op-dbusd.toml", "[limits]\nresult_bytes = 0");
    plan(&place, "watch", KEYS, &[PHASE]);
    let daemon = Daemon::start(&place).await;
    for calls in [1, 2] {
        let run = daemon.client().start("watch", &json!({})).await;
        daemon.client().end(&run).await;
        assert_eq!(puppet.asked().len(), calls);
    }
}
