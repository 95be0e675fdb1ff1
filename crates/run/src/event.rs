//! Facts: what became true in a run. They hold outcomes of decisions, so a later version of `decide` never changes the past.

mod subject;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use op_plan::Performer;
use op_plan::input::Inputs;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer::{Evidence, Failure};
use crate::time::Timestamp;

/// A fact and when it became true. Events of a run are counted from 1 by the order they are taken in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub fact: Fact,
}

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
}

impl fmt::Display for SkipCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Condition => f.write_str("its condition is false"),
            Self::Dependency(phase) => write!(f, "`{phase}` did not succeed"),
            Self::Sibling(step) => write!(f, "`{step}` failed before it"),
            Self::Halted => f.write_str("it was stopped before it began"),
        }
    }
}

/// What became true in a run. Phases and steps stand by their ids.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fact {
    /// The run began.
    RunStarted {
        /// Plan by id.
        plan: String,
        /// Digest of the plan; it stays the plan of this run.
        digest: String,
        /// Who performs each step, by position.
        cast: Vec<Performer>,
        /// Complete inputs.
        inputs: Inputs,
        /// Who started it.
        user: String,
        /// Free labels.
        labels: BTreeMap<String, String>,
        /// When the whole run must have ended.
        deadline: Option<Timestamp>,
    },
    /// A phase began: its dependencies are settled and its condition holds.
    PhaseStarted {
        /// The phase.
        phase: String,
        /// When it must have ended.
        deadline: Option<Timestamp>,
    },
    /// The time limit of a phase passed: nothing of it starts any more.
    PhaseTimedOut {
        /// The phase.
        phase: String,
    },
    /// An attempt of a step began.
    StepStarted {
        /// The step.
        step: String,
        /// Which attempt, counted from 1.
        attempt: u32,
        /// Arguments of the call.
        arguments: Value,
        /// When the attempt must have ended.
        deadline: Option<Timestamp>,
    },
    /// The call of a step is asked to stop.
    StepStopping {
        /// The step.
        step: String,
        /// Why.
        cause: StopCause,
    },
    /// A step did what was asked.
    StepSucceeded {
        /// The step.
        step: String,
        /// Its output.
        output: Value,
        /// What was observed.
        evidence: Evidence,
    },
    /// An attempt of a step failed, and another one follows.
    RetryScheduled {
        /// The step.
        step: String,
        /// Why the attempt failed.
        failure: Failure,
        /// What was observed.
        evidence: Evidence,
        /// When the next attempt begins.
        due: Timestamp,
    },
    /// A step failed for good.
    StepFailed {
        /// The step.
        step: String,
        /// Why.
        failure: Failure,
        /// What was observed; absent when no call was made.
        evidence: Option<Evidence>,
    },
    /// Every step of a phase succeeded.
    PhaseSucceeded {
        /// The phase.
        phase: String,
    },
    /// A phase failed.
    PhaseFailed {
        /// The phase.
        phase: String,
        /// Why, in one sentence.
        reason: String,
    },
    /// A phase failed, and what depends on it goes on.
    PhaseTolerated {
        /// The phase.
        phase: String,
        /// Why it failed, in one sentence.
        reason: String,
    },
    /// A phase does not run.
    PhaseSkipped {
        /// The phase.
        phase: String,
        /// Why.
        cause: SkipCause,
    },
    /// Somebody stopped the run: nothing new starts.
    CancelRequested {
        /// Whether what was done is undone.
        rollback: bool,
        /// Why.
        reason: String,
        /// Who.
        user: String,
    },
    /// The time limit of the whole run passed: nothing new starts.
    RunTimedOut,
    /// Phases are being undone.
    RollbackStarted {
        /// The phases, in the order they are undone.
        phases: Vec<String>,
    },
    /// An attempt of an undo began.
    UndoStarted {
        /// The phase.
        phase: String,
        /// The entry of its undo list.
        place: usize,
        /// Which attempt, counted from 1.
        attempt: u32,
        /// Arguments of the call.
        arguments: Value,
        /// When the attempt must have ended.
        deadline: Option<Timestamp>,
    },
    /// The call of an undo is asked to stop.
    UndoStopping {
        /// The phase.
        phase: String,
        /// The entry of its undo list.
        place: usize,
    },
    /// An undo did what was asked.
    UndoSucceeded {
        /// The phase.
        phase: String,
        /// The entry of its undo list.
        place: usize,
        /// What was observed.
        evidence: Evidence,
    },
    /// An undo has nothing to do: what it refers to never came to be.
    UndoSkipped {
        /// The phase.
        phase: String,
        /// The entry of its undo list.
        place: usize,
        /// Why, in one sentence.
        reason: String,
    },
    /// An attempt of an undo failed, and another one follows.
    UndoRetryScheduled {
        /// The phase.
        phase: String,
        /// The entry of its undo list.
        place: usize,
        /// Why the attempt failed.
        failure: Failure,
        /// What was observed.
        evidence: Evidence,
        /// When the next attempt begins.
        due: Timestamp,
    },
    /// An undo failed for good.
    UndoFailed {
        /// The phase.
        phase: String,
        /// The entry of its undo list.
        place: usize,
        /// Why.
        failure: Failure,
        /// What was observed.
        evidence: Evidence,
    },
    /// A phase is undone.
    PhaseUndone {
        /// The phase.
        phase: String,
    },
    /// The run did what its plan says.
    RunCompleted {
        /// What it answers.
        output: Value,
    },
    /// The run failed.
    RunFailed {
        /// Why, in one sentence.
        reason: String,
    },
    /// The run was stopped.
    RunCancelled {
        /// Why, in one sentence.
        reason: String,
    },
    /// The run is undone.
    RunRolledBack {
        /// Why, in one sentence.
        reason: String,
    },
    /// An undo failed: a person must resolve it.
    RunStuck {
        /// Why, in one sentence.
        reason: String,
    },
}

/// How long an undo may take when it does not say.
pub const UNDO_LIMIT: Duration = Duration::from_mins(10);
