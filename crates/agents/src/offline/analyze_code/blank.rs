//! Code with the insides of literals and comments as blanks, so that what is left is code, in its lines and columns.
//!
//! Which marks begin a comment or a literal differs by language. What is taken here: `//` and `/* */`; `#` and `--` after a blank
//! or at the beginning of a line and before a blank; quotes of all kinds, triple ones too. A single quote is one only when its
//! line closes it, and in code that looks like Rust only around one letter, where otherwise lifetimes begin.

use std::sync::LazyLock;

use regex::Regex;

static RUST: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\bfn\s+\w+|\bimpl\b|&'\w|<'\w").expect("it is a regular expression"));

/// What begins here and is no code.
enum Inside {
    /// Up to the end of the line.
    Line,
    /// Up to a mark, over any lines.
    Until(&'static str),
    /// Up to a quote that no backslash stands before; `true` when it may go over lines.
    Quote(char, bool),
}

/// Blanks what is no code.
pub(super) fn blanked(code: &str) -> String {
    let is_rust = RUST.is_match(code);
    let (mut blanked, mut at) = (String::with_capacity(code.len()), 0);
    while let Some(letter) = code[at..].chars().next() {
        let rest = &code[at..];
        if let Some(inside) = inside(rest, &code[..at], is_rust) {
            let length = length(rest, &inside);
            blanked.extend(rest[..length].chars().map(|letter| if letter == '\n' { '\n' } else { ' ' }));
            at += length;
        } else {
            blanked.push(letter);
            at += letter.len_utf8();
        }
    }
    blanked
}

fn inside(rest: &str, before: &str, is_rust: bool) -> Option<Inside> {
    let after_blank = before.is_empty() || before.ends_with(char::is_whitespace);
    let is_alone = |mark: &str| {
        after_blank
            && rest.strip_prefix(mark).is_some_and(|rest| rest.starts_with([' ', '\n']) || rest.is_empty())
    };
    match rest.chars().next()? {
        // The two slashes of an address are no comment.
        '/' if rest.starts_with("//") && !before.ends_with(':') => Some(Inside::Line),
        '/' if rest.starts_with("/*") => Some(Inside::Until("*/")),
        '<' if rest.starts_with("<!--") => Some(Inside::Until("-->")),
        '#' if is_alone("#") => Some(Inside::Line),
        '-' if is_alone("--") => Some(Inside::Line),
        '"' if rest.starts_with("\"\"\"") => Some(Inside::Until("\"\"\"")),
        '"' => Some(Inside::Quote('"', true)),
        '`' => Some(Inside::Quote('`', true)),
        '\'' if rest.starts_with("'''") && !is_rust => Some(Inside::Until("'''")),
        '\'' if is_literal(rest, before, is_rust) => Some(Inside::Quote('\'', false)),
        _ => None,
    }
}

/// Whether a single quote begins a literal: not within a word, closed in its line, and in Rust around one letter.
fn is_literal(rest: &str, before: &str, is_rust: bool) -> bool {
    let line = rest.lines().next().unwrap_or_default();
    let is_in_word = before.ends_with(char::is_alphanumeric);
    let letters: Vec<char> = line.chars().take(4).collect();
    let is_letter = matches!(letters.as_slice(), ['\'', '\\', ..] | ['\'', _, '\'', ..]);
    !is_in_word && line[1..].contains('\'') && (!is_rust || is_letter)
}

/// How long it is, with its marks.
fn length(rest: &str, inside: &Inside) -> usize {
    match *inside {
        Inside::Line => rest.find('\n').unwrap_or(rest.len()),
        Inside::Until(end) => rest[2..].find(end).map_or(rest.len(), |at| 2 + at + end.len()),
        Inside::Quote(quote, over_lines) => {
            let mut is_escaped = false;
            let end = rest.char_indices().skip(1).find(|(_, letter)| {
                let ends = !is_escaped && (*letter == quote || (*letter == '\n' && !over_lines));
                is_escaped = *letter == '\\' && !is_escaped;
                ends
            });
            end.map_or(rest.len(), |(at, _)| at + usize::from(!rest[at..].starts_with('\n')))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(code: &str) -> String {
        let blanked = blanked(code);
        assert_eq!(blanked.lines().count(), code.lines().count(), "{code}");
        blanked.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_are_no_code() {
        assert_eq!(kept("a(); // (\nb /* {\n{ */ c"), "a(); b c");
        assert_eq!(
            kept("x = 1 # (\n# (\n#include <a>\n-- (\ni--; <!-- ( --> y"),
            "x = 1 #include <a> i--; y"
        );
        assert_eq!(kept("get(http://x)"), "get(http://x)");
    }

    #[test]
    fn literals_are_no_code() {
        assert_eq!(kept(r#"f("(", '(', `{`, "\"(")"#), "f( , , , )");
        assert_eq!(kept("a = \"\"\"(\n(\"\"\" + '''(''' b"), "a = + b");
        assert_eq!(kept("it's (x) isn't"), "it's (x) isn't");
    }

    #[test]
    fn a_lifetime_is_no_literal() {
        assert_eq!(kept("fn f<'a>(x: &'a str) { '{' }"), "fn f<'a>(x: &'a str) { }");
    }

    #[test]
    fn what_is_not_closed_goes_to_the_end() {
        assert_eq!(kept("a \"b"), "a");
        assert_eq!(kept("a /* b"), "a");
    }
}
