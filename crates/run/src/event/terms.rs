//! Terms that facts are told in: why something stops or does not run, what a step waits for, where a machine goes.

use std::fmt;

use op_plan::plan::Terminal;
use op_plan::skill::Because;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::time::Timestamp;

/// Why a call is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopCause {
    /// Its time limit, that of its phase or that of the run passed.
    TimedOut,
    /// The run is cancelled.
    Cancelled,
}

impl fmt::Display for StopCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TimedOut => "its time limit passed",
            Self::Cancelled => "the run is cancelled",
        })
    }
}

/// What a step waits for at its gate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Waiting {
    /// Time.
    Delay,
    /// A signal.
    Signal(String),
    /// The answer of a person.
    Approval {
        /// What is asked.
        message: String,
        /// The call that is asked about: `performer` and `arguments`.
        call: Value,
        /// Names exactly this question, so that the answer is to what was shown.
        digest: String,
    },
}

/// Where a machine goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    /// To a phase.
    Phase {
        /// The phase.
        phase: String,
        /// Which visit of it that is, counted from 1.
        visit: u32,
    },
    /// To its end.
    End(Terminal),
}

/// That a skill is active in a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activation {
    /// The step that makes the call.
    pub step: String,
    /// The item of its list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<usize>,
    /// The skill.
    pub skill: String,
    /// Its digest.
    pub digest: String,
    /// Why.
    pub because: Because,
    /// Bytes of its text that the performer is given: 0 where it takes none, or there is no room for it.
    pub given: usize,
}

/// What of a run is done again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retried {
    /// Phases that run again, or for the first time.
    pub phases: Vec<String>,
    /// Steps of them that do; the others keep what they returned.
    pub steps: Vec<String>,
    /// Those of these steps that go on with their list: what was done of it stays.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<String>,
    /// When the whole run must have ended.
    pub deadline: Option<Timestamp>,
    /// Whether it waits until there is a place under its key.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub queued: bool,
    /// Who.
    pub user: String,
}

/// Why a phase or a step does not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipCause {
    /// Its condition is false.
    Condition,
    /// A phase it depends on failed, or was skipped for such a failure.
    Dependency(String),
    /// A step of the same phase failed.
    Sibling(String),
    /// The run or the phase was stopped before.
    Halted,
    /// Nobody plays it.
    Vacant,
}

impl fmt::Display for SkipCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Condition => f.write_str("its condition is false"),
            Self::Dependency(phase) => write!(f, "`{phase}` did not succeed"),
            Self::Sibling(step) => write!(f, "`{step}` failed before it"),
            Self::Halted => f.write_str("it was stopped before it began"),
            Self::Vacant => f.write_str("nobody plays it"),
        }
    }
}
