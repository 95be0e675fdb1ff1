//! `clippy` and `review`: the code, judged by its lints. They differ in code that does not compile: for `clippy` that is a
//! failure, for `review` it is what was found.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::Serialize;

use super::arguments::{Clippy, Judge};
use crate::cargo::{Compiled, Diagnostic, Finished, Level, Selection, compile, name, project};
use crate::process::Program;
use crate::review::{Finding, Review, Severity, plural};
use crate::tools::Desk;

/// A review, and the diagnostics that it was made from.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Linted {
    #[serde(flatten)]
    review: Review,
    #[serde(flatten)]
    compiled: Compiled,
}

/// Lints that cost speed or memory: the names of clippy's own group.
type Performance = BTreeSet<String>;

/// Lints the code. Lints that are set to deny are findings; code that does not compile is a failure.
pub(super) async fn clippy(desk: Arc<Desk>, call: Call, mut args: Clippy) -> Result<Linted, Failure> {
    let selection = args.selection();
    let flags: &[&str] =
        if args.fix { &["--keep-going", "--fix", "--allow-no-vcs"] } else { &["--keep-going"] };
    let (finished, linted) = lint(&desk, &call, &selection, flags, &args.lints).await?;
    if linted.compiled.diagnostics.iter().any(Diagnostic::is_fatal) {
        finished.check()?;
    }
    Ok(linted)
}

/// Reviews the code. Errors are findings, be they of the language or of lints that are set to deny.
pub(super) async fn review(desk: Arc<Desk>, call: Call, mut args: Judge) -> Result<Linted, Failure> {
    let selection = args.selection();
    lint(&desk, &call, &selection, &["--keep-going"], &args.lints).await.map(|(_, linted)| linted)
}

/// Runs clippy and judges what it says. `--keep-going`: a crate with a denied lint must not hide the crates that do not
/// depend on it.
async fn lint(
    desk: &Desk,
    call: &Call,
    selection: &Selection,
    flags: &[&str],
    wanted: &[String],
) -> Result<(Finished, Linted), Failure> {
    let mut lints = Vec::new();
    for lint in wanted {
        name(lint, "a lint")?;
        lints.extend(["-W".to_owned(), lint.clone()]);
    }
    // Asked before, so that the exit code in the evidence is that of the review.
    let group = performance(desk, call, &project(desk, &selection.path)?).await?;
    let finished = compile(desk, call, selection, "clippy", flags, &lints).await?;
    let compiled = finished.compiled();
    if compiled.counts.errors == 0 {
        finished.check()?;
    }
    let is_broken = compiled.diagnostics.iter().any(Diagnostic::is_fatal);
    let review = if is_broken { broken(&compiled) } else { judged(&finished, &compiled, group.as_ref()) };
    Ok((finished, Linted { review, compiled }))
}

/// Asks clippy which lints are about performance; `None` if it does not say.
async fn performance(desk: &Desk, call: &Call, project: &Path) -> Result<Option<Performance>, Failure> {
    let program = Program::new(&desk.settings, "clippy-driver", project).args(["-W", "help"]);
    let Ok(mut running) = program.start(call) else { return Ok(None) };
    while running.next().await.is_some() {}
    Ok(group(&running.end().await?.stdout.text()))
}

/// The group as `clippy-driver -W help` lists it: `clippy::perf  clippy::one-lint, clippy::other-lint`.
fn group(help: &str) -> Option<Performance> {
    let list = help.lines().find_map(|line| line.trim().strip_prefix("clippy::perf "))?;
    Some(list.split(',').map(|lint| lint.trim().replace('-', "_")).collect())
}

/// Of code that does not compile, nothing passes: lints look only at code that does.
fn broken(compiled: &Compiled) -> Review {
    let mut review = Review::default();
    review.saw("what compiles, with clippy");
    review
        .verdict("the code compiles", compiled.diagnostics.iter().map(|told| finding(told, false)).collect());
    review.skipped("lints", "the code does not compile; mend its errors and review it again");
    review.measure("errors", compiled.counts.errors);
    review.measure("warnings", compiled.counts.warnings);
    review.conclude("clippy")
}

fn judged(finished: &Finished, compiled: &Compiled, group: Option<&Performance>) -> Review {
    let mut review = Review::default();
    let packages = finished.messages.packages.len();
    review.saw(format!(
        "{} with clippy ({})",
        plural(packages, "crate"),
        plural(finished.messages.targets, "target")
    ));
    let findings = |level: fn(&Diagnostic, bool) -> bool| -> Vec<Finding> {
        let told = compiled.diagnostics.iter().map(|told| (told, is_slow(told, group)));
        told.filter(|(told, slow)| level(told, *slow)).map(|(told, slow)| finding(told, slow)).collect()
    };
    review.verdict("no lint that is set to deny", findings(|told, _| told.severity == Level::Error));
    review.verdict(
        "no other warning of the compiler or of clippy",
        findings(|told, slow| told.severity != Level::Error && !slow),
    );
    match group {
        Some(_) => review
            .verdict("no performance lint", findings(|told, slow| told.severity != Level::Error && slow)),
        None => review.skipped("performance lints", "clippy-driver did not say which lints these are"),
    }
    if compiled.counts.errors > 0 {
        review.skipped(
            "crates behind denied lints",
            "what depends on a crate with a denied lint was not compiled",
        );
    }
    if compiled.counts.left_out > 0 {
        review
            .skipped("diagnostics", format!("{} more than are kept were left out", compiled.counts.left_out));
    }
    review.measure("errors", compiled.counts.errors);
    review.measure("warnings", compiled.counts.warnings);
    review.measure("crates", packages);
    review.conclude("clippy")
}

fn is_slow(told: &Diagnostic, group: Option<&Performance>) -> bool {
    told.code.as_ref().zip(group).is_some_and(|(code, group)| group.contains(code))
}

fn finding(told: &Diagnostic, slow: bool) -> Finding {
    let severity = match told.severity {
        Level::Error => Severity::High,
        Level::Warning if slow => Severity::Medium,
        Level::Warning => Severity::Low,
        Level::Note => Severity::Info,
    };
    Finding {
        file: told.file.clone(),
        line: told.line,
        column: told.column,
        evidence: told.evidence.clone(),
        suggestion: told.suggestion.clone(),
        ..Finding::new(severity, told.code.as_deref().unwrap_or("compiler"), told.message.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(severity: Level, code: Option<&str>) -> Diagnostic {
        Diagnostic {
            severity,
            file: Some("src/lib.rs".into()),
            line: Some(1),
            column: None,
            code: code.map(str::to_owned),
            message: "m".into(),
            evidence: None,
            suggestion: None,
        }
    }

    #[test]
    fn the_group_is_read_off_the_help_of_clippy() {
        let help =
            "   clippy::all  clippy::eq-op\n   clippy::perf  clippy::useless-vec, clippy::box-collection\n";
        let group = group(help).unwrap();
        assert_eq!(group.into_iter().collect::<Vec<_>>(), ["clippy::box_collection", "clippy::useless_vec"]);
        assert!(super::group("no such list").is_none());
    }

    #[test]
    fn severity_follows_level_and_group() {
        let group = Some(Performance::from(["clippy::useless_vec".to_owned()]));
        let severity = |level, code| {
            let told = told(level, code);
            finding(&told, is_slow(&told, group.as_ref())).severity
        };
        assert_eq!(severity(Level::Error, Some("clippy::eq_op")), Severity::High);
        assert_eq!(severity(Level::Warning, Some("clippy::useless_vec")), Severity::Medium);
        assert_eq!(severity(Level::Warning, Some("dead_code")), Severity::Low);
        assert_eq!(severity(Level::Note, None), Severity::Info);
    }

    #[test]
    fn a_finding_without_a_lint_is_the_compilers() {
        assert_eq!(finding(&told(Level::Warning, None), false).rule, "compiler");
    }
}
