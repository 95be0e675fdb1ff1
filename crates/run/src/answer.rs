//! How a call ended. Outcome is data: each way a call can end is its own kind, never text to be guessed from.

use std::time::Duration;

use op_plan::plan::FailureKind;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::key::RunId;
use crate::time::Timestamp;

/// What was observed of a call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Who answered.
    pub peer: String,
    /// How long it took, by the hub's clock.
    pub duration: Duration,
    /// Exit status of the program that did the work, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// Bytes of output.
    #[serde(default)]
    pub bytes: u64,
    /// Where it was observed, when nobody was called for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Box<Kept>>,
}

/// Where a result comes from that was kept of an earlier call with the same arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The run whose call returned it.
    pub run: RunId,
    /// When it did.
    pub at: Timestamp,
}

/// Why a call did not succeed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Which kind of failure.
    pub kind: FailureKind,
    /// Stable word for programs.
    pub reason: String,
    /// One sentence for people.
    pub message: String,
    /// What to do next; empty when there is nothing to say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hint: String,
    /// What was found out all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Value>,
}

impl Failure {
    /// A failure of a kind, with a stable word and a sentence.
    pub fn new(kind: FailureKind, reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind, reason: reason.into(), message: message.into(), hint: String::new(), detail: None }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// Adds what was found out all the same; null is nothing.
    #[must_use]
    pub fn detail(mut self, detail: Value) -> Self {
        self.detail = Some(detail).filter(|detail| !detail.is_null());
        self
    }
}

/// How a call ended. Every call ends in exactly one of these.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The performer did what was asked.
    Succeeded {
        /// Its value.
        value: Value,
        /// What was observed.
        evidence: Evidence,
    },
    /// It did not.
    Failed {
        /// Why.
        failure: Failure,
        /// What was observed.
        evidence: Evidence,
    },
}

impl Answer {
    /// What was observed.
    pub fn evidence(&self) -> &Evidence {
        match self {
            Self::Succeeded { evidence, .. } | Self::Failed { evidence, .. } => evidence,
        }
    }
}
