//! What a fact is called, and what it is about.

use op_plan::cast::Fallback;

use super::{Activation, Fact, HostCallEnd, HostCallStart};

impl Fact {
    /// What became true, in one word.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::RunStarted { .. } => "run_started",
            Self::CastFellBack(_) => "cast_fell_back",
            Self::RunAdmitted => "run_admitted",
            Self::RunPaused { .. } => "run_paused",
            Self::RunResumed { .. } => "run_resumed",
            Self::CastChanged { .. } => "cast_changed",
            Self::SignalReceived { .. } => "signal_received",
            Self::PhaseRepeated { .. } => "phase_repeated",
            Self::StepWaiting { .. } => "step_waiting",
            Self::StepPassed { .. } => "step_passed",
            Self::ApprovalOverdue { .. } => "approval_overdue",
            Self::StepFanned { .. } => "step_fanned",
            Self::ItemSucceeded { .. } => "item_succeeded",
            Self::ItemFailed { .. } => "item_failed",
            Self::StepSkipped { .. } => "step_skipped",
            Self::StepFellBack { .. } => "step_fell_back",
            Self::HostCallStarted(_) => "host_call_started",
            Self::HostCallEnded(_) => "host_call_ended",
            Self::SkillActivated(_) => "skill_activated",
            Self::Moved { .. } => "moved",
            Self::RunExhausted { .. } => "run_exhausted",
            Self::RollbackRequested { .. } => "rollback_requested",
            Self::RunRetried(_) => "run_retried",
            Self::StuckResolved { .. } => "stuck_resolved",
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
            | Self::PhaseRepeated { phase, .. }
            | Self::Moved { from: phase, .. }
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
            Self::CastFellBack(Fallback { step, .. })
            | Self::StepWaiting { step, .. }
            | Self::StepPassed { step, .. }
            | Self::ApprovalOverdue { step }
            | Self::StepFanned { step, .. }
            | Self::ItemSucceeded { step, .. }
            | Self::ItemFailed { step, .. }
            | Self::StepSkipped { step, .. }
            | Self::StepFellBack { step, .. }
            | Self::SkillActivated(Activation { step, .. })
            | Self::HostCallStarted(HostCallStart { step, .. })
            | Self::HostCallEnded(HostCallEnd { step, .. })
            | Self::StepStarted { step, .. }
            | Self::StepStopping { step, .. }
            | Self::StepSucceeded { step, .. }
            | Self::RetryScheduled { step, .. }
            | Self::StepFailed { step, .. } => Some(step),
            _ => None,
        }
    }
}
