//! Which module one file is, and which others it uses.

use syn::UseTree;
use syn::visit::{self, Visit};

use crate::source::Unit;
use crate::source::rust::place;

/// One use of a path of the same crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::backend_architect) struct Use {
    /// The path from the crate's root.
    pub(in crate::backend_architect) to: Vec<String>,
    /// Where it is used.
    pub(in crate::backend_architect) line: u32,
}

/// The module that the file at `path` is in the crate at `dir`: a path from the crate's root, empty for the root.
/// `None` for what belongs to another target: tests, examples, further binaries, build scripts.
pub(in crate::backend_architect) fn module_of(dir: &str, path: &str) -> Option<Vec<String>> {
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
pub(in crate::backend_architect) fn uses(unit: &Unit<'_>, module: &[String]) -> Vec<Use> {
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

#[cfg(test)]
mod tests {
    use super::*;
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
}
