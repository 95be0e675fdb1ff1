//! The passages of a text in markdown, each with the line it begins in.

use std::sync::LazyLock;

use regex::Regex;

use crate::text::markdown::plain;
use crate::text::sentences::sentences;

/// What a passage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A heading.
    Heading,
    /// An item of a list; `is_numbered` when the list says in which order its items come.
    Item {
        /// Whether it has a number and no mark.
        is_numbered: bool,
    },
    /// Lines that belong together.
    Paragraph,
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Passage {
    pub(super) shape: Shape,
    /// The line it begins in, counted from 1.
    pub(super) line: usize,
    lines: Vec<String>,
}

static ITEM: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\s*(?:[-*+•](?:\s+\[[ xX]\])?|(?P<number>\d{1,3})[.)])\s+(?P<text>.+)$")
        .expect("it is a regular expression")
});

/// The passages of a text. Code between fences, tables and lines of marks are no passages.
pub(super) fn passages(text: &str) -> Vec<Passage> {
    let mut found: Vec<Passage> = Vec::new();
    let mut is_open = false;
    let mut is_code = false;
    for (line, text) in (1..).zip(text.lines()) {
        let trimmed = text.trim();
        let is_fence = trimmed.starts_with("```") || trimmed.starts_with("~~~");
        is_code ^= is_fence;
        if is_code || is_fence || trimmed.starts_with('|') || !trimmed.chars().any(char::is_alphanumeric) {
            is_open = false;
        } else if let Some(heading) = heading(trimmed) {
            found.push(Passage { shape: Shape::Heading, line, lines: vec![heading] });
            is_open = false;
        } else if let Some(item) = ITEM.captures(text) {
            let shape = Shape::Item { is_numbered: item.name("number").is_some() };
            found.push(Passage { shape, line, lines: vec![item["text"].trim().to_owned()] });
            is_open = true;
        } else if let Some(open) = found.last_mut().filter(|_| is_open) {
            open.lines.push(trimmed.to_owned());
        } else {
            found.push(Passage { shape: Shape::Paragraph, line, lines: vec![trimmed.to_owned()] });
            is_open = true;
        }
    }
    found
}

fn heading(line: &str) -> Option<String> {
    let text = line.trim_start_matches('#');
    let level = line.len() - text.len();
    ((1..=6).contains(&level) && text.starts_with(' ')).then(|| plain(text.trim_end_matches('#')))
}

impl Passage {
    /// Its sentences without the marks of markdown, each with its line in the whole text.
    pub(super) fn sentences(&self) -> Vec<(usize, String)> {
        let found = sentences(&self.lines.join("\n")).into_iter();
        found.map(|found| (self.line + found.line - 1, plain(&found.text))).collect()
    }

    /// Its text on one line.
    pub(super) fn text(&self) -> String {
        plain(&self.lines.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passages_know_their_lines_and_their_shapes() {
        let text = "# Head\nOne. Two\ngoes on.\n\n- [ ] item\n  more. And **more**.\n2. second\n```\nno code\n```\n| no | table |\n---\nend";
        let found: Vec<_> =
            passages(text).into_iter().map(|found| (found.shape, found.sentences())).collect();
        let said = |line: usize, text: &str| (line, text.to_owned());
        let expected = [
            (Shape::Heading, vec![said(1, "Head")]),
            (Shape::Paragraph, vec![said(2, "One."), said(2, "Two goes on.")]),
            (Shape::Item { is_numbered: false }, vec![said(5, "item more."), said(6, "And more.")]),
            (Shape::Item { is_numbered: true }, vec![said(7, "second")]),
            (Shape::Paragraph, vec![said(13, "end")]),
        ];
        assert_eq!(found, expected);
    }
}
