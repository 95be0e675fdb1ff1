//! The crates of a repository and the arrows between them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::cycle::{self, Edges};
use super::survey::Survey;
use crate::review::{Finding, Severity};
use crate::source::Repository;
use crate::source::manifest::{Kind, Origin};

/// The crates and their arrows.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(super) struct Crates {
    /// In order of their directories.
    pub(super) nodes: Vec<Node>,
    /// From a crate to one it depends on.
    pub(super) edges: Vec<Edge>,
    /// The crates of the longest chain of dependencies; nothing if there is a circle.
    pub(super) longest_chain: Option<usize>,
    /// Crates that depend on each other in a circle.
    pub(super) cycles: Vec<Circle>,
}

/// One crate.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Node {
    /// Its name.
    name: String,
    /// Its directory.
    dir: String,
    /// Its Rust files.
    files: usize,
    /// Its lines of shipped code.
    code: usize,
    /// How many crates of the repository it depends on.
    depends_on: usize,
    /// How many depend on it.
    used_by: usize,
}

/// One arrow.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Edge {
    /// The crate that depends.
    from: String,
    /// The crate it depends on.
    to: String,
    /// Whether only tests need it.
    dev: bool,
}

/// Crates in a circle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Circle {
    /// Their names, one after the other as they depend.
    members: Vec<String>,
    /// Whether the circle closes only through what tests need.
    dev: bool,
    #[serde(skip)]
    manifest: String,
    #[serde(skip)]
    line: u32,
}

/// What an arrow needs and the line that draws it.
type Arrow = (Kind, u32);

impl Crates {
    /// The crates of `repository` with the sizes that `survey` has found.
    pub(super) fn of(repository: &Repository, survey: &Survey) -> Self {
        let arrows = arrows(repository);
        let firm: Edges<Arrow> = arrows
            .iter()
            .filter(|(_, (kind, _))| *kind != Kind::Dev)
            .map(|(edge, arrow)| (*edge, *arrow))
            .collect();
        let mut cycles = circles(repository, &firm, false);
        let longest_chain = cycles.is_empty().then(|| longest(repository.manifests.crates.len(), &firm));
        let known = cycle::knots(&firm);
        cycles.extend(
            cycle::knots(&arrows)
                .iter()
                .filter(|knot| !known.contains(knot))
                .filter_map(|knot| circle(repository, knot, &arrows, true)),
        );
        Self {
            nodes: nodes(repository, survey, &arrows),
            edges: edges(repository, &arrows),
            longest_chain,
            cycles,
        }
    }

    /// One finding for each circle.
    pub(super) fn findings(&self) -> Vec<Finding> {
        self.cycles.iter().map(Circle::finding).collect()
    }
}

/// The arrows between crates of the repository. What is needed by the crate itself outweighs what its tests need.
fn arrows(repository: &Repository) -> Edges<Arrow> {
    let manifests = &repository.manifests;
    let places: BTreeMap<&str, usize> =
        manifests.crates.iter().enumerate().map(|(index, krate)| (krate.dir.as_str(), index)).collect();
    let mut arrows = Edges::new();
    for (from, krate) in manifests.crates.iter().enumerate() {
        for dependency in &krate.dependencies {
            let Origin::Path(dir) = &dependency.origin else { continue };
            if let Some(to) = places.get(dir.as_str()).filter(|to| **to != from) {
                let arrow = arrows.entry((from, *to)).or_insert((dependency.kind, dependency.line));
                if arrow.0 == Kind::Dev {
                    *arrow = (dependency.kind, dependency.line);
                }
            }
        }
    }
    arrows
}

fn nodes(repository: &Repository, survey: &Survey, arrows: &Edges<Arrow>) -> Vec<Node> {
    let mut nodes: Vec<Node> = repository
        .manifests
        .crates
        .iter()
        .enumerate()
        .map(|(index, krate)| Node {
            name: krate.name.clone(),
            dir: krate.dir.clone(),
            files: 0,
            code: 0,
            depends_on: arrows.keys().filter(|(from, _)| *from == index).count(),
            used_by: arrows.keys().filter(|(_, to)| *to == index).count(),
        })
        .collect();
    for facts in &survey.files {
        if let Some(node) = facts.krate.and_then(|index| nodes.get_mut(index)) {
            node.files += 1;
            node.code += facts.lines.code;
        }
    }
    nodes
}

fn edges(repository: &Repository, arrows: &Edges<Arrow>) -> Vec<Edge> {
    let name = |index: usize| repository.manifests.crates[index].name.clone();
    arrows
        .iter()
        .map(|((from, to), (kind, _))| Edge { from: name(*from), to: name(*to), dev: *kind == Kind::Dev })
        .collect()
}

fn circles(repository: &Repository, arrows: &Edges<Arrow>, dev: bool) -> Vec<Circle> {
    cycle::knots(arrows).iter().filter_map(|knot| circle(repository, knot, arrows, dev)).collect()
}

fn circle(repository: &Repository, knot: &[usize], arrows: &Edges<Arrow>, dev: bool) -> Option<Circle> {
    let round = cycle::round(knot, arrows);
    let crates = &repository.manifests.crates;
    let first = *round.first()?;
    let second = *round.get(1).unwrap_or(&first);
    Some(Circle {
        members: round.iter().map(|index| crates[*index].name.clone()).collect(),
        dev,
        manifest: crates[first].manifest.clone(),
        line: arrows.get(&(first, second))?.1,
    })
}

/// How many nodes the longest chain has; the edges hold no circle. Each pass lengthens every chain by one, so the
/// passes are as many as the answer.
fn longest(count: usize, edges: &Edges<Arrow>) -> usize {
    let mut length = vec![1; count];
    let mut changed = count > 0;
    while changed {
        changed = false;
        for &(from, to) in edges.keys() {
            if length[from] < length[to] + 1 {
                length[from] = length[to] + 1;
                changed = true;
            }
        }
    }
    length.into_iter().max().unwrap_or(0)
}

impl Circle {
    fn finding(&self) -> Finding {
        let way =
            format!("{} -> {}", self.members.join(" -> "), self.members.first().map_or("", String::as_str));
        let finding = if self.dev {
            Finding::new(
                Severity::Low,
                "dev_crate_cycle",
                "crates depend on each other in a circle through their tests",
            )
            .suggest("move the tests that need both crates into a package of their own")
        } else {
            Finding::new(
                Severity::High,
                "crate_cycle",
                "crates depend on each other in a circle, which cargo refuses",
            )
            .suggest("move what both need into a crate below them")
        };
        finding.at(&self.manifest, self.line).evidence(way)
    }
}

#[cfg(test)]
mod tests {
    use super::super::survey::fixture::survey;
    use super::*;
    use crate::source::fixture::package;

    fn manifest(name: &str, dependencies: &str) -> String {
        package(name) + dependencies
    }

    fn crates(a: &str, b: &str, c: &str) -> Crates {
        let (a, b, c) = (manifest("a", a), manifest("b", b), manifest("c", c));
        let root = "[workspace]\nmembers = [\"*\"]\n[workspace.dependencies]\nb = { path = \"b\" }\n";
        let (_dir, repository, survey) = survey(&[
            ("Cargo.toml", root),
            ("a/Cargo.toml", &a),
            ("b/Cargo.toml", &b),
            ("c/Cargo.toml", &c),
            ("a/src/lib.rs", "fn a() {}\nfn b() {}\n"),
        ]);
        Crates::of(&repository, &survey)
    }

    #[test]
    fn arrows_follow_paths_and_what_the_workspace_gives() {
        let crates =
            crates("[dependencies]\nb.workspace = true\n", "[dependencies]\nc = { path = \"../c\" }\n", "");
        let edges: Vec<_> =
            crates.edges.iter().map(|edge| (edge.from.as_str(), edge.to.as_str(), edge.dev)).collect();
        assert_eq!(edges, [("a", "b", false), ("b", "c", false)]);
        assert_eq!(crates.longest_chain, Some(3));
        assert_eq!((crates.nodes[0].files, crates.nodes[0].code), (1, 2));
        assert_eq!((crates.nodes[1].depends_on, crates.nodes[1].used_by), (1, 1));
        assert_eq!(crates.findings(), []);
    }

    #[test]
    fn a_circle_is_found_at_the_line_that_draws_it() {
        let crates =
            crates("[dependencies]\nb.workspace = true\n", "[dependencies]\na = { path = \"../a\" }\n", "");
        let findings = crates.findings();
        assert_eq!(findings.len(), 1);
        assert_eq!((findings[0].rule.as_str(), findings[0].severity), ("crate_cycle", Severity::High));
        assert_eq!((findings[0].file.as_deref(), findings[0].line), (Some("a/Cargo.toml"), Some(6)));
        assert_eq!(findings[0].evidence.as_deref(), Some("a -> b -> a"));
        assert_eq!(crates.longest_chain, None);
    }

    #[test]
    fn a_circle_through_tests_is_a_remark_at_most_low() {
        let crates = crates(
            "[dependencies]\nb.workspace = true\n",
            "[dev-dependencies]\na = { path = \"../a\" }\n",
            "",
        );
        let findings = crates.findings();
        assert_eq!((findings[0].rule.as_str(), findings[0].severity), ("dev_crate_cycle", Severity::Low));
        assert_eq!(crates.longest_chain, Some(2));
    }
}
