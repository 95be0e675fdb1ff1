//! The unsafe code of one file, piece by piece.

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Safety, StaticMutability};

use crate::source::Unit;
use crate::source::rust::place;

/// One piece of unsafe code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Block,
    Function,
    Impl,
    Trait,
    Extern,
    StaticMut,
}

impl Kind {
    pub(super) const ALL: [Self; 6] =
        [Self::Block, Self::Function, Self::Impl, Self::Trait, Self::Extern, Self::StaticMut];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Block => "unsafe block",
            Self::Function => "unsafe function",
            Self::Impl => "unsafe impl",
            Self::Trait => "unsafe trait",
            Self::Extern => "foreign function",
            Self::StaticMut => "static mut",
        }
    }

    pub(super) fn metric(self) -> &'static str {
        match self {
            Self::Block => "unsafe_blocks",
            Self::Function => "unsafe_functions",
            Self::Impl => "unsafe_impls",
            Self::Trait => "unsafe_traits",
            Self::Extern => "foreign_functions",
            Self::StaticMut => "static_muts",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) kind: Kind,
    pub(super) line: u32,
    pub(super) column: u32,
    /// Whether a comment gives a reason for it.
    pub(super) documented: bool,
}

/// The unsafe code of a file, in the order of its text.
pub(super) fn pieces(unit: &Unit<'_>) -> Vec<Piece> {
    let lines = unit.text.lines().collect();
    let mut search = Search { lines, statement: None, found: Vec::new() };
    search.visit_file(&unit.tree);
    search.found
}

struct Search<'a> {
    lines: Vec<&'a str>,
    /// The line of the innermost statement: a comment above it speaks for the unsafe block within.
    statement: Option<u32>,
    found: Vec<Piece>,
}

impl Search<'_> {
    fn add(&mut self, kind: Kind, span: Span) {
        let (line, column) = place(span);
        let documented = self.speaks(line) || self.statement.is_some_and(|statement| self.speaks(statement));
        self.found.push(Piece { kind, line, column, documented });
    }

    /// Whether a comment on `line`, right above it or, where a block begins, right below it gives a reason.
    fn speaks(&self, line: u32) -> bool {
        let at = |number: usize| self.lines.get(number.wrapping_sub(1)).map_or("", |text| text.trim());
        let line = line as usize;
        let above = (1..line).rev().map(at).take_while(|text| {
            ["//", "#[", "/*", "*", "pub ", "pub("].iter().any(|start| text.starts_with(start))
        });
        let below = at(line + 1);
        gives_reason(at(line))
            || above.into_iter().any(gives_reason)
            || (at(line).ends_with('{') && below.starts_with("//") && gives_reason(below))
    }

    /// Unsafe blocks among the tokens of a macro call, which have no tree.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Ident(name) if name == "unsafe" => {
                    let block = matches!(tokens.peek(), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace);
                    if block {
                        self.add(Kind::Block, name.span());
                    }
                }
                TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }

    fn signature(&mut self, signature: &syn::Signature) {
        if let Safety::Unsafe(token) = &signature.safety {
            self.add(Kind::Function, token.span);
        }
    }
}

fn gives_reason(text: &str) -> bool {
    text.contains("SAFETY") || text.contains("# Safety") || text.contains("Safety:")
}

impl<'ast> Visit<'ast> for Search<'_> {
    fn visit_stmt(&mut self, statement: &'ast syn::Stmt) {
        let outer = self.statement.replace(place(statement.span()).0);
        visit::visit_stmt(self, statement);
        self.statement = outer;
    }

    fn visit_item(&mut self, item: &'ast syn::Item) {
        let outer = self.statement.take();
        visit::visit_item(self, item);
        self.statement = outer;
    }

    fn visit_expr_unsafe(&mut self, block: &'ast syn::ExprUnsafe) {
        self.add(Kind::Block, block.unsafe_token.span);
        visit::visit_expr_unsafe(self, block);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.tokens(call.tokens.clone());
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.signature(&function.sig);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.signature(&function.sig);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        self.signature(&function.sig);
        visit::visit_trait_item_fn(self, function);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if let Some(token) = &item.unsafety {
            self.add(Kind::Impl, token.span);
        }
        visit::visit_item_impl(self, item);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        if let Some(token) = &item.unsafety {
            self.add(Kind::Trait, token.span);
        }
        visit::visit_item_trait(self, item);
    }

    fn visit_foreign_item_fn(&mut self, function: &'ast syn::ForeignItemFn) {
        self.add(Kind::Extern, function.sig.fn_token.span);
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        if let StaticMutability::Mut(token) = &item.mutability {
            self.add(Kind::StaticMut, token.span);
        }
        visit::visit_item_static(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::rust::fixture::parsed;

    fn found(text: &str) -> Vec<(Kind, u32, bool)> {
        parsed("src/a.rs", text, |unit| {
            pieces(unit).into_iter().map(|p| (p.kind, p.line, p.documented)).collect()
        })
    }

    #[test]
    fn every_kind_is_found_at_its_line() {
        let text = "unsafe fn a() {}\nunsafe trait B {}\nunsafe impl B for u8 {}\nextern \"C\" {\n    fn c();\n}\nstatic mut D: u8 = 0;\nfn e() { unsafe { a() } }\nfn f() { println!(\"{}\", unsafe { D }); }\n";
        assert_eq!(
            found(text),
            [
                (Kind::Function, 1, false),
                (Kind::Trait, 2, false),
                (Kind::Impl, 3, false),
                (Kind::Extern, 5, false),
                (Kind::StaticMut, 7, false),
                (Kind::Block, 8, false),
                (Kind::Block, 9, false)
            ]
        );
    }

    #[test]
    fn a_reason_is_seen_above_beside_below_and_above_the_statement() {
        for text in [
            "fn a() {\n    // SAFETY: so.\n    unsafe { b() }\n}",
            "fn a() {\n    // SAFETY: a long\n    // reason.\n    #[allow(x)]\n    unsafe { b() }\n}",
            "fn a() {\n    unsafe { b() } // SAFETY: so.\n}",
            "fn a() {\n    unsafe {\n        // SAFETY: so.\n        b()\n    }\n}",
            "fn a() {\n    // SAFETY: so.\n    let c =\n        unsafe { b() };\n}",
            "/// Does.\n///\n/// # Safety\n/// Careful.\npub unsafe fn a() {}",
            "// SAFETY: so.\nunsafe impl A for B {}",
        ] {
            assert!(found(text).iter().all(|(_, _, documented)| *documented), "{text}");
        }
        for text in [
            "// SAFETY: of something else.\nfn x() {}\nfn a() {\n    unsafe { b() }\n}",
            "fn a() {\n    // Quick.\n    unsafe { b() }\n}",
            "fn a() {\n    unsafe { b() }\n    // SAFETY: of the next.\n    c()\n}",
            "// SAFETY: outside.\nfn a() {\n    let c = 1;\n    unsafe { b() }\n}",
        ] {
            assert!(found(text).iter().all(|(_, _, documented)| !*documented), "{text}");
        }
    }
}
