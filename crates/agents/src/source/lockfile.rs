//! `Cargo.lock`: the packages of a build, and what each brings with it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Deserialize;

use super::Repository;
use crate::review::Unchecked;

/// One lockfile.
#[derive(Debug)]
pub(crate) struct Lockfile {
    /// Its path in the repository.
    pub(crate) path: String,
    /// Its packages, in the order of the file.
    pub(crate) packages: Vec<Package>,
}

/// One package of a lockfile.
#[derive(Debug)]
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// Where it comes from; `None` for a package that lies in a directory.
    pub(crate) source: Option<String>,
    /// The line of its name in the lockfile.
    pub(crate) line: u32,
    /// The packages it depends on, as indices; development dependencies are among them.
    pub(crate) dependencies: Vec<usize>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    package: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    version: String,
    source: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

/// Reads every lockfile of `repository`; those that do not parse are left out.
pub(super) fn read_all(repository: &Repository, left_out: &mut Vec<Unchecked>) -> Vec<Lockfile> {
    let mut lockfiles = Vec::new();
    for file in repository.files.iter().filter(|file| file.name() == "Cargo.lock") {
        let text = repository.text(&file.path).ok().flatten().unwrap_or_default();
        match Lockfile::parse(&file.path, &text) {
            Ok(lockfile) => lockfiles.push(lockfile),
            Err(error) => {
                left_out.push(Unchecked::new(&file.path, format!("does not parse: {}", error.message())));
            }
        }
    }
    lockfiles
}

impl Lockfile {
    /// Parses `text`, the content of the lockfile at `path`.
    pub(crate) fn parse(path: &str, text: &str) -> Result<Self, toml::de::Error> {
        let document: Document = toml::from_str(text)?;
        let lines = name_lines(text);
        let dependencies: Vec<Vec<usize>> = document
            .package
            .iter()
            .map(|entry| {
                entry.dependencies.iter().filter_map(|named| find(&document.package, named)).collect()
            })
            .collect();
        let packages = document
            .package
            .into_iter()
            .zip(dependencies)
            .enumerate()
            .map(|(index, (entry, dependencies))| Package {
                line: lines.get(index).copied().unwrap_or(1),
                name: entry.name,
                version: entry.version,
                source: entry.source,
                dependencies,
            })
            .collect();
        Ok(Self { path: path.to_owned(), packages })
    }

    /// The package of the repository itself that is called `name`.
    pub(crate) fn local(&self, name: &str) -> Option<usize> {
        self.packages.iter().position(|package| package.name == name && package.source.is_none())
    }

    /// How many packages `index` brings with it, directly and indirectly, without itself.
    pub(crate) fn transitive(&self, index: usize) -> usize {
        let mut seen = BTreeSet::from([index]);
        let mut open = VecDeque::from([index]);
        while let Some(package) = open.pop_front().and_then(|index| self.packages.get(index)) {
            open.extend(package.dependencies.iter().filter(|next| seen.insert(**next)));
        }
        seen.len() - 1
    }

    /// The packages that are there in more than one version: name, then the indices of its versions.
    pub(crate) fn duplicates(&self) -> Vec<(&str, Vec<usize>)> {
        let mut versions: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, package) in self.packages.iter().enumerate() {
            versions.entry(&package.name).or_default().push(index);
        }
        versions.into_iter().filter(|(_, indices)| indices.len() > 1).collect()
    }

    /// The versions of `indices` as a list to read.
    pub(crate) fn versions(&self, indices: &[usize]) -> String {
        let versions: Vec<&str> = indices
            .iter()
            .filter_map(|index| self.packages.get(*index))
            .map(|package| package.version.as_str())
            .collect();
        versions.join(", ")
    }
}

/// The package that a dependency names: `name`, `name version` or `name version (source)`.
fn find(packages: &[Entry], named: &str) -> Option<usize> {
    let mut parts = named.split(' ');
    let name = parts.next()?;
    let version = parts.next();
    let source = parts.next().map(|source| source.trim_matches(['(', ')']));
    packages.iter().position(|entry| {
        entry.name == name
            && version.is_none_or(|version| entry.version == version)
            && source.is_none_or(|source| entry.source.as_deref() == Some(source))
    })
}

/// The lines on which packages are named, in their order.
fn name_lines(text: &str) -> Vec<u32> {
    let mut lines = Vec::new();
    let mut in_package = false;
    for (number, line) in (1..).zip(text.lines()) {
        if line.starts_with('[') {
            in_package = line.starts_with("[[package]]");
        } else if in_package && line.starts_with("name") {
            lines.push(number);
            in_package = false;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"version = 4

[[package]]
name = "app"
version = "0.1.0"
dependencies = [
 "a",
 "b 2.0.0",
]

[[package]]
name = "a"
version = "1.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
dependencies = [
 "b 1.0.0",
]

[[package]]
name = "b"
version = "1.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"

[[package]]
name = "b"
version = "2.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
dependencies = [
 "a",
]
"#;

    #[test]
    fn packages_know_their_lines_and_what_they_bring() {
        let lock = Lockfile::parse("Cargo.lock", LOCK).unwrap();
        let lines: Vec<u32> = lock.packages.iter().map(|package| package.line).collect();
        assert_eq!(lines, [4, 12, 20, 25]);
        assert_eq!(lock.local("app"), Some(0));
        assert_eq!(lock.local("a"), None);
        assert_eq!(lock.packages[0].dependencies, [1, 3]);
        assert_eq!(lock.transitive(0), 3);
        assert_eq!(lock.transitive(1), 1);
        assert_eq!(lock.transitive(2), 0);
    }

    #[test]
    fn duplicates_are_packages_in_several_versions() {
        let lock = Lockfile::parse("Cargo.lock", LOCK).unwrap();
        assert_eq!(lock.duplicates(), [("b", vec![2, 3])]);
        assert_eq!(lock.versions(&[2, 3]), "1.0.0, 2.0.0");
    }

    #[test]
    fn a_cycle_of_packages_is_counted_once() {
        let text = LOCK.replace("\"b 1.0.0\"", "\"b 2.0.0\"");
        let lock = Lockfile::parse("Cargo.lock", &text).unwrap();
        assert_eq!(lock.transitive(1), 1);
    }
}
