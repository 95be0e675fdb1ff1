use serde_json::json;

use crate::support::{Served, serve};

/// An agent beside a small repository `app` in its root.
async fn beside_a_repository(agent: &str) -> Served {
    let served = serve(agent).await;
    let source = served.root.join("app/src");
    std::fs::create_dir_all(&source).unwrap();
    std::fs::write(served.root.join("app/Cargo.toml"), "[package]\nname = \"app\"\nversion = \"0.1.0\"\n")
        .unwrap();
    std::fs::write(source.join("main.rs"), "fn main() {\n    todo!()\n}\n\nunsafe fn raw() {}\n").unwrap();
    served
}

#[tokio::test]
async fn the_architect_reviews_a_repository_below_its_root() {
    let architect = beside_a_repository("backend_architect").await;
    let review = architect.ask("review", json!({ "path": "app" })).await.value();
    assert_eq!(review["findings"][0]["rule"], "unfinished");
    assert_eq!(
        (&review["findings"][0]["file"], &review["findings"][0]["line"]),
        (&json!("src/main.rs"), &json!(2))
    );
    let analysis = architect.ask("analyze", json!({ "path": "app" })).await.value();
    assert_eq!(analysis["structure"]["crates"]["nodes"][0]["name"], "app");
    assert_eq!(analysis["score"], 96);
    let suggestions = architect.ask("suggest", json!({ "path": "app" })).await.value();
    assert_eq!(suggestions["suggestions"][0]["rule"], "unfinished");
}

#[tokio::test]
async fn a_design_without_a_model_fails_and_names_the_setting() {
    let architect = serve("backend_architect").await;
    let answer = architect.ask("design", json!({ "requirements": "a shop" })).await;
    assert_eq!(answer.failed().0, "not_configured");
}

#[tokio::test]
async fn the_auditor_audits_a_repository_below_its_root() {
    let auditor = beside_a_repository("security_auditor").await;
    let review = auditor.ask("audit", json!({ "path": "app" })).await.value();
    let rules: Vec<&str> = review["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|finding| finding["rule"].as_str())
        .collect();
    assert_eq!(rules, ["no_lockfile", "undocumented_unsafe"]);
    for operation in ["secrets", "unsafe", "dependencies"] {
        let review = auditor.ask(operation, json!({ "path": "app" })).await.value();
        assert!(!review["checked"].as_array().unwrap().is_empty(), "{operation}");
    }
}

#[tokio::test]
async fn paths_that_lead_outside_or_to_no_directory_are_refused() {
    let auditor = beside_a_repository("security_auditor").await;
    let outside = auditor.ask("audit", json!({ "path": "../.." })).await;
    assert_eq!(outside.rejected(), "outside_roots");
    let file = auditor.ask("audit", json!({ "path": "app/Cargo.toml" })).await;
    assert_eq!(file.rejected(), "not_a_directory");
    let missing = auditor.ask("audit", json!({ "path": "nowhere" })).await;
    assert_eq!(missing.failed().0, "not_found");
}
