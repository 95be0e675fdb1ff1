use op_agents::Settings;
use serde_json::{Value, json};

use crate::support::{Answer, Served, serve, serve_with};

/// The agent with a directory of its own.
async fn keeper() -> (tempfile::TempDir, Served) {
    let state = tempfile::tempdir().unwrap();
    let settings = Settings { state: Some(state.path().to_owned()), ..Settings::default() };
    (state, serve_with("context_manager", settings).await)
}

async fn save(agent: &Served, name: &str, content: Value) -> Value {
    agent.ask("save", json!({ "name": name, "content": content })).await.value()
}

fn names(listed: &Value) -> Vec<(&str, u64)> {
    let contexts = listed.as_array().unwrap().iter();
    contexts.map(|one| (one["name"].as_str().unwrap(), one["version"].as_u64().unwrap())).collect()
}

#[tokio::test]
async fn a_context_has_versions_and_the_same_again_is_already_so() {
    let (_state, agent) = keeper().await;
    let content = json!({ "requirements": "x", "test": { "status": "failed", "output": null } });
    let saved = save(&agent, "full_stack_feature/01", content.clone()).await;
    assert_eq!(
        (&saved["version"], &saved["already"], &saved["type"]),
        (&json!(1), &json!(false), &json!("generic"))
    );
    let again = save(&agent, "full_stack_feature/01", content.clone()).await;
    assert_eq!((&again["version"], &again["already"]), (&json!(1), &json!(true)));
    assert_eq!(save(&agent, "full_stack_feature/01", json!("other")).await["version"], 2);
    let load =
        |version: Value| agent.ask("load", json!({ "name": "full_stack_feature/01", "version": version }));
    assert_eq!(load(json!(1)).await.value()["content"], content);
    assert_eq!(load(json!(null)).await.value()["content"], "other");
    assert_eq!(load(json!(3)).await.rejected(), "not_found");
    let listed = agent.ask("list", json!({ "glob": "full*", "versions": true })).await.value();
    assert_eq!((names(&listed["contexts"]).len(), &listed["total"]), (2, &json!(2)));
    assert_eq!(agent.ask("list", json!({ "limit": 0 })).await.rejected(), "invalid_limit");
}

#[tokio::test]
async fn a_large_context_comes_as_output_and_the_value_says_what_came() {
    let (_state, agent) = keeper().await;
    let text = "grüße ".repeat(40_000);
    let saved = save(&agent, "large", json!(text)).await;
    let loaded = agent.ask("load", json!({ "name": "large" })).await;
    let value = loaded.value();
    assert_eq!(loaded.stdout, text.as_bytes());
    assert_eq!(
        (&value["content"], &value["chunks"], &value["bytes"]),
        (&Value::Null, &json!(5), &json!(text.len()))
    );
    assert_eq!(value["sha256"], saved["sha256"]);
}

#[tokio::test]
async fn a_context_that_was_damaged_on_disk_is_never_answered() {
    let (state, agent) = keeper().await;
    save(&agent, "a", json!("x".repeat(100_000))).await;
    save(&agent, "b", json!("whole")).await;
    let file = rusqlite::Connection::open(state.path().join("contexts.db")).unwrap();
    let damage = "UPDATE contents SET bytes = CAST(replace(CAST(bytes AS TEXT), 'x', 'y') AS BLOB)";
    assert_eq!(file.execute(damage, ()).unwrap(), 2);
    let answer = agent.ask("load", json!({ "name": "a" })).await;
    assert_eq!(answer.failed().0, "damaged");
    assert!(answer.stdout.is_empty(), "nothing of it is sent");
    assert_eq!(agent.ask("export", json!({ "path": "out.json" })).await.failed().0, "damaged");
    assert!(!agent.root.join("out.json").exists());
    assert_eq!(agent.ask("load", json!({ "name": "b" })).await.value()["content"], "whole");
}

#[tokio::test]
async fn contexts_go_out_and_come_back_in_every_form() {
    let (_state, agent) = keeper().await;
    for (name, content) in [("a/1", json!("text")), ("a/1", json!({ "k": [1, 0.1] })), ("b", json!("other"))]
    {
        save(&agent, name, content).await;
    }
    for (format, path) in [("json", "out.json"), ("tar", "out.tar")] {
        let args = json!({ "glob": "a/*", "versions": true, "format": format, "path": path });
        let exported = agent.ask("export", args).await.value();
        let file = std::fs::read(agent.root.join(path)).unwrap();
        assert_eq!((&exported["contexts"], &exported["bytes"]), (&json!(2), &json!(file.len())));
        let again = agent.ask("import", json!({ "path": path })).await.value();
        assert_eq!((&again["imported"], &again["already"]), (&json!([]), &json!(2)));
        let (_state, other) = keeper().await;
        std::fs::write(other.root.join(path), file).unwrap();
        let imported = other.ask("import", json!({ "path": path })).await.value();
        assert_eq!(names(&imported["imported"]), [("a/1", 1), ("a/1", 2)]);
        assert_eq!(
            other.ask("load", json!({ "name": "a/1" })).await.value()["content"],
            json!({ "k": [1, 0.1] })
        );
    }
    let told = agent.ask("export", json!({ "format": "yaml", "glob": "b" })).await;
    assert_eq!(told.value()["chunks"], 1);
    assert!(
        told.text().contains("\n  -\n    \"content\": \"other\"\n    \"name\": \"b\"\n"),
        "{}",
        told.text()
    );
    let json = agent.ask("export", json!({})).await.text();
    let (_state, other) = keeper().await;
    let imported = other.ask("import", json!({ "data": json })).await.value();
    assert_eq!(names(&imported["imported"]), [("a/1", 1), ("b", 1)]);
}

#[tokio::test]
async fn a_tar_that_tries_to_lead_out_is_refused_and_nothing_is_written_or_read_outside() {
    let (_state, agent) = keeper().await;
    let mut header = [0_u8; 512];
    header[..18].copy_from_slice(b"contexts/../../x.j");
    header[100..108].copy_from_slice(b"0000644\0");
    header[124..136].copy_from_slice(b"00000000002\0");
    header[156] = b'0';
    header[257..263].copy_from_slice(b"ustar\0");
    header[148..156].copy_from_slice(b"        ");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut archive = header.to_vec();
    archive.extend(b"{}");
    archive.resize(2048, 0);
    std::fs::write(agent.root.join("bad.tar"), archive).unwrap();
    assert_eq!(agent.ask("import", json!({ "path": "bad.tar" })).await.rejected(), "unsafe_entry");
    assert_eq!(agent.ask("import", json!({ "path": "../secret" })).await.rejected(), "outside_roots");
    save(&agent, "a", json!("x")).await;
    assert_eq!(agent.ask("export", json!({ "path": "../out.json" })).await.rejected(), "outside_roots");
    assert!(!agent.outside().join("out.json").exists());
}

#[tokio::test]
async fn what_was_deleted_is_brought_back_by_its_undo() {
    let (_state, agent) = keeper().await;
    for (name, content) in [("a", "one"), ("a", "two"), ("b", "three")] {
        save(&agent, name, json!(content)).await;
    }
    let arguments = json!({ "name": "a" });
    let deleted = agent.ask("delete", arguments.clone()).await.value();
    assert_eq!(names(&deleted["deleted"]), [("a", 1), ("a", 2)]);
    assert_eq!(agent.ask("load", json!({ "name": "a" })).await.rejected(), "not_found");
    assert_eq!(agent.ask("delete", arguments.clone()).await.value()["deleted"], json!([]));
    for _ in 0..2 {
        let undo = json!({ "arguments": arguments, "output": deleted });
        assert_eq!(names(&agent.ask("restore", undo).await.value()["restored"]).len(), 2);
        assert_eq!(agent.ask("load", json!({ "name": "a" })).await.value()["content"], "two");
    }
    assert_eq!(agent.ask("clear", json!({})).await.rejected(), "not_confirmed");
    let cleared = agent.ask("clear", json!({ "confirm": true })).await.value();
    assert_eq!(names(&cleared["deleted"]).len(), 3);
    assert_eq!(agent.ask("list", json!({})).await.value()["total"], 0);
    agent.ask("restore", json!({ "arguments": { "confirm": true }, "output": cleared })).await.value();
    assert_eq!(agent.ask("list", json!({})).await.value()["total"], 2);
}

#[tokio::test]
async fn contexts_are_merged_into_a_new_version() {
    let (_state, agent) = keeper().await;
    agent
        .ask("save", json!({ "name": "a", "content": "x\n\ny", "tags": ["one"], "type": "task" }))
        .await
        .value();
    agent.ask("save", json!({ "name": "b", "content": "y\n\nz", "tags": ["two"] })).await.value();
    let args = json!({ "names": ["a", "b"], "into": "c", "strategy": "dedupe" });
    let merged = agent.ask("merge", args).await.value();
    assert_eq!((&merged["type"], &merged["tags"]), (&json!("task"), &json!(["one", "two"])));
    assert_eq!(names(&merged["from"]), [("a", 1), ("b", 1)]);
    assert_eq!(agent.ask("load", json!({ "name": "c" })).await.value()["content"], "x\n\ny\n\nz");
    let args = json!({ "names": ["a", "gone"], "into": "c" });
    assert_eq!(agent.ask("merge", args).await.rejected(), "not_found");
    assert_eq!(agent.ask("merge", json!({ "names": ["a"], "into": "c" })).await.rejected(), "invalid_names");
}

#[tokio::test]
async fn what_needs_a_session_or_a_directory_says_so() {
    let (_state, agent) = keeper().await;
    let answer = agent.ask("save", json!({ "name": "a", "content": 1, "scope": "session" })).await;
    assert_eq!(answer.rejected(), "no_session");
    assert_eq!(agent.ask("save", json!({ "name": "../a", "content": 1 })).await.rejected(), "invalid_name");
    let nowhere = serve("context_manager").await;
    let answer: Answer = nowhere.ask("save", json!({ "name": "a", "content": 1 })).await;
    assert_eq!(answer.failed().0, "not_configured");
}
