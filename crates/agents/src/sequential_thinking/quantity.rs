//! The numbers of a sentence: which values they allow, and of what.

use std::sync::LazyLock;

use regex::Regex;

/// What a number counts. Numbers of different dimensions are not compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dimension {
    /// Things, or something without a unit that is known here.
    Count,
    /// Seconds.
    Time,
    /// Bytes.
    Size,
    /// Per cent.
    Share,
}

/// The values that a sentence allows, ends included: "at least 5 s" is from 5 without an end.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Quantity {
    pub(super) dimension: Dimension,
    pub(super) from: f64,
    pub(super) to: f64,
    /// How it was written.
    pub(super) text: String,
}

impl Quantity {
    /// Whether there is no value that both allow.
    pub(super) fn excludes(&self, other: &Self) -> bool {
        self.dimension == other.dimension && (self.from > other.to || other.from > self.to)
    }
}

/// Units in small letters, what they count, and how much of its base one is. Sizes go by 1024, as people mean them in requirements.
const UNITS: [(&[&str], Dimension, f64); 12] = [
    (&["us", "µs"], Dimension::Time, 1e-6),
    (&["ms", "millisecond", "milliseconds"], Dimension::Time, 1e-3),
    (&["s", "sec", "secs", "second", "seconds"], Dimension::Time, 1.0),
    (&["min", "mins", "minute", "minutes"], Dimension::Time, 60.0),
    (&["h", "hour", "hours"], Dimension::Time, 3600.0),
    (&["d", "day", "days"], Dimension::Time, 86_400.0),
    (&["week", "weeks"], Dimension::Time, 604_800.0),
    (&["b", "byte", "bytes"], Dimension::Size, 1.0),
    (&["kb", "kib"], Dimension::Size, 1024.0),
    (&["mb", "mib"], Dimension::Size, 1_048_576.0),
    (&["gb", "gib"], Dimension::Size, 1_073_741_824.0),
    (&["%", "percent"], Dimension::Share, 1.0),
];

static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"(?ix)
        (?P<least>at\sleast|no\s(?:fewer|less)\sthan|more\sthan|minimum(?:\sof)?|over|above|>=?|≥)?
        (?P<most>at\smost|no\smore\sthan|less\sthan|fewer\sthan|maximum(?:\sof)?|up\sto|under|below|within|<=?|≤)?
        \s*(?P<whole>(?P<number>\b\d+(?:,\d{3})*(?:\.\d+)?)(?:\s?(?P<unit>%|[a-zµ]+))?)";
    Regex::new(pattern).expect("it is a regular expression")
});

/// The quantities of a sentence, and the sentence without them and what belongs to them. Versions, dates and names such as `R1` or
/// `utf-8` are left where they are.
pub(super) fn quantities(sentence: &str) -> (Vec<Quantity>, String) {
    let mut found = Vec::new();
    let mut rest = String::new();
    let mut end = 0;
    for captures in NUMBER.captures_iter(sentence) {
        let number = captures.name("number").expect("it is in every match");
        if !stands_alone(sentence, number.start(), number.end()) {
            continue;
        }
        let Ok(value) = number.as_str().replace(',', "").parse::<f64>() else { continue };
        let unit = captures.name("unit").and_then(|unit| known(unit.as_str()).map(|known| (unit, known)));
        let (dimension, factor) = unit.map_or((Dimension::Count, 1.0), |(_, known)| known);
        let stop = unit.map_or(number.end(), |(unit, _)| unit.end());
        let value = value * factor;
        let from = if captures.name("most").is_some() { f64::NEG_INFINITY } else { value };
        let to = if captures.name("least").is_some() { f64::INFINITY } else { value };
        let start = captures.get(0).expect("the match itself").start();
        let text = sentence[start..stop].trim().to_owned();
        found.push(Quantity { dimension, from, to, text });
        rest.push_str(&sentence[end..start]);
        rest.push(' ');
        end = stop;
    }
    rest.push_str(&sentence[end..]);
    (found, rest)
}

fn known(unit: &str) -> Option<(Dimension, f64)> {
    let unit = unit.to_lowercase();
    let row = UNITS.iter().find(|(names, ..)| names.contains(&unit.as_str()));
    row.map(|(_, dimension, factor)| (*dimension, *factor))
}

/// Whether the digits are a number of their own and no part of a version, a date or a name.
fn stands_alone(sentence: &str, start: usize, end: usize) -> bool {
    let before = sentence[..start].chars().next_back();
    let mut after = sentence[end..].chars();
    let (next, then) = (after.next(), after.next());
    let joins = |letter: char| matches!(letter, '.' | '-' | '/' | ':' | '#' | '_');
    let continues = next.is_some_and(joins) && then.is_some_and(|letter| letter.is_ascii_digit());
    !before.is_some_and(joins) && !continues
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(sentence: &str) -> Quantity {
        let (mut found, _) = quantities(sentence);
        assert_eq!(found.len(), 1, "{sentence}: {found:?}");
        found.remove(0)
    }

    #[test]
    fn units_of_one_dimension_are_compared() {
        assert!(one("It takes 500 ms.").excludes(&one("It takes 5 s.")));
        assert!(!one("It takes 500 ms.").excludes(&one("It takes 0.5 s.")));
        assert!(!one("It takes 2 minutes.").excludes(&one("It takes 120 seconds.")));
        assert!(!one("It takes 2 minutes.").excludes(&one("It takes 3 MiB.")));
        assert!(one("Use 90 % of it.").excludes(&one("Use 95% of it.")));
        assert!(one("1,000 users").excludes(&one("1000000 users")));
    }

    #[test]
    fn bounds_exclude_only_what_lies_beyond_them() {
        assert!(!one("at least 3 nodes").excludes(&one("at most 10 nodes")));
        assert!(one("at least 11 nodes").excludes(&one("no more than 10 nodes")));
        assert!(!one("within 5 s").excludes(&one("4 s")));
        assert!(one("within 5 s").excludes(&one("6 s")));
    }

    #[test]
    fn what_is_left_is_the_sentence_without_its_numbers() {
        let (found, rest) = quantities("Answer within 200 ms for 64 callers.");
        let texts: Vec<_> = found.iter().map(|found| found.text.as_str()).collect();
        assert_eq!(texts, ["within 200 ms", "64"]);
        assert_eq!(rest.split_whitespace().collect::<Vec<_>>(), ["Answer", "for", "callers."]);
    }

    #[test]
    fn versions_dates_and_names_are_no_numbers() {
        for text in ["Use 1.2.3.", "On 2026-11-26.", "As R1 and utf-8 say.", "See #12.", "At 12:30."] {
            assert_eq!(quantities(text).0, [], "{text}");
        }
    }
}
