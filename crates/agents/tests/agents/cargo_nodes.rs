use serde_json::json;

use crate::stand_ins::StandIns;
use crate::support::{Served, serve};

async fn project(lib: &str) -> Served {
    let tools = serve("tools").await;
    let manifest =
        "[package]\nname = \"sample\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[features]\nextra = []\n";
    tools.put("app/Cargo.toml", manifest);
    tools.put("app/src/lib.rs", lib);
    tools
}

#[tokio::test]
async fn a_build_names_its_main_artifact_and_counts_its_warnings() {
    let tools = project("fn unused() {}\n").await;
    let path = tools.root.join("app");
    let built = tools.ask("cargo_build", json!({ "path": "app" })).await.value();
    let library = path.join("target/debug/libsample.rlib");
    assert_eq!(built, json!({ "artifact": library, "artifacts": [library], "warnings": 1, "path": path }));
    tools.put("app/src/main.rs", "fn main() {}\n");
    tools.put("app/src/bin/aid.rs", "fn main() {}\n");
    let built = tools.ask("cargo_build", json!({ "path": "app", "release": true })).await.value();
    let release = path.join("target/release");
    let artifacts = ["aid", "sample", "libsample.rlib"].map(|name| release.join(name));
    assert_eq!((&built["artifact"], &built["artifacts"]), (&json!(artifacts[0]), &json!(artifacts)));
    assert!(artifacts.iter().all(|artifact| artifact.is_file()));
}

#[tokio::test]
async fn a_library_comes_before_those_that_it_needs() {
    let tools = project("pub use aaa::f;\n").await;
    tools.put("app/aaa/Cargo.toml", "[package]\nname = \"aaa\"\nversion = \"0.1.0\"\nedition = \"2021\"\n");
    tools.put("app/aaa/src/lib.rs", "pub fn f() {}\n");
    let manifest = "[package]\nname = \"sample\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\naaa = { path = \"aaa\" }\n";
    tools.put("app/Cargo.toml", manifest);
    let built = tools.ask("cargo_build", json!({ "path": "app" })).await.value();
    assert!(built["artifact"].as_str().unwrap().ends_with("libsample.rlib"), "{built}");
    assert_eq!(built["artifacts"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_build_that_fails_carries_its_diagnostics() {
    let tools = project("#[cfg(feature = \"extra\")] compile_error!(\"extra is on\");\n").await;
    let answer = tools.ask("cargo_build", json!({ "path": "app", "features": ["extra"] })).await;
    let (reason, detail) = answer.failed();
    assert_eq!(reason, "build_failed");
    assert!(detail["diagnostics"][0]["message"].as_str().unwrap().contains("extra is on"));
    let nothing = tools.ask("cargo_build", json!({ "path": "." })).await;
    assert_eq!(nothing.rejected(), "not_a_cargo_project");
}

#[tokio::test]
async fn tests_are_counted_and_one_that_fails_is_a_failure() {
    let tools = project(
        "#[test] fn good() {}\n#[test] #[ignore] fn later() {}\n#[test] fn bad() { panic!(\"no\") }\n",
    )
    .await;
    let answer = tools.ask("cargo_test", json!({ "path": "app" })).await;
    let (reason, detail) = answer.failed();
    assert_eq!((reason, &detail["tests"]["failures"]), ("tests_failed", &json!(["bad"])));
    let tested = tools.ask("cargo_test", json!({ "path": "app", "filter": "good" })).await.value();
    assert_eq!(tested, json!({ "passed": 1, "failed": 0, "ignored": 0, "path": tools.root.join("app") }));
}

#[tokio::test]
async fn without_cargo_the_failure_says_what_to_install() {
    let tools = StandIns::serve(&[]).await;
    tools.put("root/Cargo.toml", "[package]\nname = \"sample\"\n");
    for operation in ["cargo_build", "cargo_test"] {
        let answer = tools.ask(operation, json!({})).await;
        assert_eq!(answer.failed().0, "program_missing", "{operation}");
        assert!(answer.hint().contains("install `cargo`"), "{}", answer.hint());
    }
}

#[tokio::test]
async fn a_line_is_logged_where_its_level_says() {
    let tools = serve("tools").await;
    let said = tools.ask("log", json!({ "message": "begun" })).await;
    assert_eq!((said.value(), said.stdout.as_slice()), (json!({ "message": "begun" }), &b"begun\n"[..]));
    let warned = tools.ask("log", json!({ "message": "odd", "level": "warn" })).await;
    assert_eq!((warned.stdout.len(), warned.stderr.as_slice()), (0, &b"warn: odd\n"[..]));
    let loud = tools.ask("log", json!({ "message": "x", "level": "loud" })).await;
    assert_eq!(loud.rejected(), "invalid_arguments");
}

#[tokio::test]
async fn consensus_is_asked_like_any_other_operation() {
    let tools = serve("tools").await;
    let position = |name: &str, text: &str| json!({ "participant": name, "position": text, "confidence": 1 });
    let positions = json!([position("a", "Yes"), null, position("b", "yes ")]);
    let value = tools.ask("consensus", json!({ "positions": positions })).await.value();
    assert_eq!((&value["reached"], &value["level"]), (&json!(true), &json!("strong")));
    assert_eq!((&value["score"], &value["absent"]), (&json!(1.0), &json!(1)));
}
