use op_agents::Settings;
use serde_json::json;
use tempfile::TempDir;

use crate::support::{Served, serve, serve_with};

async fn remembering(home: &TempDir) -> Served {
    serve_with("memory", Settings { state: Some(home.path().join("state")), ..Settings::default() }).await
}

#[tokio::test]
async fn what_is_remembered_is_found_in_every_way_and_after_a_restart() {
    let home = tempfile::tempdir().unwrap();
    let agent = remembering(&home).await;
    let arguments = json!({ "key": "deploy", "value": { "day": "friday" }, "tags": ["ops"] });
    let remembered = agent.ask("remember", arguments).await.value();
    assert_eq!(remembered["entries"][0]["outcome"], "created");
    drop(agent);
    let agent = remembering(&home).await;
    let recalled = agent.ask("recall", json!({ "key": "deploy" })).await.value();
    assert_eq!((&recalled["found"], &recalled["value"]), (&json!(true), &json!({ "day": "friday" })));
    assert_eq!(recalled["answers"][0]["status"], "found");
    let searched = agent.ask("search", json!({ "query": "friday ops" })).await.value();
    assert_eq!(searched["matches"][0]["entry"]["key"], "deploy");
    let listed = agent.ask("list", json!({ "glob": "dep*" })).await.value();
    assert_eq!(listed["total"], 1);
    let forgotten = agent.ask("forget", json!({ "tag": "ops" })).await.value();
    assert_eq!(forgotten["forgotten"], json!([{ "key": "deploy", "scope": "shared" }]));
    let absent = agent.ask("recall", json!({ "key": "deploy" })).await.value();
    assert_eq!(absent["answers"], json!([{ "status": "absent", "key": "deploy", "near": [] }]));
}

#[tokio::test]
async fn the_undo_of_each_call_takes_its_arguments_and_its_value() {
    let home = tempfile::tempdir().unwrap();
    let agent = remembering(&home).await;
    let arguments = json!({ "key": "deploy", "value": 1 });
    let output = agent.ask("remember", arguments.clone()).await.value();
    let forget = json!({ "key": "deploy" });
    let forgotten = agent.ask("forget", forget.clone()).await.value();
    let restored = agent.ask("restore", json!({ "arguments": forget, "output": forgotten })).await.value();
    assert_eq!(restored["restored"], json!([{ "key": "deploy", "scope": "shared" }]));
    let undone = agent.ask("unremember", json!({ "arguments": arguments, "output": output })).await.value();
    assert_eq!(undone["removed"], json!(["deploy"]), "it is the one that was remembered then");
}

#[tokio::test]
async fn many_recall_side_by_side_while_others_remember() {
    let home = tempfile::tempdir().unwrap();
    let agent = &remembering(&home).await;
    agent.ask("remember", json!({ "key": "k", "value": 1 })).await.value();
    let recalls = (0..64).map(|_| async { agent.ask("recall", json!({ "key": "k" })).await.value() });
    let writes =
        (0..16).map(|number| agent.ask("remember", json!({ "key": format!("n{number}"), "value": number })));
    let (recalls, writes) =
        tokio::join!(futures::future::join_all(recalls), futures::future::join_all(writes));
    assert!(recalls.iter().all(|recalled| recalled["value"] == 1));
    assert!(writes.iter().all(|written| written.value()["entries"][0]["outcome"] == "created"));
    let recalled = agent.ask("recall", json!({ "key": "k" })).await.value();
    assert_eq!(recalled["answers"][0]["access_count"], 65);
}

#[tokio::test]
async fn what_is_refused_names_why_and_an_agent_without_a_place_says_so() {
    let home = tempfile::tempdir().unwrap();
    let agent = remembering(&home).await;
    let sentence = "the site goes out on fridays when its tests have passed";
    agent.ask("remember", json!({ "key": "a", "value": sentence })).await.value();
    assert_eq!(agent.ask("remember", json!({ "key": "b", "value": sentence })).await.rejected(), "similar");
    assert_eq!(agent.ask("recall", json!({ "kee": "a" })).await.rejected(), "invalid_arguments");
    let nowhere = serve("memory").await;
    assert_eq!(nowhere.ask("recall", json!({ "key": "a" })).await.failed().0, "not_configured");
}
