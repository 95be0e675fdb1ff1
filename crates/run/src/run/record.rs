//! What a run knows of its phases, its steps and its own limits.

use std::collections::BTreeMap;

use imbl::Vector;
use op_plan::Performer;
use op_plan::input::Inputs;
use serde_json::Value;

use super::state::{PhaseState, StepState};
use super::trial::Trial;
use crate::event::SkipCause;
use crate::key::Work;
use crate::time::Timestamp;

/// A step of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StepRun {
    /// Its state.
    pub state: StepState,
    /// Its call.
    pub trial: Trial,
    /// Its output.
    pub output: Option<Value>,
    /// Why it does not run.
    pub skipped: Option<SkipCause>,
    /// When its first attempt began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    pub(crate) waits: usize,
}

/// A phase of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PhaseRun {
    /// Its state.
    pub state: PhaseState,
    /// Why it failed or was skipped.
    pub reason: String,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// When it must have ended.
    pub deadline: Option<Timestamp>,
    /// Whether its time limit passed.
    pub(crate) timed_out: bool,
    /// The step whose failure fails it.
    pub(crate) failed: Option<usize>,
    /// The dependency whose failure skips it.
    pub(crate) blocked: Option<usize>,
    /// Dependencies that are not settled.
    pub(crate) waits: usize,
    /// Steps that are not settled.
    pub(crate) left: usize,
    /// Steps that run or wait for their next attempt.
    pub(crate) busy: usize,
}

impl PhaseRun {
    /// Whether its steps may start: none failed for good and its time limit has not passed.
    pub(crate) fn is_trying(&self) -> bool {
        self.state == PhaseState::Running && self.failed.is_none() && !self.timed_out
    }
}

/// Why nothing new starts in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Halt {
    /// Somebody stopped it.
    Cancelled {
        /// Whether what was done is undone.
        rollback: bool,
        /// Why.
        reason: String,
    },
    /// Its time limit passed.
    TimedOut,
}

/// How far the undoing of phases is.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Undoing {
    /// Phases still to undo; the first is being undone.
    pub(crate) phases: Vector<usize>,
    /// The entry of its undo list that comes next or is in flight.
    pub(crate) place: usize,
    /// Its call.
    pub(crate) trial: Trial,
    /// Whether its call is with the performer.
    pub(crate) active: bool,
    /// Why an undo failed for good.
    pub(crate) failed: Option<String>,
}

/// A limit that acts when its instant has come. At the same instant the wider limit acts first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// The limit of the whole run.
    Run,
    /// The limit of a phase.
    Phase(usize),
    /// The limit of an attempt.
    Attempt(Work),
}

/// What a run was started with.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// Who performs each step, by position.
    pub cast: Vec<Performer>,
    /// Complete inputs.
    pub inputs: Inputs,
    /// Who started it.
    pub user: String,
    /// Free labels.
    pub labels: BTreeMap<String, String>,
    /// When.
    pub at: Timestamp,
    /// When it must have ended.
    pub deadline: Option<Timestamp>,
}
