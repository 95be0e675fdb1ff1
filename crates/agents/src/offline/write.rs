//! `write`: a draft made of notes and of nothing else.
//!
//! Notes that share a word which the topic does not have stand together below that word as a heading; the others come first. What
//! each source gave is listed at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use op_agent::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bench::Bench;
use super::brief::{Brief, missing};
use super::research::Note;
use super::words::terms;

/// How it is done, in one sentence.
const METHOD: &str = "arrangement: the notes as they are, those that share a word below it as a heading";

/// How many headings a draft has at most.
const HEADINGS: usize = 5;

/// How many notes must share a word that is to be a heading.
const SHARING: usize = 2;

/// What to write about, and of what.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct WriteDraft {
    /// What the draft is about; the goal where it is not given.
    topic: Option<String>,
    /// The notes, as `research` returns them, or texts; those of the input where they are not given.
    notes: Option<Vec<Given>>,
    #[serde(flatten)]
    brief: Brief,
}

/// A note, or only its text.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Given {
    /// A text.
    Text(String),
    /// A note.
    Note(Note),
}

/// A draft.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Written {
    /// Its text, in markdown.
    draft: String,
    /// How many notes it is made of.
    notes: usize,
    /// How it was done.
    method: &'static str,
}

/// Writes a draft.
pub(super) fn write(_: &Bench, args: &WriteDraft) -> Result<Written, Failure> {
    let topic = args.topic.clone().or_else(|| args.brief.of_input("topic")).or_else(|| args.brief.goal());
    let topic = topic.ok_or_else(|| missing("topic", "say in `topic` what the draft is about"))?;
    let notes = notes(args);
    if notes.is_empty() {
        return Err(missing(
            "notes",
            "give what the draft is to be made of in `notes`, as `research` returns it",
        ));
    }
    let mut draft = format!("# {}\n", topic.trim());
    for (heading, notes) in parts(&topic, &notes) {
        let _ = match heading {
            Some(heading) => write!(draft, "\n## {heading}\n"),
            None => Ok(()),
        };
        let texts: Vec<String> = notes.iter().map(|note| sentence(&note.text)).collect();
        let _ = writeln!(draft, "\n{}", texts.join(" "));
    }
    draft.push_str(&references(&notes));
    Ok(Written { draft, notes: notes.len(), method: METHOD })
}

/// The notes by source and line, so that what stands together there stands together here.
fn notes(args: &WriteDraft) -> Vec<Note> {
    let is_list = || Vec::<Given>::deserialize(&args.brief.input).ok();
    let text = || args.brief.text().map(|text| vec![Given::Text(text)]);
    let given = args.notes.clone().or_else(|| args.brief.of_input("notes")).or_else(is_list).or_else(text);
    let notes = given.unwrap_or_default().into_iter().map(|given| match given {
        Given::Text(text) => Note { text, ..Note::default() },
        Given::Note(note) => note,
    });
    let mut notes: Vec<Note> = notes.filter(|note| !note.text.trim().is_empty()).collect();
    notes.sort_by(|left, right| (&left.source, left.line).cmp(&(&right.source, right.line)));
    notes
}

type Part<'n> = (Option<String>, Vec<&'n Note>);

/// The notes in parts: first those without a heading, then each heading in the order in which its first note comes.
fn parts<'n>(topic: &str, notes: &'n [Note]) -> Vec<Part<'n>> {
    let known: BTreeSet<String> = terms(topic).into_iter().collect();
    let of_note: Vec<BTreeSet<String>> =
        notes.iter().map(|note| terms(&note.text).into_iter().collect()).collect();
    let mut left: Vec<usize> = (0..notes.len()).collect();
    let mut parts: Vec<(usize, Part<'n>)> = Vec::new();
    while parts.len() < HEADINGS {
        let Some(term) = shared(&of_note, &left, &known) else { break };
        let (with, without): (Vec<usize>, Vec<usize>) =
            left.iter().partition(|at| of_note[**at].contains(&term));
        let heading = spelled(&term, &notes[with[0]].text);
        parts.push((with[0], (Some(heading), with.iter().map(|at| &notes[*at]).collect())));
        left = without;
    }
    parts.sort_by_key(|(first, _)| *first);
    let opening: Part<'n> = (None, left.iter().map(|at| &notes[*at]).collect());
    let opening = Some(opening).filter(|(_, notes)| !notes.is_empty());
    opening.into_iter().chain(parts.into_iter().map(|(_, part)| part)).collect()
}

/// The word that most of the notes that are left share, and not all of the draft's.
fn shared(of_note: &[BTreeSet<String>], left: &[usize], known: &BTreeSet<String>) -> Option<String> {
    let mut counts: BTreeMap<&String, usize> = BTreeMap::new();
    let terms = left.iter().flat_map(|at| &of_note[*at]);
    terms.filter(|term| !known.contains(*term)).for_each(|term| *counts.entry(term).or_default() += 1);
    let enough = counts.into_iter().filter(|(_, count)| *count >= SHARING && *count < of_note.len());
    // Of equals the longest, which says most, and then the first.
    enough
        .max_by(|(left, count), (right, other)| {
            (count, left.len()).cmp(&(other, right.len())).then_with(|| right.cmp(left))
        })
        .map(|(term, _)| term.clone())
}

/// A word as the text spells it, with a capital.
fn spelled(term: &str, text: &str) -> String {
    let mut words = text.split(|letter: char| !letter.is_alphanumeric());
    let word = words.find(|word| terms(word).iter().any(|known| known == term)).unwrap_or(term);
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn sentence(text: &str) -> String {
    let text = text.trim();
    if text.ends_with(['.', '!', '?', '…', '"', '”', ':']) { text.to_owned() } else { format!("{text}.") }
}

fn references(notes: &[Note]) -> String {
    let mut lines: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for note in notes.iter().filter(|note| !note.source.is_empty()) {
        lines.entry(&note.source).or_default().insert(note.line);
    }
    if lines.is_empty() {
        return String::new();
    }
    let mut text = String::from("\n## Sources\n\n");
    for (source, lines) in lines {
        let lines: Vec<String> = lines.iter().map(usize::to_string).collect();
        let _ = writeln!(text, "- {source}: line {}", lines.join(", "));
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::bench::fixture::bench;
    use super::*;

    fn draft(args: Value) -> Result<Written, Failure> {
        write(&bench().1, &serde_json::from_value(args).unwrap())
    }

    #[test]
    fn notes_that_share_a_word_stand_below_it() {
        let notes = json!([
            { "text": "Owls hunt by night.", "source": "b.md", "line": 9, "score": 2.0 },
            { "text": "Owls are birds.", "source": "a.md", "line": 1 },
            { "text": "An owl's hunt is silent", "source": "b.md", "line": 2 },
        ]);
        let expected = "# Owls\n\nOwls are birds.\n\n## Hunt\n\nAn owl's hunt is silent. Owls hunt by night.\n\n## Sources\n\n- a.md: line 1\n- b.md: line 2, 9\n";
        assert_eq!(draft(json!({ "topic": "Owls", "notes": notes })).unwrap().draft, expected);
        let of_input = draft(json!({ "input": { "topic": "Owls", "notes": notes } })).unwrap();
        assert_eq!((of_input.draft.as_str(), of_input.notes), (expected, 3));
    }

    #[test]
    fn a_draft_has_no_word_that_the_notes_and_the_topic_have_not() {
        let texts = ["Red apples ripen.", "Green apples ripen late.", "Pears ripen."];
        let draft = draft(json!({ "topic": "Fruit", "notes": texts })).unwrap().draft;
        let given = format!("Fruit {}", texts.join(" ")).to_lowercase();
        for word in draft.split(|letter: char| !letter.is_alphanumeric()) {
            assert!(given.contains(&word.to_lowercase()), "{word}");
        }
    }

    #[test]
    fn without_notes_nothing_is_written() {
        assert_eq!(draft(json!({ "topic": "Owls" })).unwrap_err().reason(), "missing_argument");
        assert_eq!(
            draft(json!({ "topic": "Owls", "input": { "notes": [] } })).unwrap_err().reason(),
            "missing_argument"
        );
    }
}
