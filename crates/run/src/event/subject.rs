//! What a fact is called, and what it is about.

use super::Fact;

impl Fact {
    /// What became true, in one word.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::RunStarted { .. } => "run_started",
            Self::PhaseStarted { .. } => "phase_started",
            Self::PhaseTimedOut { .. } => "phase_timed_out",
            Self::StepStarted { .. } => "step_started",
            Self::StepStopping { .. } => "step_stopping",
            Self::StepSucceeded { .. } => "step_succeeded",
            Self::RetryScheduled { .. } => "retry_scheduled",
            Self::StepFailed { .. } => "step_failed",
            Self::PhaseSucceeded { .. } => "phase_succeeded",
            Self::PhaseFailed { .. } => "phase_failed",
            Self::PhaseTolerated { .. } => "phase_tolerated",
            Self::PhaseSkipped { .. } => "phase_skipped",
            Self::CancelRequested { .. } => "cancel_requested",
            Self::RunTimedOut => "run_timed_out",
            Self::RollbackStarted { .. } => "rollback_started",
            Self::UndoStarted { .. } => "undo_started",
            Self::UndoStopping { .. } => "undo_stopping",
            Self::UndoSucceeded { .. } => "undo_succeeded",
            Self::UndoSkipped { .. } => "undo_skipped",
            Self::UndoRetryScheduled { .. } => "undo_retry_scheduled",
            Self::UndoFailed { .. } => "undo_failed",
            Self::PhaseUndone { .. } => "phase_undone",
            Self::RunCompleted { .. } => "run_completed",
            Self::RunFailed { .. } => "run_failed",
            Self::RunCancelled { .. } => "run_cancelled",
            Self::RunRolledBack { .. } => "run_rolled_back",
            Self::RunStuck { .. } => "run_stuck",
        }
    }

    /// The phase it is about; `None` when it is about a step or the run.
    pub fn phase(&self) -> Option<&str> {
        match self {
            Self::PhaseStarted { phase, .. }
            | Self::PhaseTimedOut { phase }
            | Self::PhaseSucceeded { phase }
            | Self::PhaseFailed { phase, .. }
            | Self::PhaseTolerated { phase, .. }
            | Self::PhaseSkipped { phase, .. }
            | Self::UndoStarted { phase, .. }
            | Self::UndoStopping { phase, .. }
            | Self::UndoSucceeded { phase, .. }
            | Self::UndoSkipped { phase, .. }
            | Self::UndoRetryScheduled { phase, .. }
            | Self::UndoFailed { phase, .. }
            | Self::PhaseUndone { phase } => Some(phase),
            _ => None,
        }
    }

    /// The step it is about; `None` when it is about a phase or the run.
    pub fn step(&self) -> Option<&str> {
        match self {
            Self::StepStarted { step, .. }
            | Self::StepStopping { step, .. }
            | Self::StepSucceeded { step, .. }
            | Self::RetryScheduled { step, .. }
            | Self::StepFailed { step, .. } => Some(step),
            _ => None,
        }
    }

    /// The phase or step it is about; empty when it is about the run.
    pub fn subject(&self) -> &str {
        self.step().or_else(|| self.phase()).unwrap_or_default()
    }
}
