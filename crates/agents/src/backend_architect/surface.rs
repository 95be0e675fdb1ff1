//! What each crate makes public, and how much of it is documented.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use syn::visit::{self, Visit};
use syn::{Attribute, Visibility};

use super::survey::Survey;
use crate::review::{Finding, Severity};
use crate::source::ratio;
use crate::source::rust::place;
use crate::source::{Repository, Unit};

/// With fewer public items a crate explains itself by its size.
const FEW_ITEMS: usize = 10;

/// Less documentation than this leaves a user of the crate to read its source.
const DOCUMENTED_SHARE: f64 = 0.5;

/// What a file makes public.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Surface {
    /// Items and methods that are `pub`.
    pub(super) public: usize,
    /// Those of them with a doc comment.
    pub(super) documented: usize,
    /// The line of the first without one.
    pub(super) bare: Option<u32>,
}

/// What one crate makes public.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct CrateSurface {
    /// The crate.
    name: String,
    /// Items and methods that are `pub`.
    public: usize,
    /// Those of them with a doc comment.
    documented: usize,
    #[serde(skip)]
    bare: Option<(String, u32)>,
    #[serde(skip)]
    library: bool,
}

/// What a file makes public. An item counts by its own visibility: `pub` in a private module is public by intent.
pub(super) fn surface(unit: &Unit<'_>) -> Surface {
    let mut items = Items { unit, surface: Surface::default() };
    items.visit_file(&unit.tree);
    items.surface
}

struct Items<'a> {
    unit: &'a Unit<'a>,
    surface: Surface,
}

impl Items<'_> {
    fn add(&mut self, visibility: &Visibility, attributes: &[Attribute]) {
        let Visibility::Public(token) = visibility else { return };
        let (line, _) = place(token.span);
        if !self.unit.is_shipped(line) {
            return;
        }
        self.surface.public += 1;
        if attributes.iter().any(|attribute| attribute.path().is_ident("doc")) {
            self.surface.documented += 1;
        } else {
            self.surface.bare.get_or_insert(line);
        }
    }
}

impl<'ast> Visit<'ast> for Items<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        match item {
            syn::Item::Const(item) => self.add(&item.vis, &item.attrs),
            syn::Item::Enum(item) => self.add(&item.vis, &item.attrs),
            syn::Item::Fn(item) => self.add(&item.vis, &item.attrs),
            syn::Item::Static(item) => self.add(&item.vis, &item.attrs),
            syn::Item::Struct(item) => self.add(&item.vis, &item.attrs),
            syn::Item::Trait(item) => self.add(&item.vis, &item.attrs),
            syn::Item::Type(item) => self.add(&item.vis, &item.attrs),
            syn::Item::Union(item) => self.add(&item.vis, &item.attrs),
            // Modules are documented at their own head, and the rest declares nothing public by itself.
            _ => {}
        }
        visit::visit_item(self, item);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.add(&function.vis, &function.attrs);
    }

    fn visit_block(&mut self, _: &'ast syn::Block) {
        // Nothing inside a function body is public.
    }
}

/// The public surface of every crate.
pub(super) fn crates(repository: &Repository, survey: &Survey) -> Vec<CrateSurface> {
    let mut surfaces = BTreeMap::new();
    for facts in survey.shipped() {
        let Some(krate) = facts.krate.and_then(|index| repository.manifests.crates.get(index)) else {
            continue;
        };
        let entry = surfaces.entry(&krate.dir).or_insert_with(|| CrateSurface {
            name: krate.name.clone(),
            public: 0,
            documented: 0,
            bare: None,
            library: false,
        });
        entry.public += facts.surface.public;
        entry.documented += facts.surface.documented;
        entry.library |= facts.path.ends_with("src/lib.rs");
        if let (None, Some(line)) = (&entry.bare, facts.surface.bare) {
            entry.bare = Some((facts.path.clone(), line));
        }
    }
    surfaces.into_values().collect()
}

/// Libraries that leave most of what they offer without a word.
pub(super) fn findings(surfaces: &[CrateSurface]) -> Vec<Finding> {
    surfaces.iter().filter_map(undocumented).collect()
}

fn undocumented(surface: &CrateSurface) -> Option<Finding> {
    let share = ratio(surface.documented, surface.public);
    if !surface.library || surface.public < FEW_ITEMS || share >= DOCUMENTED_SHARE {
        return None;
    }
    let message = format!(
        "{} of {} public items of {} are documented",
        surface.documented, surface.public, surface.name
    );
    let (file, line) = surface.bare.as_ref()?;
    Some(
        Finding::new(Severity::Low, "undocumented_surface", message)
            .at(file, *line)
            .evidence("the first undocumented item stands here")
            .suggest("document what users call, and make the rest pub(crate)"),
    )
}

#[cfg(test)]
mod tests {
    use super::super::survey::fixture::survey;
    use super::*;
    use crate::source::fixture::package;
    use crate::source::rust::fixture::parsed;

    #[test]
    fn public_items_are_counted_with_their_documentation() {
        let text = "/// Doc.\npub struct A { pub field: u8 }\npub(crate) fn b() {}\nimpl A {\n    pub fn c(&self) {}\n    fn d(&self) {}\n}\n#[cfg(test)]\nmod tests { pub fn e() {} }\npub mod f { pub fn g() { pub fn h() {} } }\n";
        parsed("src/a.rs", text, |unit| {
            assert_eq!(surface(unit), Surface { public: 3, documented: 1, bare: Some(5) });
        });
    }

    fn library(documented: usize, bare: usize) -> String {
        "/// Doc.\npub fn a() {}\n".repeat(documented) + &"pub fn b() {}\n".repeat(bare)
    }

    #[test]
    fn a_library_without_documentation_is_found_at_its_first_bare_item() {
        let (manifest, text) = (package("lib"), library(4, 6));
        let (_dir, repository, survey) = survey(&[("Cargo.toml", &manifest), ("src/lib.rs", &text)]);
        let findings = findings(&crates(&repository, &survey));
        assert_eq!(findings.len(), 1);
        assert_eq!((findings[0].file.as_deref(), findings[0].line), (Some("src/lib.rs"), Some(9)));
        assert_eq!(findings[0].message, "4 of 10 public items of lib are documented");
    }

    #[test]
    fn half_documented_small_and_binary_crates_are_left_alone() {
        for (file, text) in
            [("src/lib.rs", library(5, 5)), ("src/lib.rs", library(0, 9)), ("src/main.rs", library(0, 20))]
        {
            let manifest = package("x");
            let (_dir, repository, survey) = survey(&[("Cargo.toml", &manifest), (file, &text)]);
            assert_eq!(findings(&crates(&repository, &survey)), [], "{file}");
        }
    }
}
