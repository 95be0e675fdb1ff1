//! What the performer of a step asks the hub for.

use op_plan::Performer;
use serde::{Deserialize, Serialize};

use crate::answer::{Evidence, Failure};

/// What is about to be performed as part of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostCallStart {
    /// The step.
    pub step: String,
    /// The item of its list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<usize>,
    /// Tells it from others of the same attempt, counted from 1.
    pub number: u32,
    /// Who performs it.
    pub performer: Performer,
    /// Digest of its arguments.
    pub arguments: String,
}

/// How what was performed as part of a call ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostCallEnd {
    /// The step.
    pub step: String,
    /// The item of its list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<usize>,
    /// Which one.
    pub number: u32,
    /// Why it did not succeed; none when it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// What was observed.
    pub evidence: Evidence,
}
