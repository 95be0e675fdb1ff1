//! What stands in one HTML file, and whether it stands well there.
//!
//! Rules: `doctype title lang one_h1 heading_order img_alt duplicate_id unclosed_tag stray_end_tag unfinished`.

use std::collections::BTreeSet;

use super::tokens::{Kind, Tag, Token, tokens};
use crate::offline::issue::Issue;

/// A reference from a file to somewhere.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reference {
    pub(super) line: usize,
    /// As it is written.
    pub(super) target: String,
}

/// An HTML file that was read.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// The file, relative to its site.
    pub(super) file: String,
    /// Where it can be entered: ids, and names of anchors.
    pub(super) anchors: BTreeSet<String>,
    /// Where it leads.
    pub(super) references: Vec<Reference>,
    /// What is wrong with it.
    pub(super) issues: Vec<Issue>,
    has_title: bool,
    /// The headings: their levels and lines.
    headings: Vec<(u32, usize)>,
    open: Vec<(String, usize)>,
}

/// Elements that have no inside.
const VOID: [&str; 14] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track",
    "wbr",
];

/// Elements that may be left unclosed.
const OPTIONAL: [&str; 18] = [
    "html", "head", "body", "p", "li", "dt", "dd", "option", "optgroup", "thead", "tbody", "tfoot", "tr",
    "td", "th", "colgroup", "rp", "rt",
];

/// Attributes that lead somewhere, and whose.
const LEADING: [(&str, &str); 12] = [
    ("a", "href"),
    ("area", "href"),
    ("link", "href"),
    ("img", "src"),
    ("script", "src"),
    ("iframe", "src"),
    ("source", "src"),
    ("video", "src"),
    ("video", "poster"),
    ("audio", "src"),
    ("embed", "src"),
    ("object", "data"),
];

impl Document {
    /// Reads a file.
    pub(super) fn read(file: &str, text: &str) -> Self {
        let mut document = Self { file: file.to_owned(), ..Self::default() };
        let tokens = tokens(text);
        document.beginning(&tokens);
        for (at, token) in tokens.iter().enumerate() {
            match &token.kind {
                Kind::Start(tag) => document.start(tag, token.line, tokens.get(at + 1)),
                Kind::End(name) => document.end(name, token.line),
                Kind::Unfinished(what) => {
                    document.complain(token.line, "unfinished", format!("a {what} is begun and not ended"));
                }
                Kind::Text(_) | Kind::Doctype(_) => {}
            }
        }
        document.conclude();
        document
    }

    fn complain(&mut self, line: usize, rule: &str, message: String) {
        let (file, rule) = (self.file.clone(), rule.to_owned());
        self.issues.push(Issue { file, line, rule, message, target: None });
    }

    fn beginning(&mut self, tokens: &[Token]) {
        let blank = |token: &&Token| matches!(&token.kind, Kind::Text(text) if text.trim_matches('\u{feff}').trim().is_empty());
        let first = tokens.iter().find(|token| !blank(token));
        if !matches!(first, Some(Token { kind: Kind::Doctype(name), .. }) if name == "html") {
            self.complain(1, "doctype", "the file does not begin with `<!DOCTYPE html>`".to_owned());
        }
        let html = tokens.iter().find_map(|token| match &token.kind {
            Kind::Start(tag) if tag.name == "html" => Some((tag, token.line)),
            _ => None,
        });
        let lang = html.and_then(|(tag, _)| tag.attribute("lang")).unwrap_or_default();
        if lang.trim().is_empty() {
            let message = "the element `html` does not say its language in `lang`".to_owned();
            self.complain(html.map_or(1, |(_, line)| line), "lang", message);
        }
    }

    fn start(&mut self, tag: &Tag, line: usize, next: Option<&Token>) {
        match tag.name.as_str() {
            "title" if !self.open.iter().any(|(name, _)| name == "svg") => self.title(next),
            "img" if tag.attribute("alt").is_none() => {
                let source = tag.attribute("src").unwrap_or_default();
                self.complain(line, "img_alt", format!("the image `{source}` has no `alt`"));
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.headings.push((u32::from(tag.name.as_bytes()[1] - b'0'), line));
            }
            _ => {}
        }
        self.anchor(tag, line);
        let leading = LEADING.iter().filter(|(element, _)| *element == tag.name);
        let targets = leading.filter_map(|(_, attribute)| tag.attribute(attribute));
        self.references.extend(targets.map(|target| Reference { line, target: target.trim().to_owned() }));
        let is_within = |name: &str| self.open.iter().any(|(open, _)| open == name);
        let closes_itself = tag.closes_itself && (is_within("svg") || is_within("math"));
        if !VOID.contains(&tag.name.as_str()) && !closes_itself {
            self.open.push((tag.name.clone(), line));
        }
    }

    fn title(&mut self, next: Option<&Token>) {
        let says = |token: &Token| matches!(&token.kind, Kind::Text(text) if !text.trim().is_empty());
        self.has_title |= next.is_some_and(says);
    }

    fn anchor(&mut self, tag: &Tag, line: usize) {
        if let Some(id) = tag.attribute("id")
            && !self.anchors.insert(id.to_owned())
        {
            self.complain(line, "duplicate_id", format!("the id `{id}` is there twice"));
        }
        if tag.name == "a" {
            self.anchors.extend(tag.attribute("name").map(str::to_owned));
        }
    }

    /// Closes the innermost element of this name, and says which ones in it were left open.
    fn end(&mut self, name: &str, line: usize) {
        if VOID.contains(&name) || !self.open.iter().any(|(open, _)| open == name) {
            // `</p>` and `</br>` alone make an element, which nobody means.
            return self.complain(line, "stray_end_tag", format!("`</{name}>` ends nothing"));
        }
        while let Some((open, since)) = self.open.pop() {
            if open == name {
                return;
            }
            self.unclosed(&open, since);
        }
    }

    fn unclosed(&mut self, name: &str, since: usize) {
        if !OPTIONAL.contains(&name) {
            self.complain(since, "unclosed_tag", format!("`<{name}>` is not closed"));
        }
    }

    fn conclude(&mut self) {
        while let Some((open, since)) = self.open.pop() {
            self.unclosed(&open, since);
        }
        if !self.has_title {
            self.complain(1, "title", "the file has no title, or an empty one".to_owned());
        }
        let first = self.headings.iter().filter(|(level, _)| *level == 1).map(|(_, line)| *line);
        let first: Vec<usize> = first.collect();
        if first.len() != 1 {
            let line = first.get(1).copied().unwrap_or(1);
            self.complain(line, "one_h1", format!("there are {} headings `h1`; one is right", first.len()));
        }
        let headings = std::mem::take(&mut self.headings);
        for pair in headings.windows(2).filter(|pair| pair[1].0 > pair[0].0 + 1) {
            let message = format!("a heading `h{}` follows a heading `h{}`", pair[1].0, pair[0].0);
            self.complain(pair[1].1, "heading_order", message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "<!DOCTYPE html><html lang=en><head><title>T</title></head><body>";

    fn broken(text: &str) -> Vec<(String, usize)> {
        let document = Document::read("a.html", text);
        document.issues.into_iter().map(|issue| (issue.rule, issue.line)).collect()
    }

    fn rules(body: &str) -> Vec<String> {
        broken(&format!("{HEAD}{body}")).into_iter().map(|(rule, _)| rule).collect()
    }

    #[test]
    fn a_good_file_has_no_issues() {
        let body = "<h1>A</h1><ul><li>x<li>y</ul><p>z<p><img src=a alt=''><br><h2 id=a>B</h2><svg><path d=''/></svg>";
        assert_eq!(rules(body), Vec::<String>::new());
    }

    #[test]
    fn what_is_missing_at_the_beginning_is_named() {
        let found = broken("\n<html><h1>x</h1></html>");
        assert_eq!(found, [("doctype".into(), 1), ("lang".into(), 2), ("title".into(), 1)]);
        assert!(broken("<!doctype html><html lang=''><title> </title><h1>x</h1>").len() == 2);
        let in_a_drawing = "<!doctype html><html lang=en><h1>x</h1><svg><title>T</title></svg>";
        assert_eq!(broken(in_a_drawing), [("title".into(), 1)]);
    }

    #[test]
    fn headings_have_their_order() {
        assert_eq!(rules("<h2>x</h2>"), ["one_h1"]);
        assert_eq!(rules("<h1>x</h1><h1>y</h1>"), ["one_h1"]);
        assert_eq!(rules("<h1>x</h1><h2>y</h2><h4>z</h4><h2>w</h2>"), ["heading_order"]);
    }

    #[test]
    fn elements_are_closed_where_they_were_opened() {
        assert_eq!(rules("<h1>x</h1><div><b>y</div>"), ["unclosed_tag"]);
        assert_eq!(rules("<h1>x</h1><section>"), ["unclosed_tag"]);
        assert_eq!(rules("<h1>x</h1></div>"), ["stray_end_tag"]);
        assert_eq!(rules("<h1>x</h1><div/>"), ["unclosed_tag"]);
        assert_eq!(rules("<h1>x</h1><!-- y"), ["unfinished"]);
    }

    #[test]
    fn images_and_ids_are_checked() {
        assert_eq!(rules("<h1 id=a>x</h1><p id=a><img src=y>"), ["duplicate_id", "img_alt"]);
    }

    #[test]
    fn references_and_anchors_are_collected() {
        let document = Document::read("a.html", "<a name=n id=i href=' b.html '>\n<img src=c.png>");
        assert!(document.anchors.iter().eq(["i", "n"]));
        let found: Vec<_> = document.references.iter().map(|one| (one.line, one.target.as_str())).collect();
        assert_eq!(found, [(1, "b.html"), (2, "c.png")]);
    }
}
