use op_proto::agent::v1::OperationDescription as Operation;
use serde_json::{Value, json};

use crate::support::serve;

#[tokio::test]
async fn a_file_goes_there_and_back() {
    let tools = serve("tools").await;
    let written = tools.ask("file_write", json!({ "path": "a.txt", "content": "one\ntwo\n" })).await.value();
    assert_eq!(written["bytes"], 8);
    assert_eq!(tools.ask("file_read", json!({ "path": "a.txt" })).await.value()["content"], "one\ntwo\n");
    assert_eq!(tools.ask("file_list", json!({ "path": "." })).await.value()["entries"][0]["name"], "a.txt");
    let found = tools.ask("file_search", json!({ "path": ".", "pattern": "tw." })).await.value();
    assert_eq!(found["matches"], json!([{ "file": "a.txt", "line": 2, "text": "two" }]));
}

#[tokio::test]
async fn no_file_operation_leaves_the_roots() {
    let tools = serve("tools").await;
    std::os::unix::fs::symlink("../secret", tools.root.join("link")).unwrap();
    for path in ["../secret", "link", "/etc/hostname"] {
        for (operation, arguments) in [
            ("file_read", json!({ "path": path })),
            ("file_list", json!({ "path": path })),
            ("file_search", json!({ "path": path, "pattern": "." })),
            ("file_write", json!({ "path": path, "content": "x" })),
            ("command", json!({ "program": "true", "cwd": path })),
        ] {
            assert_eq!(
                tools.ask(operation, arguments).await.rejected(),
                "outside_roots",
                "{operation} {path}"
            );
        }
    }
    assert_eq!(std::fs::read_to_string(tools.outside().join("secret")).unwrap(), "outside");
}

#[tokio::test]
async fn an_unknown_argument_is_rejected_by_every_operation_that_does_not_say_it_takes_any() {
    for name in op_agents::NAMES {
        let agent = serve(name).await;
        let described = op_agents::build(name, &op_agents::Settings::default()).unwrap().description();
        assert!(!described.operations.is_empty(), "{name}");
        let works = |operation: &&Operation| operation.unavailable.is_empty() && !takes_any(operation);
        for operation in described.operations.iter().filter(works) {
            let answer = agent.ask(&operation.name, json!({ "no_such_argument": 1 })).await;
            assert_eq!(answer.rejected(), "invalid_arguments", "{name}.{}", operation.name);
        }
    }
}

fn takes_any(operation: &Operation) -> bool {
    let schema: Value = serde_json::from_str(&operation.input_schema).unwrap();
    schema["additionalProperties"] == true
}

#[tokio::test]
async fn only_players_of_roles_and_who_reads_whatever_is_given_take_any_argument() {
    for name in op_agents::NAMES {
        let described = op_agents::build(name, &op_agents::Settings::default()).unwrap().description();
        for operation in &described.operations {
            let plays = ["offline", "models"].contains(&name);
            let reads = (name, operation.name.as_str()) == ("sequential_thinking", "think");
            assert_eq!(
                takes_any(operation),
                plays || reads,
                "{name}.{}: {}",
                operation.name,
                operation.input_schema
            );
        }
    }
}

#[tokio::test]
async fn reviews_are_joined_into_a_report() {
    let tools = serve("tools").await;
    let reviews =
        json!([{ "name": "security", "status": "failed", "review": null, "error": "the agent died" }]);
    let report = tools.ask("report", json!({ "title": "T", "reviews": reviews })).await.value();
    assert_eq!(report["kind"], "report");
    assert_eq!(report["unchecked"], json!([{ "check": "security", "reason": "the agent died" }]));
}
