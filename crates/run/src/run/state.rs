//! The states that a run, its phases and its steps can be in, and the words for them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// State of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Accepted, nothing started.
    #[default]
    Pending,
    /// Steps run or can run.
    Running,
    /// Nothing runs; it goes on by itself at a given time, or when somebody outside says so.
    Waiting,
    /// A person holds it: no new step starts.
    Paused,
    /// Undoes what was done.
    RollingBack,
    /// Did what its plan says.
    Completed,
    /// A phase failed.
    Failed,
    /// Stopped by a person.
    Cancelled,
    /// Undone.
    RolledBack,
    /// An undo failed; a person must resolve it.
    Stuck,
}

impl State {
    /// Every state, in the order of their declaration.
    pub const ALL: [Self; 10] = [
        Self::Pending,
        Self::Running,
        Self::Waiting,
        Self::Paused,
        Self::RollingBack,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::RolledBack,
        Self::Stuck,
    ];

    /// Whether nothing happens any more.
    pub fn is_over(self) -> bool {
        match self {
            Self::Pending | Self::Running | Self::Waiting | Self::Paused | Self::RollingBack => false,
            Self::Completed | Self::Failed | Self::Cancelled | Self::RolledBack | Self::Stuck => true,
        }
    }

    /// The word for people and programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Paused => "paused",
            Self::RollingBack => "rolling_back",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::RolledBack => "rolled_back",
            Self::Stuck => "stuck",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// State of a step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StepState {
    /// Not started.
    #[default]
    Pending,
    /// Its call is with the performer.
    Running,
    /// Waits at its gate or for its next attempt.
    Waiting,
    /// Did what was asked.
    Succeeded,
    /// Failed for good.
    Failed,
    /// Failed, and its phase goes on all the same.
    Tolerated,
    /// Not run.
    Skipped,
    /// Its phase is being undone.
    Undoing,
    /// Its phase is undone.
    Undone,
    /// The undo of its phase failed.
    UndoFailed,
}

impl StepState {
    /// The word for people and programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Tolerated => "tolerated",
            Self::Skipped => "skipped",
            Self::Undoing => "undoing",
            Self::Undone => "undone",
            Self::UndoFailed => "undo_failed",
        }
    }
}

/// State of a phase.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PhaseState {
    /// Not started.
    #[default]
    Pending,
    /// Its steps run.
    Running,
    /// All its steps succeeded.
    Succeeded,
    /// A step failed.
    Failed,
    /// A step failed, and what depends on the phase goes on.
    Tolerated,
    /// Not run.
    Skipped,
    /// Being undone.
    Undoing,
    /// Undone.
    Undone,
    /// Its undo failed.
    UndoFailed,
}

impl PhaseState {
    /// The word for people and programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Tolerated => "tolerated",
            Self::Skipped => "skipped",
            Self::Undoing => "undoing",
            Self::Undone => "undone",
            Self::UndoFailed => "undo_failed",
        }
    }
}
