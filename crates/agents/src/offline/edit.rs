//! `edit`: an editor by plain rules, who says each thing that was changed.
//!
//! | rule | change |
//! | --- | --- |
//! | `doubled_word` | "the the" is "the"; what may be right twice, such as "had had", stays |
//! | `spacing` | one space between words, none before a comma or full stop, none at the end of a line |
//! | `quotes` | straight double quotes that are pairs within their line become “ and ” |
//! | `long_paragraph` | a paragraph of more than 120 words is split between sentences |
//!
//! Code, between backticks or fences, is not touched; neither is the indentation of a line.

use std::sync::LazyLock;

use op_agent::Failure;
use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bench::Bench;
use super::brief::{Brief, missing};
use super::markdown::{self, Kind};
use super::sentences::texts;

/// How it is done, in one sentence.
const METHOD: &str = "plain rules: doubled words, spacing, quotes, and paragraphs that are too long";

/// Most words of a paragraph.
const LONGEST: usize = 120;

/// About how many words each part of a paragraph that was too long gets.
const PART: usize = 80;

/// Words that may rightly stand twice.
const TWICE: [&str; 8] = ["had", "that", "is", "very", "so", "no", "die", "das"];

/// What to edit.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Edit {
    /// The text; that of the input where it is not given.
    draft: Option<String>,
    #[serde(flatten)]
    brief: Brief,
}

/// An edited text.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Edited {
    /// The text.
    text: String,
    /// What was changed, in the order of the text.
    changes: Vec<Change>,
    /// How it was done.
    method: &'static str,
}

/// A change.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct Change {
    /// The line in the text as it was given, counted from 1.
    line: usize,
    /// The rule.
    rule: &'static str,
    /// What was changed, for people.
    what: String,
}

static SPACES: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[ \t]{2,}").expect("it is a regular expression"));

static BEFORE_MARK: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(\w) +([,.;:!?])(\s|$)").expect("it is a regular expression"));

/// Edits a text.
pub(super) fn edit(_: &Bench, args: &Edit) -> Result<Edited, Failure> {
    let text = args.draft.clone().or_else(|| args.brief.text());
    let text = text.ok_or_else(|| missing("draft", "give the text in `draft`, or as `input`"))?;
    let mut changes = Vec::new();
    let lines = lines(&text, &mut changes);
    let text = paragraphs(&lines, &mut changes);
    changes.sort_by_key(|change| change.line);
    Ok(Edited { text, changes, method: METHOD })
}

/// Each line edited by itself, and whether it is code.
fn lines(text: &str, changes: &mut Vec<Change>) -> Vec<(String, bool)> {
    let mut in_fence = false;
    let edited = (1..).zip(text.lines()).map(|(line, text)| {
        let is_fence = text.trim_start().starts_with("```");
        let is_code = in_fence || is_fence || text.contains('`');
        in_fence ^= is_fence;
        if is_code { (text.to_owned(), true) } else { (line_edited(line, text, changes), false) }
    });
    edited.collect()
}

fn line_edited(line: usize, text: &str, changes: &mut Vec<Change>) -> String {
    let indent = text.len() - text.trim_start().len();
    let (indent, text) = text.split_at(indent);
    let mut change = |rule, what: String| changes.push(Change { line, rule, what });
    let spaced = SPACES.replace_all(text.trim_end(), " ");
    let spaced = BEFORE_MARK.replace_all(&spaced, "$1$2$3").into_owned();
    if spaced != text {
        change("spacing", "the spaces between words and around marks".to_owned());
    }
    let (single, doubled) = without_doubles(&spaced);
    doubled.into_iter().for_each(|word| change("doubled_word", format!("\"{word} {word}\" is \"{word}\"")));
    let quoted = quoted(&single);
    if quoted != single {
        change("quotes", "straight quotes are “ and ”".to_owned());
    }
    format!("{indent}{quoted}")
}

/// A line without words that stand twice, and those words.
fn without_doubles(text: &str) -> (String, Vec<String>) {
    let (mut kept, mut doubled): (Vec<&str>, Vec<String>) = (Vec::new(), Vec::new());
    for word in text.split(' ') {
        let bare = word.trim_end_matches([',', '.', ';', ':', '!', '?']);
        let is_word = !bare.is_empty() && bare.chars().all(char::is_alphabetic);
        let same = kept.last().is_some_and(|last| last.to_lowercase() == bare.to_lowercase());
        if is_word && same && !TWICE.contains(&bare.to_lowercase().as_str()) {
            // The first may begin a sentence, the second may have the mark that ends it.
            let last = kept.pop().unwrap_or_default();
            doubled.push(bare.to_owned());
            kept.push(if bare == word { last } else { word });
        } else {
            kept.push(word);
        }
    }
    (kept.join(" "), doubled)
}

fn quoted(text: &str) -> String {
    let count = text.matches('"').count();
    if count == 0 || count % 2 == 1 {
        return text.to_owned();
    }
    let mut marks = ["“", "”"].into_iter().cycle();
    let parts: Vec<&str> = text.split('"').collect();
    let (last, parts) = parts.split_last().map_or(("", &[][..]), |(last, parts)| (*last, parts));
    let opened: String = parts.iter().flat_map(|part| [part, marks.next().unwrap_or_default()]).collect();
    opened + last
}

/// The lines as a text again, with paragraphs that are too long split.
fn paragraphs(lines: &[(String, bool)], changes: &mut Vec<Change>) -> String {
    let mut text = Vec::new();
    let mut open: Vec<&str> = Vec::new();
    for (number, (line, is_code)) in (1..).zip(lines) {
        if !is_code && is_prose(line) {
            open.push(line);
            continue;
        }
        close(&mut open, number, &mut text, changes);
        text.push(line.clone());
    }
    close(&mut open, lines.len() + 1, &mut text, changes);
    let mut text = text.join("\n");
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// Whether a line is part of a paragraph.
fn is_prose(line: &str) -> bool {
    let blocks = markdown::blocks(line);
    matches!(blocks.first().map(|block| &block.kind), Some(Kind::Paragraph(_)))
        && !line.starts_with(['|', '>', ' ', '\t'])
}

/// Ends the paragraph that is open before line `next`.
fn close(open: &mut Vec<&str>, next: usize, text: &mut Vec<String>, changes: &mut Vec<Change>) {
    let lines = std::mem::take(open);
    let whole = lines.join(" ");
    let count = |text: &str| text.split_whitespace().count();
    let sentences = texts(&whole);
    if count(&whole) <= LONGEST || sentences.len() < 2 {
        text.extend(lines.into_iter().map(str::to_owned));
        return;
    }
    let mut parts: Vec<String> = Vec::new();
    for sentence in sentences {
        match parts.last_mut().filter(|part| count(part) + count(&sentence) <= PART) {
            Some(part) => {
                part.push(' ');
                part.push_str(&sentence);
            }
            None => parts.push(sentence),
        }
    }
    let what = format!("a paragraph of {} words is {} now", count(&whole), parts.len());
    changes.push(Change { line: next - lines.len(), rule: "long_paragraph", what });
    text.push(parts.join("\n\n"));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::bench::fixture::bench;
    use super::*;

    fn edited(text: &str) -> (String, Vec<(usize, &'static str)>) {
        let args = serde_json::from_value(json!({ "draft": text })).unwrap();
        let edited = edit(&bench().1, &args).unwrap();
        (edited.text, edited.changes.into_iter().map(|change| (change.line, change.rule)).collect())
    }

    #[test]
    fn doubled_words_spaces_and_quotes_are_mended_and_named() {
        let (text, changes) =
            edited("# A\n\nThe the owl  said \"no \" twice twice.\nShe had had it , once .\n");
        assert_eq!(text, "# A\n\nThe owl said “no ” twice.\nShe had had it, once.\n");
        assert_eq!(
            changes,
            [(3, "spacing"), (3, "doubled_word"), (3, "doubled_word"), (3, "quotes"), (4, "spacing")]
        );
    }

    #[test]
    fn code_and_indentation_stay_as_they_are() {
        let text = "```\nthe the  x ,\n```\n  - an `a  a` item\n    deeper\n";
        assert_eq!(edited(text), (text.to_owned(), vec![]));
    }

    #[test]
    fn a_paragraph_that_is_too_long_is_split_between_sentences() {
        let sentence = "An owl that sits on a branch of the old tree looks at us. ";
        let (text, changes) = edited(&format!("Short.\n\n{}\n", sentence.repeat(10)));
        assert_eq!(changes.iter().map(|change| change.1).collect::<Vec<_>>(), ["spacing", "long_paragraph"]);
        assert_eq!(text.split("\n\n").count(), 3, "{text}");
        assert_eq!(text.matches("An owl").count(), 10);
    }

    #[test]
    fn a_good_text_is_not_changed() {
        let text = "# Owls\n\nThey fly, and “hunt” at night.\n\n- one\n- two\n";
        assert_eq!(edited(text), (text.to_owned(), vec![]));
    }
}
