//! The shipped lines of one file, each reduced to a hash of its tokens.
//!
//! Spacing and comments do not matter. Lines that say nothing by themselves (imports, closing brackets) are left out.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::source::Unit;
use crate::source::rust::place;

/// A line of shipped code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::backend_architect) struct CodeLine {
    /// Its number.
    pub(in crate::backend_architect) number: u32,
    /// The hash of its tokens.
    pub(in crate::backend_architect) hash: u64,
}

/// The shipped lines of a file that say something.
pub(in crate::backend_architect) fn code(unit: &Unit<'_>) -> Vec<CodeLine> {
    let mut lines = BTreeMap::new();
    hash(unit.tokens.clone(), &mut lines);
    let texts: Vec<&str> = unit.text.lines().collect();
    lines
        .into_iter()
        .filter(|(number, _)| unit.is_shipped(*number))
        .filter(|(number, _)| texts.get(*number as usize - 1).is_some_and(|text| speaks(text)))
        .map(|(number, hasher)| CodeLine { number, hash: hasher.finish() })
        .collect()
}

fn speaks(line: &str) -> bool {
    let line = line.trim();
    let import =
        ["use ", "pub use ", "pub(crate) use ", "pub(in crate::backend_architect) use ", "mod ", "pub mod "];
    line.contains(|letter: char| letter.is_alphanumeric())
        && !import.iter().any(|start| line.starts_with(start))
}

fn hash(tokens: TokenStream, lines: &mut BTreeMap<u32, DefaultHasher>) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let (line, _) = place(token.span());
        match &token {
            TokenTree::Punct(punct) if punct.as_char() == '#' && tokens.peek().is_some_and(is_doc) => {
                tokens.next();
            }
            TokenTree::Group(group) => {
                letter(group.delimiter()).hash(lines.entry(line).or_default());
                hash(group.stream(), lines);
            }
            TokenTree::Ident(name) => name.to_string().hash(lines.entry(line).or_default()),
            TokenTree::Punct(punct) => punct.as_char().hash(lines.entry(line).or_default()),
            TokenTree::Literal(literal) => literal.to_string().hash(lines.entry(line).or_default()),
        }
    }
}

fn letter(bracket: Delimiter) -> char {
    match bracket {
        Delimiter::Parenthesis => '(',
        Delimiter::Brace => '{',
        Delimiter::Bracket => '[',
        Delimiter::None => ' ',
    }
}

fn is_doc(token: &TokenTree) -> bool {
    let TokenTree::Group(group) = token else { return false };
    matches!(group.stream().into_iter().next(), Some(TokenTree::Ident(name)) if name == "doc")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::rust::fixture::parsed;

    fn numbers(text: &str) -> Vec<u32> {
        parsed("src/a.rs", text, |unit| code(unit).iter().map(|line| line.number).collect())
    }

    #[test]
    fn lines_that_say_nothing_are_left_out() {
        let text =
            "use a::b;\n/// Doc.\nfn a() {\n    b(\n        1,\n    );\n    // why\n}\n#[test]\nfn t() {}\n";
        assert_eq!(numbers(text), [3, 4, 5]);
    }

    #[test]
    fn a_line_is_its_tokens_and_not_its_letters() {
        let hashes = |text: &str| {
            parsed("src/a.rs", text, |unit| code(unit).iter().map(|line| line.hash).collect::<Vec<_>>())
        };
        assert_eq!(hashes("fn a( ) { 1 } // one"), hashes("fn a(){1}"));
        assert_ne!(hashes("fn a() { 1 }"), hashes("fn a() { 2 }"));
        assert_ne!(hashes("fn a() { [1] }"), hashes("fn a() { (1) }"));
    }
}
