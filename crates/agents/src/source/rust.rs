//! One parsed Rust file, and the pass over all of them.

use std::ops::RangeInclusive;
use std::str::FromStr;

use proc_macro2::{Delimiter, LineColumn, Span, TokenStream, TokenTree};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, Macro, Meta, Token};

use super::walk::unreadable;
use super::{Area, File, Pace, Repository, Stopped};
use crate::review::Unchecked;

/// How deep a file may nest before it is left alone: the parser and the walks over its tree call themselves, so depth
/// is stack. A thread of [`STACK`] bytes carries this depth with a wide margin; a person's code stays far below it.
const MAX_DEPTH: usize = 4000;

/// What one level of brackets adds to the depth: about so many calls lie between an expression and one inside it.
const LEVEL: usize = 20;

/// The stack of the thread that parses.
pub(super) const STACK: usize = 64 * 1024 * 1024;

/// A parsed file.
pub(crate) struct Unit<'a> {
    /// Its path in the repository.
    pub(crate) path: &'a str,
    /// What it is for.
    pub(crate) area: Area,
    /// Its text.
    pub(crate) text: &'a str,
    /// Its tokens.
    pub(crate) tokens: TokenStream,
    /// Its tree.
    pub(crate) tree: syn::File,
    tests: Vec<RangeInclusive<u32>>,
}

/// Why a file was not parsed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ParseError {
    /// It is not the Rust that the parser knows.
    #[error("does not parse as Rust (line {line}: {message})")]
    Syntax {
        /// Where the parser stopped.
        line: u32,
        /// What it said.
        message: String,
    },
    /// Its nesting would exhaust the stack.
    #[error("is nested too deeply to be parsed safely")]
    Deep,
}

impl<'a> Unit<'a> {
    /// Parses `text`, the content of `file`.
    pub(crate) fn parse(file: &'a File, text: &'a str) -> Result<Self, ParseError> {
        let source = without_preamble(text);
        let tokens = TokenStream::from_str(&source).map_err(|error| ParseError::Syntax {
            line: line_of(error.span().start()),
            message: "unbalanced or unknown token".to_owned(),
        })?;
        if is_deep(tokens.clone(), 0) {
            return Err(ParseError::Deep);
        }
        let tree: syn::File = syn::parse2(tokens.clone()).map_err(|error| ParseError::Syntax {
            line: line_of(error.span().start()),
            message: error.to_string(),
        })?;
        let tests = test_lines(&tree);
        Ok(Self { path: &file.path, area: file.area, text, tokens, tree, tests })
    }

    /// Whether `line` belongs to a test.
    pub(crate) fn is_test(&self, line: u32) -> bool {
        self.area == Area::Test || self.tests.iter().any(|range| range.contains(&line))
    }

    /// Whether `line` is shipped: neither test nor example.
    pub(crate) fn is_shipped(&self, line: u32) -> bool {
        self.area == Area::Source && !self.is_test(line)
    }
}

/// The text without byte order mark and interpreter line; lines keep their numbers.
fn without_preamble(text: &str) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match text.strip_prefix("#!") {
        Some(rest) if !rest.trim_start().starts_with('[') => {
            text.find('\n').map_or(String::new(), |end| text[end..].to_owned())
        }
        _ => text.to_owned(),
    }
}

/// Whether parsing `tokens`, found at depth `base`, would go deeper than [`MAX_DEPTH`]. Tokens that follow each other
/// without a separator may each be a level (`!!!!x`), so a run of them counts as depth.
fn is_deep(tokens: TokenStream, base: usize) -> bool {
    let mut run = 0;
    let mut closed = false;
    for token in tokens {
        let mut closes = false;
        match token {
            TokenTree::Group(group) => {
                let inner = base + run + LEVEL;
                if inner > MAX_DEPTH || is_deep(group.stream(), inner) {
                    return true;
                }
                closes = group.delimiter() == Delimiter::Brace;
            }
            TokenTree::Punct(punct) if matches!(punct.as_char(), ';' | ',') => run = 0,
            TokenTree::Punct(punct) if punct.as_char() == '#' && closed => run = 0,
            TokenTree::Ident(ident) if closed && ident != "else" => run = 0,
            TokenTree::Punct(_) | TokenTree::Ident(_) | TokenTree::Literal(_) => {}
        }
        run += 1;
        closed = closes;
        if base + run > MAX_DEPTH {
            return true;
        }
    }
    false
}

/// What a pass over the Rust files came to.
#[derive(Debug, Default)]
pub(crate) struct Pass {
    /// How many files were parsed.
    pub(crate) parsed: usize,
    /// Those that were not.
    pub(crate) failed: Vec<Unchecked>,
}

impl Repository {
    /// Parses one Rust file after the other and shows each to `visit`. Files that cannot be read or parsed are listed
    /// in the result. Ends early only when the call is cancelled.
    pub(crate) fn each_rust(
        &self,
        pace: &Pace<'_>,
        mut visit: impl FnMut(&Unit<'_>),
    ) -> Result<Pass, Stopped> {
        let files: Vec<&File> = self.rust().collect();
        let mut failed = Vec::new();
        let mut parsed = 0;
        for (index, file) in files.iter().enumerate() {
            pace.step(index, files.len(), "reading Rust")?;
            match self.show(file, &mut visit) {
                Ok(()) => parsed += 1,
                Err(reason) => failed.push((file.path.clone(), reason)),
            }
            // The parser's library keeps the text of everything it has read for as long as its thread lives.
            proc_macro2::extra::invalidate_current_thread_spans();
        }
        Ok(Pass { parsed, failed: unreadable("Rust files", &failed) })
    }

    fn show(&self, file: &File, visit: &mut impl FnMut(&Unit<'_>)) -> Result<(), String> {
        let text = self.text(&file.path).map_err(|error| format!("cannot be read: {error}"))?;
        let text = text.ok_or_else(|| "is not text".to_owned())?;
        let unit = Unit::parse(file, &text).map_err(|error| error.to_string())?;
        visit(&unit);
        Ok(())
    }
}

/// The line and column of the beginning of `span`, both counted from 1.
pub(crate) fn place(span: Span) -> (u32, u32) {
    let start = span.start();
    (line_of(start), u32::try_from(start.column).unwrap_or(u32::MAX).saturating_add(1))
}

/// The first and the last line of `span`.
pub(crate) fn lines(span: Span) -> RangeInclusive<u32> {
    line_of(span.start())..=line_of(span.end())
}

fn line_of(place: LineColumn) -> u32 {
    u32::try_from(place.line).unwrap_or(u32::MAX)
}

/// The arguments of a macro call that takes expressions, as `println!` does; none if it takes something else.
pub(crate) fn arguments(mac: &Macro) -> Punctuated<Expr, Token![,]> {
    mac.parse_body_with(Punctuated::parse_terminated).unwrap_or_default()
}

/// Whether attributes make what they stand on part of the tests: `#[test]` in any of its forms, or `#[cfg(test)]`.
pub(crate) fn is_test_only(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let last = attribute.path().segments.last();
        match &attribute.meta {
            Meta::List(list) if attribute.path().is_ident("cfg") => needs_test(list.tokens.clone()),
            Meta::Path(_) | Meta::List(_) => {
                last.is_some_and(|segment| segment.ident == "test" || segment.ident == "bench")
            }
            Meta::NameValue(_) => false,
        }
    })
}

/// Whether the condition of a `cfg` holds in tests only: `test`, or `all(...)` with it.
fn needs_test(condition: TokenStream) -> bool {
    let mut tokens = condition.into_iter();
    match (tokens.next(), tokens.next()) {
        (Some(TokenTree::Ident(name)), None) => name == "test",
        (Some(TokenTree::Ident(name)), Some(TokenTree::Group(group))) if name == "all" => {
            let mut parts = group.stream().into_iter().peekable();
            let mut first = true;
            while let Some(part) = parts.next() {
                let is_test = matches!(&part, TokenTree::Ident(name) if name == "test");
                let ends = !matches!(parts.peek(), Some(TokenTree::Punct(punct)) if punct.as_char() != ',');
                if first && is_test && ends {
                    return true;
                }
                first = matches!(&part, TokenTree::Punct(punct) if punct.as_char() == ',');
            }
            false
        }
        _ => false,
    }
}

fn test_lines(tree: &syn::File) -> Vec<RangeInclusive<u32>> {
    if is_test_only(&tree.attrs) {
        return vec![0..=u32::MAX];
    }
    let mut tests = Tests(Vec::new());
    tests.visit_file(tree);
    tests.0
}

struct Tests(Vec<RangeInclusive<u32>>);

impl<'ast> Visit<'ast> for Tests {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if is_test_only(&module.attrs) {
            self.0.push(lines(module.span()));
        } else {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        if is_test_only(&function.attrs) {
            self.0.push(lines(function.span()));
        }
    }

    fn visit_item_impl(&mut self, block: &'ast syn::ItemImpl) {
        if is_test_only(&block.attrs) {
            self.0.push(lines(block.span()));
        } else {
            visit::visit_item_impl(self, block);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if is_test_only(&function.attrs) {
            self.0.push(lines(function.span()));
        }
    }

    fn visit_item_use(&mut self, import: &'ast syn::ItemUse) {
        if is_test_only(&import.attrs) {
            self.0.push(lines(import.span()));
        }
    }
}

#[cfg(test)]
pub(crate) mod fixture {
    use super::*;

    /// Parses `text` as the file at `path` and shows it to `see`.
    pub(crate) fn parsed<T>(path: &str, text: &str, see: impl FnOnce(&Unit<'_>) -> T) -> T {
        let file = File { path: path.to_owned(), area: Area::of(path) };
        see(&Unit::parse(&file, text).expect("the fixture parses"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::repository;
    use super::super::job::deep;
    use super::fixture::parsed;
    use super::*;

    fn error(text: &str) -> Option<ParseError> {
        let text = text.to_owned();
        deep(STACK, move || {
            let file = File { path: "src/a.rs".to_owned(), area: Area::Source };
            Unit::parse(&file, &text).err()
        })
    }

    #[test]
    fn tests_are_told_from_what_is_shipped_by_line() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n#[tokio::test]\nasync fn c() {\n}\nfn d() {}\n#[cfg(all(unix, test))]\nuse x::y;\n#[cfg(not(test))]\nfn e() {}\n";
        parsed("src/a.rs", text, |unit| {
            let tests: Vec<u32> = (1..=13).filter(|line| unit.is_test(*line)).collect();
            assert_eq!(tests, [2, 3, 4, 5, 6, 7, 8, 10, 11]);
        });
        parsed("src/a.rs", "#![cfg(test)]\nfn a() {}", |unit| assert!(unit.is_test(2)));
        parsed("src/a.rs", "#[cfg(any(test, feature = \"x\"))]\nfn a() {}", |unit| assert!(!unit.is_test(2)));
        parsed("examples/a.rs", "fn a() {}", |unit| assert!(!unit.is_shipped(1) && !unit.is_test(1)));
    }

    #[test]
    fn an_interpreter_line_and_a_mark_keep_the_lines() {
        parsed("src/a.rs", "#!/usr/bin/env run\nfn a() {}", |unit| {
            assert_eq!(place(unit.tree.items[0].span()), (2, 1));
        });
        parsed("src/a.rs", "\u{feff}#![allow(x)]\n  fn a() {}", |unit| {
            assert_eq!(place(unit.tree.items[0].span()), (2, 3));
        });
    }

    #[test]
    fn a_syntax_error_tells_its_line() {
        assert!(matches!(error("fn a() {}\nfn ("), Some(ParseError::Syntax { line: 2, .. })));
        assert!(matches!(error("fn a() {}\n\nfn b( {}"), Some(ParseError::Syntax { .. })));
    }

    #[test]
    fn hostile_nesting_is_refused_and_not_parsed() {
        for (open, close) in [("(", ")"), ("[", "]"), ("{", "}")] {
            let text = format!("fn a() {{ {}1{} }}", open.repeat(50_000), close.repeat(50_000));
            assert_eq!(error(&text), Some(ParseError::Deep), "{open}");
        }
        for chain in ["!", "&", "-", "1 + ", "if a {} else ", "S {} + ", "return "] {
            let text = format!("fn a() {{ {}1 }}", chain.repeat(100_000));
            assert_eq!(error(&text), Some(ParseError::Deep), "{chain}");
        }
    }

    #[test]
    fn what_is_just_not_too_deep_is_parsed_without_a_crash() {
        for chain in ["!", "&", "1 + ", "if a {} else "] {
            let most = (MAX_DEPTH - 100) / chain.split_whitespace().count().max(1);
            let text = format!("fn a() {{ {}{{1}} }}", chain.repeat(most));
            assert_eq!(error(&text), None, "{chain}");
        }
        let levels = MAX_DEPTH / (LEVEL + 1) - 5;
        let text = format!("fn a() {{ {}1{} }}", "(".repeat(levels), ")".repeat(levels));
        assert_eq!(error(&text), None);
    }

    #[test]
    fn long_files_of_ordinary_code_are_not_deep() {
        let text =
            "fn a() { if x { y(); } else { z(); } }\nimpl A { fn b(&self) -> u8 { 1 } }\n".repeat(5000);
        assert_eq!(error(&text), None);
    }

    #[test]
    fn a_file_that_does_not_parse_is_listed_and_the_others_are_seen() {
        let (_dir, repository) =
            repository(&[("src/a.rs", "fn a() {}"), ("src/b.rs", "fn fn fn"), ("src/c.rs", "fn c() {}")]);
        let mut seen = Vec::new();
        let pass = repository.each_rust(&Pace::free(), |unit| seen.push(unit.path.to_owned())).unwrap();
        assert_eq!(seen, ["src/a.rs", "src/c.rs"]);
        assert_eq!(pass.parsed, 2);
        assert_eq!(pass.failed[0].check, "src/b.rs");
        assert!(pass.failed[0].reason.starts_with("does not parse as Rust (line 1"));
    }

    #[test]
    fn a_cancelled_pass_stops_between_files() {
        let (_dir, repository) = repository(&[("a.rs", ""), ("b.rs", ""), ("c.rs", "")]);
        let seen = std::cell::Cell::new(0);
        let stop = || seen.get() == 2;
        let outcome = repository.each_rust(&Pace::new(&stop, &|_, _| {}), |_| seen.set(seen.get() + 1));
        assert!(outcome.is_err());
        assert_eq!(seen.get(), 2);
    }
}
