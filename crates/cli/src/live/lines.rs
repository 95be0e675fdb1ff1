//! One line for each thing that matters, for logs and pipes.

use jiff::Timestamp;
use op_proto::v1::{Event, PhaseState};

use super::board::{Board, Row, visited, why};
use super::invite::Invite;
use crate::print;
use crate::render::kept;
use crate::render::state::Told as _;
use crate::render::text::one_line;
use crate::render::time;
use crate::terminal::Paint;

/// Writes a line when a phase changes its state or something went wrong.
pub(crate) struct Lines {
    board: Board,
    invite: Option<Invite>,
    paint: Paint,
}

impl Lines {
    /// Begins with a board on which nothing happened yet.
    pub(crate) fn new(board: Board, invite: Option<Invite>, paint: Paint) -> Self {
        Self { board, invite, paint }
    }

    /// Takes a fact in and writes what there is to say of it.
    pub(crate) fn event(&mut self, event: &Event) {
        let at = time::of(event.at.as_ref()).unwrap_or_else(Timestamp::now);
        let text = self
            .board
            .event(event)
            .map(|row| told(row, at, self.paint))
            .or_else(|| aside(event, &self.board));
        if let Some(text) = text {
            print::note(&format!("{} {text}", self.paint.dim(time::clock(at))));
        }
        if let Some(way) = self.invite.as_ref().and_then(|invite| invite.to(event)) {
            print::note(&format!("         {} {way}", self.paint.cyan("→")));
        }
    }
}

fn told(row: &Row, at: Timestamp, paint: Paint) -> String {
    let because = if row.note().is_empty() { String::new() } else { format!(": {}", row.note()) };
    let (word, taken) = match row.state {
        PhaseState::Running => ("started", String::new()),
        PhaseState::Tolerated => ("failed and is tolerated", row.taken(at)),
        state => (state.word(), row.taken(at)),
    };
    let after = if taken.is_empty() { taken } else { format!(" after {taken}") };
    format!("{} {}{after}{because}", row.id, row.state.tone().paint(paint, word))
}

/// What is said of a fact that changes no phase: of steps only what went wrong, since a run may have thousands.
fn aside(event: &Event, board: &Board) -> Option<String> {
    let why = why(event);
    match event.kind.as_str() {
        "step_succeeded" => kept::of(event).map(|kept| format!("{} called nobody: {kept}", event.step)),
        "step_failed" if board.is_alone(&event.step) => None,
        "step_failed" => Some(format!("{} failed: {why}", event.step)),
        "retry_scheduled" => Some(format!("{} failed and is tried again: {why}", event.step)),
        "undo_retry_scheduled" => {
            Some(format!("the undo of {} failed and is tried again: {why}", event.phase))
        }
        "phase_timed_out" | "cancel_requested" | "run_timed_out" | "rollback_started" | "step_waiting"
        | "step_passed" | "approval_overdue" | "run_paused" | "run_resumed" | "run_admitted"
        | "run_retried" | "run_exhausted" | "rollback_requested" | "stuck_resolved" | "signal_received"
        | "cast_changed" | "cast_fell_back" | "step_fell_back" | "step_fanned" | "item_failed" => {
            Some(one_line(&event.message))
        }
        // A phase that is entered for the first time says so itself.
        "moved" if goes_back(event) => Some(one_line(&event.message)),
        _ => None,
    }
}

/// Whether a machine comes to where it was before.
fn goes_back(event: &Event) -> bool {
    visited(event).is_some_and(|(_, visit)| visit > 1)
}

#[cfg(test)]
mod tests {
    use op_proto::v1::{Phase, Run, Step};

    use super::*;

    fn board(steps: &[&str]) -> Board {
        let step = |id: &&str| Step { id: (*id).to_owned(), ..Step::default() };
        let phase =
            Phase { id: "build".to_owned(), steps: steps.iter().map(step).collect(), ..Phase::default() };
        Board::new(&Run { phases: vec![phase], ..Run::default() })
    }

    fn failed(step: &str) -> Event {
        Event {
            kind: "step_failed".to_owned(),
            step: step.to_owned(),
            json: r#"{"failure":{"message":"it broke"}}"#.to_owned(),
            ..Event::default()
        }
    }

    #[test]
    fn a_failed_step_is_told_when_its_phase_has_others() {
        let told = aside(&failed("build/2"), &board(&["build/1", "build/2"]));
        assert_eq!(told.as_deref(), Some("build/2 failed: it broke"));
        assert_eq!(aside(&failed("build"), &board(&["build"])), None, "its phase says so in a moment");
    }
}
