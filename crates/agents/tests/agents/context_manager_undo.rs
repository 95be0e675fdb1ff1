//! What `context_manager` does twice, takes back, and refuses to overwrite.

use op_agents::Settings;
use op_proto::agent::v1::{ExecuteRequest, Operation};
use serde_json::{Value, json};

use crate::support::{Served, serve_with};

/// The agent on a directory.
async fn on(state: &tempfile::TempDir) -> Served {
    let settings = Settings { state: Some(state.path().to_owned()), ..Settings::default() };
    serve_with("context_manager", settings).await
}

/// The agent with a directory of its own.
async fn keeper() -> (tempfile::TempDir, Served) {
    let state = tempfile::tempdir().unwrap();
    let agent = on(&state).await;
    (state, agent)
}

/// Saves under the key of a call.
async fn save_as(agent: &Served, key: &str, content: &str) {
    let arguments = json!({ "name": "a", "content": content }).to_string();
    let operation =
        Operation { id: key.to_owned(), operation: "save".to_owned(), arguments, ..Operation::default() };
    let request = ExecuteRequest { operation: Some(operation) };
    let mut events = agent.client.clone().execute(request).await.unwrap().into_inner();
    while events.message().await.unwrap().is_some() {}
}

async fn newest(agent: &Served, name: &str) -> Value {
    agent.ask("load", json!({ "name": name })).await.value()
}

#[tokio::test]
async fn a_save_is_undone_without_touching_what_was_saved_before_or_since() {
    let (_state, agent) = keeper().await;
    let save = |content: &str| json!({ "name": "a", "content": content });
    let mut saved = Vec::new();
    for content in ["one", "two", "three"] {
        saved.push(agent.ask("save", save(content)).await.value());
    }
    let undo = json!({ "arguments": save("two"), "output": saved[1] });
    for deleted in [json!([{ "name": "a", "version": 2 }]), json!([])] {
        assert_eq!(agent.ask("unsave", undo.clone()).await.value()["deleted"], deleted);
    }
    assert_eq!(newest(&agent, "a").await["content"], "three");
    let undo = json!({ "arguments": save("three"), "output": saved[2] });
    agent.ask("unsave", undo).await.value();
    assert_eq!(newest(&agent, "a").await["content"], "one");
    let again = agent.ask("save", save("one")).await.value();
    assert_eq!(again["already"], true);
    let undo = json!({ "arguments": save("one"), "output": again });
    assert_eq!(agent.ask("unsave", undo).await.value()["deleted"], json!([]));
    assert_eq!(newest(&agent, "a").await["content"], "one");
}

#[tokio::test]
async fn a_save_that_is_repeated_after_a_crash_makes_no_new_version_whatever_was_saved_since() {
    let (state, agent) = keeper().await;
    save_as(&agent, "run/save/1/1", "one").await;
    save_as(&agent, "run/other/1/1", "two").await;
    drop(agent);
    let agent = on(&state).await;
    save_as(&agent, "run/save/1/1", "one").await;
    let newest = newest(&agent, "a").await;
    assert_eq!((&newest["version"], &newest["content"]), (&json!(2), &json!("two")));
    save_as(&agent, "run/save/2/1", "one").await;
    assert_eq!(agent.ask("load", json!({ "name": "a" })).await.value()["version"], 3);
}

#[tokio::test]
async fn an_export_leaves_a_file_that_is_something_else_as_it_is() {
    let (_state, agent) = keeper().await;
    agent.ask("save", json!({ "name": "a", "content": "x" })).await.value();
    agent.put("out.json", "mine");
    let export = |overwrite: bool| json!({ "path": "out.json", "overwrite": overwrite });
    let read = || std::fs::read_to_string(agent.root.join("out.json")).unwrap();
    assert_eq!(agent.ask("export", export(false)).await.rejected(), "exists");
    assert_eq!(read(), "mine");
    for overwrite in [true, false] {
        let exported = agent.ask("export", export(overwrite)).await.value();
        assert_eq!((&exported["contexts"], read().lines().count()), (&json!(1), 1));
    }
}

#[tokio::test]
async fn what_could_not_be_answered_is_not_done() {
    let (_state, agent) = keeper().await;
    let name = "n".repeat(250);
    let file = |path: &str, numbers: std::ops::Range<u32>| {
        let contexts: Vec<Value> =
            numbers.map(|number| json!({ "name": name, "version": number, "content": number })).collect();
        let document = json!({ "format": "op-dbus contexts", "version": 1, "contexts": contexts });
        agent.put(path, &document.to_string());
    };
    let total = async || agent.ask("list", json!({ "versions": true })).await.value()["total"].clone();
    file("all.json", 1..12_001);
    assert_eq!(agent.ask("import", json!({ "path": "all.json" })).await.rejected(), "too_many");
    assert_eq!(total().await, 0);
    for numbers in [1..6_001, 6_001..12_001] {
        file("half.json", numbers);
        agent.ask("import", json!({ "path": "half.json" })).await.value();
    }
    assert_eq!(agent.ask("delete", json!({ "name": name })).await.rejected(), "too_many");
    assert_eq!(total().await, 12_000);
}
