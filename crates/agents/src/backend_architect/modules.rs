//! Which modules of a crate use each other, and where they do so in a circle.
//!
//! A parent and its children belong together, so an edge between them says nothing. Any other edge is carried up to
//! the two siblings whose subtrees it connects: that is where one part of a crate comes to depend on another.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::cycle::{self, Edges};
use super::survey::Survey;
use crate::review::{Finding, Severity};
use crate::source::Repository;

/// From so many modules on a circle is a lump that nobody can take a part out of.
const LUMP: usize = 4;

/// The modules of the repository and their circles.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(super) struct Modules {
    /// How many modules there are.
    pub(super) count: usize,
    /// How many pairs of siblings depend on each other, in one direction.
    pub(super) edges: usize,
    /// The circles.
    pub(super) cycles: Vec<ModuleCycle>,
}

/// Sibling modules that depend on each other in a circle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct ModuleCycle {
    /// The crate.
    krate: String,
    /// The module that holds them.
    parent: String,
    /// Their names.
    members: Vec<String>,
    /// A shortest circle among them, with the use that makes each step.
    round: Vec<Step>,
}

/// One step of a circle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
struct Step {
    from: String,
    to: String,
    file: String,
    line: u32,
}

/// Where a use stands.
type Site = (String, u32);

impl Modules {
    /// The modules that `survey` has read.
    pub(super) fn of(repository: &Repository, survey: &Survey) -> Self {
        let mut modules = Self::default();
        for (index, krate) in repository.manifests.crates.iter().enumerate() {
            modules.add(&krate.name, index, survey);
        }
        modules
    }

    fn add(&mut self, name: &str, krate: usize, survey: &Survey) {
        let files: Vec<_> = survey
            .shipped()
            .filter(|facts| facts.krate == Some(krate))
            .filter_map(|facts| Some((facts, facts.module.as_ref()?)))
            .collect();
        let known: BTreeSet<&[String]> = files.iter().map(|(_, module)| module.as_slice()).collect();
        let mut levels: BTreeMap<Vec<String>, BTreeMap<(String, String), Site>> = BTreeMap::new();
        for (facts, module) in &files {
            for used in &facts.uses {
                if let Some((parent, pair)) = siblings(module, nearest(&known, &used.to)) {
                    levels
                        .entry(parent)
                        .or_default()
                        .entry(pair)
                        .or_insert_with(|| (facts.path.clone(), used.line));
                }
            }
        }
        self.count += known.len();
        self.edges += levels.values().map(BTreeMap::len).sum::<usize>();
        for (parent, pairs) in levels {
            self.cycles.extend(circles(name, &parent, &pairs));
        }
    }

    /// One finding for each circle.
    pub(super) fn findings(&self) -> Vec<Finding> {
        self.cycles.iter().filter_map(ModuleCycle::finding).collect()
    }
}

/// The longest beginning of `path` that is a module of its own.
fn nearest<'a>(known: &BTreeSet<&[String]>, path: &'a [String]) -> &'a [String] {
    let longest = (0..=path.len()).rev().find(|length| known.contains(&path[..*length]));
    &path[..longest.unwrap_or(0)]
}

/// The siblings whose subtrees an edge connects, and their parent; `None` if one end holds the other.
fn siblings(from: &[String], to: &[String]) -> Option<(Vec<String>, (String, String))> {
    let shared = from.iter().zip(to).take_while(|(a, b)| a == b).count();
    let pair = (from.get(shared)?.clone(), to.get(shared)?.clone());
    Some((from[..shared].to_vec(), pair))
}

fn circles(krate: &str, parent: &[String], pairs: &BTreeMap<(String, String), Site>) -> Vec<ModuleCycle> {
    let names: BTreeSet<&String> = pairs.keys().flat_map(|(from, to)| [from, to]).collect();
    let names: Vec<&String> = names.into_iter().collect();
    let number = |name: &String| names.binary_search(&name).unwrap_or(usize::MAX);
    let edges: Edges<&Site> =
        pairs.iter().map(|((from, to), site)| ((number(from), number(to)), site)).collect();
    cycle::knots(&edges)
        .into_iter()
        .map(|knot| ModuleCycle {
            krate: krate.to_owned(),
            parent: std::iter::once("crate")
                .chain(parent.iter().map(String::as_str))
                .collect::<Vec<_>>()
                .join("::"),
            members: knot.iter().map(|node| names[*node].clone()).collect(),
            round: steps(&cycle::round(&knot, &edges), &names, &edges),
        })
        .collect()
}

fn steps(round: &[usize], names: &[&String], edges: &Edges<&Site>) -> Vec<Step> {
    let next = round.iter().cycle().skip(1);
    round
        .iter()
        .zip(next)
        .filter_map(|(from, to)| {
            let (file, line) = edges.get(&(*from, *to))?;
            Some(Step { from: names[*from].clone(), to: names[*to].clone(), file: file.clone(), line: *line })
        })
        .collect()
}

impl ModuleCycle {
    fn finding(&self) -> Option<Finding> {
        let first = self.round.first()?;
        let severity = if self.members.len() >= LUMP { Severity::Medium } else { Severity::Low };
        let steps: Vec<String> = self
            .round
            .iter()
            .map(|step| format!("{} uses {} ({}:{})", step.from, step.to, step.file, step.line))
            .collect();
        let message = format!(
            "in {} of {} the modules {} depend on each other",
            self.parent,
            self.krate,
            self.members.join(", ")
        );
        Some(
            Finding::new(severity, "module_cycle", message)
                .at(&first.file, first.line)
                .evidence(steps.join(", "))
                .suggest("move what both need into a module below them, or let one be told by its caller"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::survey::fixture::survey;
    use super::*;
    use crate::source::fixture::package;

    #[test]
    fn two_modules_that_use_each_other_are_found_with_both_places() {
        let manifest = package("x");
        let (_dir, repository, survey) = survey(&[
            ("Cargo.toml", &manifest),
            ("src/lib.rs", "mod a;\nmod b;\nmod c;"),
            ("src/a.rs", "pub mod inner;"),
            ("src/a/inner.rs", "\nuse crate::b::B;"),
            ("src/b.rs", "use crate::c::C;\n\npub fn b() { crate::a::go() }"),
            ("src/c.rs", "pub struct C;"),
        ]);
        let modules = Modules::of(&repository, &survey);
        assert_eq!((modules.count, modules.edges), (5, 3));
        let findings = modules.findings();
        assert_eq!(findings.len(), 1);
        assert_eq!((findings[0].file.as_deref(), findings[0].line), (Some("src/a/inner.rs"), Some(2)));
        assert_eq!(
            findings[0].evidence.as_deref(),
            Some("a uses b (src/a/inner.rs:2), b uses a (src/b.rs:3)")
        );
        assert_eq!(findings[0].severity, Severity::Low);
    }

    #[test]
    fn parents_and_children_and_straight_lines_are_no_circle() {
        let manifest = package("x");
        let (_dir, repository, survey) = survey(&[
            ("Cargo.toml", &manifest),
            ("src/lib.rs", "mod a;\nmod b;\npub use a::A;"),
            ("src/a.rs", "mod inner;\nuse self::inner::I;\nuse crate::b::B;"),
            ("src/a/inner.rs", "use super::A;\nuse crate::X;"),
            ("src/b.rs", "use crate::A;\n#[cfg(test)]\nmod tests { use crate::a::A; }"),
        ]);
        assert_eq!(Modules::of(&repository, &survey).findings(), []);
    }

    #[test]
    fn a_lump_of_modules_is_worse_than_a_pair() {
        let manifest = package("x");
        let (_dir, repository, survey) = survey(&[
            ("Cargo.toml", &manifest),
            ("src/lib.rs", ""),
            ("src/a.rs", "use crate::b::X;"),
            ("src/b.rs", "use crate::c::X;"),
            ("src/c.rs", "use crate::d::X;"),
            ("src/d.rs", "use crate::a::X;"),
        ]);
        let findings = Modules::of(&repository, &survey).findings();
        assert_eq!(findings[0].severity, Severity::Medium);
        assert!(findings[0].message.contains("a, b, c, d"));
    }
}
