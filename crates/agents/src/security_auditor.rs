//! `security_auditor`: what in a repository is open to attack, read off its files.
//!
//! - `audit`: all checks as one [`Review`]
//! - `secrets`: credentials in files; the secret itself is never shown
//! - `unsafe`: the inventory of unsafe code, and whether each piece says why it is sound
//! - `dependencies`: where packages come from, whether they are pinned, and their known advisories
//!
//! A check that could not run is among what is unchecked, with what would make it run.

use std::path::{Path, PathBuf};

use op_agent::{Agent, Call, Failure, Operation};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::review::Review;
use crate::settings::Settings;
use crate::source::{self, Pace, Repository, Stopped};

mod advisories;
mod cvss;
mod packages;
mod risky;
mod secrets;
mod unsafety;

use risky::Risks;
use unsafety::Unsafety;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Place {
    /// The directory of the repository. A relative path starts at the agent's first root.
    path: String,
}

/// A check of a repository; the path is that of the advisory database.
type Check = fn(&Repository, &Pace<'_>, Option<&Path>) -> Result<Review, Stopped>;

/// Builds the agent.
pub(crate) fn agent(settings: &Settings) -> Agent {
    let read = |name, about| Operation::read(name, about).idempotent().streaming();
    Agent::new("security_auditor", env!("CARGO_PKG_VERSION"))
        .describe_as("Audits a repository: secrets, unsafe code, dependencies, risky calls.")
        .operation(read("audit", "Audits a repository by all checks."), on(settings, audit))
        .operation(
            read("secrets", "Finds credentials in files, without showing them."),
            on(settings, secrets),
        )
        .operation(
            read("unsafe", "Lists unsafe code and what of it gives no reason."),
            on(settings, unsafety),
        )
        .operation(
            read(
                "dependencies",
                "Checks where packages come from, whether they are pinned, and their advisories.",
            ),
            on(settings, dependencies),
        )
}

/// An operation that does `check` on the repository it is given.
fn on(
    settings: &Settings,
    check: Check,
) -> impl Fn(Call, Place) -> std::pin::Pin<Box<dyn Future<Output = Result<Review, Failure>> + Send>>
+ Send
+ Sync
+ 'static {
    let (roots, database): (_, Option<PathBuf>) = (settings.roots(), settings.advisories.clone());
    move |call, place| {
        let database = database.clone();
        let work =
            move |repository: &Repository, pace: &Pace<'_>| check(repository, pace, database.as_deref());
        Box::pin(source::run(call, roots.clone(), place.path, work))
    }
}

fn audit(repository: &Repository, pace: &Pace<'_>, database: Option<&Path>) -> Result<Review, Stopped> {
    let mut review = described(repository);
    secrets::check(repository, pace, &mut review)?;
    let (mut unsafety, mut risks) = (Unsafety::default(), Risks::default());
    let pass = repository.each_rust(pace, |unit| {
        unsafety.add(repository, unit);
        risks.add(unit);
    })?;
    review.unchecked.extend(pass.failed);
    unsafety.conclude(repository, &mut review);
    risks.conclude(&mut review);
    packages::check(repository, &mut review);
    advisories::check(repository, database, &mut review);
    Ok(review.conclude("security"))
}

fn secrets(repository: &Repository, pace: &Pace<'_>, _: Option<&Path>) -> Result<Review, Stopped> {
    let mut review = described(repository);
    secrets::check(repository, pace, &mut review)?;
    Ok(review.conclude("secrets"))
}

fn unsafety(repository: &Repository, pace: &Pace<'_>, _: Option<&Path>) -> Result<Review, Stopped> {
    let mut review = described(repository);
    let mut unsafety = Unsafety::default();
    let pass = repository.each_rust(pace, |unit| unsafety.add(repository, unit))?;
    review.unchecked.extend(pass.failed);
    unsafety.conclude(repository, &mut review);
    Ok(review.conclude("unsafe code"))
}

fn dependencies(
    repository: &Repository,
    pace: &Pace<'_>,
    database: Option<&Path>,
) -> Result<Review, Stopped> {
    pace.step(0, 1, "reading lockfiles")?;
    let mut review = described(repository);
    packages::check(repository, &mut review);
    advisories::check(repository, database, &mut review);
    Ok(review.conclude("dependencies"))
}

fn described(repository: &Repository) -> Review {
    let mut review = Review::default();
    repository.describe(&mut review);
    review
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::Severity;
    use crate::source::fixture::repository;

    /// A repository with the same secrets wherever a check might quote its source.
    fn leaking(token: &str, key: &str) -> Vec<(&'static str, String)> {
        vec![
            (
                "Cargo.toml",
                format!(
                    "[package]\nname = \"x\"\n[dependencies]\na = {{ git = \"https://u:{token}@example.org/a\" }}\n"
                ),
            ),
            (
                "Cargo.lock",
                format!(
                    "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"git+https://u:{token}@example.org/a?k={token}#1\"\n"
                ),
            ),
            (
                "src/lib.rs",
                format!(
                    "fn a() {{\n    get(\"http://u:{token}@insecure.io/{token}\");\n    Command::new(\"sh\").arg(\"-c\").arg(format!(\"curl {token} {{x}}\"));\n    format!(\"SELECT '{token}' FROM t WHERE x = {{x}}\");\n    unsafe {{ b(\"{token}\") }}\n}}\n"
                ),
            ),
            ("id_rsa", format!("-----BEGIN RSA PRIVATE KEY-----\n{key}\n-----END RSA PRIVATE KEY-----\n")),
            (
                ".env",
                format!(
                    "DB_PASSWORD=Tr0ub4dor&3\nURL=postgres://u:Tr0ub4dor&3@db.internal/x\nTOKEN={token}\n"
                ),
            ),
            ("broken.rs", format!("fn fn \"{token}\" {token}")),
        ]
    }

    fn borrowed<'a>(files: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
        files.iter().map(|(path, text)| (*path, text.as_str())).collect()
    }

    #[test]
    fn no_check_shows_a_secret_that_it_or_another_one_found() {
        let (token, key) = (secrets::fixture::github(), secrets::fixture::key_body());
        let files = leaking(&token, &key);
        let (_dir, repository) = repository(&borrowed(&files));
        let review = audit(&repository, &Pace::free(), None).unwrap();
        let shown = serde_json::to_string(&review).unwrap();
        for secret in [&token[..], &token[4..], &token[4..14], &key[..], &key[..8], "Tr0ub4dor", "dor&3"] {
            assert!(!shown.contains(secret), "a part of a secret is shown: {shown}");
        }
        let rules: std::collections::BTreeSet<&str> =
            review.findings.iter().map(|f| f.rule.as_str()).collect();
        for rule in [
            "github_token",
            "private_key",
            "password",
            "shell_command",
            "assembled_sql",
            "plain_http",
            "unpinned_git",
            "git_source",
            "undocumented_unsafe",
        ] {
            assert!(rules.contains(rule), "{rule} is missing from {rules:?}");
        }
        assert!(review.unchecked.iter().any(|entry| entry.check == "broken.rs"));
    }

    #[test]
    fn two_audits_of_one_repository_are_the_same_byte_for_byte() {
        let files = leaking(&secrets::fixture::github(), &secrets::fixture::key_body());
        let (_dir, repository) = repository(&borrowed(&files));
        let once = || serde_json::to_string(&audit(&repository, &Pace::free(), None).unwrap()).unwrap();
        assert_eq!(once(), once());
    }

    #[test]
    fn a_clean_crate_passes_every_check_that_ran() {
        let (_dir, repository) = repository(&[
            ("Cargo.toml", "[package]\nname = \"x\"\n[lints.rust]\nunsafe_code = \"forbid\"\n"),
            ("Cargo.lock", "version = 4\n\n[[package]]\nname = \"x\"\nversion = \"0.1.0\"\n"),
            ("src/lib.rs", "fn a() {}\n"),
        ]);
        let review = audit(&repository, &Pace::free(), None).unwrap();
        assert_eq!(review.findings, []);
        assert_eq!(review.passed.len(), 7, "{:?}", review.passed);
        let unchecked: Vec<&str> = review.unchecked.iter().map(|entry| entry.check.as_str()).collect();
        assert_eq!(unchecked, ["advisories"]);
    }

    #[test]
    fn a_repository_of_another_language_is_searched_for_secrets_and_the_rest_is_unchecked() {
        let (_dir, repository) = repository(&[("app.py", "print(1)\n")]);
        let review = audit(&repository, &Pace::free(), None).unwrap();
        assert_eq!(review.passed, ["no secrets in the files"]);
        let unchecked: Vec<&str> = review.unchecked.iter().map(|entry| entry.check.as_str()).collect();
        assert_eq!(unchecked, ["advisories", "dependencies", "risky calls", "unsafe code"]);
    }

    #[test]
    fn a_cancelled_audit_has_no_result() {
        let (_dir, repository) = repository(&[("a.txt", ""), ("a.rs", "")]);
        let stopped = Pace::new(&|| true, &|_, _| {});
        assert!(audit(&repository, &stopped, None).is_err());
        assert!(secrets(&repository, &stopped, None).is_err());
        assert!(unsafety(&repository, &stopped, None).is_err());
        assert!(dependencies(&repository, &stopped, None).is_err());
    }

    #[test]
    fn the_audit_of_the_agents_own_source_finds_nothing_grave() {
        let repository = Repository::load(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        let review = audit(&repository, &Pace::free(), None).unwrap();
        let grave: Vec<_> =
            review.findings.iter().filter(|finding| finding.severity <= Severity::High).collect();
        assert!(grave.is_empty(), "{grave:#?}");
        assert!(review.metrics["searched_files"].as_u64().unwrap() > 20);
        assert_eq!(review.metrics["unsafe_blocks"], 0);
    }

    #[test]
    fn the_operations_are_declared() {
        let described = agent(&Settings::default()).description();
        let names: Vec<&str> = described.operations.iter().map(|operation| operation.name.as_str()).collect();
        assert_eq!(names, ["audit", "secrets", "unsafe", "dependencies"]);
    }
}
