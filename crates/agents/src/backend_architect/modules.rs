//! Which modules of a crate use each other, and where they do so in a circle.
//!
//! A parent and its children belong together, so an edge between them says nothing. Any other edge is carried up to
//! the two siblings whose subtrees it connects: that is where one part of a crate comes to depend on another.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;
use syn::UseTree;
use syn::visit::{self, Visit};

use super::cycle::{self, Edges};
use super::survey::Survey;
use crate::review::{Finding, Severity};
use crate::source::rust::place;
use crate::source::{Repository, Unit};

/// From so many modules on a circle is a lump that nobody can take a part out of.
const LUMP: usize = 4;

/// One use of a path of the same crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Use {
    /// The path from the crate's root.
    pub(super) to: Vec<String>,
    /// Where it is used.
    pub(super) line: u32,
}

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

/// The module that the file at `path` is in the crate at `dir`: a path from the crate's root, empty for the root.
/// `None` for what belongs to another target: tests, examples, further binaries, build scripts.
pub(super) fn module_of(dir: &str, path: &str) -> Option<Vec<String>> {
    let inside = if dir.is_empty() { path } else { path.strip_prefix(dir)?.strip_prefix('/')? };
    let mut parts: Vec<String> =
        inside.strip_prefix("src/")?.strip_suffix(".rs")?.split('/').map(str::to_owned).collect();
    match (parts.len(), parts.last().map(String::as_str)) {
        (1, Some("lib" | "main")) | (2.., Some("mod")) => {
            parts.pop();
        }
        (2.., _) if parts[0] == "bin" => return None,
        _ => {}
    }
    Some(parts)
}

/// The paths of its own crate that the shipped part of `unit`, the module `module`, uses.
pub(super) fn uses(unit: &Unit<'_>, module: &[String]) -> Vec<Use> {
    let mut uses = Uses { unit, scope: module.to_vec(), found: Vec::new() };
    uses.visit_file(&unit.tree);
    uses.found
}

struct Uses<'a> {
    unit: &'a Unit<'a>,
    scope: Vec<String>,
    found: Vec<Use>,
}

impl Uses<'_> {
    fn add(&mut self, path: &[String], line: u32) {
        if let Some(to) = absolute(&self.scope, path).filter(|_| self.unit.is_shipped(line)) {
            self.found.push(Use { to, line });
        }
    }

    fn tree(&mut self, tree: &UseTree, before: &[String]) {
        let join = |name: &syn::Ident| {
            let mut path = before.to_vec();
            path.push(name.to_string());
            path
        };
        match tree {
            UseTree::Path(path) => self.tree(&path.tree, &join(&path.ident)),
            UseTree::Name(name) => self.add(&join(&name.ident), place(name.ident.span()).0),
            UseTree::Rename(rename) => self.add(&join(&rename.ident), place(rename.ident.span()).0),
            UseTree::Glob(glob) => self.add(before, place(glob.star_token.span).0),
            UseTree::Group(group) => group.items.iter().for_each(|item| self.tree(item, before)),
        }
    }
}

impl<'ast> Visit<'ast> for Uses<'_> {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&item.tree, &[]);
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        self.scope.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.scope.pop();
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            self.add(&names, place(path.segments[0].ident.span()).0);
        }
        visit::visit_path(self, path);
    }
}

/// `path` as written in the module `scope`, from the crate's root; `None` if it leads elsewhere.
fn absolute(scope: &[String], path: &[String]) -> Option<Vec<String>> {
    let (first, rest) = path.split_first()?;
    let mut base = match first.as_str() {
        "crate" => Vec::new(),
        "self" => scope.to_vec(),
        "super" => scope.split_last()?.1.to_vec(),
        _ => return None,
    };
    for name in rest {
        match name.as_str() {
            "super" => {
                base.pop()?;
            }
            "self" => {}
            _ => base.push(name.clone()),
        }
    }
    Some(base)
}

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
    use crate::source::rust::fixture::parsed;

    #[test]
    fn files_are_modules_by_their_place() {
        let module = |dir: &str, path: &str| module_of(dir, path).map(|parts| parts.join("::"));
        assert_eq!(module("", "src/lib.rs").as_deref(), Some(""));
        assert_eq!(module("a", "a/src/main.rs").as_deref(), Some(""));
        assert_eq!(module("a", "a/src/b/c.rs").as_deref(), Some("b::c"));
        assert_eq!(module("", "src/b/mod.rs").as_deref(), Some("b"));
        assert_eq!(module("", "src/b/lib.rs").as_deref(), Some("b::lib"));
        assert_eq!(module("", "src/bin/x.rs"), None);
        assert_eq!(module("", "tests/x.rs"), None);
        assert_eq!(module("", "build.rs"), None);
    }

    #[test]
    fn uses_are_seen_from_the_root() {
        let text = "use crate::b::{self, C, d::*};\nuse super::e as f;\nuse std::fmt;\nfn g() { crate::h::i(); self::j(); k::l() }\nmod m {\n    use super::super::n;\n}\n#[cfg(test)]\nmod tests { use crate::o; }\n";
        parsed("src/a/x.rs", text, |unit| {
            let scope = ["a".to_owned(), "x".to_owned()];
            let found: Vec<_> =
                uses(unit, &scope).into_iter().map(|used| (used.to.join("::"), used.line)).collect();
            let expected =
                [("b", 1), ("b::C", 1), ("b::d", 1), ("a::e", 2), ("h::i", 4), ("a::x::j", 4), ("a::n", 6)];
            assert_eq!(found, expected.map(|(path, line)| (path.to_owned(), line)));
        });
    }

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
