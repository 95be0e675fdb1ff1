//! Finds the references in a text, without reading what is in them.

use crate::expression::ExpressionError;

/// How many bytes open an expression, in both ways to write one.
pub(super) const OPEN: usize = 2;

/// A part of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Text as it shall be.
    Plain(String),
    /// An expression, and where it begins in the text.
    Source { text: &'a str, offset: usize },
}

/// Cuts a text into plain text and expressions.
pub(super) fn pieces(text: &str) -> Result<Vec<Piece<'_>>, ExpressionError> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut at = 0;
    while let Some(next) = text[at..].chars().next() {
        let rest = &text[at..];
        if rest.starts_with("$${") {
            plain.push_str("${");
            at += 3;
            continue;
        }
        let Some(close) = closing(rest) else {
            plain.push(next);
            at += next.len_utf8();
            continue;
        };
        let begin = at + OPEN;
        let end = begin + length(&text[begin..], close).ok_or_else(|| unclosed(at, close))?;
        if !plain.is_empty() {
            pieces.push(Piece::Plain(std::mem::take(&mut plain)));
        }
        pieces.push(Piece::Source { text: &text[begin..end], offset: begin });
        at = end + close.len();
    }
    if !plain.is_empty() {
        pieces.push(Piece::Plain(plain));
    }
    Ok(pieces)
}

/// The text that [`pieces`] reads as nothing but `text`.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let (taken, written) = match rest {
            _ if rest.starts_with("${") => (2, "$${"),
            _ if rest.starts_with("{{") => (2, "${'{{'}"),
            _ => (next.len_utf8(), &rest[..next.len_utf8()]),
        };
        escaped.push_str(written);
        rest = &rest[taken..];
    }
    escaped
}

fn closing(rest: &str) -> Option<&'static str> {
    match rest {
        _ if rest.starts_with("${") => Some("}"),
        _ if rest.starts_with("{{") => Some("}}"),
        _ => None,
    }
}

/// How many bytes the expression at the start of `text` has, up to `close`.
fn length(text: &str, close: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(next) = text[at..].chars().next() {
        let rest = &text[at..];
        at += match next {
            '}' if depth == 0 && rest.starts_with(close) => return Some(at),
            '\'' | '"' => quoted(rest, text[..at].ends_with(['r', 'R']))?,
            _ => {
                match next {
                    '{' => depth += 1,
                    '}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                next.len_utf8()
            }
        };
    }
    None
}

/// How many bytes the string at the start of `text` has, quotes included.
fn quoted(text: &str, raw: bool) -> Option<usize> {
    let quote = if text.starts_with("'''") || text.starts_with("\"\"\"") { &text[..3] } else { &text[..1] };
    let mut at = quote.len();
    loop {
        let rest = text.get(at..)?;
        let next = rest.chars().next()?;
        if rest.starts_with(quote) {
            return Some(at + quote.len());
        }
        at += next.len_utf8();
        if next == '\\' && !raw {
            at += rest[1..].chars().next()?.len_utf8();
        }
    }
}

fn unclosed(offset: usize, close: &str) -> ExpressionError {
    let hint = match close {
        "}" => "close it with `}`, or write `$${` for a plain `${`",
        _ => "close it with `}}`, or write `${'{{'}` for a plain `{{`",
    };
    ExpressionError { message: "the reference is not closed".to_owned(), offset, hint: Some(hint.to_owned()) }
}
