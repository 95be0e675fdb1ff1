//! A thought: what somebody holds at one step of a chain, how sure they are, and what it rests on.

use op_agent::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::claim;
use crate::text::sentences;

/// Bytes of the longest thought.
const LONGEST: usize = 4 * 1024;

/// How sure somebody is who does not say.
const UNSAID: f64 = 0.5;

/// What a thought is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// Something that was seen or read.
    #[default]
    Observation,
    /// Something that may be so and is to be tested.
    Hypothesis,
    /// What follows from other thoughts.
    Analysis,
    /// What the chain comes to.
    Conclusion,
    /// What is not known.
    Question,
    /// A thought about the chain itself.
    Reflection,
}

impl Kind {
    /// The name as it is written in JSON.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Observation => "observation",
            Self::Hypothesis => "hypothesis",
            Self::Analysis => "analysis",
            Self::Conclusion => "conclusion",
            Self::Question => "question",
            Self::Reflection => "reflection",
        }
    }

    /// Whether it says that something is so. Questions and reflections do not.
    pub(super) fn claims(self) -> bool {
        match self {
            Self::Observation | Self::Hypothesis | Self::Analysis | Self::Conclusion => true,
            Self::Question | Self::Reflection => false,
        }
    }
}

/// Where a thought was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Source {
    /// The argument, or the file that it came from.
    pub(super) input: String,
    /// The line in it, counted from 1.
    pub(super) line: usize,
}

/// A thought that has its place in a chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Thought {
    /// Its place in the chain, counted from 1.
    pub(super) step: u32,
    /// What it is.
    #[serde(rename = "type")]
    pub(super) kind: Kind,
    /// What it says.
    pub(super) text: String,
    /// How sure its author is, from 0 to 1.
    pub(super) confidence: f64,
    /// The steps that it rests on.
    #[serde(default)]
    pub(super) builds_on: Vec<u32>,
    /// The step that it takes the place of; that one is kept.
    #[serde(default)]
    pub(super) revises: Option<u32>,
    /// The steps that it shows to be wrong.
    #[serde(default)]
    pub(super) refutes: Vec<u32>,
    /// Where it was read; none when somebody thought it.
    #[serde(default)]
    pub(super) source: Option<Source>,
}

/// A thought before it has its place.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Draft {
    /// What it is; an observation if not said.
    #[serde(default, rename = "type")]
    pub(super) kind: Kind,
    /// What it says; at most 4 KiB and 40 sentences.
    pub(super) text: String,
    /// How sure its author is, from 0 to 1; 0.5 if not said.
    #[serde(default = "unsaid")]
    pub(super) confidence: f64,
    /// The steps that it rests on.
    #[serde(default)]
    pub(super) builds_on: Vec<u32>,
    /// The step that it takes the place of; that one is kept.
    #[serde(default)]
    pub(super) revises: Option<u32>,
    /// The steps that it shows to be wrong.
    #[serde(default)]
    pub(super) refutes: Vec<u32>,
    /// Where it was read.
    #[serde(default)]
    pub(super) source: Option<Source>,
}

fn unsaid() -> f64 {
    UNSAID
}

impl Draft {
    /// A thought that rests on nothing.
    pub(super) fn new(kind: Kind, text: impl Into<String>, confidence: f64) -> Self {
        let text = text.into();
        Self {
            kind,
            text,
            confidence,
            builds_on: Vec::new(),
            revises: None,
            refutes: Vec::new(),
            source: None,
        }
    }

    /// A plain text: a question when it ends as one, else an observation.
    pub(super) fn plain(text: &str) -> Self {
        let kind = if text.trim_end().ends_with('?') { Kind::Question } else { Kind::Observation };
        Self::new(kind, text, UNSAID)
    }

    /// The same thought, resting on these steps.
    pub(super) fn on(mut self, steps: Vec<u32>) -> Self {
        self.builds_on = steps;
        self
    }

    /// The same thought, read there.
    pub(super) fn from(mut self, source: Source) -> Self {
        self.source = Some(source);
        self
    }

    /// Whether it can be a thought at all, whatever the chain.
    pub(super) fn check(&self) -> Result<(), Failure> {
        if self.text.trim().is_empty() {
            return Err(invalid("a thought must say something, and `text` is empty"));
        }
        if self.text.len() > LONGEST {
            let message = format!("a thought of {} bytes is longer than {LONGEST}", self.text.len());
            return Err(invalid(&message).hint("split it into several thoughts"));
        }
        let sentences = sentences::texts(&self.text).len();
        if sentences > claim::MOST {
            let message = format!("a thought of {sentences} sentences has more than {}", claim::MOST);
            return Err(invalid(&message).hint("split it into several thoughts"));
        }
        if !(0.0..=1.0).contains(&self.confidence) {
            return Err(invalid(&format!("confidence is from 0 to 1, and {} is not", self.confidence)));
        }
        Ok(())
    }
}

/// A thought cannot be taken.
pub(super) fn invalid(message: &str) -> Failure {
    Failure::rejected("invalid_thought", message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_plain_text_is_a_question_when_it_ends_as_one() {
        assert_eq!(Draft::plain("Who pays? ").kind, Kind::Question);
        assert_eq!(Draft::plain("Everybody pays.").kind, Kind::Observation);
    }

    #[test]
    fn what_cannot_be_a_thought_is_refused() {
        for draft in [
            json!({ "text": " " }),
            json!({ "text": "x".repeat(LONGEST + 1) }),
            json!({ "text": "So be it. ".repeat(41) }),
        ]
        .into_iter()
        .chain([-0.1, 1.1].map(|sure| json!({ "text": "x", "confidence": sure })))
        {
            let draft: Draft = serde_json::from_value(draft).unwrap();
            assert_eq!(draft.check().unwrap_err().reason(), "invalid_thought");
        }
        assert!(Draft::new(Kind::Analysis, "x", f64::NAN).check().is_err());
        assert!(serde_json::from_value::<Draft>(json!({ "text": "x", "sure": 1 })).is_err());
    }
}
