//! The words of Rust code: no comments, a string is one word, and tests can be left out.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree, token_stream};

/// A word and the line it stands in.
#[derive(Debug)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// Which words are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All of them.
    Whole,
    /// Those that are not under `#[cfg(test)]`.
    Shipped,
}

/// The words of a file; `None` when it is no Rust code.
pub(crate) fn words(text: &str, extent: Extent) -> Option<Vec<Word>> {
    let mut words = Vec::new();
    collect(text.parse().ok()?, extent, &mut words);
    Some(words)
}

/// Lines in which these words, with spaces between them, stand one after the other.
pub(crate) fn find(words: &[Word], wanted: &str) -> Vec<usize> {
    let wanted: Vec<_> = wanted.split(' ').collect();
    let is_found = |window: &&[Word]| window.iter().zip(&wanted).all(|(word, wanted)| word.text == *wanted);
    words.windows(wanted.len()).filter(is_found).map(|window| window[0].line).collect()
}

fn collect(stream: TokenStream, extent: Extent, into: &mut Vec<Word>) {
    let mut trees = stream.into_iter();
    while let Some(tree) = trees.next() {
        match tree {
            TokenTree::Group(group) if extent == Extent::Shipped && is_for_tests(&group) => skip(&mut trees),
            TokenTree::Group(group) => {
                let (open, close) = brackets(group.delimiter());
                into.push(Word { text: open.to_owned(), line: group.span_open().start().line });
                collect(group.stream(), extent, into);
                into.push(Word { text: close.to_owned(), line: group.span_close().start().line });
            }
            word => into.push(Word { text: word.to_string(), line: word.span().start().line }),
        }
    }
}

/// `[cfg(test)]`, of which the `#` before it is already told.
fn is_for_tests(group: &Group) -> bool {
    let text: String = group.stream().to_string().split_whitespace().collect();
    group.delimiter() == Delimiter::Bracket && text == "cfg(test)"
}

/// Skips the item that an attribute stands on. A comma ends it too: rather too much is judged than too little.
fn skip(trees: &mut token_stream::IntoIter) {
    for tree in trees {
        match tree {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => return,
            TokenTree::Punct(mark) if [';', ','].contains(&mark.as_char()) => return,
            TokenTree::Group(_) | TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

fn brackets(delimiter: Delimiter) -> (&'static str, &'static str) {
    match delimiter {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::None => ("", ""),
    }
}

#[test]
fn words_in_comments_strings_and_tests_are_not_words_of_the_code() {
    let text = "// todo!\nfn a() { b(\"todo!()\") }\n#[cfg(test)]\nmod tests { fn c() { todo!() } }\nfn d() {\n todo!() }";
    let shipped = words(text, Extent::Shipped).expect("it is code");
    assert_eq!(find(&shipped, "todo !"), [6]);
    assert_eq!(find(&words(text, Extent::Whole).expect("it is code"), "todo !"), [4, 6]);
    assert!(words("fn (", Extent::Whole).is_none());
}
