//! The markdown that goals and texts are read as: headings, list items, paragraphs; links and images within a line.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// A block of a text and the line it begins in, counted from 1.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Block {
    pub(crate) line: usize,
    pub(crate) kind: Kind,
}

/// What a block is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// A heading and its level.
    Heading(usize, String),
    /// An item of a list.
    Item(String),
    /// Lines that belong together, joined.
    Paragraph(String),
}

/// A link or an image within a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Link<'t> {
    /// Whether it is an image.
    pub(crate) is_image: bool,
    /// What is shown, or said of the image.
    pub(crate) text: &'t str,
    /// Where it leads.
    pub(crate) target: &'t str,
}

static LINK: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(!?)\[([^\[\]\n]*)\]\(\s*([^()\s]+)\s*\)").expect("it is a regular expression")
});

static ITEM: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\s*(?:[-*+•]|\d{1,3}[.)])\s+(.+)$").expect("it is a regular expression"));

/// The blocks of a text.
pub(crate) fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut is_open = false;
    for (line, text) in (1..).zip(text.lines()) {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            is_open = false;
        } else if let Some(kind) = heading(trimmed).or_else(|| item(text)) {
            is_open = matches!(kind, Kind::Item(_));
            blocks.push(Block { line, kind });
        } else if let Some(Block { kind: Kind::Item(open) | Kind::Paragraph(open), .. }) =
            blocks.last_mut().filter(|_| is_open)
        {
            open.push(' ');
            open.push_str(trimmed);
        } else {
            blocks.push(Block { line, kind: Kind::Paragraph(trimmed.to_owned()) });
            is_open = true;
        }
    }
    blocks
}

fn heading(line: &str) -> Option<Kind> {
    let text = line.trim_start_matches('#');
    let level = line.len() - text.len();
    let is_heading = (1..=6).contains(&level) && text.starts_with(' ') && !text.trim().is_empty();
    is_heading.then(|| Kind::Heading(level, text.trim().trim_end_matches('#').trim_end().to_owned()))
}

fn item(line: &str) -> Option<Kind> {
    ITEM.captures(line).map(|found| Kind::Item(found[1].trim().to_owned()))
}

/// The pieces of a text in order: plain ones as `Err`, links and images as `Ok`.
pub(crate) fn pieces(text: &str) -> Vec<Result<Link<'_>, &str>> {
    let mut pieces = Vec::new();
    let mut end = 0;
    for found in LINK.captures_iter(text) {
        let whole = found.get(0).expect("the match itself");
        if end < whole.start() {
            pieces.push(Err(&text[end..whole.start()]));
        }
        pieces.push(Ok(link(&found)));
        end = whole.end();
    }
    if end < text.len() {
        pieces.push(Err(&text[end..]));
    }
    pieces
}

fn link<'t>(found: &Captures<'t>) -> Link<'t> {
    let part = |index| found.get(index).map_or("", |part: regex::Match<'t>| part.as_str());
    Link { is_image: !part(1).is_empty(), text: part(2), target: part(3) }
}

/// The first link or image of a text.
pub(crate) fn first_link(text: &str) -> Option<Link<'_>> {
    pieces(text).into_iter().find_map(Result::ok)
}

/// A text as it reads: of a link its words, of an image nothing, and no marks of emphasis.
pub(crate) fn plain(text: &str) -> String {
    let shown = |piece: Result<Link<'_>, &str>| match piece {
        Ok(link) if link.is_image => String::new(),
        Ok(link) => link.text.to_owned(),
        Err(text) => text.replace("**", "").replace(['`', '*'], ""),
    };
    pieces(text).into_iter().map(shown).collect::<String>().trim().to_owned()
}

/// A text in which each link that `change` has words for is those words.
pub(crate) fn replace(text: &str, change: impl Fn(&Link<'_>) -> Option<String>) -> String {
    let replaced = |found: &Captures<'_>| change(&link(found)).unwrap_or_else(|| found[0].to_owned());
    LINK.replace_all(text, replaced).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_headings_items_and_paragraphs_with_their_lines() {
        let text = "# Title\nfirst\nline\n\n- one\n  more\n2) two\n\nlast #hash\n#nohead";
        let kinds: Vec<_> = blocks(text).into_iter().map(|block| (block.line, block.kind)).collect();
        assert_eq!(
            kinds,
            [
                (1, Kind::Heading(1, "Title".into())),
                (2, Kind::Paragraph("first line".into())),
                (5, Kind::Item("one more".into())),
                (7, Kind::Item("two".into())),
                (9, Kind::Paragraph("last #hash #nohead".into())),
            ]
        );
    }

    #[test]
    fn links_and_images_are_told_from_the_text_around_them() {
        let text = "See [the menu](menu.html) and ![us](us.png)!";
        let shown: Vec<_> = pieces(text).into_iter().filter_map(Result::ok).collect();
        assert_eq!((shown[0].text, shown[0].target, shown[0].is_image), ("the menu", "menu.html", false));
        assert_eq!((shown[1].text, shown[1].target, shown[1].is_image), ("us", "us.png", true));
        assert_eq!(plain("See **[the menu](menu.html)**"), "See the menu");
        assert_eq!(plain("no [link] (here)"), "no [link] (here)");
    }

    #[test]
    fn a_link_becomes_its_words() {
        let bare = |link: &Link<'_>| (link.target == "a.html").then(|| link.text.to_owned());
        assert_eq!(replace("[x](a.html) [y](b.html)", bare), "x [y](b.html)");
    }
}
