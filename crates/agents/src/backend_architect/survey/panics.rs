//! Where one file may panic.
//!
//! The search is over tokens and not over the tree, so that it also sees what stands inside of macro calls.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::source::Unit;
use crate::source::rust::place;

/// How a place may panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::backend_architect) enum Kind {
    /// `.unwrap()`: without a word about why it holds.
    Unwrap,
    /// `.expect("why")`: an argued assumption.
    Expect,
    /// `panic!`.
    Panic,
    /// `todo!` or `unimplemented!`: code that is not there.
    Unfinished,
    /// `unreachable!`: an argued impossibility.
    Unreachable,
}

/// One place that may panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::backend_architect) struct Panic {
    /// How.
    pub(in crate::backend_architect) kind: Kind,
    /// Where.
    pub(in crate::backend_architect) line: u32,
    /// Where in the line.
    pub(in crate::backend_architect) column: u32,
}

/// The places of a file that may panic, tests and examples left aside.
pub(in crate::backend_architect) fn panics(unit: &Unit<'_>) -> Vec<Panic> {
    let mut found = Vec::new();
    search(unit.tokens.clone(), &mut found);
    found.retain(|panic| unit.is_shipped(panic.line));
    found
}

fn search(tokens: TokenStream, found: &mut Vec<Panic>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (index, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => search(group.stream(), found),
            TokenTree::Ident(name) => {
                let before = index.checked_sub(1).and_then(|index| tokens.get(index));
                if let Some(kind) = kind(&name.to_string(), before, tokens.get(index + 1)) {
                    let (line, column) = place(name.span());
                    found.push(Panic { kind, line, column });
                }
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

fn kind(name: &str, before: Option<&TokenTree>, after: Option<&TokenTree>) -> Option<Kind> {
    let is = |token: Option<&TokenTree>, mark: char| matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == mark);
    let called =
        matches!(after, Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis);
    match name {
        "unwrap" if is(before, '.') && called => Some(Kind::Unwrap),
        "expect" if is(before, '.') && called => Some(Kind::Expect),
        "panic" if is(after, '!') => Some(Kind::Panic),
        "todo" | "unimplemented" if is(after, '!') => Some(Kind::Unfinished),
        "unreachable" if is(after, '!') => Some(Kind::Unreachable),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::rust::fixture::parsed;

    #[test]
    fn every_kind_is_found_where_it_stands_even_in_macros() {
        let text = "fn a() {\n    x.unwrap();\n    println!(\"{}\", y.expect(\"why\"));\n    todo!()\n}\nfn b() { panic!(\"x\"); unreachable!(); unimplemented!() }\n";
        parsed("src/a.rs", text, |unit| {
            let found: Vec<_> =
                panics(unit).into_iter().map(|panic| (panic.kind, panic.line, panic.column)).collect();
            assert_eq!(
                found,
                [
                    (Kind::Unwrap, 2, 7),
                    (Kind::Expect, 3, 22),
                    (Kind::Unfinished, 4, 5),
                    (Kind::Panic, 6, 10),
                    (Kind::Unreachable, 6, 23),
                    (Kind::Unfinished, 6, 39)
                ]
            );
        });
    }

    #[test]
    fn names_comments_and_tests_are_no_panics() {
        let text = "//! x.unwrap()\n/// panic!()\nfn unwrap() { a.unwrap_or(1); b.unwrap; // c.unwrap()\n}\n#[test]\nfn t() { x.unwrap() }\n";
        parsed("src/a.rs", text, |unit| assert_eq!(panics(unit), []));
    }
}
