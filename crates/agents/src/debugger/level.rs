//! How much a line of a log matters.

use std::sync::LazyLock;

use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A word for a level: in capitals anywhere near the beginning, in any letters where it is marked as one.
static WORD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"\b(TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERR(?:OR)?|CRIT(?:ICAL)?|ALERT|FATAL|EMERG|PANIC)\b",
        r#"|(?i:(?:\blevel["']?\s*[=:]\s*["']?|[\[<(]|^)(trace|debug|info|notice|warn(?:ing)?|err(?:or)?|crit(?:ical)?|alert|fatal|emerg|panic)\b)"#,
    ))
    .expect("a pattern that a test uses")
});

/// How many bytes of a line are searched for its level. Later words are what the line speaks of.
const HEAD: usize = 160;

/// A level, from the least to the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// Every step.
    Trace,
    /// What helps to find mistakes.
    Debug,
    /// A state changed.
    Info,
    /// Something was odd.
    Warn,
    /// Something failed.
    Error,
    /// Nothing works any more.
    Fatal,
}

impl Level {
    /// The level that a line states of itself.
    pub(super) fn of_line(line: &str) -> Option<Self> {
        let head = &line[..line.floor_char_boundary(HEAD)];
        let found = WORD.captures(head)?;
        Self::of_word((found.get(1).or_else(|| found.get(2)))?.as_str())
    }

    /// The level that a word stands for.
    pub(super) fn of_word(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "trace" => Some(Self::Trace),
            "debug" => Some(Self::Debug),
            "info" | "notice" => Some(Self::Info),
            "warn" | "warning" => Some(Self::Warn),
            "err" | "error" => Some(Self::Error),
            "crit" | "critical" | "alert" | "fatal" | "emerg" | "panic" => Some(Self::Fatal),
            _ => None,
        }
    }

    /// Its name, as it is written in answers.
    pub(super) fn name(self) -> String {
        format!("{self:?}").to_ascii_lowercase()
    }

    /// The level of a [priority of syslog](https://www.rfc-editor.org/rfc/rfc5424#section-6.2.1).
    pub(super) fn of_priority(priority: u8) -> Self {
        match priority {
            0..=2 => Self::Fatal,
            3 => Self::Error,
            4 => Self::Warn,
            5 | 6 => Self::Info,
            _ => Self::Debug,
        }
    }

    /// The least urgent priority of syslog that has this level at least.
    pub(super) fn priority(self) -> u8 {
        match self {
            Self::Trace | Self::Debug => 7,
            Self::Info => 6,
            Self::Warn => 4,
            Self::Error => 3,
            Self::Fatal => 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_read_where_a_line_states_it_and_not_where_it_speaks_of_one() {
        for (line, level) in [
            ("2026-11-26T10:00:00Z ERROR db: connection lost", Some(Level::Error)),
            ("Nov 26 10:00:00 host app[1]: <warning> disk is full", Some(Level::Warn)),
            ("ts=1 level=warn msg=\"slow\"", Some(Level::Warn)),
            ("{\"level\": \"fatal\"}", Some(Level::Fatal)),
            ("[debug] x", Some(Level::Debug)),
            ("error: no such file", Some(Level::Error)),
            ("there was no error at all", None),
            ("TERRIBLE", None),
            ("", None),
        ] {
            assert_eq!(Level::of_line(line), level, "{line}");
        }
        assert_eq!(Level::of_line(&format!("{} ERROR", "é".repeat(HEAD))), None);
    }

    #[test]
    fn a_priority_and_its_level_agree() {
        for priority in 0..=7 {
            assert!(Level::of_priority(priority).priority() >= priority);
        }
        assert!(Level::Fatal > Level::Error && Level::Error > Level::Warn);
    }
}
