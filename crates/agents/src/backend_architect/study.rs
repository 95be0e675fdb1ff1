//! All analyses of one repository, and the review that they come to.

use schemars::JsonSchema;
use serde::Serialize;

use super::crates::Crates;
use super::duplicates::Duplicates;
use super::modules::Modules;
use super::panics::Panics;
use super::sizes::Sizes;
use super::surface::{self, CrateSurface};
use super::survey::Survey;
use super::testing::{self, CrateTests};
use super::weight::Weight;
use crate::review::{Finding, Review, Severity, Unchecked, plural};
use crate::source::rust::Pass;
use crate::source::{Pace, Repository, Stopped, ratio};

/// The structure of a repository.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Study {
    crates: Crates,
    modules: Modules,
    sizes: Sizes,
    surface: Vec<CrateSurface>,
    weight: Weight,
    panics: Panics,
    tests: Vec<CrateTests>,
    duplicates: Duplicates,
    #[serde(skip)]
    pass: Pass,
}

/// What a finding takes from the score, by severity: the worse, the more. The numbers are a convention; what they
/// mean is their order.
fn cost(severity: Severity) -> u64 {
    match severity {
        Severity::Critical => 20,
        Severity::High => 10,
        Severity::Medium => 4,
        Severity::Low => 1,
        Severity::Info => 0,
    }
}

/// What one rule takes from the score at most, so that one habit does not drown all other judgements.
const RULE_COST: u64 = 15;

impl Study {
    /// Analyses `repository`.
    pub(super) fn of(repository: &Repository, pace: &Pace<'_>) -> Result<Self, Stopped> {
        let survey = Survey::read(repository, pace)?;
        let study = Self {
            crates: Crates::of(repository, &survey),
            modules: Modules::of(repository, &survey),
            sizes: Sizes::of(&survey),
            surface: surface::crates(repository, &survey),
            weight: Weight::of(repository),
            panics: Panics::of(&survey),
            tests: testing::crates(repository, &survey),
            duplicates: Duplicates::of(&survey),
            pass: survey.pass,
        };
        Ok(study)
    }

    /// The review of `repository`, which this is the study of.
    pub(super) fn review(&self, repository: &Repository) -> Review {
        let mut review = Review::default();
        repository.describe(&mut review);
        review.unchecked.extend(self.pass.failed.iter().cloned());
        self.judge_manifests(repository, &mut review);
        self.judge_sources(repository, &mut review);
        self.measure(&mut review);
        review.measure("score", score(&review.findings));
        review.conclude("architecture")
    }

    /// What can be judged by manifests and lockfiles alone.
    fn judge_manifests(&self, repository: &Repository, review: &mut Review) {
        if repository.manifests.crates.is_empty() {
            let reason =
                "there is no Cargo.toml with a package; crate graphs of other languages are not read";
            review.unchecked.push(Unchecked::new("crate graph", reason));
        } else {
            review.verdict("no circles between crates", self.crates.findings());
        }
        if repository.lockfiles.is_empty() {
            let reason = "there is no Cargo.lock in the path, so nothing says which packages are built";
            review.unchecked.push(Unchecked::new("dependency weight", reason));
        } else {
            review.verdict(
                "no crate brings too many packages, no package is there in three versions",
                self.weight.findings(),
            );
        }
    }

    /// What can be judged only by reading Rust.
    fn judge_sources(&self, repository: &Repository, review: &mut Review) {
        if self.pass.parsed == 0 {
            review.unchecked.push(Unchecked::new("sizes, panics, duplicated code", not_rust(repository)));
            return;
        }
        review.verdict("no file or function is too long", self.sizes.findings());
        review.verdict("shipped code does not panic lightly", self.panics.findings());
        review.verdict("no duplicated code", self.duplicates.findings());
        if repository.manifests.crates.is_empty() {
            let reason = "the Rust files belong to no crate of the path";
            review.unchecked.push(Unchecked::new("modules, public surface, test share", reason));
            return;
        }
        review.verdict("no circles between modules", self.modules.findings());
        review.verdict("public items are documented", surface::findings(&self.surface));
        review.verdict("every crate of some size has tests", testing::findings(&self.tests));
    }

    fn measure(&self, review: &mut Review) {
        let (total, functions, files) = (self.sizes.total, self.sizes.functions, self.sizes.files);
        review.measure("code_lines", total.code);
        review.measure("test_lines", total.test);
        review.measure("comment_lines", total.comment);
        review.measure("test_share", (ratio(total.test, total.code + total.test) * 1000.0).round() / 1000.0);
        review.measure("functions", functions.count);
        review.measure("function_median", functions.median);
        review.measure("function_p90", functions.p90);
        review.measure("function_largest", functions.largest);
        review.measure("file_median", files.median);
        review.measure("file_p90", files.p90);
        review.measure("file_largest", files.largest);
        review.measure("modules", self.modules.count);
        review.measure("module_cycles", self.modules.cycles.len());
        review.measure("crate_edges", self.crates.edges.len());
        review.measure("packages", self.weight.packages);
        review.measure("unwraps", self.panics.unwraps);
        review.measure("expects", self.panics.expects);
        review.measure("unwraps_per_thousand_lines", self.panics.unwraps_per_thousand_lines);
        review.measure("duplicated_lines", self.duplicates.lines);
    }
}

/// 100 less the cost of every finding, each rule counted up to [`RULE_COST`]; never below 0.
fn score(findings: &[Finding]) -> u64 {
    let mut costs = std::collections::BTreeMap::new();
    for finding in findings {
        *costs.entry(finding.rule.as_str()).or_insert(0) += cost(finding.severity);
    }
    100_u64.saturating_sub(costs.values().map(|cost: &u64| *cost.min(&RULE_COST)).sum())
}

/// Why the sources were not read, with what there is instead.
fn not_rust(repository: &Repository) -> String {
    let mut kinds = std::collections::BTreeMap::new();
    for file in &repository.files {
        let name = file.name();
        let kind =
            name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).map_or("other", |(_, kind)| kind);
        *kinds.entry(kind).or_insert(0_usize) += 1;
    }
    let mut kinds: Vec<(&str, usize)> = kinds.into_iter().collect();
    kinds.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let kinds: Vec<String> = kinds.iter().take(5).map(|(kind, count)| format!("{count} {kind}")).collect();
    let rust = repository.rust().count();
    if rust > 0 {
        return format!("none of {} could be parsed", plural(rust, "Rust file"));
    }
    let list = if kinds.is_empty() { "no files".to_owned() } else { kinds.join(", ") };
    format!("only Rust source is analysed, and there is none; the path holds {list}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::fixture::{package, repository};

    fn review(files: &[(&str, &str)]) -> Review {
        let (_dir, repository) = repository(files);
        Study::of(&repository, &Pace::free()).unwrap().review(&repository)
    }

    #[test]
    fn a_clean_crate_passes_every_check_and_scores_full() {
        let (manifest, lock) =
            (package("x"), "version = 4\n\n[[package]]\nname = \"x\"\nversion = \"0.1.0\"\n");
        let review = review(&[
            ("Cargo.toml", &manifest),
            ("Cargo.lock", lock),
            ("src/lib.rs", "//! Doc.\n\n/// Doc.\npub fn a() {}\n"),
        ]);
        assert_eq!(review.findings, []);
        assert_eq!(review.passed.len(), 8);
        assert_eq!(review.unchecked, []);
        assert_eq!(review.metrics["score"], 100);
        assert_eq!(review.checked, ["3 files", "1 Rust file", "1 crate", "Cargo.lock (1 package)"]);
    }

    #[test]
    fn a_repository_without_rust_passes_nothing_and_says_so() {
        let review = review(&[("app.py", "print(1)"), ("lib/b.py", "x"), ("Makefile", "all:")]);
        assert_eq!((review.findings.len(), review.passed.len()), (0, 0));
        assert_eq!(review.unchecked.len(), 3);
        assert!(review.unchecked.iter().any(|entry| entry.reason.ends_with("the path holds 2 py, 1 other")));
    }

    #[test]
    fn a_file_that_does_not_parse_is_unchecked_and_no_error() {
        let review = review(&[("src/a.rs", "fn fn"), ("src/b.rs", "fn b() {}")]);
        assert!(review.unchecked.iter().any(|entry| entry.check == "src/a.rs"));
        assert!(review.passed.contains(&"no duplicated code".to_owned()));
    }

    #[test]
    fn two_reviews_of_one_repository_are_the_same_byte_for_byte() {
        let text = format!("fn a() {{\n{}}}\nfn b() {{ todo!() }}\n", "x.unwrap();\n".repeat(120));
        let files = [("src/a.rs", text.as_str()), ("src/b.rs", text.as_str()), ("src/c.rs", text.as_str())];
        let (_dir, repository) = repository(&files);
        let once = || {
            let study = Study::of(&repository, &Pace::free()).unwrap();
            serde_json::to_string(&(study.review(&repository), &study)).unwrap()
        };
        assert_eq!(once(), once());
    }

    #[test]
    fn a_stopped_study_is_no_study() {
        let (_dir, repository) = repository(&[("a.rs", "")]);
        assert!(Study::of(&repository, &Pace::new(&|| true, &|_, _| {})).is_err());
    }

    #[test]
    fn the_score_falls_by_severity_and_no_rule_drowns_the_others() {
        let finding = |severity, rule| Finding::new(severity, rule, "m");
        assert_eq!(
            score(&[finding(Severity::High, "a"), finding(Severity::Low, "b"), finding(Severity::Info, "c")]),
            89
        );
        assert_eq!(score(&vec![finding(Severity::Low, "a"); 500]), 85);
        let rules = ["a", "b", "c", "d", "e", "f", "g", "h"];
        assert_eq!(score(&rules.map(|rule| finding(Severity::Critical, rule))), 0);
    }
}
