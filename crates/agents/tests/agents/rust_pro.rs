use serde_json::{Value, json};

use crate::support::{Answer, Served, serve};

const MANIFEST: &str =
    "[package]\nname = \"sample\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[features]\nextra = []\n";

async fn project(lib: &str) -> Served {
    let agent = serve("rust_pro").await;
    agent.put("Cargo.toml", MANIFEST);
    agent.put("src/lib.rs", lib);
    agent
}

async fn ask(agent: &Served, operation: &str, arguments: Value) -> Answer {
    agent.ask(operation, arguments).await
}

#[tokio::test]
async fn a_package_that_compiles_is_checked_with_its_warnings_streamed_once() {
    let agent = project("fn unused() {}\n").await;
    let answer = ask(&agent, "check", json!({ "path": ".", "all_targets": true })).await;
    let value = answer.value();
    assert_eq!(value["counts"], json!({ "errors": 0, "warnings": 1, "left_out": 0 }));
    let warning = &value["diagnostics"][0];
    assert_eq!((&warning["severity"], &warning["code"]), (&json!("warning"), &json!("dead_code")));
    assert_eq!(
        (&warning["file"], &warning["line"], &warning["column"]),
        (&json!("src/lib.rs"), &json!(1), &json!(4))
    );
    assert_eq!(answer.text().matches("function `unused` is never used").count(), 1, "{}", answer.text());
    assert_eq!(answer.evidence.exit_code, Some(0));
}

#[tokio::test]
async fn a_package_that_does_not_compile_is_a_failure_with_its_diagnostics() {
    let agent = project("pub fn wrong() -> u8 { \"text\" }\n").await;
    for operation in ["check", "build", "test", "clippy", "doc"] {
        let answer = ask(&agent, operation, json!({})).await;
        if operation == "doc" {
            // rustdoc does not look into functions.
            assert_eq!(answer.value()["counts"]["errors"], 0);
            continue;
        }
        let (reason, detail) = answer.failed();
        assert_eq!(reason, "build_failed", "{operation}");
        assert_eq!(detail["diagnostics"][0]["code"], "E0308", "{operation}");
        assert_eq!(detail["diagnostics"][0]["line"], 1, "{operation}");
        assert_eq!(answer.evidence.exit_code, Some(101), "{operation}");
    }
}

#[tokio::test]
async fn a_build_names_its_programs_and_follows_its_arguments() {
    let agent = project("#[cfg(feature = \"extra\")] compile_error!(\"extra is on\");\n").await;
    agent.put("src/main.rs", "fn main() {}\n");
    let built = ask(&agent, "build", json!({ "release": true, "target_dir": "out/deep" })).await.value();
    let program = agent.root.join("out/deep/release/sample");
    assert_eq!(built["executables"], json!([program]));
    assert!(program.is_file());
    for on in [json!({ "features": ["extra"] }), json!({ "all_features": true })] {
        let answer = ask(&agent, "build", on).await;
        assert!(answer.failed().1["diagnostics"][0]["message"].as_str().unwrap().contains("extra is on"));
    }
    assert_eq!(ask(&agent, "build", json!({ "target_dir": "../out" })).await.rejected(), "outside_roots");
    let answer = ask(&agent, "build", json!({ "package": "--help" })).await;
    assert_eq!(answer.failed().0, "cargo_failed", "a value is not taken for a flag");
}

#[tokio::test]
async fn tests_are_counted_and_a_failing_one_is_named() {
    let agent = project(
        "#[test] fn good() {}\n#[test] #[ignore] fn later() {}\n#[test] fn bad() { assert_eq!(1, 2); }\n",
    )
    .await;
    agent.put("tests/more.rs", "#[test] fn also_good() {}\n");
    let answer = ask(&agent, "test", json!({})).await;
    let (reason, detail) = answer.failed();
    assert_eq!(reason, "tests_failed");
    assert_eq!(detail["tests"], json!({ "passed": 2, "failed": 1, "ignored": 1, "failures": ["bad"] }));
    assert!(detail["output"].as_str().unwrap().contains("left: 1"), "{detail}");
    assert!(answer.text().contains("test bad ... FAILED"));
    let value = ask(&agent, "test", json!({ "filter": "good" })).await.value();
    assert_eq!(value["tests"], json!({ "passed": 2, "failed": 0, "ignored": 0, "failures": [] }));
    assert_eq!(ask(&agent, "test", json!({ "filter": "--list" })).await.rejected(), "invalid_arguments");
}

#[tokio::test]
async fn a_program_runs_with_its_arguments_and_its_exit_code_decides() {
    let agent = project("").await;
    agent.put(
        "src/main.rs",
        "fn main() {\n    let args: Vec<String> = std::env::args().skip(1).collect();\n    println!(\"{args:?}\");\n    \
         std::process::exit(if args.is_empty() { 9 } else { 0 });\n}\n",
    );
    let answer = ask(&agent, "run", json!({ "args": ["a", "--release"] })).await;
    assert_eq!(answer.value()["stdout"], "[\"a\", \"--release\"]\n");
    assert_eq!(answer.stdout, b"[\"a\", \"--release\"]\n");
    let answer = ask(&agent, "run", json!({})).await;
    let (reason, detail) = answer.failed();
    assert_eq!((reason, &detail["exit_code"], &detail["stdout"]), ("exit_status", &json!(9), &json!("[]\n")));
    assert_eq!(ask(&agent, "run", json!({ "all_targets": true })).await.rejected(), "invalid_arguments");
}

#[tokio::test]
async fn a_benchmark_runs_and_its_output_is_kept() {
    let agent = project("").await;
    agent.put("Cargo.toml", &format!("{MANIFEST}[[bench]]\nname = \"speed\"\nharness = false\n"));
    agent.put(
        "benches/speed.rs",
        "fn main() {\n    println!(\"test speed ... bench:       1,250 ns/iter (+/- 50)\");\n}\n",
    );
    let value = ask(&agent, "bench", json!({})).await.value();
    assert_eq!(value["benches"], json!([{ "name": "speed", "nanos": 1250.0, "deviation": 50.0 }]));
    agent.put("benches/speed.rs", "fn main() { panic!(\"too slow\") }\n");
    let answer = ask(&agent, "bench", json!({})).await;
    assert_eq!(answer.failed().0, "bench_failed");
}

#[tokio::test]
async fn clippy_is_a_review_in_which_performance_weighs_more() {
    let agent =
        project("pub fn sum() -> u32 {\n    let unused = 1;\n    vec![1, 2, 3].iter().sum()\n}\n").await;
    let value = ask(&agent, "clippy", json!({})).await.value();
    let seen: Vec<_> = value["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            (
                finding["severity"].as_str().unwrap(),
                finding["rule"].as_str().unwrap(),
                finding["line"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(seen, [("medium", "clippy::useless_vec", 3), ("low", "unused_variables", 2)]);
    assert_eq!(value["findings"][0]["file"], "src/lib.rs");
    assert!(value["findings"][0]["suggestion"].as_str().unwrap().contains("[1, 2, 3]"));
    assert_eq!(value["checked"], json!(["1 crate with clippy (1 target)"]));
    assert_eq!(value["passed"], json!(["no lint that is set to deny"]));
    assert_eq!(value["counts"]["warnings"], 2);
    let lints = json!({ "lints": ["clippy::must_use_candidate"] });
    let value = ask(&agent, "clippy", lints).await.value();
    assert!(value["findings"].as_array().unwrap().iter().any(|f| f["rule"] == "clippy::must_use_candidate"));
    assert_eq!(
        ask(&agent, "clippy", json!({ "lints": ["--cap-lints"] })).await.rejected(),
        "invalid_arguments"
    );
}

#[tokio::test]
async fn a_denied_lint_is_a_finding_and_code_that_is_clean_passes() {
    let agent = project("pub fn same(x: u32) -> bool {\n    x == x\n}\n").await;
    let answer = ask(&agent, "clippy", json!({})).await;
    assert_eq!(answer.evidence.exit_code, Some(101));
    let value = answer.value();
    assert_eq!(
        (&value["findings"][0]["severity"], &value["findings"][0]["rule"]),
        (&json!("high"), &json!("clippy::eq_op"))
    );
    assert_eq!(value["unchecked"][0]["check"], "crates behind denied lints");
    agent.put("src/lib.rs", "//! Clean.\n");
    let value = ask(&agent, "clippy", json!({})).await.value();
    assert_eq!((&value["findings"], value["passed"].as_array().unwrap().len()), (&json!([]), 3));
    assert_eq!(value["summary"], "clippy: no findings");
}

#[tokio::test]
async fn code_that_does_not_compile_is_reviewed_by_its_errors_and_nothing_passes() {
    let agent = project("pub fn same() -> u32 {\n    \"x\"\n}\n").await;
    let value = ask(&agent, "review", json!({})).await.value();
    let finding = &value["findings"][0];
    assert_eq!(
        (&finding["severity"], &finding["rule"], &finding["file"], &finding["line"]),
        (&json!("high"), &json!("E0308"), &json!("src/lib.rs"), &json!(2))
    );
    assert_eq!((&value["passed"], &value["unchecked"][0]["check"]), (&json!([]), &json!("lints")));
}

#[tokio::test]
async fn clippy_applies_what_it_is_sure_of() {
    let agent = project("pub fn first(list: &[u8]) -> Option<&u8> {\n    return list.get(0);\n}\n").await;
    let _ = ask(&agent, "clippy", json!({ "fix": true })).await.value();
    let text = std::fs::read_to_string(agent.root.join("src/lib.rs")).unwrap();
    assert!(text.contains("list.first()") && !text.contains("return"), "{text}");
}

#[tokio::test]
async fn formatting_is_checked_and_only_done_when_asked_for() {
    let agent = project("pub fn a( ) { }\n").await;
    let answer = ask(&agent, "fmt", json!({})).await;
    let (reason, detail) = answer.failed();
    assert_eq!((reason, &detail["files"]), ("not_formatted", &json!(["src/lib.rs"])));
    assert_eq!(std::fs::read_to_string(agent.root.join("src/lib.rs")).unwrap(), "pub fn a( ) { }\n");
    assert_eq!(
        ask(&agent, "fmt", json!({ "fix": true })).await.value(),
        json!({ "changed": ["src/lib.rs"] })
    );
    assert_eq!(std::fs::read_to_string(agent.root.join("src/lib.rs")).unwrap(), "pub fn a() {}\n");
    assert_eq!(ask(&agent, "fmt", json!({})).await.value(), json!({ "changed": [] }));
    agent.put("src/lib.rs", "pub fn {\n");
    assert_eq!(ask(&agent, "fmt", json!({})).await.failed().0, "fmt_failed");
}

#[tokio::test]
async fn documentation_is_built_and_its_warnings_are_told() {
    let agent = project("//! See [`Missing`].\n").await;
    let value = ask(&agent, "doc", json!({})).await.value();
    assert_eq!(value["diagnostics"][0]["code"], "rustdoc::broken_intra_doc_links");
    assert!(agent.root.join("target/doc/sample/index.html").is_file());
}

#[tokio::test]
async fn the_tools_tell_their_versions() {
    let agent = serve("rust_pro").await;
    let value = ask(&agent, "version", json!({})).await.value();
    assert!(value["cargo"].as_str().unwrap().starts_with("cargo 1."), "{value}");
    assert!(value["rustc"].as_str().unwrap().starts_with("rustc 1."), "{value}");
}

#[tokio::test]
async fn a_directory_without_a_manifest_is_no_project() {
    let agent = serve("rust_pro").await;
    agent.put("src/lib.rs", "");
    for operation in ["check", "build", "test", "clippy", "fmt", "doc", "run", "bench"] {
        let answer = ask(&agent, operation, json!({ "path": "." })).await;
        assert_eq!(answer.rejected(), "not_a_cargo_project", "{operation}");
        assert_eq!(
            ask(&agent, operation, json!({ "path": ".." })).await.rejected(),
            "outside_roots",
            "{operation}"
        );
    }
}

#[tokio::test]
async fn dependencies_that_cannot_be_had_are_a_failure_of_their_own() {
    let agent = project("").await;
    agent.put("Cargo.toml", &format!("{MANIFEST}[dependencies]\ngone = {{ path = \"gone\" }}\n"));
    assert_eq!(ask(&agent, "check", json!({})).await.failed().0, "dependencies_unavailable");
    // A registry at a port where nobody listens: a machine without a network.
    agent.put(
        ".cargo/config.toml",
        "[source.crates-io]\nreplace-with = \"nowhere\"\n[source.nowhere]\nregistry = \"sparse+http://127.0.0.1:1/\"\n\
         [net]\nretry = 0\n",
    );
    agent.put("Cargo.toml", &format!("{MANIFEST}[dependencies]\nserde = \"1\"\n"));
    for operation in ["check", "clippy"] {
        let answer = ask(&agent, operation, json!({})).await;
        assert_eq!(answer.failed().0, "dependencies_unavailable", "{:?}", answer.outcome);
    }
}

#[tokio::test]
async fn a_manifest_that_cargo_refuses_is_told_in_its_words() {
    let agent = project("").await;
    agent.put("Cargo.toml", "[package]\nversion = \"0.1.0\"\n");
    let answer = ask(&agent, "build", json!({})).await;
    let (reason, detail) = answer.failed();
    assert_eq!(reason, "cargo_failed");
    assert!(detail["stderr"].as_str().unwrap().contains("name"), "{detail}");
}

#[tokio::test]
async fn a_test_that_hangs_is_ended_by_its_time_limit() {
    let agent = project("#[test] fn hangs() { loop { std::thread::park() } }\n").await;
    let answer = ask(&agent, "test", json!({ "timeout_secs": 8 })).await;
    assert_eq!(answer.failed().0, "timed_out");
}
