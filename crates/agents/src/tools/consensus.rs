//! `consensus`: whether participants agree, by a rule over what they said they hold, and not by a model.
//!
//! Who takes part: every entry of `positions` that is not null; an entry that is null is a participant who did not answer. It is
//! counted as `absent` and has no part in the score.
//!
//! Who agrees: two participants hold the same position if their texts are equal but for case and white space, or if one of
//! them names the other in `agrees_with`. Agreement is passed on (if A agrees with B and B with C, then A does with C), so
//! that the participants fall into groups. Names of nobody who answered count for nothing.
//!
//! How much: with the weight `w` (1 unless `weights` says otherwise) and the confidence `c` of each participant,
//!
//! ```text
//!             sum of w · c over the largest group
//!   score  =  -----------------------------------
//!               sum of w over all who answered
//! ```
//!
//! The largest group is the one of the largest `sum of w · c`; then the one of more members; then the one whose position comes
//! first in the alphabet. So a score of 1 means that all agree and all are sure; doubt lowers it as dissent does.
//! Consensus is reached when the score is at least `threshold`, and more than one participant stands behind it where more
//! than one was asked: a lone voice among the silent is none.

mod groups;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Desk;
use groups::groups;

/// The score from which agreement is weak; below, there is none.
const WEAK: f64 = 0.4;

/// The score from which agreement is moderate.
const MODERATE: f64 = 0.6;

/// The score from which agreement is strong, and by default from which consensus is reached.
const STRONG: f64 = 0.8;

/// How exact a score is: to a part in this many.
const PRECISION: f64 = 1e9;

/// What the participants hold.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Consensus {
    /// The positions; null stands for a participant who did not answer.
    positions: Vec<Option<Stance>>,
    /// The score from which consensus is reached, above 0 and at most 1.
    #[serde(default = "strong")]
    threshold: f64,
    /// What the word of a participant weighs; 1 for those who are not named.
    #[serde(default)]
    weights: BTreeMap<String, f64>,
}

/// What one participant holds.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Stance {
    /// Who holds it.
    participant: String,
    /// What is held.
    position: String,
    /// How sure the participant is, from 0 to 1.
    confidence: f64,
    /// Other participants whose position is the same in other words.
    #[serde(default)]
    agrees_with: Vec<String>,
}

/// How far the participants agree.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Agreement {
    /// Whether consensus is reached.
    reached: bool,
    /// The score, from 0 to 1.
    score: f64,
    /// The score in a word.
    level: Level,
    /// The position of the largest group, in the words of its surest member; null if nobody answered.
    position: Option<String>,
    /// Who stands behind it.
    supporting: Vec<String>,
    /// Who answered and does not.
    dissenting: Vec<String>,
    /// All who answered.
    participants: Vec<String>,
    /// How many did not answer.
    absent: usize,
    /// All of this in a sentence.
    text: String,
}

/// A score in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Level {
    /// Below 0.4.
    None,
    /// Below 0.6.
    Weak,
    /// Below 0.8.
    Moderate,
    /// 0.8 and more.
    Strong,
}

/// A participant who answered, with what the answer weighs.
struct Voice {
    said: Stance,
    weight: f64,
}

impl Voice {
    fn support(&self) -> f64 {
        self.weight * self.said.confidence
    }
}

/// Looks how far the participants agree.
pub(super) async fn consensus(_desk: Arc<Desk>, _call: Call, args: Consensus) -> Result<Agreement, Failure> {
    weigh(args)
}

fn weigh(args: Consensus) -> Result<Agreement, Failure> {
    check(&args)?;
    let Consensus { positions, threshold, weights } = args;
    let asked = positions.len();
    let mut voices: Vec<Voice> = positions.into_iter().flatten().map(|said| voice(said, &weights)).collect();
    // Sorted before anything is added up: sums of fractions depend on their order, and the answer must not.
    voices.sort_by(|a, b| a.said.participant.cmp(&b.said.participant));
    let total: f64 = voices.iter().map(|voice| voice.weight).sum();
    if total <= 0.0 && !voices.is_empty() {
        return Err(rejected("the weights of those who answered add up to nothing".to_owned()));
    }
    let groups = groups(voices.iter().map(|voice| &voice.said));
    let largest = groups.into_iter().max_by(|a, b| larger(&voices, a, b)).unwrap_or_default();
    let score = if voices.is_empty() { 0.0 } else { rounded(support(&voices, &largest) / total) };
    let is_alone = largest.len() < 2 && asked > 1;
    Ok(agreement(&voices, &largest, score, score >= threshold && !is_alone, asked))
}

fn voice(said: Stance, weights: &BTreeMap<String, f64>) -> Voice {
    let weight = weights.get(&said.participant).copied().unwrap_or(1.0);
    Voice { said, weight }
}

fn support(voices: &[Voice], group: &[usize]) -> f64 {
    group.iter().map(|index| voices[*index].support()).sum()
}

/// Seven times 0.8 makes less than 5.6 in fractions of two; that must not stand between a score and its bound.
fn rounded(score: f64) -> f64 {
    ((score * PRECISION).round() / PRECISION).clamp(0.0, 1.0)
}

/// The order of groups: by support, then by members, then by the position that comes first.
fn larger(voices: &[Voice], a: &[usize], b: &[usize]) -> std::cmp::Ordering {
    let first =
        |group: &[usize]| group.iter().map(|index| groups::plain(&voices[*index].said.position)).min();
    support(voices, a)
        .total_cmp(&support(voices, b))
        .then(a.len().cmp(&b.len()))
        .then_with(|| first(b).cmp(&first(a)))
}

fn agreement(voices: &[Voice], group: &[usize], score: f64, reached: bool, asked: usize) -> Agreement {
    // The first one wins among those who are equally sure.
    let surest = group.iter().rev().max_by(|a, b| voices[**a].support().total_cmp(&voices[**b].support()));
    let name = |(_, voice): (usize, &Voice)| voice.said.participant.clone();
    let (supporting, dissenting): (Vec<_>, Vec<_>) =
        voices.iter().enumerate().partition(|(index, _)| group.contains(index));
    let mut agreement = Agreement {
        reached,
        score,
        level: level(score),
        position: surest.map(|index| voices[*index].said.position.clone()),
        supporting: supporting.into_iter().map(name).collect(),
        dissenting: dissenting.into_iter().map(name).collect(),
        participants: voices.iter().enumerate().map(name).collect(),
        absent: asked - voices.len(),
        text: String::new(),
    };
    agreement.text = sentence(&agreement);
    agreement
}

fn sentence(agreement: &Agreement) -> String {
    let Some(position) = &agreement.position else { return "Nobody answered.".to_owned() };
    let verdict = if agreement.reached { "Consensus" } else { "No consensus" };
    let supporting = agreement.supporting.join(", ");
    let dissenting = match agreement.dissenting.as_slice() {
        [] => String::new(),
        names => format!(" and not by {}", names.join(", ")),
    };
    let absent = match agreement.absent {
        0 => String::new(),
        count => format!("; {count} did not answer"),
    };
    let score = agreement.score;
    format!("{verdict} (score {score:.2}), held by {supporting}{dissenting}{absent}. Position: {position}")
}

fn level(score: f64) -> Level {
    match score {
        score if score >= STRONG => Level::Strong,
        score if score >= MODERATE => Level::Moderate,
        score if score >= WEAK => Level::Weak,
        _ => Level::None,
    }
}

fn strong() -> f64 {
    STRONG
}

fn check(args: &Consensus) -> Result<(), Failure> {
    if !(args.threshold > 0.0 && args.threshold <= 1.0) {
        return Err(rejected(format!("the threshold {} is not above 0 and at most 1", args.threshold)));
    }
    if let Some((name, weight)) =
        args.weights.iter().find(|(_, weight)| !(weight.is_finite() && **weight >= 0.0))
    {
        return Err(rejected(format!("the weight {weight} of `{name}` is below 0")));
    }
    let mut names = BTreeSet::new();
    for said in args.positions.iter().flatten() {
        if !(0.0..=1.0).contains(&said.confidence) {
            let message =
                format!("the confidence {} of `{}` is not from 0 to 1", said.confidence, said.participant);
            return Err(rejected(message));
        }
        if !names.insert(&said.participant) {
            return Err(rejected(format!("`{}` has two positions", said.participant)));
        }
    }
    Ok(())
}

fn rejected(message: String) -> Failure {
    Failure::rejected("invalid_arguments", message)
}

#[cfg(test)]
mod tests;
