//! Where the packages of a build come from, and whether the build is pinned.

use crate::review::{Finding, Review, Severity, plural};
use crate::source::manifest::{Dependency, Origin};
use crate::source::{Area, Crate, Lockfile, Repository};

/// The registry that everybody means when none is named.
const CRATES_IO: [&str; 2] =
    ["registry+https://github.com/rust-lang/crates.io-index", "sparse+https://index.crates.io/"];

/// How many names a text lists.
const NAMED: usize = 10;

/// Looks at every manifest and lockfile of `repository`.
pub(super) fn check(repository: &Repository, review: &mut Review) {
    if repository.manifests.crates.is_empty() && repository.lockfiles.is_empty() {
        review.skipped("dependencies", "there is neither a Cargo.toml with a package nor a Cargo.lock in the path; other package managers are not read");
        return;
    }
    let manifests = &repository.manifests.crates;
    let declared =
        manifests.iter().flat_map(|krate| krate.dependencies.iter().filter_map(|it| declared(krate, it)));
    review.verdict("every dependency is asked for by version", declared.collect());
    let roots = roots(repository, review);
    review.verdict("every build is pinned by a lockfile", missing(repository, roots));
    let packages =
        repository.lockfiles.iter().flat_map(|lockfile| sources(lockfile).chain(doubles(lockfile)));
    let findings: Vec<Finding> = packages.collect();
    if !repository.lockfiles.is_empty() {
        review.verdict("every package comes from crates.io or the repository itself", findings);
    }
}

/// What is doubtful in how a crate asks for a dependency.
fn declared(krate: &Crate, dependency: &Dependency) -> Option<Finding> {
    let package = &dependency.package;
    let (severity, rule, message, suggestion) = match &dependency.origin {
        Origin::Git { pinned: false, .. } => (
            Severity::Medium,
            "unpinned_git",
            format!("{package} is taken from a Git repository without naming a commit"),
            "name the commit with rev, or use a release",
        ),
        Origin::Registry(requirement) if requirement.trim() == "*" => (
            Severity::Low,
            "any_version",
            format!("{package} is asked for in any version"),
            "name the version that the code was written against",
        ),
        Origin::Outside(_) => (
            Severity::Low,
            "outside_path",
            format!("{package} lies outside of the repository and was not looked at"),
            "make it part of the repository, or use a release",
        ),
        Origin::Git { pinned: true, .. } | Origin::Registry(_) | Origin::Path(_) | Origin::Inherited => {
            return None;
        }
    };
    Some(Finding::new(severity, rule, message).at(&krate.manifest, dependency.line).suggest(suggestion))
}

/// Packages that come from elsewhere than crates.io.
fn sources(lockfile: &Lockfile) -> impl Iterator<Item = Finding> {
    lockfile.packages.iter().filter_map(|package| {
        let source = package.source.as_deref().filter(|source| !CRATES_IO.contains(source))?;
        let (severity, rule, what) = if source.starts_with("git+") {
            (Severity::Low, "git_source", "a Git repository, where no advisory and no yank reaches it")
        } else {
            (Severity::Info, "other_registry", "another registry than crates.io")
        };
        let message = format!("{} {} comes from {what}", package.name, package.version);
        Some(Finding::new(severity, rule, message).at(&lockfile.path, package.line).evidence(place(source)))
    })
}

/// The address of a source without anything that could be a credential.
fn place(source: &str) -> String {
    let address = source.split(['?', '#']).next().unwrap_or_default();
    match address.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let host = host.rsplit('@').next().unwrap_or_default();
            format!("{scheme}://{host}/{path}")
        }
        None => address.to_owned(),
    }
}

/// One remark for all packages that are there in several versions: a fix in one does not reach the other.
fn doubles(lockfile: &Lockfile) -> Option<Finding> {
    let doubles = lockfile.duplicates();
    let (_, first) = doubles.first()?;
    let line =
        first.first().and_then(|index| lockfile.packages.get(*index)).map_or(1, |package| package.line);
    let names: Vec<String> = doubles
        .iter()
        .take(NAMED)
        .map(|(name, indices)| format!("{name} ({})", lockfile.versions(indices)))
        .collect();
    let verb = if doubles.len() == 1 { "is" } else { "are" };
    let message = format!("{} {verb} there in several versions", plural(doubles.len(), "package"));
    Some(
        Finding::new(Severity::Info, "several_versions", message)
            .at(&lockfile.path, line)
            .evidence(names.join(", ")),
    )
}

/// The directories that should hold a lockfile. Crates whose lockfile lies outside of the path are unchecked.
fn roots(repository: &Repository, review: &mut Review) -> Vec<String> {
    let mut roots: Vec<String> = repository.manifests.workspaces.clone();
    for krate in repository.manifests.crates.iter().filter(|krate| krate.workspace.is_none()) {
        if krate.inherits {
            let reason =
                format!("{} belongs to a workspace outside of the path; so does its Cargo.lock", krate.name);
            review.skipped(format!("lockfile of {}", krate.name), reason);
        } else {
            roots.push(krate.dir.clone());
        }
    }
    roots
}

/// The roots without a lockfile. A program without one is another program at every build.
fn missing(repository: &Repository, roots: Vec<String>) -> Vec<Finding> {
    let path = |dir: &str, name: &str| if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") };
    let has_lock = |dir: &str| {
        let lock = path(dir, "Cargo.lock");
        repository.lockfiles.iter().any(|lockfile| lockfile.path == lock)
    };
    roots
        .into_iter()
        .filter(|dir| !has_lock(dir) && repository.find(&path(dir, "Cargo.lock")).is_none())
        .map(|dir| path(&dir, "Cargo.toml"))
        .filter(|manifest| Area::of(manifest) == Area::Source)
        .map(|manifest| {
            let severity =
                if builds_program(repository, &manifest) { Severity::Medium } else { Severity::Low };
            Finding::new(
                severity,
                "no_lockfile",
                "there is no Cargo.lock, or it is ignored: two builds may differ",
            )
            .at(manifest, 1)
            .suggest("commit Cargo.lock")
        })
        .collect()
}

fn builds_program(repository: &Repository, manifest: &str) -> bool {
    let dir = manifest.strip_suffix("Cargo.toml").unwrap_or_default();
    repository.files.iter().filter_map(|file| file.path.strip_prefix(dir)).any(|path| {
        path == "src/main.rs"
            || path.ends_with("/src/main.rs")
            || path.starts_with("src/bin/")
            || path.contains("/src/bin/")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::fixture::{package, repository};

    fn review(files: &[(&str, &str)]) -> Review {
        let (_dir, repository) = repository(files);
        let mut review = Review::default();
        check(&repository, &mut review);
        review.conclude("dependencies")
    }

    fn rules(review: &Review) -> Vec<(Severity, &str, Option<u32>)> {
        review.findings.iter().map(|f| (f.severity, f.rule.as_str(), f.line)).collect()
    }

    const CLEAN: &str = "version = 4\n\n[[package]]\nname = \"x\"\nversion = \"0.1.0\"\n";

    #[test]
    fn doubtful_requests_are_found_at_their_line() {
        let manifest = package("x")
            + "[dependencies]\na = { git = \"https://example.org/a\" }\nb = { git = \"https://example.org/b\", rev = \"0a1b\" }\nc = \"*\"\nd = { path = \"../d\" }\ne = \"1.2\"\nf = { path = \"f\" }\n";
        let review = review(&[("Cargo.toml", &manifest), ("Cargo.lock", CLEAN)]);
        assert_eq!(
            rules(&review),
            [
                (Severity::Medium, "unpinned_git", Some(6)),
                (Severity::Low, "any_version", Some(8)),
                (Severity::Low, "outside_path", Some(9))
            ]
        );
    }

    #[test]
    fn packages_from_elsewhere_are_named_without_credentials() {
        let entry = |name: &str, version: &str, source: &str| {
            format!("\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"{source}\"\n")
        };
        let lock = [
            CLEAN.to_owned(),
            entry("a", "1.0.0", "git+https://user:hush@example.org/a?rev=1#0a1b"),
            entry("b", "1.0.0", "registry+https://example.org/index"),
            entry("c", "1.0.0", CRATES_IO[0]),
            entry("c", "2.0.0", CRATES_IO[1]),
        ]
        .concat();
        let review = review(&[("Cargo.toml", &package("x")), ("Cargo.lock", &lock)]);
        assert_eq!(
            rules(&review),
            [
                (Severity::Low, "git_source", Some(8)),
                (Severity::Info, "other_registry", Some(13)),
                (Severity::Info, "several_versions", Some(18))
            ]
        );
        assert_eq!(review.findings[0].evidence.as_deref(), Some("git+https://example.org/a"));
        assert_eq!(review.findings[2].evidence.as_deref(), Some("c (1.0.0, 2.0.0)"));
        assert!(!serde_json::to_string(&review).unwrap().contains("hush"));
    }

    #[test]
    fn a_missing_lockfile_weighs_more_for_a_program() {
        let manifest = package("x");
        let program = review(&[("Cargo.toml", &manifest), ("src/main.rs", "")]);
        assert_eq!(rules(&program), [(Severity::Medium, "no_lockfile", Some(1))]);
        let library = review(&[("Cargo.toml", &manifest), ("src/lib.rs", "")]);
        assert_eq!(rules(&library), [(Severity::Low, "no_lockfile", Some(1))]);
        let member =
            review(&[("Cargo.toml", "[workspace]\n"), ("Cargo.lock", CLEAN), ("x/Cargo.toml", &manifest)]);
        assert_eq!(rules(&member), []);
        assert_eq!(member.passed.len(), 3);
    }

    #[test]
    fn a_member_whose_workspace_is_elsewhere_is_unchecked() {
        let manifest = "[package]\nname = \"x\"\nversion.workspace = true\n";
        let review = review(&[("Cargo.toml", manifest)]);
        assert_eq!(rules(&review), []);
        assert_eq!(review.unchecked[0].check, "lockfile of x");
    }

    #[test]
    fn a_repository_of_another_language_is_unchecked() {
        let review = review(&[("package.json", "{}")]);
        assert!(review.passed.is_empty());
        assert_eq!(review.unchecked[0].check, "dependencies");
    }
}
