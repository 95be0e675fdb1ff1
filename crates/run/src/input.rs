//! What comes in to a run.

use std::collections::BTreeMap;
use std::time::Duration;

use op_plan::Performer;
use op_plan::input::Inputs;

use crate::answer::Answer;
use crate::key::Work;
use crate::run::State;
use crate::time::Timestamp;

/// What a run is started with.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// Who performs each step, by position; as long as the plan has steps.
    pub cast: Vec<Performer>,
    /// Complete and checked inputs.
    pub inputs: Inputs,
    /// Who starts it.
    pub user: String,
    /// Free labels.
    pub labels: BTreeMap<String, String>,
    /// Replaces the plan's own limit on the whole run.
    pub timeout: Option<Duration>,
}

/// Something that happened outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Happening {
    /// Somebody starts the run.
    Start(Start),
    /// A call ended.
    Answered {
        /// What it was made for.
        work: Work,
        /// Which attempt, counted from 1.
        attempt: u32,
        /// How it ended.
        answer: Answer,
    },
    /// Time passed.
    Tick,
    /// Somebody stops the run.
    Cancel {
        /// Whether to undo what was done.
        rollback: bool,
        /// Why.
        reason: String,
        /// Who.
        user: String,
    },
}

/// Something that happened outside, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// When.
    pub at: Timestamp,
    /// What.
    pub happening: Happening,
}

/// Why an input changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A run is started once.
    #[error("the run was started before")]
    Started,
    /// The cast does not fit the plan.
    #[error("the cast names {given} performers and the plan has {wanted} steps")]
    Cast {
        /// How many were given.
        given: usize,
        /// How many the plan needs.
        wanted: usize,
    },
    /// The answer is for a call that is not outstanding: it was answered before, or never made.
    #[error("nobody waits for this answer")]
    Unexpected,
    /// A run that ended, or that undoes itself, cannot be cancelled.
    #[error("the run is {0} and cannot be cancelled")]
    State(State),
    /// Cancelling twice changes nothing.
    #[error("the run is being cancelled")]
    Cancelling,
}
