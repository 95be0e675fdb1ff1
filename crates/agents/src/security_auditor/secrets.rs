//! Secrets that were left in the files of a repository.
//!
//! **The secret itself is never shown.** A finding names its kind, its place and its length, and of tokens whose format
//! is public (`ghp_...`) at most the four letters that every token of that kind begins with.

mod entropy;
mod pattern;

use std::ops::Range;

use pattern::{Match, PATTERNS};

use crate::review::{Finding, Review, Severity, Unchecked, plural};
use crate::source::{Area, File, Pace, Repository, Stopped, Unit};

/// How many findings of one file are listed. A file with more is a dump, and its first lines say so.
const LISTED: usize = 50;

/// Files of hashes that tools write; what looks random in them is no secret.
const LOCKFILES: [&str; 14] = [
    "Cargo.lock",
    "Gemfile.lock",
    "Pipfile.lock",
    "bun.lock",
    "composer.lock",
    "deno.lock",
    "flake.lock",
    "go.sum",
    "package-lock.json",
    "pdm.lock",
    "pnpm-lock.yaml",
    "poetry.lock",
    "uv.lock",
    "yarn.lock",
];

/// Searches every text file of `repository`.
pub(super) fn check(repository: &Repository, pace: &Pace<'_>, review: &mut Review) -> Result<(), Stopped> {
    let (mut searched, mut binary, mut findings) = (0_usize, 0_usize, Vec::new());
    let files: Vec<&File> =
        repository.files.iter().filter(|file| !LOCKFILES.contains(&file.name())).collect();
    for (index, file) in files.iter().enumerate() {
        pace.step(index, files.len(), "searching for secrets")?;
        match repository.text(&file.path) {
            Ok(Some(text)) => {
                searched += 1;
                findings.extend(search(file, &text, review));
            }
            Ok(None) => binary += 1,
            Err(error) => review.skipped(&file.path, format!("cannot be read: {error}")),
        }
    }
    review.saw(format!(
        "{} searched for secrets in {} formats",
        plural(searched, "text file"),
        PATTERNS.len()
    ));
    review.measure("searched_files", searched);
    review.measure("binary_files", binary);
    review.measure("secrets", findings.len());
    if searched == 0 {
        review.skipped("secrets", "there is no text file in the path");
    } else {
        review.verdict("no secrets in the files", findings);
    }
    Ok(())
}

/// The secrets of one file.
fn search(file: &File, text: &str, review: &mut Review) -> Vec<Finding> {
    let mut matches = pattern::matches(file, text);
    if matches.len() > LISTED {
        let more = matches.len() - LISTED;
        review.unchecked.push(Unchecked::new(
            &file.path,
            format!("{more} more likely secrets in this file are not listed"),
        ));
        matches.truncate(LISTED);
    }
    if matches.is_empty() {
        return Vec::new();
    }
    let places: Vec<(u32, u32)> = matches.iter().map(|found| place(text, &found.range)).collect();
    let lowered = in_tests(file, text, &places);
    matches
        .iter()
        .zip(places)
        .zip(lowered)
        .map(|((found, place), lowered)| finding(file, found, place, lowered))
        .collect()
}

fn finding(file: &File, found: &Match, (line, column): (u32, u32), lowered: bool) -> Finding {
    let severity = if lowered { found.severity.lowered() } else { found.severity };
    let hint = if lowered { " (in a test or an example)" } else { "" };
    Finding::new(severity, found.kind, format!("{} is written in the file{hint}", found.name))
        .at(&file.path, line)
        .column(column)
        .evidence(found.evidence())
        .suggest(advice(severity))
}

fn advice(severity: Severity) -> &'static str {
    if severity <= Severity::High {
        "revoke it first: it stays in the history of the repository; then read it from a file or the environment"
    } else {
        "make sure that it opens nothing, or read it from a file or the environment"
    }
}

/// Which of `places` lie in tests or examples: all in a file of that kind, some in a Rust file with tests at its foot.
fn in_tests(file: &File, text: &str, places: &[(u32, u32)]) -> Vec<bool> {
    if file.area != Area::Source {
        return vec![true; places.len()];
    }
    if !file.is_rust() {
        return vec![false; places.len()];
    }
    let tests = match Unit::parse(file, text) {
        Ok(unit) => {
            places.iter().map(|(line, _)| unit.is_test(*line) || is_documented(text, *line)).collect()
        }
        Err(_) => vec![false; places.len()],
    };
    proc_macro2::extra::invalidate_current_thread_spans();
    tests
}

/// Whether `line` is documentation, which shows how something looks.
fn is_documented(text: &str, line: u32) -> bool {
    let line = text.lines().nth(line.saturating_sub(1) as usize).unwrap_or_default().trim_start();
    line.starts_with("///") || line.starts_with("//!")
}

/// The line and column where `range` begins, counted from 1.
fn place(text: &str, range: &Range<usize>) -> (u32, u32) {
    let before = &text[..range.start];
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}

/// Secrets for tests. Each is put together while the test runs, so that no scanner finds it in this source.
#[cfg(test)]
pub(super) mod fixture {
    /// A token in the format of GitHub.
    pub(in super::super) fn github() -> String {
        ["gh", "p_", "a8Kd02LsmQx7Vb31TzRn", "9cYw6Hf4Ee5Uj0Pi"].concat()
    }

    /// A key id in the format of AWS.
    pub(in super::super) fn aws() -> String {
        ["AK", "IA", "QX7VB31TZRN9CYW6"].concat()
    }

    /// The base64 body of a private key.
    pub(in super::super) fn key_body() -> String {
        ["MIIEpAIBAAKCAQEA7bq", "w9dK2mXv4Lr8sTzPq1Yc6"].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::fixture::repository;

    fn review(files: &[(&str, &str)]) -> Review {
        let (_dir, repository) = repository(files);
        let mut review = Review::default();
        check(&repository, &Pace::free(), &mut review).unwrap();
        review.conclude("secrets")
    }

    #[test]
    fn a_secret_is_found_at_its_place_and_never_shown() {
        let (github, aws) = (fixture::github(), fixture::aws());
        let review = review(&[("deploy.sh", &format!("#!/bin/sh\nexport A={github}\n  key: {aws}\n"))]);
        let found: Vec<_> =
            review.findings.iter().map(|f| (f.rule.as_str(), f.severity, f.line, f.column)).collect();
        assert_eq!(
            found,
            [
                ("github_token", Severity::Critical, Some(2), Some(10)),
                ("aws_access_key_id", Severity::High, Some(3), Some(8))
            ]
        );
        assert_eq!(review.findings[0].evidence.as_deref(), Some("40 characters, begins with ghp_"));
        let shown = serde_json::to_string(&review).unwrap();
        for secret in [&github, &aws] {
            assert!(
                !shown.contains(secret.as_str())
                    && !shown.contains(&secret[4..])
                    && !shown.contains(&secret[..6])
            );
        }
    }

    #[test]
    fn a_secret_in_a_test_or_example_weighs_less() {
        let line = format!("let token = \"{}\";", fixture::github());
        let rust = format!("fn a() {{ {line} }}\n#[cfg(test)]\nmod tests {{\n    fn b() {{ {line} }}\n}}\n");
        let review =
            review(&[("src/a.rs", &rust), ("tests/fixtures/b.txt", &line), ("examples/c.rs", &line)]);
        let found: Vec<_> = review
            .findings
            .iter()
            .map(|f| (f.severity, f.file.as_deref().unwrap(), f.line.unwrap()))
            .collect();
        assert_eq!(
            found,
            [
                (Severity::Critical, "src/a.rs", 1),
                (Severity::Medium, "examples/c.rs", 1),
                (Severity::Medium, "src/a.rs", 4),
                (Severity::Medium, "tests/fixtures/b.txt", 1)
            ]
        );
    }

    #[test]
    fn a_secret_in_documentation_weighs_less_and_in_a_comment_as_much() {
        let token = fixture::github();
        let review = review(&[("src/a.rs", &format!("/// Like {token}.\nfn a() {{}}\n// {token}\n"))]);
        let found: Vec<_> = review.findings.iter().map(|f| (f.severity, f.line.unwrap())).collect();
        assert_eq!(found, [(Severity::Critical, 3), (Severity::Medium, 1)]);
    }

    #[test]
    fn lockfiles_and_binary_files_are_not_searched() {
        let line = format!("token = \"{}\"", fixture::github());
        let review =
            review(&[("package-lock.json", &line), ("a.bin", &format!("\0{line}")), ("b.txt", "nothing")]);
        assert_eq!(review.findings, []);
        assert_eq!(review.passed, ["no secrets in the files"]);
        assert_eq!(
            (&review.metrics["searched_files"], &review.metrics["binary_files"]),
            (&1.into(), &1.into())
        );
    }

    #[test]
    fn a_dump_of_secrets_is_listed_in_part_and_counted() {
        let review = review(&[("dump.txt", &format!("{}\n", fixture::github()).repeat(80))]);
        assert_eq!(review.findings.len(), LISTED);
        assert!(review.unchecked[0].reason.starts_with("30 more likely secrets"));
    }

    #[test]
    fn an_empty_directory_has_not_passed() {
        let review = review(&[]);
        assert!(review.passed.is_empty());
        assert_eq!(review.unchecked[0].check, "secrets");
    }
}
