//! What a sentence says of what: its subject, whether it denies it, and its numbers.

use std::cmp::Ordering;

use super::quantity::{Quantity, quantities};
use crate::text::sentences;
use crate::text::words::terms;

/// Words that deny what is said.
const DENIALS: [&str; 10] =
    ["not", "never", "no", "none", "nobody", "nothing", "cannot", "without", "neither", "nor"];

/// Words that deny others, and are not those with `n't` behind them.
const SHORTENED: [(&str, &str); 3] = [("can't", "can"), ("won't", "will"), ("shan't", "shall")];

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

/// Most sentences of one text: each is held against each of every other text.
pub(super) const MOST: usize = 40;

/// A claim.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Claim {
    /// The words by their hashes, in order and each once: of long chains, millions of pairs are held against each other.
    subject: Vec<u64>,
    /// A bit for each word of the subject, by which most of what is not alike is known at once.
    mark: u64,
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
    /// The claims of a text, one for each sentence, up to [`MOST`].
    pub(super) fn all(text: &str) -> Vec<Self> {
        sentences::texts(text).iter().take(MOST).map(|sentence| Self::of(sentence)).collect()
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
            let shortened = SHORTENED.iter().find(|(short, _)| *short == word).map(|(_, bare)| *bare);
            let bare = shortened.or_else(|| word.strip_suffix("n't"));
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
        let mut subject: Vec<u64> = terms(&kept.join(" ")).iter().map(|word| hash(word)).collect();
        subject.sort_unstable();
        subject.dedup();
        let mark = subject.iter().fold(0, |mark, hash| mark | (1 << (hash >> 58)));
        Self { subject, mark, denies, quantities }
    }

    /// Why this and the other cannot both hold; none when they can, as far as the rules see.
    pub(super) fn clash(&self, other: &Self) -> Option<Clash> {
        if !self.may_be_alike(other) || self.likeness(other) < ALIKE {
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

    /// Whether so many words may be common that four fifths of all are, going by the marks: a word whose bit the other has not is not there.
    fn may_be_alike(&self, other: &Self) -> bool {
        let most = |one: &Self, two: &Self| one.subject.len() - (one.mark & !two.mark).count_ones() as usize;
        let common = most(self, other).min(most(other, self));
        5 * common >= 4 * (self.subject.len() + other.subject.len() - common)
    }

    /// The share of their words that both have.
    pub(super) fn likeness(&self, other: &Self) -> f64 {
        let common = common(&self.subject, &other.subject);
        let all = self.subject.len() + other.subject.len() - common;
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

/// The [hash of Fowler, Noll and Vo](https://datatracker.ietf.org/doc/draft-eastlake-fnv/).
fn hash(word: &str) -> u64 {
    word.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// How many numbers two lists share that are in order.
fn common(one: &[u64], two: &[u64]) -> usize {
    let (mut first, mut second, mut found) = (0, 0, 0);
    while first < one.len() && second < two.len() {
        match one[first].cmp(&two[second]) {
            Ordering::Less => first += 1,
            Ordering::Greater => second += 1,
            Ordering::Equal => {
                (first, second, found) = (first + 1, second + 1, found + 1);
            }
        }
    }
    found
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
            ("Users can delete accounts.", "Users can't delete accounts."),
            ("Users can delete accounts.", "Users can’t delete accounts."),
            ("Users can delete accounts.", "Users can not delete accounts."),
            ("The server will keep passwords.", "The server won't keep passwords."),
            ("The server shall keep passwords.", "The server shan't keep passwords."),
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

    proptest::proptest! {
        #[test]
        fn what_is_passed_over_by_its_mark_is_never_alike(
            one in "[b-m]{2}( [b-m]{2}){0,9}", two in "[b-m]{2}( [b-m]{2}){0,9}"
        ) {
            let (one, more) = (Claim::of(&one), Claim::of(&format!("{one} {two}")));
            let two = Claim::of(&two);
            for (left, right) in [(&one, &two), (&one, &more), (&more, &two)] {
                proptest::prop_assert!(left.may_be_alike(right) || left.likeness(right) < ALIKE);
            }
        }
    }
}
