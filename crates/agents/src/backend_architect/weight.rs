//! What each crate brings with it, by the lockfile.

use schemars::JsonSchema;
use serde::Serialize;

use crate::review::{Finding, Severity, plural};
use crate::source::manifest::Kind;
use crate::source::{Crate, Lockfile, Repository};

/// Beyond this many packages nobody can follow what is changed in them: large, well-kept services stay below it.
const HEAVY: usize = 400;

/// Two versions of a package are the usual price of a change that is under way; three are not.
const SCATTERED: usize = 3;

/// How many names a text lists.
const NAMED: usize = 10;

/// The dependencies of a repository.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(super) struct Weight {
    /// Packages in all lockfiles.
    pub(super) packages: usize,
    /// What each crate brings with it; development dependencies are among the transitive ones.
    pub(super) crates: Vec<CrateWeight>,
    /// Packages that are there in several versions.
    pub(super) duplicates: Vec<Duplicate>,
}

/// What one crate brings with it.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct CrateWeight {
    /// The crate.
    name: String,
    /// Packages that its manifest names, for itself and its build script.
    direct: usize,
    /// Packages it brings in all, by its lockfile; nothing if no lockfile lists it.
    transitive: Option<usize>,
    #[serde(skip)]
    manifest: String,
}

/// A package in several versions.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Duplicate {
    /// The package.
    name: String,
    /// Its versions.
    versions: Vec<String>,
    #[serde(skip)]
    file: String,
    #[serde(skip)]
    line: u32,
}

impl Weight {
    /// Weighs the crates of `repository`.
    pub(super) fn of(repository: &Repository) -> Self {
        Self {
            packages: repository.lockfiles.iter().map(|lockfile| lockfile.packages.len()).sum(),
            crates: repository.manifests.crates.iter().map(|krate| weigh(repository, krate)).collect(),
            duplicates: repository.lockfiles.iter().flat_map(duplicates).collect(),
        }
    }

    /// Crates that bring too much, and packages in too many versions.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let heavy = self.crates.iter().filter_map(CrateWeight::finding);
        let scattered = self.duplicates.iter().filter(|duplicate| duplicate.versions.len() >= SCATTERED);
        heavy.chain(scattered.map(Duplicate::finding)).chain(self.pairs()).collect()
    }

    /// One remark for all packages in two versions.
    fn pairs(&self) -> Option<Finding> {
        let pairs: Vec<&Duplicate> =
            self.duplicates.iter().filter(|duplicate| duplicate.versions.len() < SCATTERED).collect();
        let first = pairs.first()?;
        let names: Vec<&str> = pairs.iter().take(NAMED).map(|pair| pair.name.as_str()).collect();
        let dots = if pairs.len() > NAMED { ", ..." } else { "" };
        let verb = if pairs.len() == 1 { "is" } else { "are" };
        let message = format!("{} {verb} there in two versions", plural(pairs.len(), "package"));
        Some(
            Finding::new(Severity::Info, "double_version", message)
                .at(&first.file, first.line)
                .evidence(names.join(", ") + dots)
                .suggest("cargo tree --duplicates shows who asks for which"),
        )
    }
}

fn weigh(repository: &Repository, krate: &Crate) -> CrateWeight {
    let transitive = repository
        .lockfiles
        .iter()
        .find_map(|lockfile| Some(lockfile.transitive(lockfile.local(&krate.name)?)));
    CrateWeight {
        name: krate.name.clone(),
        direct: krate.dependencies.iter().filter(|dependency| dependency.kind != Kind::Dev).count(),
        transitive,
        manifest: krate.manifest.clone(),
    }
}

fn duplicates(lockfile: &Lockfile) -> Vec<Duplicate> {
    lockfile
        .duplicates()
        .into_iter()
        .map(|(name, indices)| Duplicate {
            name: name.to_owned(),
            versions: indices.iter().map(|index| lockfile.packages[*index].version.clone()).collect(),
            file: lockfile.path.clone(),
            line: indices.first().map_or(1, |index| lockfile.packages[*index].line),
        })
        .collect()
}

impl CrateWeight {
    fn finding(&self) -> Option<Finding> {
        let transitive = self.transitive.filter(|transitive| *transitive > HEAVY)?;
        Some(
            Finding::new(
                Severity::Low,
                "heavy_crate",
                format!("{} brings {transitive} packages with it", self.name),
            )
            .at(&self.manifest, 1)
            .evidence(format!("{} direct, {transitive} in all, threshold {HEAVY}", self.direct))
            .suggest("switch off default features and replace what is used for one function"),
        )
    }
}

impl Duplicate {
    fn finding(&self) -> Finding {
        Finding::new(
            Severity::Low,
            "scattered_versions",
            format!("{} is there in {} versions", self.name, self.versions.len()),
        )
        .at(&self.file, self.line)
        .evidence(self.versions.join(", "))
        .suggest(format!("cargo tree --invert {} shows who asks for which", self.name))
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;
    use crate::source::fixture::{package, repository};

    fn lock(packages: &[(&str, &str)], dependencies: usize) -> String {
        let mut text =
            "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\n".to_owned();
        for index in 0..dependencies {
            writeln!(text, " \"dep{index}\",").unwrap();
        }
        text.push_str("]\n");
        for (name, version) in packages {
            write!(
                text,
                "\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"registry+x\"\n"
            )
            .unwrap();
        }
        for index in 0..dependencies {
            write!(
                text,
                "\n[[package]]\nname = \"dep{index}\"\nversion = \"1.0.0\"\nsource = \"registry+x\"\n"
            )
            .unwrap();
        }
        text
    }

    fn weight(packages: &[(&str, &str)], dependencies: usize) -> Weight {
        let (manifest, lock) = (package("app"), lock(packages, dependencies));
        let (_dir, repository) = repository(&[("Cargo.toml", &manifest), ("Cargo.lock", &lock)]);
        Weight::of(&repository)
    }

    #[test]
    fn two_versions_are_a_remark_and_three_a_finding() {
        let weight = weight(
            &[("a", "1.0.0"), ("a", "2.0.0"), ("b", "1.0.0"), ("b", "2.0.0"), ("b", "3.0.0"), ("c", "1.0.0")],
            0,
        );
        let found: Vec<_> = weight.findings().into_iter().map(|f| (f.rule, f.line, f.evidence)).collect();
        assert_eq!(
            found,
            [
                ("scattered_versions".to_owned(), Some(20), Some("1.0.0, 2.0.0, 3.0.0".to_owned())),
                ("double_version".to_owned(), Some(10), Some("a".to_owned()))
            ]
        );
    }

    #[test]
    fn a_crate_is_heavy_only_beyond_the_threshold() {
        assert_eq!(weight(&[], HEAVY).findings(), []);
        let findings = weight(&[], HEAVY + 1).findings();
        assert_eq!(findings[0].message, "app brings 401 packages with it");
    }

    #[test]
    fn a_crate_that_no_lockfile_lists_has_no_weight() {
        let manifest = package("other");
        let (_dir, repository) = repository(&[("Cargo.toml", &manifest)]);
        assert_eq!(Weight::of(&repository).crates[0].transitive, None);
    }
}
