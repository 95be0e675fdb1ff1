//! `research`: the sentences of given texts that speak of a topic, and where each stands.
//!
//! A sentence weighs the sum over the topic's words of how often each is in it, times the logarithm of how rare it is among all
//! sentences ([tf-idf](https://doi.org/10.1108/eb026526)), divided by the root of the sentence's length. Nothing is looked up anywhere
//! else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use op_agent::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bench::Bench;
use super::brief::{Brief, missing};
use super::markdown;
use super::sentences::sentences;
use super::words::terms;

/// How it is done, in one sentence.
const METHOD: &str =
    "extraction: the sentences of the sources that weigh most for the words of the topic, by tf-idf";

/// How many notes are made when nothing else is said.
const NOTES: usize = 12;

/// What to look for, and in what.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Research {
    /// What the notes are to be about; the goal where it is not given.
    topic: Option<String>,
    /// The texts to look in.
    sources: Option<Vec<Source>>,
    /// A text file, or a folder of text files, to look in; a relative path starts at the first root.
    path: Option<PathBuf>,
    /// How many notes to make at most; 12 by default.
    limit: Option<usize>,
    #[serde(flatten)]
    brief: Brief,
}

/// A text to look in.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Source {
    /// A text without a name.
    Text(String),
    /// A text with a name.
    Named {
        /// Its name.
        name: String,
        /// The text.
        text: String,
    },
}

/// What was found.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Researched {
    /// The topic.
    topic: String,
    /// The notes, the weightiest first.
    pub(super) notes: Vec<Note>,
    /// How many sentences were looked at.
    sentences: usize,
    /// How it was done.
    method: &'static str,
}

/// A sentence and where it stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Note {
    /// The sentence.
    pub(super) text: String,
    /// The name of its source.
    #[serde(default)]
    pub(super) source: String,
    /// The line it begins in, counted from 1.
    #[serde(default)]
    pub(super) line: usize,
    /// How much it weighs.
    #[serde(default)]
    pub(super) score: f64,
}

/// Looks for what sources say about a topic.
pub(super) fn research(bench: &Bench, args: &Research) -> Result<Researched, Failure> {
    let topic = args.topic.clone().or_else(|| args.brief.goal());
    let topic = topic.ok_or_else(|| missing("topic", "say in `topic` what to look for"))?;
    let sources = sources(bench, args)?;
    let wanted: BTreeSet<String> = terms(&topic).into_iter().collect();
    let found = sources.iter().flat_map(|(name, text)| notes(name, text));
    let mut found: Vec<(Note, Vec<String>)> = found.collect();
    let sentences = found.len();
    weigh(&mut found, &wanted);
    let mut notes: Vec<Note> =
        found.into_iter().map(|(note, _)| note).filter(|note| note.score > 0.0).collect();
    notes.sort_by(|left, right| right.score.total_cmp(&left.score));
    let mut known = BTreeSet::new();
    notes.retain(|note| known.insert(note.text.clone()));
    notes.truncate(args.limit.unwrap_or(NOTES));
    Ok(Researched { topic, notes, sentences, method: METHOD })
}

/// The sources by their names.
fn sources(bench: &Bench, args: &Research) -> Result<Vec<(String, String)>, Failure> {
    let of_input = || args.brief.of_input("sources");
    let given: Vec<Source> = args.sources.clone().or_else(of_input).unwrap_or_default();
    let mut sources: Vec<(String, String)> =
        (1..).zip(given).map(|(number, source)| named(number, source)).collect();
    if let Some(path) = &args.path {
        sources.extend(files(bench, path)?);
    }
    if sources.is_empty() {
        sources.extend(args.brief.text().map(|text| ("input".to_owned(), text)));
    }
    if sources.is_empty() {
        return Err(missing(
            "sources",
            "give texts in `sources`, or a text file or a folder of them in `path`",
        ));
    }
    Ok(sources)
}

fn named(number: usize, source: Source) -> (String, String) {
    match source {
        Source::Text(text) => (format!("source {number}"), text),
        Source::Named { name, text } => (name, text),
    }
}

/// The text files at a path. Files of a folder that are no text are passed over.
fn files(bench: &Bench, path: &Path) -> Result<Vec<(String, String)>, Failure> {
    let Ok(folder) = bench.folder(path) else {
        return Ok(vec![(path.display().to_string(), bench.read(path)?)]);
    };
    let mut read = Vec::new();
    for (name, path) in bench.files(&folder)? {
        match bench.read(&path) {
            Ok(text) => read.push((name, text)),
            Err(failure) if failure.reason() == "binary" => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(read)
}

fn notes(name: &str, text: &str) -> Vec<(Note, Vec<String>)> {
    let notes = sentences(text).into_iter().map(|sentence| {
        let (text, source) = (markdown::plain(&sentence.text), name.to_owned());
        let terms = terms(&text);
        (Note { text, source, line: sentence.line, score: 0.0 }, terms)
    });
    notes.collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts of words and sentences are far below 2^52")]
fn weigh(notes: &mut [(Note, Vec<String>)], wanted: &BTreeSet<String>) {
    let mut having: BTreeMap<&String, usize> = BTreeMap::new();
    for (_, terms) in &*notes {
        for term in wanted.iter().filter(|term| terms.contains(term)) {
            *having.entry(term).or_default() += 1;
        }
    }
    let all = notes.len() as f64;
    let rarity: BTreeMap<&String, f64> =
        having.into_iter().map(|(term, count)| (term, (1.0 + all / count as f64).ln())).collect();
    for (note, terms) in notes {
        let sum: f64 = terms.iter().filter_map(|term| rarity.get(term)).sum();
        // Rounded, so that the number reads well and does not depend on the machine.
        note.score = (sum / (terms.len().max(1) as f64).sqrt() * 1000.0).round() / 1000.0;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::{Value, json};

    use super::super::bench::fixture::bench;
    use super::*;

    fn found(bench: &Bench, args: Value) -> Vec<(String, String, usize)> {
        let notes = research(bench, &serde_json::from_value(args).unwrap()).unwrap().notes;
        notes.into_iter().map(|note| (note.text, note.source, note.line)).collect()
    }

    #[test]
    fn sentences_about_the_topic_are_found_with_their_places() {
        let (_directory, bench) = bench();
        let sources = json!(["Cats sleep. Dogs bark.\nA dog is loyal.", { "name": "b", "text": "Fish swim.\n\nDogs and cats fight." }]);
        let notes = found(&bench, json!({ "topic": "the loyalty of dogs: loyal dogs", "sources": sources }));
        let places: Vec<_> =
            notes.iter().map(|(text, source, line)| (text.as_str(), source.as_str(), *line)).collect();
        assert_eq!(
            places,
            [
                ("A dog is loyal.", "source 1", 2),
                ("Dogs bark.", "source 1", 1),
                ("Dogs and cats fight.", "b", 3)
            ]
        );
        assert_eq!(found(&bench, json!({ "topic": "whales", "sources": sources })), []);
    }

    #[test]
    fn a_folder_of_texts_is_searched_and_what_is_no_text_passed_over() {
        let (directory, bench) = bench();
        let folder = directory.path().join("root/texts");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("a.md"), "# Owls\n\nOwls [hunt](x.html) at night.\n").unwrap();
        fs::write(folder.join("b.bin"), b"\xff\xfe").unwrap();
        let notes = found(&bench, json!({ "topic": "owls hunting", "path": "texts" }));
        assert_eq!(notes[0], ("Owls hunt at night.".to_owned(), "a.md".to_owned(), 3));
    }

    #[test]
    fn the_number_of_notes_is_bounded_and_none_comes_twice() {
        let (_directory, bench) = bench();
        let text = "Owls fly. Owls fly. Owls eat. Owls sleep.";
        assert_eq!(found(&bench, json!({ "topic": "owls", "input": text, "limit": 2 })).len(), 2);
        assert_eq!(found(&bench, json!({ "topic": "owls", "input": text })).len(), 3);
    }

    #[test]
    fn without_sources_nothing_is_made_up() {
        let (_directory, bench) = bench();
        let args = serde_json::from_value(json!({ "topic": "owls" })).unwrap();
        assert_eq!(research(&bench, &args).unwrap_err().reason(), "missing_argument");
    }
}
