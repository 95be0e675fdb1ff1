//! Whether what the files of a site refer to is there, and whether something refers to every file.
//!
//! Rules: `broken_link broken_anchor unlinked_file`. Addresses beyond the site are counted and not asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;

use super::document::{Document, Reference};
use crate::offline::issue::Issue;

/// What the links of a site come to.
#[derive(Debug, Default)]
pub(super) struct Links {
    /// What is wrong with them.
    pub(super) issues: Vec<Issue>,
    /// How many were followed.
    pub(super) followed: usize,
    /// How many lead beyond the site.
    pub(super) external: usize,
    linked: BTreeSet<String>,
}

/// Files that are asked for by their name, without a link.
const BY_NAME: [&str; 6] =
    ["index.html", "favicon.ico", "robots.txt", "sitemap.xml", "404.html", "humans.txt"];

static IN_STYLE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"url\(\s*["']?([^"')\s]+)["']?\s*\)|@import\s+["']([^"']+)["']"#)
        .expect("it is a regular expression")
});

/// Follows every link of a site. `files` are all of its files, `styles` the texts of the style sheets among them.
pub(super) fn check(files: &BTreeSet<String>, documents: &[Document], styles: &[(String, String)]) -> Links {
    let anchors: BTreeMap<&str, &BTreeSet<String>> =
        documents.iter().map(|document| (document.file.as_str(), &document.anchors)).collect();
    let mut links = Links::default();
    for document in documents {
        for reference in &document.references {
            links.follow(files, &anchors, &document.file, reference);
        }
    }
    for (file, text) in styles {
        for reference in in_style(text) {
            links.follow(files, &anchors, file, &reference);
        }
    }
    links.unlinked(files);
    links
}

/// What a style sheet refers to.
fn in_style(text: &str) -> Vec<Reference> {
    let lines = (1..).zip(text.lines());
    let found = lines.flat_map(|(line, text)| {
        IN_STYLE.captures_iter(text).map(move |found| {
            let target = found.get(1).or_else(|| found.get(2)).map_or("", |target| target.as_str());
            Reference { line, target: target.to_owned() }
        })
    });
    found.collect()
}

impl Links {
    fn follow(
        &mut self,
        files: &BTreeSet<String>,
        anchors: &BTreeMap<&str, &BTreeSet<String>>,
        from: &str,
        reference: &Reference,
    ) {
        let target = reference.target.as_str();
        if is_external(target) {
            self.external += 1;
            return;
        }
        self.followed += 1;
        let (place, anchor) = target.split_once('#').unwrap_or((target, ""));
        let place = place.split('?').next().unwrap_or_default();
        let Some(file) = resolve(files, from, &decoded(place)) else {
            return self.complain(from, reference, "broken_link", format!("`{target}` leads to no file"));
        };
        let anchor = decoded(anchor);
        // `#top` leads to the top of any page.
        if !anchor.is_empty()
            && anchor != "top"
            && anchors.get(file.as_str()).is_some_and(|all| !all.contains(&anchor))
        {
            let message = format!("`{target}` leads to no place in {file}");
            self.complain(from, reference, "broken_anchor", message);
        }
        if file != from {
            self.linked.insert(file);
        }
    }

    fn complain(&mut self, from: &str, reference: &Reference, rule: &str, message: String) {
        let (file, line, rule) = (from.to_owned(), reference.line, rule.to_owned());
        let target = Some(reference.target.clone());
        self.issues.push(Issue { file, line, rule, message, target });
    }

    fn unlinked(&mut self, files: &BTreeSet<String>) {
        let lonely =
            files.iter().filter(|file| !BY_NAME.contains(&file.as_str()) && !self.linked.contains(*file));
        self.issues.extend(lonely.map(|file| Issue {
            file: file.clone(),
            line: 0,
            rule: "unlinked_file".to_owned(),
            message: "no other file of the site leads to this one".to_owned(),
            target: None,
        }));
    }
}

fn is_external(target: &str) -> bool {
    let scheme_ends = target.find(['/', '?', '#']).unwrap_or(target.len());
    target.starts_with("//") || target[..scheme_ends].contains(':')
}

/// The file that a path leads to from another file. A folder leads to its `index.html`, an empty path to the file itself.
fn resolve(files: &BTreeSet<String>, from: &str, path: &str) -> Option<String> {
    if path.is_empty() {
        return Some(from.to_owned());
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    if path.starts_with('/') {
        parts.clear();
    }
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    let file = parts.join("/");
    let index = if file.is_empty() { "index.html".to_owned() } else { format!("{file}/index.html") };
    [file, index].into_iter().find(|file| files.contains(file))
}

/// A text with `%20` and its like as the letters they stand for.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = after.get(..2).filter(|_| *first == b'%');
        let byte = escaped.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(pages: &[(&str, &str)], others: &[&str]) -> Links {
        let documents: Vec<Document> = pages.iter().map(|(file, text)| Document::read(file, text)).collect();
        let names = pages.iter().map(|(file, _)| *file).chain(others.iter().copied());
        check(&names.map(str::to_owned).collect(), &documents, &[])
    }

    fn rules(links: &Links) -> Vec<(&str, &str)> {
        links
            .issues
            .iter()
            .map(|issue| (issue.rule.as_str(), issue.target.as_deref().unwrap_or(&issue.file)))
            .collect()
    }

    #[test]
    fn links_are_followed_from_where_they_stand() {
        let index = "<a href='a/b.html'><a href='/a/'><a href='./c%20d.png?x#y'><a href='https://x/'><a href='mailto:a@b'>";
        let below = "<a href='../index.html'><a href='index.html'><a href=''>";
        let links = site(&[("index.html", index), ("a/b.html", below), ("a/index.html", "")], &["c d.png"]);
        assert_eq!(rules(&links), []);
        assert_eq!((links.followed, links.external), (6, 2));
    }

    #[test]
    fn links_to_nothing_are_named() {
        let index = "<a href='no.html'><a href='../out.html'><img src='no.png'>";
        let links = site(&[("index.html", index)], &[]);
        assert_eq!(
            rules(&links),
            [("broken_link", "no.html"), ("broken_link", "../out.html"), ("broken_link", "no.png")]
        );
        assert_eq!(links.issues[0].line, 1);
    }

    #[test]
    fn anchors_lead_to_places_that_are_there() {
        let index = "<a href='#here'><p id=here><a href='#gone'><a href='b.html#b'><a href='b.html#c'><a href='#top'>";
        let links = site(&[("index.html", index), ("b.html", "<p id=b>")], &[]);
        assert_eq!(rules(&links), [("broken_anchor", "#gone"), ("broken_anchor", "b.html#c")]);
    }

    #[test]
    fn a_file_that_only_leads_to_itself_is_unlinked() {
        let links = site(&[("index.html", ""), ("a.html", "<a href='a.html'>")], &["b.png", "robots.txt"]);
        assert_eq!(rules(&links), [("unlinked_file", "a.html"), ("unlinked_file", "b.png")]);
    }

    #[test]
    fn a_style_sheet_leads_somewhere_too() {
        let files = ["index.html", "s.css", "i/b.png"].map(str::to_owned).into();
        let documents = [Document::read("index.html", "<link rel=stylesheet href=s.css>")];
        let styles = [("s.css".to_owned(), "a { background: url('i/b.png') }\n@import 'no.css';".to_owned())];
        let links = check(&files, &documents, &styles);
        assert_eq!(rules(&links), [("broken_link", "no.css")]);
        assert_eq!(links.issues[0].line, 2);
    }
}
