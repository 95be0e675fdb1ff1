//! Lockfiles against a database of advisories in the format of `RustSec`.
//!
//! A database is a directory `crates/NAME/ID.md`; each file begins with a block of TOML between fences.
//! [source](https://github.com/RustSec/advisory-db#advisory-format)

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use semver::{Version, VersionReq};
use serde::Deserialize;

use super::cvss;
use crate::review::{Finding, Review, Severity};
use crate::source::lockfile::Package;
use crate::source::{Lockfile, Repository};

/// The largest advisory that is read; those of the public database are a hundredth of it.
const MAX_ADVISORY: u64 = 256 * 1024;

/// One advisory.
#[derive(Debug)]
struct Advisory {
    header: Header,
    patched: Vec<VersionReq>,
    unaffected: Vec<VersionReq>,
    title: String,
}

#[derive(Debug, Deserialize)]
struct Document {
    advisory: Header,
    #[serde(default)]
    versions: Versions,
}

#[derive(Debug, Deserialize)]
struct Header {
    id: String,
    package: String,
    url: Option<String>,
    cvss: Option<String>,
    informational: Option<String>,
    withdrawn: Option<toml::Value>,
    title: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Versions {
    #[serde(default)]
    patched: Vec<String>,
    #[serde(default)]
    unaffected: Vec<String>,
}

/// Why an advisory cannot be used.
#[derive(Debug, thiserror::Error)]
enum AdvisoryError {
    #[error("reading the advisory")]
    Read(#[from] std::io::Error),
    #[error("the advisory is larger than {MAX_ADVISORY} bytes")]
    Large,
    #[error("the advisory does not begin with a block of TOML")]
    Fence,
    #[error("the advisory's block does not parse: {}", .0.message())]
    Block(#[from] toml::de::Error),
    #[error("the advisory's versions do not parse")]
    Versions(#[from] semver::Error),
}

/// Looks every package of every lockfile up in the database at `database`.
pub(super) fn check(repository: &Repository, database: Option<&Path>, review: &mut Review) {
    let Some(database) = database else {
        let reason = "no advisory database is configured; set agents.security_auditor.advisories to a directory in the format of RustSec";
        return review.skipped("advisories", reason);
    };
    if repository.lockfiles.is_empty() {
        return review.skipped("advisories", "there is no Cargo.lock in the path to look up");
    }
    let Some(folder) = folder(database) else {
        return review.skipped(
            "advisories",
            format!("{} is not a readable advisory database: it has no directory crates", database.display()),
        );
    };
    let (advisories, failures) = read(&folder, &names(repository));
    for (path, error) in failures {
        review.skipped(path, error.to_string());
    }
    review.saw(format!("{} for the packages of the lockfile", plural_advisories(advisories.len())));
    review.measure("advisories", advisories.len());
    let findings = repository.lockfiles.iter().flat_map(|lockfile| hits(lockfile, &advisories)).collect();
    review.verdict("no package has a known advisory", findings);
}

fn plural_advisories(count: usize) -> String {
    if count == 1 { "1 advisory".to_owned() } else { format!("{count} advisories") }
}

fn folder(database: &Path) -> Option<PathBuf> {
    let folder = database.join("crates");
    fs::read_dir(&folder).ok().map(|_| folder)
}

/// The packages that come from a registry; advisories speak of those.
fn names(repository: &Repository) -> BTreeSet<&str> {
    let packages = repository.lockfiles.iter().flat_map(|lockfile| &lockfile.packages);
    packages.filter(|package| is_published(package)).map(|package| package.name.as_str()).collect()
}

fn is_published(package: &Package) -> bool {
    package
        .source
        .as_deref()
        .is_some_and(|source| source.starts_with("registry+") || source.starts_with("sparse+"))
}

/// The advisories for `names`, and the files that could not be used.
fn read(folder: &Path, names: &BTreeSet<&str>) -> (Vec<Advisory>, Vec<(String, AdvisoryError)>) {
    let (mut advisories, mut failures) = (Vec::new(), Vec::new());
    // A name with a separator or a dot would lead out of the database.
    for name in names.iter().filter(|name| !name.contains(['/', '\\', '.'])) {
        let Ok(entries) = fs::read_dir(folder.join(name)) else { continue };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
        paths.sort();
        for path in paths {
            match open(&path) {
                Ok(advisory) if advisory.header.withdrawn.is_none() => advisories.push(advisory),
                Ok(_) => {}
                Err(error) => {
                    let file =
                        path.file_name().map_or_else(String::new, |file| file.to_string_lossy().into_owned());
                    failures.push((format!("advisory {name}/{file}"), error));
                }
            }
        }
    }
    (advisories, failures)
}

fn open(path: &Path) -> Result<Advisory, AdvisoryError> {
    if fs::metadata(path)?.len() > MAX_ADVISORY {
        return Err(AdvisoryError::Large);
    }
    parse(&fs::read_to_string(path)?)
}

fn parse(text: &str) -> Result<Advisory, AdvisoryError> {
    let block = text.trim_start().strip_prefix("```toml").ok_or(AdvisoryError::Fence)?;
    let (block, rest) = block.split_once("\n```").ok_or(AdvisoryError::Fence)?;
    let document: Document = toml::from_str(block)?;
    let heading = rest.lines().find_map(|line| line.strip_prefix("# ")).map(|line| line.trim().to_owned());
    let title = heading.or_else(|| document.advisory.title.clone()).unwrap_or_else(|| "no title".to_owned());
    Ok(Advisory {
        patched: requirements(&document.versions.patched)?,
        unaffected: requirements(&document.versions.unaffected)?,
        header: document.advisory,
        title,
    })
}

fn requirements(texts: &[String]) -> Result<Vec<VersionReq>, semver::Error> {
    texts.iter().map(|text| VersionReq::parse(text)).collect()
}

fn hits(lockfile: &Lockfile, advisories: &[Advisory]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in lockfile.packages.iter().filter(|package| is_published(package)) {
        let Ok(version) = Version::parse(&package.version) else { continue };
        let concerned = advisories.iter().filter(|advisory| advisory.header.package == package.name);
        findings.extend(
            concerned
                .filter(|advisory| advisory.affects(&version))
                .map(|advisory| advisory.finding(lockfile, package)),
        );
    }
    findings
}

impl Advisory {
    fn affects(&self, version: &Version) -> bool {
        !self.patched.iter().chain(&self.unaffected).any(|requirement| covers(requirement, version))
    }

    /// A vulnerability weighs what its vector says, and much if it has none; a remark about a package weighs less.
    fn severity(&self) -> Severity {
        match self.header.informational.as_deref() {
            None => self.header.cvss.as_deref().and_then(cvss::severity).unwrap_or(Severity::High),
            Some("unsound") => Severity::Medium,
            Some("unmaintained") => Severity::Low,
            Some(_) => Severity::Info,
        }
    }

    fn finding(&self, lockfile: &Lockfile, package: &Package) -> Finding {
        let kind = self.header.informational.as_deref().unwrap_or("vulnerability");
        let message = format!("{} {}: {} ({kind})", package.name, package.version, self.title);
        let patched: Vec<String> = self.patched.iter().map(ToString::to_string).collect();
        let suggestion = if patched.is_empty() {
            format!("there is no patched version; replace {}", package.name)
        } else {
            format!("update {} to {}", package.name, patched.join(" or "))
        };
        let url = self.header.url.as_ref().map_or(String::new(), |url| format!(", {url}"));
        Finding::new(self.severity(), "advisory", message)
            .at(&lockfile.path, package.line)
            .evidence(format!("{}{url}", self.header.id))
            .suggest(suggestion)
    }
}

/// Whether `requirement` covers `version`. Unlike when versions are chosen, a pre-release counts by its place in the
/// order: 1.0.1-beta is after 1.0.0 and before 1.0.1.
fn covers(requirement: &VersionReq, version: &Version) -> bool {
    if requirement.matches(version) {
        return true;
    }
    if version.pre.is_empty() {
        return false;
    }
    let release = Version::new(version.major, version.minor, version.patch);
    let names_release = requirement.comparators.iter().any(|bound| {
        bound.major == release.major
            && bound.minor.is_none_or(|minor| minor == release.minor)
            && bound.patch.is_none_or(|patch| patch == release.patch)
    });
    !names_release && requirement.matches(&release)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::fixture::{repository, tree};

    fn advisory(id: &str, extra: &str, versions: &str) -> String {
        format!(
            "```toml\n[advisory]\nid = \"{id}\"\npackage = \"a\"\ndate = \"2024-01-01\"\n{extra}\n\n[versions]\n{versions}\n```\n\n# Reads what it should not\n\nText.\n"
        )
    }

    fn review(database: Option<&Path>, version: &str) -> Review {
        let lock = format!(
            "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"{version}\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n"
        );
        let (_dir, repository) = repository(&[("Cargo.lock", &lock)]);
        let mut review = Review::default();
        check(&repository, database, &mut review);
        review.conclude("advisories")
    }

    #[test]
    fn an_affected_version_is_found_with_its_remedy() {
        let text = advisory(
            "RUSTSEC-2024-0001",
            "url = \"https://example.org/1\"\ncvss = \"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H\"",
            "patched = [\">= 1.2.3\", \"^0.9.5\"]\nunaffected = [\"< 0.5.0\"]",
        );
        let database = tree(&[("crates/a/RUSTSEC-2024-0001.md", &text)]);
        let found = review(Some(database.path()), "1.2.2");
        let finding = &found.findings[0];
        assert_eq!(finding.severity, Severity::Critical);
        assert_eq!((finding.file.as_deref(), finding.line), (Some("Cargo.lock"), Some(4)));
        assert_eq!(finding.message, "a 1.2.2: Reads what it should not (vulnerability)");
        assert_eq!(finding.evidence.as_deref(), Some("RUSTSEC-2024-0001, https://example.org/1"));
        assert_eq!(finding.suggestion.as_deref(), Some("update a to >=1.2.3 or ^0.9.5"));
        for sound in ["1.2.3", "0.9.6", "0.4.9"] {
            let found = review(Some(database.path()), sound);
            assert_eq!(found.findings, [], "{sound}");
            assert_eq!(found.passed, ["no package has a known advisory"]);
        }
    }

    #[test]
    fn remarks_weigh_less_and_withdrawn_advisories_nothing() {
        let database = tree(&[
            ("crates/a/1.md", &advisory("RUSTSEC-1", "informational = \"unmaintained\"", "patched = []")),
            ("crates/a/2.md", &advisory("RUSTSEC-2", "informational = \"unsound\"", "patched = []")),
            ("crates/a/3.md", &advisory("RUSTSEC-3", "withdrawn = \"2024-02-01\"", "patched = []")),
            ("crates/a/4.md", &advisory("RUSTSEC-4", "", "patched = []")),
            ("crates/b/5.md", &advisory("RUSTSEC-5", "", "patched = []")),
        ]);
        let found: Vec<_> = review(Some(database.path()), "1.0.0")
            .findings
            .into_iter()
            .map(|f| (f.severity, f.evidence.unwrap()))
            .collect();
        let expected =
            [(Severity::High, "RUSTSEC-4"), (Severity::Medium, "RUSTSEC-2"), (Severity::Low, "RUSTSEC-1")];
        assert_eq!(found, expected.map(|(severity, id)| (severity, id.to_owned())));
    }

    #[test]
    fn a_pre_release_counts_by_its_place_in_the_order() {
        let covers = |requirement: &str, version: &str| {
            covers(&VersionReq::parse(requirement).unwrap(), &Version::parse(version).unwrap())
        };
        assert!(covers(">= 1.0.0", "1.0.1-beta"));
        assert!(!covers(">= 1.0.1", "1.0.1-beta"));
        assert!(covers(">= 1.0.1-alpha", "1.0.1-beta"));
        assert!(!covers("< 1.0.0", "1.0.1-beta"));
    }

    #[test]
    fn without_a_database_the_setting_is_named() {
        let found = review(None, "1.0.0");
        assert!(found.passed.is_empty());
        assert!(found.unchecked[0].reason.contains("agents.security_auditor.advisories"));
    }

    #[test]
    fn what_is_no_database_and_what_is_no_advisory_is_said() {
        let empty = tree(&[("README.md", "")]);
        assert!(
            review(Some(empty.path()), "1.0.0").unchecked[0]
                .reason
                .contains("is not a readable advisory database")
        );
        let broken = tree(&[
            ("crates/a/1.md", "# no block"),
            ("crates/a/2.md", "```toml\n[advisory\n```\n"),
            ("crates/a/3.txt", ""),
        ]);
        let checks: Vec<_> =
            review(Some(broken.path()), "1.0.0").unchecked.into_iter().map(|entry| entry.check).collect();
        assert_eq!(checks, ["advisory a/1.md", "advisory a/2.md"]);
    }
}
