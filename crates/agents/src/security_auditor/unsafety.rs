//! The inventory of unsafe code, and whether each piece says why it is sound.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Meta, Safety, StaticMutability};

use crate::review::{Finding, Review, Severity, plural};
use crate::source::rust::place;
use crate::source::{Area, Repository, Unit};

/// One piece of unsafe code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Block,
    Function,
    Impl,
    Trait,
    Extern,
    StaticMut,
}

impl Kind {
    const ALL: [Self; 6] =
        [Self::Block, Self::Function, Self::Impl, Self::Trait, Self::Extern, Self::StaticMut];

    fn name(self) -> &'static str {
        match self {
            Self::Block => "unsafe block",
            Self::Function => "unsafe function",
            Self::Impl => "unsafe impl",
            Self::Trait => "unsafe trait",
            Self::Extern => "foreign function",
            Self::StaticMut => "static mut",
        }
    }

    fn metric(self) -> &'static str {
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
struct Piece {
    kind: Kind,
    line: u32,
    column: u32,
    documented: bool,
}

/// What the Rust files of a repository hold of unsafe code.
#[derive(Debug, Default)]
pub(super) struct Unsafety {
    counts: BTreeMap<Kind, usize>,
    findings: Vec<Finding>,
    /// Crates, by index, that hold unsafe code in what they ship.
    holders: BTreeSet<usize>,
    /// Crate roots that were seen, by the index of their crate, and whether all of them forbid unsafe code.
    roots: BTreeMap<usize, bool>,
    files: usize,
}

impl Unsafety {
    /// Adds one file.
    pub(super) fn add(&mut self, repository: &Repository, unit: &Unit<'_>) {
        self.files += 1;
        let pieces = pieces(unit);
        for piece in &pieces {
            *self.counts.entry(piece.kind).or_insert(0) += 1;
        }
        self.findings.extend(judge(unit, &pieces));
        let Some(krate) = repository.manifests.owner(unit.path) else { return };
        if pieces.iter().any(|piece| unit.is_shipped(piece.line)) {
            self.holders.insert(krate);
        }
        if is_root(&repository.manifests.crates[krate].dir, unit.path) {
            *self.roots.entry(krate).or_insert(true) &= forbids(&unit.tree.attrs);
        }
    }

    /// Says what was found.
    pub(super) fn conclude(self, repository: &Repository, review: &mut Review) {
        if self.files == 0 {
            review.skipped("unsafe code", "there is no Rust file in the path that could be parsed");
            return;
        }
        for kind in Kind::ALL {
            review.measure(kind.metric(), self.counts.get(&kind).copied().unwrap_or(0));
        }
        let (forbidding, open) = self.forbidding(repository);
        review.measure("crates_forbidding_unsafe", forbidding);
        review.verdict("every piece of unsafe code says why it is sound", self.findings);
        if repository.manifests.crates.is_empty() {
            review.skipped("unsafe code forbidden", "the Rust files belong to no crate of the path");
        } else if open.is_empty() {
            review.passed.push("every crate without unsafe code forbids it".to_owned());
        } else {
            review.findings.extend(open);
        }
    }

    /// How many crates forbid unsafe code, and a remark for each that has none and could.
    fn forbidding(&self, repository: &Repository) -> (usize, Vec<Finding>) {
        let (mut count, mut open) = (0, Vec::new());
        for (index, krate) in repository.manifests.crates.iter().enumerate() {
            let by_manifest =
                krate.unsafe_code.as_deref().is_some_and(|level| matches!(level, "forbid" | "deny"));
            let Some(by_source) = self.roots.get(&index).copied() else { continue };
            if by_manifest || by_source {
                count += 1;
            } else if !self.holders.contains(&index) && krate.area() == Area::Source {
                open.push(
                    Finding::new(
                        Severity::Info,
                        "unsafe_not_forbidden",
                        format!("{} has no unsafe code and does not forbid it", krate.name),
                    )
                    .at(&krate.manifest, 1)
                    .suggest("set unsafe_code = \"forbid\" under lints.rust"),
                );
            }
        }
        (count, open)
    }
}

fn is_root(dir: &str, path: &str) -> bool {
    let inside = if dir.is_empty() { path } else { path.get(dir.len() + 1..).unwrap_or_default() };
    matches!(inside, "src/lib.rs" | "src/main.rs")
}

fn forbids(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let level = attribute.path().is_ident("forbid") || attribute.path().is_ident("deny");
        let Meta::List(list) = &attribute.meta else { return false };
        level
            && list
                .tokens
                .clone()
                .into_iter()
                .any(|token| matches!(token, TokenTree::Ident(name) if name == "unsafe_code"))
    })
}

fn judge(unit: &Unit<'_>, pieces: &[Piece]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = pieces
        .iter()
        .filter(|piece| unit.is_shipped(piece.line))
        .filter_map(|piece| fault(unit, piece))
        .collect();
    let sound: Vec<&Piece> =
        pieces.iter().filter(|piece| piece.documented && unit.is_shipped(piece.line)).collect();
    if let Some(first) = sound.first() {
        let message = format!("{} of unsafe code with a reason given", plural(sound.len(), "piece"));
        findings.push(
            Finding::new(Severity::Info, "unsafe_code", message)
                .at(unit.path, first.line)
                .column(first.column)
                .evidence("the first stands here"),
        );
    }
    findings
}

fn fault(unit: &Unit<'_>, piece: &Piece) -> Option<Finding> {
    let (severity, rule, message, suggestion) = match piece.kind {
        Kind::StaticMut => (
            Severity::Medium,
            "static_mut",
            "a static mut is shared without any guard".to_owned(),
            "use an atomic, a Mutex or a OnceLock",
        ),
        // What another language does is declared here and answered for where it is called.
        Kind::Extern => return None,
        _ if piece.documented => return None,
        kind @ (Kind::Function | Kind::Trait) => (
            Severity::Low,
            "undocumented_unsafe",
            format!("this {} does not say what its callers have to uphold", kind.name()),
            "write a section # Safety that says what has to hold",
        ),
        kind @ (Kind::Block | Kind::Impl) => (
            Severity::Medium,
            "undocumented_unsafe",
            format!("this {} does not say why it is sound", kind.name()),
            "write a comment // SAFETY: above it that says why what it needs holds here",
        ),
    };
    let finding = Finding::new(severity, rule, message).at(unit.path, piece.line).column(piece.column);
    Some(finding.evidence(piece.kind.name()).suggest(suggestion))
}

fn pieces(unit: &Unit<'_>) -> Vec<Piece> {
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
    use crate::source::Pace;
    use crate::source::fixture::{package, repository};
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

    fn review(files: &[(&str, &str)]) -> Review {
        let (_dir, repository) = repository(files);
        let mut unsafety = Unsafety::default();
        repository.each_rust(&Pace::free(), |unit| unsafety.add(&repository, unit)).unwrap();
        let mut review = Review::default();
        unsafety.conclude(&repository, &mut review);
        review.conclude("unsafe")
    }

    #[test]
    fn undocumented_pieces_are_findings_and_documented_ones_a_remark() {
        let manifest = package("x");
        let text = "fn a() {\n    unsafe { b() }\n    // SAFETY: so.\n    unsafe { b() }\n}\nunsafe fn b() {}\n#[cfg(test)]\nmod tests {\n    fn c() { unsafe { b() } }\n}\n";
        let review = review(&[("Cargo.toml", &manifest), ("src/lib.rs", text)]);
        let found: Vec<_> = review.findings.iter().map(|f| (f.severity, f.rule.as_str(), f.line)).collect();
        assert_eq!(
            found,
            [
                (Severity::Medium, "undocumented_unsafe", Some(2)),
                (Severity::Low, "undocumented_unsafe", Some(6)),
                (Severity::Info, "unsafe_code", Some(4))
            ]
        );
        assert_eq!(review.metrics["unsafe_blocks"], 3);
    }

    #[test]
    fn a_crate_that_could_forbid_unsafe_code_is_named() {
        let (plain, forbidding) =
            (package("plain"), package("own") + "[lints.rust]\nunsafe_code = \"forbid\"\n");
        let review = review(&[
            ("a/Cargo.toml", &plain),
            ("a/src/lib.rs", "fn a() {}"),
            ("b/Cargo.toml", &forbidding),
            ("b/src/lib.rs", "fn b() {}"),
            ("c/Cargo.toml", &package("attribute")),
            ("c/src/main.rs", "#![forbid(unsafe_code)]\nfn main() {}"),
        ]);
        assert_eq!(review.findings.len(), 1);
        assert_eq!(review.findings[0].message, "plain has no unsafe code and does not forbid it");
        assert_eq!(review.findings[0].file.as_deref(), Some("a/Cargo.toml"));
        assert_eq!(review.metrics["crates_forbidding_unsafe"], 2);
    }

    #[test]
    fn without_rust_nothing_has_passed() {
        let review = review(&[("a.py", "x")]);
        assert!(review.passed.is_empty());
        assert_eq!(review.unchecked[0].check, "unsafe code");
    }
}
