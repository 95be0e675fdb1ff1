//! What is searched for, as ripgrep's matcher.

use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use op_agent::Failure;
use schemars::JsonSchema;
use serde::Deserialize;

/// Largest compiled pattern, in bytes: what a pattern with large repetitions may cost.
const SIZE: usize = 10 * 1024 * 1024;

/// Whether capital and small letters differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Case {
    /// They differ.
    #[default]
    Sensitive,
    /// They are the same.
    Insensitive,
    /// They differ if the pattern has a capital letter.
    Smart,
}

/// How a pattern is to be read.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) literal: bool,
    pub(super) case: Case,
    pub(super) word: bool,
    pub(super) multiline: bool,
}

/// Compiles a pattern. Matching takes time in proportion to the text, whatever the pattern.
pub(super) fn matcher(pattern: &str, reading: &Reading) -> Result<RegexMatcher, Failure> {
    let mut builder = RegexMatcherBuilder::new();
    builder
        .size_limit(SIZE)
        .dfa_size_limit(SIZE)
        .fixed_strings(reading.literal)
        .word(reading.word)
        .multi_line(true)
        .case_insensitive(reading.case == Case::Insensitive)
        .case_smart(reading.case == Case::Smart);
    if !reading.multiline {
        builder.line_terminator(Some(b'\n'));
    }
    builder.build(pattern).map_err(|error| {
        let failure = Failure::rejected("invalid_pattern", error.to_string());
        match (reading.literal, reading.multiline) {
            (false, _) => {
                failure.hint("mend the regular expression, or set `literal` to search for the text as it is")
            }
            (true, false) => failure.hint("set `multiline` to search for a text of several lines"),
            (true, true) => failure,
        }
    })
}

#[cfg(test)]
mod tests {
    use grep_matcher::Matcher;

    use super::*;

    fn hits(pattern: &str, reading: &Reading, text: &str) -> bool {
        matcher(pattern, reading).unwrap().is_match(text.as_bytes()).unwrap()
    }

    #[test]
    fn each_way_of_reading_makes_a_difference() {
        let plain = Reading::default();
        assert!(hits("a.c", &plain, "abc") && !hits("a.c", &Reading { literal: true, ..plain }, "abc"));
        let plain = Reading::default();
        assert!(hits("on", &plain, "one") && !hits("on", &Reading { word: true, ..plain }, "one"));
        let with = |case| Reading { case, ..Reading::default() };
        assert!(!hits("One", &with(Case::Sensitive), "one"));
        assert!(hits("One", &with(Case::Insensitive), "one"));
        assert!(hits("one", &with(Case::Smart), "ONE") && !hits("One", &with(Case::Smart), "one"));
        assert!(hits("a\nb", &Reading { multiline: true, ..Reading::default() }, "a\nb"));
    }

    #[test]
    fn what_cannot_be_matched_is_rejected() {
        for pattern in ["(", "a\nb", "(a{1000}){1000}"] {
            let refused = matcher(pattern, &Reading::default()).unwrap_err();
            assert_eq!(refused.reason(), "invalid_pattern", "{pattern}");
        }
    }
}
