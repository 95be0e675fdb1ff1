//! `summarise`: the sentences of a text whose words it uses most, in the order of the text.
//!
//! A sentence weighs the mean share that its words have in the whole text; the shares of words already told are squared, so that a
//! second sentence says something else
//! ([SumBasic](https://www.microsoft.com/en-us/research/publication/the-impact-of-frequency-on-summarization/)).

use std::collections::{BTreeMap, BTreeSet};

use op_agent::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bench::Bench;
use super::brief::{Brief, missing};
use super::markdown;
use super::sentences::texts;
use super::words::terms;

/// How it is done, in one sentence.
const METHOD: &str = "extraction: the sentences whose words are most frequent in the text, in its order";

/// How many sentences when nothing else is said.
const SENTENCES: usize = 3;

/// Most sentences; more are no summary.
const MOST: usize = 200;

/// Fewest words that say something of a sentence; a heading has fewer.
const FEWEST: usize = 3;

/// What to summarise, and how shortly.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Summarise {
    /// The text; that of the input where it is not given.
    text: Option<String>,
    /// How many sentences; 3 by default, 200 at most.
    sentences: Option<usize>,
    #[serde(flatten)]
    brief: Brief,
}

/// A summary.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Summarised {
    /// The sentences, as they are in the text.
    summary: String,
    /// How many sentences the text has.
    of_sentences: usize,
    /// How it was done.
    method: &'static str,
}

/// Summarises a text.
pub(super) fn summarise(_: &Bench, args: &Summarise) -> Result<Summarised, Failure> {
    let text = args.text.clone().or_else(|| args.brief.text());
    let text = text.ok_or_else(|| missing("text", "give the text in `text`, or as `input`"))?;
    let sentences: Vec<String> = texts(&text).iter().map(|text| markdown::plain(text)).collect();
    let mut chosen = choose(&sentences, args.sentences.unwrap_or(SENTENCES).min(MOST));
    chosen.sort_unstable();
    let told: Vec<&str> = chosen.into_iter().map(|at| sentences[at].as_str()).collect();
    Ok(Summarised { summary: told.join(" "), of_sentences: sentences.len(), method: METHOD })
}

#[expect(clippy::cast_precision_loss, reason = "counts of words are far below 2^52")]
fn choose(sentences: &[String], most: usize) -> Vec<usize> {
    let terms: Vec<Vec<String>> = sentences.iter().map(|sentence| terms(sentence)).collect();
    let mut weights: BTreeMap<&str, f64> = BTreeMap::new();
    let each = 1.0 / terms.iter().flatten().count().max(1) as f64;
    terms.iter().flatten().for_each(|term| *weights.entry(term).or_default() += each);
    let mut chosen: Vec<usize> = Vec::new();
    while chosen.len() < most {
        let weight = |at: usize| {
            let sum: f64 = terms[at].iter().map(|term| weights[term.as_str()]).sum();
            sum / (terms[at].len().max(FEWEST) as f64)
        };
        let left = (0..sentences.len()).filter(|at| !chosen.contains(at));
        // Of equals the first in the text.
        let best =
            left.map(|at| (at, weight(at))).reduce(|best, other| if other.1 > best.1 { other } else { best });
        let Some((best, _)) = best else { break };
        chosen.push(best);
        for term in terms[best].iter().collect::<BTreeSet<_>>() {
            weights.entry(term).and_modify(|weight| *weight *= *weight);
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::bench::fixture::bench;
    use super::*;

    fn summary(args: Value) -> Result<Summarised, Failure> {
        summarise(&bench().1, &serde_json::from_value(args).unwrap())
    }

    const TEXT: &str = "# Owls\n\nOwls hunt mice at night. The weather was fine. Owls hunt in silence at night. Mice fear owls.";

    #[test]
    fn what_a_text_is_about_is_told_in_its_words_and_order() {
        let told = summary(json!({ "text": TEXT, "sentences": 2 })).unwrap();
        assert_eq!(told.summary, "Owls hunt mice at night. Mice fear owls.");
        assert_eq!(told.of_sentences, 5);
    }

    #[test]
    fn a_short_text_is_told_whole() {
        assert_eq!(summary(json!({ "input": "One owl. Two owls." })).unwrap().summary, "One owl. Two owls.");
        assert_eq!(summary(json!({ "input": { "draft": "One owl." } })).unwrap().summary, "One owl.");
        assert_eq!(summary(json!({ "text": "" })).unwrap().summary, "");
    }

    #[test]
    fn without_a_text_it_says_what_is_missing() {
        assert_eq!(summary(json!({ "input": 5 })).unwrap_err().reason(), "missing_argument");
    }
}
