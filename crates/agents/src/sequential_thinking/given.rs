//! What a caller hands over, in any form, taken apart into what can be read.
//!
//! | in the arguments | is read as |
//! | --- | --- |
//! | a text of several words, at any depth | a document, named by its place such as `analysis.notes` |
//! | an object with `path` and `content`, as `file_read` answers it | a document, named by its path |
//! | a list of texts | a document with one item for each |
//! | an object with `findings`, as reviews have them | its findings, and what was not checked; nothing else of it |
//! | an object with `name` | a name of something that is there |
//! | numbers, single words and the like | not read, and counted |

use serde::Deserialize;
use serde_json::{Map, Value};

use super::thought::Source;
use crate::review::{Finding, Severity, Unchecked};

/// Most findings of a review that become thoughts; the rest is counted.
const MOST_FINDINGS: usize = 20;

/// Most names that are looked for.
const MOST_NAMES: usize = 500;

/// Shortest name that is looked for: a shorter one stands in any text.
const SHORTEST_NAME: usize = 4;

/// How deep values are looked into.
const DEEPEST: usize = 32;

/// What can be read.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// Texts, by their names.
    pub(super) documents: Vec<(String, String)>,
    /// What reviews found, the worst first.
    pub(super) findings: Vec<(String, Source)>,
    /// What reviews could not look at.
    pub(super) unchecked: Vec<(String, Source)>,
    /// Names of what is there, and the place of each.
    pub(super) names: Vec<(String, String)>,
    /// Values that nothing is made of.
    pub(super) unread: usize,
}

impl Given {
    /// Takes arguments apart.
    pub(super) fn of(arguments: &Map<String, Value>) -> Self {
        let mut given = Self::default();
        arguments.iter().for_each(|(name, value)| given.take(name, value, 0));
        given
    }

    /// Whether there is nothing that can be read.
    pub(super) fn is_empty(&self) -> bool {
        self.documents.is_empty()
            && self.findings.is_empty()
            && self.unchecked.is_empty()
            && self.names.is_empty()
    }

    fn take(&mut self, place: &str, value: &Value, depth: usize) {
        match value {
            Value::String(text) if text.split_whitespace().count() > 1 => {
                self.documents.push((place.to_owned(), text.clone()));
            }
            Value::Array(items) if depth < DEEPEST => self.list(place, items, depth),
            Value::Object(fields) if depth < DEEPEST => self.object(place, fields, depth),
            Value::Null => {}
            _ => self.unread += 1,
        }
    }

    fn list(&mut self, place: &str, items: &[Value], depth: usize) {
        let texts: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
        match texts.filter(|texts| texts.iter().any(|text| text.contains(' '))) {
            Some(texts) => {
                let lines = texts.iter().map(|text| format!("- {}", text.replace(['\n', '\r'], " ")));
                self.documents.push((place.to_owned(), lines.collect::<Vec<_>>().join("\n")));
            }
            None => (0..)
                .zip(items)
                .for_each(|(at, item): (usize, _)| self.take(&format!("{place}[{at}]"), item, depth + 1)),
        }
    }

    fn object(&mut self, place: &str, fields: &Map<String, Value>, depth: usize) {
        let text = |name: &str| fields.get(name).and_then(Value::as_str);
        if let Some(findings) =
            fields.get("findings").and_then(|found| Vec::<Finding>::deserialize(found).ok())
        {
            self.review(place, findings, fields.get("unchecked"));
        } else if let (Some(path), Some(content)) = (text("path"), text("content")) {
            self.documents.push((path.to_owned(), content.to_owned()));
        } else {
            self.named(place, text("name"));
            fields.iter().for_each(|(name, value)| self.take(&format!("{place}.{name}"), value, depth + 1));
        }
    }

    fn review(&mut self, place: &str, mut findings: Vec<Finding>, unchecked: Option<&Value>) {
        findings.retain(|finding| finding.severity < Severity::Info);
        findings.sort_by_key(|finding| finding.severity);
        self.unread += findings.len().saturating_sub(MOST_FINDINGS);
        self.findings.extend(findings.into_iter().take(MOST_FINDINGS).map(|finding| {
            let input = finding.file.map_or_else(|| place.to_owned(), |file| format!("{place}:{file}"));
            let line = finding.line.map_or(1, |line| line as usize);
            (finding.message, Source { input, line })
        }));
        let unchecked =
            unchecked.and_then(|entries| Vec::<Unchecked>::deserialize(entries).ok()).unwrap_or_default();
        self.unread += unchecked.len().saturating_sub(MOST_FINDINGS);
        self.unchecked.extend(unchecked.into_iter().take(MOST_FINDINGS).map(|entry| {
            let asked = format!("What of {}, which was not looked at ({})?", entry.check, entry.reason);
            (asked, Source { input: place.to_owned(), line: 1 })
        }));
    }

    fn named(&mut self, place: &str, name: Option<&str>) {
        let is_new = |name: &&str| !self.names.iter().any(|(known, _)| known == name);
        let name = name.filter(|name| name.len() >= SHORTEST_NAME && !name.contains(' ')).filter(is_new);
        if let Some(name) = name.filter(|_| self.names.len() < MOST_NAMES) {
            self.names.push((name.to_owned(), place.to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn given(value: &Value) -> Given {
        Given::of(value.as_object().unwrap())
    }

    #[test]
    fn texts_files_and_lists_of_texts_are_documents() {
        let given = given(&json!({
            "requirements": { "path": "/w/wanted.md", "content": "# Wanted", "bytes": 8 },
            "notes": "It must work.",
            "deep": [{ "why": "So it is." }],
            "list": ["Log in", "Log\nout"],
            "none": null,
        }));
        let mut documents = given.documents;
        documents.sort();
        let expected = [
            ("/w/wanted.md", "# Wanted"),
            ("deep[0].why", "So it is."),
            ("list", "- Log in\n- Log out"),
            ("notes", "It must work."),
        ];
        assert_eq!(documents, expected.map(|(name, text)| (name.to_owned(), text.to_owned())));
        assert_eq!(given.unread, 0);
    }

    #[test]
    fn a_review_is_its_findings_and_what_was_not_checked() {
        let finding = |severity: &str, message: &str| {
            json!({ "severity": severity, "rule": "r", "message": message, "file": "a.rs", "line": 7, "column": null,
                    "evidence": null, "suggestion": null })
        };
        let given = given(&json!({ "analysis": {
            "summary": "two findings of the worst kind",
            "findings": [finding("low", "odd"), finding("high", "broken"), finding("info", "fine")],
            "unchecked": [{ "check": "licences", "reason": "no network" }],
        }}));
        let source = Source { input: "analysis:a.rs".into(), line: 7 };
        assert_eq!(given.findings, [("broken".to_owned(), source.clone()), ("odd".to_owned(), source)]);
        assert_eq!(given.unchecked[0].0, "What of licences, which was not looked at (no network)?");
        assert_eq!(given.documents, []);
    }

    #[test]
    fn names_are_kept_and_what_cannot_be_read_is_counted() {
        let given = given(
            &json!({ "analysis": { "crates": [{ "name": "op-run", "lines": 5 }, { "name": "op-run" }] }, "n": 3 }),
        );
        assert_eq!(given.names, [("op-run".to_owned(), "analysis.crates[0]".to_owned())]);
        assert_eq!(given.unread, 4);
        assert!(!given.is_empty());
        assert!(super::Given::of(json!({ "n": 3 }).as_object().unwrap()).is_empty());
    }

    #[test]
    fn values_inside_each_other_have_an_end() {
        let mut value = json!("a text here");
        (0..100).for_each(|_| value = json!([value.take()]));
        assert_eq!(given(&json!({ "v": value })).unread, 1);
    }
}
