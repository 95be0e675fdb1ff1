//! What a text asks for.
//!
//! | in the text | is |
//! | --- | --- |
//! | a sentence with must, shall, has to, need to, required, may not, cannot, or will behind a subject | a requirement that must be met |
//! | a sentence with should, ought to, recommended | one that should be met |
//! | a sentence with may, can, could, might, optional | one that may be met |
//! | an item of a list without any of these, not below a heading of background, notes or the like | one that is stated: it must be met |
//! | a sentence that ends with a question mark | an open question of the text itself |
//! | a label in front, such as `FR-3:` or `[R1]` | the name of the requirement |

use std::sync::LazyLock;

use regex::Regex;

use super::passages::{Passage, Shape, passages};
use super::thought::Source;

/// How binding a requirement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Strength {
    /// It must be met.
    Must,
    /// It should be met.
    Should,
    /// It may be met.
    May,
    /// It is an item of a list that says no more than what is wanted.
    Stated,
}

impl Strength {
    /// How sure one can be that it is wanted.
    pub(super) fn confidence(self) -> f64 {
        match self {
            Self::Must => 0.9,
            Self::Stated => 0.8,
            Self::Should => 0.7,
            Self::May => 0.5,
        }
    }
}

/// Something that a text asks for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Requirement {
    pub(super) text: String,
    pub(super) strength: Strength,
    /// The name that the text gives it.
    pub(super) label: Option<String>,
    /// The number of its part.
    pub(super) part: usize,
    /// Whether it comes after the requirement before, since both are items of one numbered list.
    pub(super) follows: bool,
    pub(super) source: Source,
}

/// A part of a text: what stands below one heading.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Part {
    /// The heading; empty for what stands above the first one.
    pub(super) heading: String,
    pub(super) source: Source,
}

/// What was read of one text.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Wanted {
    pub(super) parts: Vec<Part>,
    pub(super) requirements: Vec<Requirement>,
    /// Questions that the text asks itself.
    pub(super) questions: Vec<(String, Source)>,
    /// Sentences that ask for nothing.
    pub(super) others: usize,
}

static MUST: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"(?i)\b(must(n['’]t)?|shall|shan['’]t|(has|have) to|needs? to|(is|are) (required|forbidden|prohibited)|may not|can(not|['’]t|\s+not)|will|won['’]t)\b";
    Regex::new(pattern).expect("it is a regular expression")
});

static SHOULD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(should(n['’]t)?|ought to|(is|are) recommended|prefer(ably|red)?)\b")
        .expect("it is a regular expression")
});

static MAY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(may|can|could|might|optional(ly)?|nice to have)\b")
        .expect("it is a regular expression")
});

/// Headings below which items of a list say how things are, and not how they are to be.
static BACKGROUND: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"(?i)\b(background|context|notes?|references?|links?|glossary|history|out of scope|non-goals|changelog|authors?)\b";
    Regex::new(pattern).expect("it is a regular expression")
});

static LABEL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\[?(?P<label>[A-Z]{1,6}-?\d{1,4}(?:\.\d{1,3})*)\]?[:.)]?\s+(?P<text>.+)$")
        .expect("it is a regular expression")
});

/// Reads what a text asks for; `input` is its name.
pub(super) fn wanted(input: &str, text: &str) -> Wanted {
    let mut read = Wanted::default();
    let mut last: Option<(Shape, usize)> = None;
    for passage in passages(text) {
        if passage.shape == Shape::Heading {
            let source = Source { input: input.to_owned(), line: passage.line };
            read.parts.push(Part { heading: passage.text(), source });
            last = None;
            continue;
        }
        let before = read.requirements.len();
        let numbered = Shape::Item { is_numbered: true };
        let follows =
            passage.shape == numbered && last.is_some_and(|(shape, found)| shape == numbered && found > 0);
        read.passage(input, &passage, follows);
        last = Some((passage.shape, read.requirements.len() - before));
    }
    read
}

impl Wanted {
    fn passage(&mut self, input: &str, passage: &Passage, mut follows: bool) {
        let is_item = matches!(passage.shape, Shape::Item { .. }) && !self.is_background();
        let mut is_first = true;
        for (line, sentence) in passage.sentences() {
            let source = Source { input: input.to_owned(), line };
            if sentence.ends_with('?') {
                self.questions.push((sentence, source));
                continue;
            }
            // Of an item that says no more, the first sentence is what is wanted and the others explain it.
            let stated = (is_item && is_first).then_some(Strength::Stated);
            match strength(&sentence).or(stated) {
                Some(strength) => {
                    let part = self.part(input);
                    let (label, text) = labelled(&sentence);
                    self.requirements.push(Requirement { text, strength, label, part, follows, source });
                    follows = false;
                }
                None => self.others += 1,
            }
            is_first = false;
        }
    }

    fn is_background(&self) -> bool {
        self.parts.last().is_some_and(|part| BACKGROUND.is_match(&part.heading))
    }

    /// The part that is being read.
    fn part(&mut self, input: &str) -> usize {
        if self.parts.is_empty() {
            let source = Source { input: input.to_owned(), line: 1 };
            self.parts.push(Part { heading: String::new(), source });
        }
        self.parts.len() - 1
    }
}

fn strength(sentence: &str) -> Option<Strength> {
    let rules = [(&MUST, Strength::Must), (&SHOULD, Strength::Should), (&MAY, Strength::May)];
    rules.into_iter().find(|(pattern, _)| pattern.is_match(sentence)).map(|(_, strength)| strength)
}

fn labelled(sentence: &str) -> (Option<String>, String) {
    match LABEL.captures(sentence) {
        Some(found) => (Some(found["label"].to_owned()), found["text"].to_owned()),
        None => (None, sentence.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(usize, Strength, String)> {
        let found = wanted("r", text).requirements.into_iter();
        found.map(|found| (found.source.line, found.strength, found.text)).collect()
    }

    #[test]
    fn sentences_are_requirements_by_their_modal_verbs() {
        let text = "Users must log in. They should see a list.\nAdmins can export it.\nIt is raining.";
        assert_eq!(
            read(text),
            [
                (1, Strength::Must, "Users must log in.".into()),
                (1, Strength::Should, "They should see a list.".into()),
                (2, Strength::May, "Admins can export it.".into()),
            ]
        );
    }

    #[test]
    fn what_is_denied_in_short_is_as_binding_as_in_long() {
        for text in [
            "Users cannot delete it.",
            "Users can not delete it.",
            "Users can't delete it.",
            "Users can’t delete it.",
            "It won't be kept.",
            "It shan't be kept.",
            "It mustn’t be kept.",
        ] {
            assert_eq!(read(text), [(1, Strength::Must, text.to_owned())]);
        }
        assert_eq!(read("It shouldn’t be kept.")[0].1, Strength::Should);
    }

    #[test]
    fn items_are_requirements_unless_they_only_give_the_background() {
        let text =
            "# App\n- Log in. As always.\n- Must export\n\n## Background\n- We use a list.\n- It must stay.";
        assert_eq!(
            read(text),
            [
                (2, Strength::Stated, "Log in.".into()),
                (3, Strength::Must, "Must export".into()),
                (7, Strength::Must, "It must stay.".into()),
            ]
        );
        let parts: Vec<_> = wanted("r", text).requirements.iter().map(|found| found.part).collect();
        assert_eq!(parts, [0, 0, 1]);
    }

    #[test]
    fn labels_are_names_and_numbered_items_follow_each_other() {
        let found = wanted("r", "1. FR-1: Build it.\n2. [FR-2] Test it.\n\n- R3 Ship it.").requirements;
        let labels: Vec<_> = found.iter().map(|found| found.label.as_deref().unwrap()).collect();
        assert_eq!(labels, ["FR-1", "FR-2", "R3"]);
        assert_eq!(found.iter().map(|found| found.follows).collect::<Vec<_>>(), [false, true, false]);
        assert_eq!(found[1].text, "Test it.");
    }

    #[test]
    fn the_questions_of_a_text_are_kept_as_questions() {
        let found = wanted("r", "Who may see it?\nNobody knows.");
        assert_eq!(found.questions[0].0, "Who may see it?");
        assert_eq!((found.requirements.len(), found.others), (0, 1));
    }
}
