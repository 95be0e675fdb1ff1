//! The main job, from the command line to the report.

use op_tests::support::fixture::Fixture;
use op_tests::support::{Ended, Place};
use serde_json::Value;

use crate::plans::{WAIT, gate, is_waiting, plan};

/// The rule that unsafe code without a reason breaks.
const UNSAFE: &str = "undocumented_unsafe";

/// Reviews a folder below `work`, with no daemon running.
async fn review(place: &Place, folder: &str, more: &[&str]) -> Ended {
    let path = format!("path={folder}");
    place.op(&[&["run", "code_review", &path], more].concat()).await
}

fn report(ended: &Ended) -> Value {
    ended.json()["output"].clone()
}

/// `FILE:LINE` of each finding by this rule.
fn places(report: &Value, rule: &str) -> Vec<String> {
    let findings = report["findings"].as_array().expect("findings");
    let of_rule = findings.iter().filter(|finding| finding["rule"] == rule);
    of_rule
        .map(|finding| format!("{}:{}", finding["file"].as_str().unwrap_or("?"), finding["line"]))
        .collect()
}

#[tokio::test]
async fn a_review_reports_findings_with_their_places_what_passed_what_was_not_checked_and_how_long_it_took() {
    let place = Place::new();
    Fixture::Dirty.write(&place, "dirty");
    let ended = review(&place, "dirty", &[]).await.code(0);
    ended.says(&[
        "Checked",
        "Findings",
        "src/lib.rs:4",
        "src/lib.rs:8",
        "Passed",
        "Not checked",
        "advisories",
    ]);
    ended.says(&["security_review", "arch_review", "performance_review", "report", "completed in"]);
    assert!(!ended.stdout.contains("AKIAQ3EGUV5RXK7PT2WN"), "the secret itself is never printed");
    place.is_quiet().await;
}

#[tokio::test]
async fn a_review_as_json_holds_the_same_as_the_report_for_people() {
    let place = Place::new();
    Fixture::Dirty.write(&place, "dirty");
    let ended = review(&place, "dirty", &["--json"]).await.code(0);
    let (whole, report) = (ended.json(), report(&ended));
    assert_eq!(whole["run"]["state"], "completed");
    assert_eq!(report["kind"], "report");
    assert_eq!(places(&report, UNSAFE), ["src/lib.rs:8"], "{report:#}");
    for key in ["checked", "passed", "unchecked", "reviews"] {
        assert!(!report[key].as_array().expect(key).is_empty(), "{key}");
    }
    for phase in whole["run"]["phases"].as_array().expect("phases") {
        assert_eq!(phase["state"], "succeeded", "{phase:#}");
        assert!(phase["seconds"].as_f64().is_some_and(|seconds| seconds > 0.0), "{phase:#}");
    }
    assert!(!ended.stdout.contains("AKIAQ3EGUV5RXK7PT2WN"), "the secret itself is never printed");
}

#[tokio::test]
async fn a_clean_workspace_has_no_findings_of_weight() {
    let place = Place::new();
    Fixture::Clean.write(&place, "clean");
    let report = report(&review(&place, "clean", &["--json"]).await.code(0));
    for severity in ["critical", "high", "medium"] {
        assert_eq!(report["counts"][severity], 0, "{report:#}");
    }
}

#[tokio::test]
async fn two_reviews_side_by_side_with_folders_of_their_own_do_not_meet() {
    let (left, right) = (Place::new(), Place::new());
    Fixture::Clean.write(&left, "left");
    Fixture::Dirty.write(&right, "right");
    let (left, right) =
        tokio::join!(review(&left, "left", &["--json"]), review(&right, "right", &["--json"]));
    let (left, right) = (report(&left.code(0)), report(&right.code(0)));
    assert_ne!(left["findings"], right["findings"]);
}

#[tokio::test]
async fn a_second_host_on_the_same_journal_is_refused_with_the_number_of_the_first() {
    let place = Place::new();
    plan(&place, "wait", "", &[WAIT]);
    let gate = gate(&place);
    let first = place.start(&["run", "wait"]);
    let pid = first.id().expect("it runs");
    is_waiting(&place).await;
    let second = place.op(&["run", "wait"]).await.code(1);
    second.says(&[&pid.to_string()]);
    gate.open();
    Ended::of(first).await.code(0);
}

#[tokio::test]
async fn a_folder_that_is_no_cargo_project_is_reviewed_as_far_as_it_goes() {
    let place = Place::new();
    place.write("work/notes/README.md", "# Notes\n");
    let ended = review(&place, "notes", &["--json"]).await.code(0);
    let report = report(&ended);
    let unchecked = report["unchecked"].to_string();
    assert!(unchecked.contains("Cargo.toml") || unchecked.contains("cargo"), "{report:#}");
    assert!(!report["checked"].as_array().expect("checked").is_empty(), "{report:#}");
}

#[tokio::test]
async fn a_workspace_that_does_not_compile_is_reviewed_with_its_errors() {
    let place = Place::new();
    Fixture::Broken.write(&place, "broken");
    let report = report(&review(&place, "broken", &["--json"]).await.code(0));
    let told = format!("{}{}", report["findings"], report["unchecked"]);
    assert!(told.contains("mismatched types") || told.contains("compile"), "{report:#}");
}

#[tokio::test]
async fn tests_that_fail_are_a_failed_call_with_their_names() {
    let place = Place::new();
    Fixture::Failing.write(&place, "failing");
    let ended = place.op(&["call", "rust_pro.test", "path=failing"]).await.code(3);
    ended.says(&["one_and_one_is_three"]);
}
