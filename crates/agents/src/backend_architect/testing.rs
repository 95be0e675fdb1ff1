//! How much of each crate is tests.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::survey::Survey;
use crate::review::{Finding, Severity};
use crate::source::{Area, Crate, Repository, ratio};

/// A crate with less code than this may be covered by its users' tests alone.
const SMALL: usize = 200;

/// Below one line of tests for nine of code most branches are not visited by any test of the crate.
const LOW_SHARE: f64 = 0.1;

/// The tests of one crate.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct CrateTests {
    /// The crate.
    pub(super) name: String,
    /// Lines of shipped code.
    pub(super) code: usize,
    /// Lines of test code.
    pub(super) test: usize,
    /// How many test functions there are.
    pub(super) cases: usize,
    /// The part of all lines that is tests, from 0 to 1.
    pub(super) share: f64,
    #[serde(skip)]
    manifest: String,
}

/// The tests of every crate that is not itself a test or example.
pub(super) fn crates(repository: &Repository, survey: &Survey) -> Vec<CrateTests> {
    let mut tests: BTreeMap<usize, CrateTests> = BTreeMap::new();
    for facts in survey.files.iter().filter(|facts| !facts.generated) {
        let Some((index, krate)) =
            facts.krate.and_then(|index| Some((index, repository.manifests.crates.get(index)?)))
        else {
            continue;
        };
        if krate.area() != Area::Source {
            continue;
        }
        let entry = tests.entry(index).or_insert_with(|| CrateTests::of(krate));
        entry.code += facts.lines.code;
        entry.test += facts.lines.test;
        entry.cases += facts.functions.iter().filter(|function| function.is_case).count();
    }
    tests.into_values().map(CrateTests::shared).collect()
}

/// Crates with too few tests.
pub(super) fn findings(crates: &[CrateTests]) -> Vec<Finding> {
    crates.iter().filter(|tests| tests.code >= SMALL).filter_map(judge).collect()
}

impl CrateTests {
    fn of(krate: &Crate) -> Self {
        Self {
            name: krate.name.clone(),
            code: 0,
            test: 0,
            cases: 0,
            share: 0.0,
            manifest: krate.manifest.clone(),
        }
    }

    fn shared(mut self) -> Self {
        self.share = (ratio(self.test, self.code + self.test) * 1000.0).round() / 1000.0;
        self
    }
}

fn judge(tests: &CrateTests) -> Option<Finding> {
    let evidence =
        format!("{} lines of code, {} of tests, {} test functions", tests.code, tests.test, tests.cases);
    let finding = if tests.test == 0 && tests.cases == 0 {
        Finding::new(Severity::Medium, "no_tests", format!("the crate {} has no tests", tests.name))
    } else if tests.share < LOW_SHARE {
        Finding::new(Severity::Low, "few_tests", format!("the crate {} has few tests", tests.name))
    } else {
        return None;
    };
    let suggestion = "begin with the functions that decide, and with every bug that was found";
    Some(finding.at(&tests.manifest, 1).evidence(evidence).suggest(suggestion))
}

#[cfg(test)]
mod tests {
    use super::super::survey::fixture::survey;
    use super::*;
    use crate::source::fixture::package;

    fn rules(code: usize, test: usize) -> Vec<String> {
        let tests = "#[test]\nfn t() {}\n".repeat(test / 2);
        let (manifest, code) = (package("x"), "fn a() {}\n".repeat(code));
        let (_dir, repository, survey) =
            survey(&[("Cargo.toml", &manifest), ("src/lib.rs", &code), ("tests/t.rs", &tests)]);
        findings(&crates(&repository, &survey)).into_iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn a_crate_without_tests_is_found_when_it_is_not_small() {
        assert_eq!(rules(200, 0), ["no_tests"]);
        assert!(rules(199, 0).is_empty());
    }

    #[test]
    fn the_share_of_tests_is_judged_by_its_threshold() {
        assert_eq!(rules(200, 20), ["few_tests"]);
        assert!(rules(200, 24).is_empty());
    }

    #[test]
    fn tests_are_counted_inside_and_beside_the_source() {
        let (manifest, text) =
            (package("x"), "fn a() {}\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn t() {}\n}\n");
        let (_dir, repository, survey) = survey(&[
            ("Cargo.toml", &manifest),
            ("src/lib.rs", text),
            ("tests/t.rs", "#[test]\nfn u() {}\n"),
        ]);
        let crates = crates(&repository, &survey);
        assert_eq!((crates[0].code, crates[0].test, crates[0].cases), (1, 7, 2));
        assert!((crates[0].share - 0.875).abs() < 1e-9);
    }

    #[test]
    fn a_crate_of_tests_is_not_asked_for_tests() {
        let (manifest, code) = (package("x"), "fn a() {}\n".repeat(300));
        let (_dir, repository, survey) =
            survey(&[("tests/Cargo.toml", &manifest), ("tests/src/lib.rs", &code)]);
        assert!(crates(&repository, &survey).is_empty());
    }
}
