//! What one file makes public.

use syn::visit::{self, Visit};
use syn::{Attribute, Visibility};

use crate::source::Unit;
use crate::source::rust::place;

/// What a file makes public.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::backend_architect) struct Surface {
    /// Items and methods that are `pub`.
    pub(in crate::backend_architect) public: usize,
    /// Those of them with a doc comment.
    pub(in crate::backend_architect) documented: usize,
    /// The line of the first without one.
    pub(in crate::backend_architect) bare: Option<u32>,
}

/// What a file makes public. An item counts by its own visibility: `pub` in a private module is public by intent.
pub(in crate::backend_architect) fn surface(unit: &Unit<'_>) -> Surface {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::rust::fixture::parsed;

    #[test]
    fn public_items_are_counted_with_their_documentation() {
        let text = "/// Doc.\npub struct A { pub field: u8 }\npub(crate) fn b() {}\nimpl A {\n    pub fn c(&self) {}\n    fn d(&self) {}\n}\n#[cfg(test)]\nmod tests { pub fn e() {} }\npub mod f { pub fn g() { pub fn h() {} } }\n";
        parsed("src/a.rs", text, |unit| {
            assert_eq!(surface(unit), Surface { public: 3, documented: 1, bare: Some(5) });
        });
    }
}
