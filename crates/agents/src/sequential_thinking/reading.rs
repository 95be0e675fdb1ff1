//! How what a caller hands over becomes thoughts, by rules alone. In this order:
//!
//! 1. each requirement is an observation; what it leaves open is a question that builds on it
//! 2. what reviews found is an observation, what they did not look at a question
//! 3. a requirement that names something that is there is an observation
//! 4. requirements that exclude each other are an analysis and a question
//! 5. each part of a text is an analysis: the work that it asks for
//! 6. all of it is a conclusion: how much work in which order, and what is open
//!
//! Nothing is thought that does not stand in what was read. Each thought names its line.

use schemars::JsonSchema;
use serde::Serialize;

use super::breakdown::{Breakdown, Work, breakdown, id};
use super::chain::Chain;
use super::claim::Claim;
use super::contradictions::{Contradiction, Going, contradictions};
use super::given::Given;
use super::requirements::{Part, Requirement, Strength, Wanted, wanted};
use super::thought::{Draft, Kind, Source, Thought};
use super::vague;
use crate::review::plural;

/// How sure one can be of what a review found.
const FOUND: f64 = 0.9;

/// What each open question takes from the confidence in a requirement.
const VAGUE: f64 = 0.1;

/// How alike requirements are that one thing might meet.
const ALIKE: f64 = 0.5;

/// Most requirements that are read at once: more are no work for one chain, and comparing each with each would take too long.
const MOST_REQUIREMENTS: usize = 1000;

/// Most pairs of requirements that are asked about for being alike.
const MOST_PAIRS: usize = 10;

/// What reading came to.
#[derive(Debug, Default, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Read {
    /// What has to be done, a piece for each requirement.
    pub(super) work: Vec<Work>,
    /// Names of work that can be done side by side, wave after wave; empty when some of it waits for itself.
    pub(super) waves: Vec<Vec<String>>,
    /// Sentences that ask for nothing.
    pub(super) other_sentences: usize,
    /// Values of the arguments that nothing is made of.
    pub(super) unread: usize,
    /// Thoughts for which the chain had no place, and requirements beyond the first 1000.
    pub(super) left_out: usize,
}

/// Somebody reads.
pub(super) struct Reader<'a> {
    chain: &'a mut Chain,
    /// Is told of each thought as it is made; answers whether to go on.
    tell: &'a mut dyn FnMut(&Thought) -> bool,
    going: Going<'a>,
    read: Read,
    is_stopped: bool,
}

impl<'a> Reader<'a> {
    /// Reads into a chain.
    pub(super) fn new(
        chain: &'a mut Chain,
        tell: &'a mut dyn FnMut(&Thought) -> bool,
        going: Going<'a>,
    ) -> Self {
        Self { chain, tell, going, read: Read::default(), is_stopped: false }
    }

    /// Reads all that is given. `None` when it was stopped before the end.
    pub(super) fn read(mut self, given: &Given) -> Option<Read> {
        let mut all = Wanted::default();
        for (name, text) in &given.documents {
            append(&mut all, wanted(name, text));
        }
        self.read.unread = given.unread;
        self.read.other_sentences = all.others;
        self.read.left_out = all.requirements.len().saturating_sub(MOST_REQUIREMENTS);
        all.requirements.truncate(MOST_REQUIREMENTS);
        let steps = self.requirements(&all, given);
        self.reviews(given);
        if !all.requirements.is_empty() {
            let found = breakdown(&all.requirements);
            let clashes = self.clashes();
            self.alike(&all.requirements, &steps, &clashes);
            let parts = self.parts(&all, &steps, &found);
            self.conclude(&all, &found, parts, clashes.len());
            self.work(&all, &steps, found);
        } else if !given.documents.is_empty() {
            self.nothing_wanted(given);
        }
        (!self.is_stopped).then_some(self.read)
    }

    /// Adds a thought, unless the chain is full or the reading was stopped.
    fn think(&mut self, draft: Draft) -> Option<u32> {
        if self.is_stopped {
            return None;
        }
        let step = self.chain.add(draft).ok();
        match step.and_then(|step| self.chain.at(step)) {
            Some(thought) => self.is_stopped = !(self.tell)(thought),
            None => self.read.left_out += 1,
        }
        step
    }

    fn requirements(&mut self, all: &Wanted, given: &Given) -> Vec<Option<u32>> {
        let style = self.chain.style;
        let mut steps = Vec::new();
        for requirement in &all.requirements {
            let asked = vague::questions(&requirement.text, style.doubts());
            let is_play = style.plays() && requirement.strength == Strength::May;
            let kind = if is_play { Kind::Hypothesis } else { Kind::Observation };
            let confidence = sure(requirement.strength, asked.len());
            let source = &requirement.source;
            let step =
                self.think(Draft::new(kind, shortened(&requirement.text), confidence).from(source.clone()));
            let about = |text: String, kind| {
                Draft::new(kind, text, 1.0).on(step.into_iter().collect()).from(source.clone())
            };
            for question in asked {
                self.think(about(question, Kind::Question));
            }
            if style.measures() {
                for number in Claim::of(&requirement.text).numbers() {
                    self.think(about(format!("The number to keep is {number}."), Kind::Observation));
                }
            }
            for (name, place) in given.names.iter().filter(|(name, _)| speaks_of(&requirement.text, name)) {
                self.think(about(format!("`{name}` is there already: {place}."), Kind::Observation));
            }
            steps.push(step);
        }
        for (question, source) in &all.questions {
            self.think(Draft::new(Kind::Question, shortened(question), 1.0).from(source.clone()));
        }
        steps
    }

    fn reviews(&mut self, given: &Given) {
        for (text, source) in &given.findings {
            self.think(Draft::new(Kind::Observation, shortened(text), FOUND).from(source.clone()));
        }
        for (text, source) in &given.unchecked {
            self.think(Draft::new(Kind::Question, shortened(text), 1.0).from(source.clone()));
        }
    }

    fn clashes(&mut self) -> Vec<Contradiction> {
        let found = contradictions(self.chain, self.going);
        for clash in &found {
            let source = clash
                .steps
                .last()
                .and_then(|step| self.chain.at(*step))
                .and_then(|thought| thought.source.clone());
            let mut draft = Draft::new(Kind::Analysis, format!("Contradiction: {}.", clash.message), 1.0)
                .on(clash.steps.clone());
            draft.source.clone_from(&source);
            let step = self.think(draft);
            let mut asked =
                Draft::new(Kind::Question, "Which of the two holds?", 1.0).on(step.into_iter().collect());
            asked.source = source;
            self.think(asked);
        }
        found
    }

    fn alike(&mut self, requirements: &[Requirement], steps: &[Option<u32>], clashes: &[Contradiction]) {
        if !self.chain.style.plays() {
            return;
        }
        let claims: Vec<Claim> =
            requirements.iter().map(|requirement| Claim::of(&requirement.text)).collect();
        let mut pairs = Vec::new();
        for (two, claim) in claims.iter().enumerate() {
            pairs.extend((0..two).filter(|one| claims[*one].likeness(claim) >= ALIKE).map(|one| (one, two)));
        }
        let pairs = pairs.into_iter().filter_map(|(one, two)| Some((steps[one]?, steps[two]?, two)));
        let pairs = pairs.filter(|(one, two, _)| !clashes.iter().any(|clash| clash.steps == [*one, *two]));
        for (one, two, index) in pairs.take(MOST_PAIRS).collect::<Vec<_>>() {
            let asked = format!("Could one thing meet both step {one} and step {two}?");
            self.think(
                Draft::new(Kind::Question, asked, 1.0)
                    .on(vec![one, two])
                    .from(requirements[index].source.clone()),
            );
        }
    }

    /// An analysis for each part that asks for something; its steps are answered.
    fn parts(&mut self, all: &Wanted, steps: &[Option<u32>], found: &Breakdown) -> Vec<u32> {
        let mut made = Vec::new();
        for (number, part) in all.parts.iter().enumerate() {
            let own: Vec<usize> =
                (0..all.requirements.len()).filter(|index| all.requirements[*index].part == number).collect();
            if own.is_empty() {
                self.empty_part(part);
                continue;
            }
            let builds_on: Vec<u32> = own.iter().filter_map(|index| steps[*index]).collect();
            let text = shortened(&asked_for(part, &own, found));
            made.extend(
                self.think(Draft::new(Kind::Analysis, text, 1.0).on(builds_on).from(part.source.clone())),
            );
        }
        if let Some(first) = found.cycle.first() {
            let names: Vec<String> = found.cycle.iter().chain([first]).map(|index| id(*index)).collect();
            let builds_on = found.cycle.iter().filter_map(|index| steps[*index]).collect();
            let asked = shortened(&format!("Which comes first, as {}?", names.join(" needs ")));
            let source = all.requirements[*first].source.clone();
            self.think(Draft::new(Kind::Question, asked, 1.0).on(builds_on).from(source));
        }
        made
    }

    fn empty_part(&mut self, part: &Part) {
        if self.chain.style.covers() && !part.heading.is_empty() {
            let asked = format!("What does \"{}\" ask for? Nothing below it is a requirement.", part.heading);
            self.think(Draft::new(Kind::Question, shortened(&asked), 1.0).from(part.source.clone()));
        }
    }

    fn conclude(&mut self, all: &Wanted, found: &Breakdown, parts: Vec<u32>, clashes: usize) {
        let open = super::questions::open_questions(self.chain).len();
        let order = if found.cycle.is_empty() {
            format!("can be met in {}", plural(found.waves.len(), "wave"))
        } else {
            "have no order, since some wait for each other".to_owned()
        };
        let text = format!(
            "{} {order}; {} and {} are open.",
            plural(all.requirements.len(), "requirement"),
            plural(open, "question"),
            plural(clashes, "contradiction"),
        );
        let source = all.requirements[0].source.clone();
        self.think(Draft::new(Kind::Conclusion, text, 1.0).on(parts).from(source));
    }

    fn work(&mut self, all: &Wanted, steps: &[Option<u32>], found: Breakdown) {
        let work = all.requirements.iter().enumerate().map(|(index, requirement)| Work {
            id: id(index),
            label: requirement.label.clone(),
            text: requirement.text.clone(),
            strength: requirement.strength,
            part: all.parts[requirement.part].heading.clone(),
            depends_on: found.depends_on[index].iter().map(|below| id(*below)).collect(),
            step: steps[index],
            source: requirement.source.clone(),
        });
        self.read.work = work.collect();
        self.read.waves = found.waves;
    }

    fn nothing_wanted(&mut self, given: &Given) {
        for (name, _) in &given.documents {
            let asked = format!("What is wanted? No sentence of `{name}` asks for anything.");
            let source = Source { input: name.clone(), line: 1 };
            self.think(Draft::new(Kind::Question, shortened(&asked), 1.0).from(source));
        }
    }
}

/// Puts what one text asks for behind what others do.
fn append(all: &mut Wanted, mut one: Wanted) {
    one.requirements.iter_mut().for_each(|requirement| requirement.part += all.parts.len());
    all.parts.append(&mut one.parts);
    all.requirements.append(&mut one.requirements);
    all.questions.append(&mut one.questions);
    all.others += one.others;
}

fn sure(strength: Strength, questions: usize) -> f64 {
    let doubt: f64 = std::iter::repeat_n(VAGUE, questions).sum();
    super::support::rounded((strength.confidence() - doubt).max(VAGUE))
}

fn asked_for(part: &Part, own: &[usize], found: &Breakdown) -> String {
    let work = own.iter().map(|index| match found.depends_on[*index].as_slice() {
        [] => id(*index),
        below => {
            let names: Vec<String> = below.iter().map(|below| id(*below)).collect();
            format!("{} after {}", id(*index), names.join(" and "))
        }
    });
    let work = work.collect::<Vec<_>>().join(", ");
    if part.heading.is_empty() {
        format!("The work is {work}.")
    } else {
        format!("\"{}\" is the work {work}.", part.heading)
    }
}

/// Whether a text has a name as a word of its own.
fn speaks_of(text: &str, name: &str) -> bool {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '-';
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + name.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

/// A text that fits into a thought.
fn shortened(text: &str) -> String {
    const MOST: usize = 1000;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    text.chars().take(MOST - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests;
