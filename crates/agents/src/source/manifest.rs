//! `Cargo.toml`: the crates of a repository and what they depend on, with what they inherit from their workspace.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::{Area, Repository};
use crate::review::Unchecked;

/// The crates and workspaces of a repository.
#[derive(Debug, Default)]
pub(crate) struct Manifests {
    /// In order of their directories.
    pub(crate) crates: Vec<Crate>,
    /// The directories of workspaces that lie within the repository.
    pub(crate) workspaces: Vec<String>,
}

/// One crate.
#[derive(Debug, Default)]
pub(crate) struct Crate {
    /// The name of its package.
    pub(crate) name: String,
    /// Its directory, empty for the repository's own.
    pub(crate) dir: String,
    /// The path of its manifest.
    pub(crate) manifest: String,
    /// What it depends on, in the order of names within each kind.
    pub(crate) dependencies: Vec<Dependency>,
    /// The level of the lint `unsafe_code` in its manifest or its workspace's.
    pub(crate) unsafe_code: Option<String>,
    /// The directory of its workspace, if that lies within the repository.
    pub(crate) workspace: Option<String>,
    /// Whether it inherits from a workspace.
    pub(crate) inherits: bool,
}

/// One dependency of a crate.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Dependency {
    /// The name of the package.
    pub(crate) package: String,
    /// When it is needed.
    pub(crate) kind: Kind,
    /// Where it comes from.
    pub(crate) origin: Origin,
    /// The line of the crate's manifest that names it.
    pub(crate) line: u32,
}

/// When a dependency is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// By the crate itself.
    Normal,
    /// By its tests, examples and benchmarks.
    Dev,
    /// By its build script.
    Build,
}

/// Where a dependency comes from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A registry, in the versions that the requirement allows.
    Registry(String),
    /// A directory of the repository.
    Path(String),
    /// A directory outside of the repository, as written.
    Outside(String),
    /// A Git repository; `pinned` if a commit is named.
    Git {
        /// Its address.
        url: String,
        /// Whether a commit is named.
        pinned: bool,
    },
    /// A workspace that is not part of the repository.
    Inherited,
}

/// The names of the tables of dependencies.
const TABLES: [(&str, Kind); 3] =
    [("dependencies", Kind::Normal), ("dev-dependencies", Kind::Dev), ("build-dependencies", Kind::Build)];

struct Document {
    dir: String,
    path: String,
    text: String,
    table: Table,
}

impl Manifests {
    /// Reads every manifest of `repository`; those that do not parse are left out.
    pub(super) fn read(repository: &Repository, left_out: &mut Vec<Unchecked>) -> Self {
        let mut documents = Vec::new();
        for file in repository.files.iter().filter(|file| file.name() == "Cargo.toml") {
            let text = repository.text(&file.path).ok().flatten().unwrap_or_default();
            match text.parse::<Table>() {
                Ok(table) => {
                    documents.push(Document {
                        dir: parent(&file.path),
                        path: file.path.clone(),
                        text,
                        table,
                    });
                }
                Err(error) => {
                    left_out.push(Unchecked::new(&file.path, format!("does not parse: {}", error.message())));
                }
            }
        }
        let workspaces: BTreeMap<&str, &Table> = documents
            .iter()
            .filter_map(|document| {
                Some((document.dir.as_str(), document.table.get("workspace")?.as_table()?))
            })
            .collect();
        let mut crates: Vec<Crate> =
            documents.iter().filter_map(|document| document.package(&workspaces)).collect();
        crates.sort_by(|a, b| a.dir.cmp(&b.dir));
        Self { crates, workspaces: workspaces.keys().map(|dir| (*dir).to_owned()).collect() }
    }

    /// The crate that the file at `path` belongs to: the one whose directory is the nearest above it.
    pub(crate) fn owner(&self, path: &str) -> Option<usize> {
        (0..self.crates.len())
            .filter(|index| within(&self.crates[*index].dir, path))
            .max_by_key(|index| self.crates[*index].dir.len())
    }

    /// The crate that is called `name`.
    #[cfg(test)]
    fn named(&self, name: &str) -> Option<usize> {
        self.crates.iter().position(|krate| krate.name == name)
    }
}

impl Crate {
    /// What the crate as a whole is for.
    pub(crate) fn area(&self) -> Area {
        Area::of(&self.manifest)
    }
}

impl Document {
    fn package(&self, workspaces: &BTreeMap<&str, &Table>) -> Option<Crate> {
        let package = self.table.get("package")?.as_table()?;
        let home =
            workspaces.iter().filter(|(dir, _)| within(dir, &self.path)).max_by_key(|(dir, _)| dir.len());
        let shared = home.map(|(dir, table)| (*dir, *table));
        Some(Crate {
            name: package.get("name")?.as_str()?.to_owned(),
            dir: self.dir.clone(),
            manifest: self.path.clone(),
            dependencies: self.dependencies(shared),
            unsafe_code: self.unsafe_code(shared.map(|(_, table)| table)),
            workspace: shared.map(|(dir, _)| dir.to_owned()),
            inherits: inherits(&self.table),
        })
    }

    fn dependencies(&self, shared: Option<(&str, &Table)>) -> Vec<Dependency> {
        let targets = self.table.get("target").and_then(Value::as_table);
        let scopes = std::iter::once(&self.table)
            .chain(targets.into_iter().flat_map(Table::values).filter_map(Value::as_table));
        let mut found = Vec::new();
        for scope in scopes {
            for (table, kind) in TABLES {
                let entries = scope.get(table).and_then(Value::as_table).into_iter().flatten();
                found.extend(entries.map(|(key, value)| self.dependency(key, value, kind, shared)));
            }
        }
        found.sort_by(|a, b| (a.kind, &a.package).cmp(&(b.kind, &b.package)));
        found.dedup_by(|a, b| a.kind == b.kind && a.package == b.package);
        found
    }

    fn dependency(&self, key: &str, value: &Value, kind: Kind, shared: Option<(&str, &Table)>) -> Dependency {
        let inherited = is_inherited(value);
        let (dir, value) = if inherited {
            let entry =
                shared.and_then(|(dir, table)| Some((dir, table.get("dependencies")?.as_table()?.get(key)?)));
            match entry {
                Some((dir, value)) => (dir, Some(value)),
                None => (self.dir.as_str(), None),
            }
        } else {
            (self.dir.as_str(), Some(value))
        };
        let package = value.and_then(|value| value.get("package")).and_then(Value::as_str).unwrap_or(key);
        let origin = value.map_or(Origin::Inherited, |value| origin(value, dir));
        Dependency { package: package.to_owned(), kind, origin, line: line_of(&self.text, key) }
    }

    fn unsafe_code(&self, workspace: Option<&Table>) -> Option<String> {
        let lints = self.table.get("lints")?;
        let lints = if is_inherited(lints) { workspace?.get("lints")? } else { lints };
        let lint = lints.get("rust")?.get("unsafe_code")?;
        lint.as_str().or_else(|| lint.get("level")?.as_str()).map(str::to_owned)
    }
}

fn origin(value: &Value, dir: &str) -> Origin {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    if let Some(url) = text("git") {
        return Origin::Git { url: url.to_owned(), pinned: text("rev").is_some() };
    }
    if let Some(path) = text("path") {
        return join(dir, path).map_or_else(|| Origin::Outside(path.to_owned()), Origin::Path);
    }
    Origin::Registry(value.as_str().or_else(|| text("version")).unwrap_or("*").to_owned())
}

fn is_inherited(value: &Value) -> bool {
    value.get("workspace").and_then(Value::as_bool) == Some(true)
}

/// Whether anything in a manifest is taken from a workspace.
fn inherits(table: &Table) -> bool {
    table.iter().any(|(key, value)| {
        key != "workspace" && (is_inherited(value) || value.as_table().is_some_and(inherits))
    })
}

/// `path` as seen from `dir`, or `None` if it leaves the repository.
fn join(dir: &str, path: &str) -> Option<String> {
    if path.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = dir.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

fn parent(path: &str) -> String {
    path.rsplit_once('/').map_or(String::new(), |(dir, _)| dir.to_owned())
}

fn within(dir: &str, path: &str) -> bool {
    dir.is_empty() || path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'))
}

/// The first line of a manifest that names the dependency `key`, as a key or as the end of a table's header.
fn line_of(text: &str, key: &str) -> u32 {
    let names = |line: &str| {
        let line = line.trim_start().trim_start_matches('"');
        let header = line.strip_prefix('[').and_then(|line| line.trim_end().strip_suffix(']'));
        if let Some(header) = header {
            return header.rsplit('.').next() == Some(key) && header.contains("dependencies.");
        }
        line.strip_prefix(key)
            .is_some_and(|rest| rest.trim_start_matches('"').trim_start().starts_with(['=', '.']))
    };
    let mut in_dependencies = false;
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim_start().starts_with('[') {
            in_dependencies = line.contains("dependencies");
        }
        if in_dependencies && names(line) {
            return number;
        }
    }
    1
}

#[cfg(test)]
mod tests {
    use super::super::fixture::repository;
    use super::*;

    const ROOT: &str = r#"[workspace]
members = ["crates/*"]
[workspace.dependencies]
one = { path = "crates/one" }
renamed = { package = "real", version = "1.2" }
[workspace.lints.rust]
unsafe_code = "forbid"
"#;

    const TWO: &str = r#"[package]
name = "two"
version.workspace = true

[dependencies]
one.workspace = true
renamed = { workspace = true, optional = true }
serde = "1"
sibling = { path = "../three" }
outside = { path = "../../../elsewhere" }
branch = { git = "https://example.org/a", branch = "main" }
commit = { git = "https://example.org/b", rev = "abc" }

[target.'cfg(unix)'.build-dependencies.cc]
version = "*"

[lints]
workspace = true
"#;

    fn two() -> (tempfile::TempDir, Manifests) {
        let (dir, repository) = repository(&[
            ("Cargo.toml", ROOT),
            (
                "crates/one/Cargo.toml",
                "[package]\nname = \"one\"\n[lints.rust]\nunsafe_code = { level = \"deny\", priority = 1 }\n",
            ),
            ("crates/two/Cargo.toml", TWO),
        ]);
        (dir, repository.manifests)
    }

    #[test]
    fn dependencies_are_read_with_what_the_workspace_gives() {
        let (_dir, manifests) = two();
        let krate = &manifests.crates[manifests.named("two").unwrap()];
        let found = |name: &str| krate.dependencies.iter().find(|d| d.package == name).unwrap();
        assert_eq!(found("one").origin, Origin::Path("crates/one".to_owned()));
        assert_eq!(found("real").origin, Origin::Registry("1.2".to_owned()));
        assert_eq!(found("serde").origin, Origin::Registry("1".to_owned()));
        assert_eq!(found("sibling").origin, Origin::Path("crates/three".to_owned()));
        assert_eq!(found("outside").origin, Origin::Outside("../../../elsewhere".to_owned()));
        assert!(matches!(&found("branch").origin, Origin::Git { pinned: false, .. }));
        assert!(matches!(&found("commit").origin, Origin::Git { pinned: true, .. }));
        let cc = found("cc");
        assert_eq!((cc.kind, &cc.origin, cc.line), (Kind::Build, &Origin::Registry("*".to_owned()), 14));
        assert_eq!((found("one").line, found("serde").line), (6, 8));
    }

    #[test]
    fn the_lint_against_unsafe_code_is_inherited_or_own() {
        let (_dir, manifests) = two();
        let level = |name: &str| manifests.crates[manifests.named(name).unwrap()].unsafe_code.clone();
        assert_eq!(level("two").as_deref(), Some("forbid"));
        assert_eq!(level("one").as_deref(), Some("deny"));
    }

    #[test]
    fn a_file_belongs_to_the_nearest_crate() {
        let (_dir, manifests) = two();
        let owner = |path: &str| manifests.owner(path).map(|index| manifests.crates[index].name.as_str());
        assert_eq!(owner("crates/two/src/lib.rs"), Some("two"));
        assert_eq!(owner("crates/twofold/src/lib.rs"), None);
        assert_eq!(owner("src/lib.rs"), None);
    }

    #[test]
    fn a_member_without_its_workspace_says_what_it_inherits() {
        let (_dir, repository) = repository(&[("Cargo.toml", TWO)]);
        let krate = &repository.manifests.crates[0];
        assert!(krate.inherits && krate.workspace.is_none());
        assert_eq!(krate.dependencies.iter().find(|d| d.package == "one").unwrap().origin, Origin::Inherited);
    }

    #[test]
    fn a_broken_manifest_is_listed_and_the_others_are_read() {
        let (_dir, repository) =
            repository(&[("Cargo.toml", "[package"), ("a/Cargo.toml", "[package]\nname = \"a\"\n")]);
        assert_eq!(repository.manifests.crates.len(), 1);
        assert_eq!(repository.left_out[0].check, "Cargo.toml");
    }
}
