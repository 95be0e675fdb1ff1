//! One thing that was looked at.

use serde_json::{Value, json};

use crate::render::state::Tone;

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    /// As it should be.
    Good,
    /// Something cannot be done, and the rest works.
    Lacking,
    /// Nothing works before it is mended.
    Broken,
}

impl Health {
    /// How it is told.
    pub(super) fn tone(self) -> Tone {
        match self {
            Self::Good => Tone::Good,
            Self::Lacking => Tone::Odd,
            Self::Broken => Tone::Bad,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Lacking => "lacking",
            Self::Broken => "broken",
        }
    }
}

/// What was looked at, and what was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) check: &'static str,
    pub(super) health: Health,
    pub(super) message: String,
    pub(super) mend: Option<String>,
}

impl Finding {
    /// As it should be.
    pub(super) fn good(check: &'static str, message: impl Into<String>) -> Self {
        Self { check, health: Health::Good, message: message.into(), mend: None }
    }

    /// Something cannot be done.
    pub(super) fn lacking(check: &'static str, message: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { check, health: Health::Lacking, message: message.into(), mend: Some(mend.into()) }
    }

    /// Nothing works before it is mended.
    pub(super) fn broken(check: &'static str, message: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { check, health: Health::Broken, message: message.into(), mend: Some(mend.into()) }
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        json!({ "check": self.check, "health": self.health.word(), "message": self.message, "mend": self.mend })
    }
}

/// An error with what caused it, on one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}
