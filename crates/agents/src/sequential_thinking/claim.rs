//! What a sentence says of what: its subject, whether it denies it, and its numbers.

use std::collections::BTreeSet;

use super::quantity::{Quantity, quantities};
use crate::text::sentences;
use crate::text::words::terms;

/// Words that deny what is said.
const DENIALS: [&str; 10] =
    ["not", "never", "no", "none", "nobody", "nothing", "cannot", "without", "neither", "nor"];

/// Words that say how binding or how likely something is, and nothing about what it is.
const MODALS: [&str; 17] = [
    "must",
    "shall",
    "should",
    "could",
    "might",
    "need",
    "needs",
    "ought",
    "always",
    "only",
    "please",
    "required",
    "require",
    "requires",
    "allowed",
    "able",
    "permitted",
];

/// Words that deny another one.
const OPPOSITES: [(&str, &str); 12] = [
    ("disabled", "enabled"),
    ("disable", "enable"),
    ("forbidden", "allowed"),
    ("prohibited", "allowed"),
    ("impossible", "possible"),
    ("false", "true"),
    ("unsafe", "safe"),
    ("invalid", "valid"),
    ("absent", "present"),
    ("closed", "open"),
    ("offline", "online"),
    ("optional", "required"),
];

/// Least share of the words of two claims that both have, for them to be about the same.
const ALIKE: f64 = 0.8;

/// A claim.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Claim {
    subject: BTreeSet<String>,
    denies: bool,
    quantities: Vec<Quantity>,
}

/// Why two claims cannot both hold.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Clash {
    /// One denies what the other says.
    Denial,
    /// They give the same quantity values that exclude each other.
    Number(String, String),
}

impl Claim {
    /// The claims of a text, one for each sentence.
    pub(super) fn all(text: &str) -> Vec<Self> {
        sentences::texts(text).iter().map(|sentence| Self::of(sentence)).collect()
    }

    /// The claim of one sentence.
    pub(super) fn of(sentence: &str) -> Self {
        let (quantities, rest) = quantities(sentence);
        let mut denies = false;
        let mut kept = Vec::new();
        for word in
            rest.split(|letter: char| !letter.is_alphanumeric() && !['\'', '’', '-'].contains(&letter))
        {
            let word = word.to_lowercase().replace('’', "'");
            let bare = word.strip_suffix("n't");
            if DENIALS.contains(&word.as_str()) || bare.is_some() {
                denies = !denies;
                kept.extend(bare.map(str::to_owned));
            } else if let Some((_, opposite)) = OPPOSITES.iter().find(|(one, _)| *one == word) {
                denies = !denies;
                kept.push((*opposite).to_owned());
            } else {
                kept.push(word);
            }
        }
        kept.retain(|word| !MODALS.contains(&word.as_str()));
        Self { subject: terms(&kept.join(" ")).into_iter().collect(), denies, quantities }
    }

    /// Why this and the other cannot both hold; none when they can, as far as the rules see.
    pub(super) fn clash(&self, other: &Self) -> Option<Clash> {
        let likeness = self.likeness(other);
        if likeness < ALIKE {
            return None;
        }
        if self.denies != other.denies {
            // One word in common is a topic, and no claim yet.
            let is_claim = self.subject.len() > 1 && self.quantities.len() == other.quantities.len();
            let same = self.quantities.iter().zip(&other.quantities).all(|(one, two)| !one.excludes(two));
            return (is_claim && same).then_some(Clash::Denial);
        }
        let excluded = |one: &Quantity| self.only(one).then(|| other.opposing(one)).flatten();
        let pair = self.quantities.iter().find_map(|one| excluded(one).map(|two| (one, two)));
        pair.filter(|_| !self.denies).map(|(one, two)| Clash::Number(one.text.clone(), two.text.clone()))
    }

    /// The share of their words that both have.
    pub(super) fn likeness(&self, other: &Self) -> f64 {
        let common = self.subject.intersection(&other.subject).count();
        let all = self.subject.union(&other.subject).count();
        #[expect(clippy::cast_precision_loss, reason = "sentences have few words")]
        if all == 0 { 0.0 } else { common as f64 / all as f64 }
    }

    /// Whether there is any number in it.
    pub(super) fn has_number(&self) -> bool {
        !self.quantities.is_empty()
    }

    /// How its numbers are written.
    pub(super) fn numbers(&self) -> impl Iterator<Item = &str> {
        self.quantities.iter().map(|quantity| quantity.text.as_str())
    }

    /// Whether a quantity is the only one of its dimension here: of several, nobody knows which is meant.
    fn only(&self, one: &Quantity) -> bool {
        self.quantities.iter().filter(|other| other.dimension == one.dimension).count() == 1
    }

    fn opposing(&self, one: &Quantity) -> Option<&Quantity> {
        self.quantities.iter().find(|two| self.only(two) && two.excludes(one))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clash(one: &str, two: &str) -> Option<Clash> {
        let (one, two) = (Claim::of(one), Claim::of(two));
        let found = one.clash(&two);
        assert_eq!(found.is_some(), two.clash(&one).is_some(), "it is so from both sides");
        found
    }

    #[test]
    fn what_one_sentence_says_another_denies() {
        for (one, two) in [
            ("The cache is shared.", "The cache is not shared."),
            ("Users can delete accounts.", "Users cannot delete accounts."),
            ("The server keeps passwords.", "The server never keeps passwords."),
            ("It doesn't keep old logs.", "It must keep old logs."),
            ("Access from abroad is forbidden.", "Access from abroad is allowed."),
        ] {
            assert_eq!(clash(one, two), Some(Clash::Denial), "{one} {two}");
        }
    }

    #[test]
    fn a_denial_of_a_denial_and_another_subject_are_no_denial() {
        for (one, two) in [
            ("Users can delete accounts.", "Users cannot delete accounts without approval."),
            ("The cache is shared.", "The index is not shared."),
            ("The cache is shared.", "The shared cache is there."),
            ("Caches.", "No caches."),
            ("", "No."),
        ] {
            assert_eq!(clash(one, two), None, "{one} {two}");
        }
    }

    #[test]
    fn one_quantity_cannot_have_two_values() {
        let found = clash("The timeout must be 5 s.", "The timeout is 500 ms.");
        assert_eq!(found, Some(Clash::Number("5 s".into(), "500 ms".into())));
        assert_eq!(clash("The timeout is at least 5 s.", "The timeout is at most 10 s."), None);
        assert_eq!(clash("The timeout is 5 s.", "The timeout is 5000 ms."), None);
        assert_eq!(clash("The timeout is 5 s.", "The size is 6 s."), None);
        assert_eq!(
            clash("Retries go from 1 to 5.", "Retries go from 2 to 5."),
            None,
            "nobody knows which is which"
        );
        assert_eq!(clash("The timeout is not 5 s.", "The timeout is not 6 s."), None);
    }
}
