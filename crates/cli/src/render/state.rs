//! States, as words and marks.

use op_proto::v1::{AgentState, PhaseState, RunState, StepState};

use crate::terminal::Paint;

/// How a state is told: the tone says whether somebody must look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Nothing happened yet.
    Quiet,
    /// It goes on.
    Busy,
    /// It went well.
    Good,
    /// It went on, and somebody may want to look.
    Odd,
    /// It went wrong.
    Bad,
}

impl Tone {
    /// Text in this tone.
    pub(crate) fn paint(self, paint: Paint, text: &str) -> String {
        match self {
            Self::Quiet => paint.dim(text),
            Self::Busy => paint.cyan(text),
            Self::Good => paint.green(text),
            Self::Odd => paint.yellow(text),
            Self::Bad => paint.red(text),
        }
    }

    /// A mark for the beginning of a line.
    pub(crate) fn mark(self, paint: Paint) -> String {
        self.paint(
            paint,
            match self {
                Self::Quiet => "·",
                Self::Busy => "▸",
                Self::Good => "✓",
                Self::Odd => "!",
                Self::Bad => "✗",
            },
        )
    }
}

/// A state that has a word and a tone.
pub(crate) trait Told {
    /// The word, as in `--json`.
    fn word(self) -> &'static str;
    /// The tone.
    fn tone(self) -> Tone;
}

/// The word in its tone.
pub(crate) fn painted(state: impl Told + Copy, paint: Paint) -> String {
    state.tone().paint(paint, state.word())
}

impl Told for RunState {
    fn word(self) -> &'static str {
        match self {
            Self::Unspecified => "unknown",
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

    fn tone(self) -> Tone {
        match self {
            Self::Unspecified | Self::Pending => Tone::Quiet,
            Self::Running | Self::Waiting | Self::RollingBack => Tone::Busy,
            Self::Completed => Tone::Good,
            Self::Paused | Self::Cancelled | Self::RolledBack => Tone::Odd,
            Self::Failed | Self::Stuck => Tone::Bad,
        }
    }
}

impl Told for PhaseState {
    fn word(self) -> &'static str {
        match self {
            Self::Unspecified => "unknown",
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

    fn tone(self) -> Tone {
        match self {
            Self::Unspecified | Self::Pending | Self::Skipped => Tone::Quiet,
            Self::Running | Self::Undoing => Tone::Busy,
            Self::Succeeded => Tone::Good,
            Self::Tolerated | Self::Undone => Tone::Odd,
            Self::Failed | Self::UndoFailed => Tone::Bad,
        }
    }
}

impl Told for StepState {
    fn word(self) -> &'static str {
        match self {
            Self::Unspecified => "unknown",
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

    fn tone(self) -> Tone {
        match self {
            Self::Unspecified | Self::Pending | Self::Skipped => Tone::Quiet,
            Self::Running | Self::Waiting | Self::Undoing => Tone::Busy,
            Self::Succeeded => Tone::Good,
            Self::Tolerated | Self::Undone => Tone::Odd,
            Self::Failed | Self::UndoFailed => Tone::Bad,
        }
    }
}

impl Told for AgentState {
    fn word(self) -> &'static str {
        match self {
            Self::Unspecified => "unknown",
            Self::Idle => "idle",
            Self::Connecting => "connecting",
            Self::Ready => "ready",
            Self::Unhealthy => "unhealthy",
            Self::BackingOff => "backing_off",
            Self::Draining => "draining",
        }
    }

    fn tone(self) -> Tone {
        match self {
            Self::Unspecified | Self::Idle => Tone::Quiet,
            Self::Connecting | Self::Draining => Tone::Busy,
            Self::Ready => Tone::Good,
            Self::BackingOff => Tone::Odd,
            Self::Unhealthy => Tone::Bad,
        }
    }
}

/// Every state that a run can be in, for those who choose among them.
pub(crate) const RUN_STATES: [RunState; 10] = [
    RunState::Pending,
    RunState::Running,
    RunState::Waiting,
    RunState::Paused,
    RunState::RollingBack,
    RunState::Completed,
    RunState::Failed,
    RunState::Cancelled,
    RunState::RolledBack,
    RunState::Stuck,
];

/// Whether a run has come to its end.
pub(crate) fn has_ended(state: RunState) -> bool {
    match state {
        RunState::Completed
        | RunState::Failed
        | RunState::Cancelled
        | RunState::RolledBack
        | RunState::Stuck => true,
        RunState::Unspecified
        | RunState::Pending
        | RunState::Running
        | RunState::Waiting
        | RunState::Paused
        | RunState::RollingBack => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_the_one_on_the_wire() {
        for state in RUN_STATES {
            let wire = state.as_str_name().trim_start_matches("RUN_STATE_").to_lowercase();
            assert_eq!(state.word(), wire);
        }
    }
}
