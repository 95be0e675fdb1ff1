//! How a run ended: the last line, and for a run that failed where to look.

use std::fmt::Write as _;

use jiff::Timestamp;
use op_proto::v1::{OutputChunk, Run, RunState, Step, StepState};

use super::gate::way_out;
use super::run::blame;
use super::state::Told as _;
use super::text::{count, cut, hang, one_line, settled};
use super::time;
use crate::terminal::Paint;

/// How many lines of a failed step's output are shown.
pub(crate) const TAIL: usize = 15;

/// How many failed steps are shown.
const BLAMED: usize = 5;

/// `completed in 4.2 s, run abc`.
pub(crate) fn line(run: &Run, now: Timestamp, paint: Paint) -> String {
    let summary = run.summary.clone().unwrap_or_default();
    let state = summary.state();
    let taken = time::taken(summary.started_at.as_ref(), summary.ended_at.as_ref(), now).unwrap_or_default();
    let word = state.word().replace('_', " ");
    format!("{} in {}, run {}", state.tone().paint(paint, &word), time::span(taken), summary.id)
}

/// The steps that are to blame, with their phases; at most a few of them.
pub(crate) fn blamed(run: &Run) -> Vec<(&str, &Step)> {
    let steps = run.phases.iter().flat_map(|phase| phase.steps.iter().map(|step| (phase.id.as_str(), step)));
    steps.filter(|(_, step)| is_blamed(step.state())).collect()
}

fn is_blamed(state: StepState) -> bool {
    match state {
        StepState::Failed | StepState::UndoFailed => true,
        StepState::Unspecified
        | StepState::Pending
        | StepState::Running
        | StepState::Waiting
        | StepState::Succeeded
        | StepState::Tolerated
        | StepState::Skipped
        | StepState::Undoing
        | StepState::Undone => false,
    }
}

/// Why a run did not complete, with the tails of what its failed steps wrote, and how to look further.
pub(crate) fn autopsy(run: &Run, tails: &[Vec<String>], paint: Paint, width: usize) -> String {
    let summary = run.summary.clone().unwrap_or_default();
    let id = &summary.id;
    let reason =
        if summary.reason.is_empty() { String::new() } else { format!(": {}", one_line(&summary.reason)) };
    let label = if has_failed(summary.state()) { paint.red("error:") } else { paint.yellow("note:") };
    let mut text = hang(&format!("{label} "), &format!("{}{reason}", sentence(summary.state())), width);
    let blamed = blamed(run);
    for (at, (phase, step)) in blamed.iter().take(BLAMED).enumerate() {
        text += &suspect(phase, step, tails.get(at).map_or(&[], Vec::as_slice), paint, width);
    }
    if blamed.len() > BLAMED {
        let _ = writeln!(text, "  and {} that failed", count(blamed.len() - BLAMED, "more step"));
    }
    let _ = writeln!(
        text,
        "{} `op-dbus logs {id}` shows what was written, `op-dbus show {id}` every step",
        paint.cyan("look further:")
    );
    if let Some(way) = way_on(id, summary.state()) {
        let _ = writeln!(text, "{} {way}", paint.cyan("go on:"));
    }
    text
}

/// How a run goes on that did not come to a good end; none where a person wanted it so.
fn way_on(run: &str, state: RunState) -> Option<String> {
    match state {
        RunState::Failed => {
            Some(format!("`op-dbus retry {run}` tries again what failed, and keeps what succeeded"))
        }
        state => way_out("op-dbus", run, state),
    }
}

fn sentence(state: RunState) -> &'static str {
    match state {
        RunState::Failed => "the run failed",
        RunState::Cancelled => "the run was cancelled",
        RunState::RolledBack => "the run was undone",
        RunState::Stuck => "the run is stuck, and a person must look",
        RunState::Completed => "the run completed",
        RunState::Unspecified
        | RunState::Pending
        | RunState::Running
        | RunState::Waiting
        | RunState::Paused
        | RunState::RollingBack => "the run has not ended",
    }
}

fn has_failed(state: RunState) -> bool {
    matches!(state, RunState::Failed | RunState::Stuck)
}

fn suspect(phase: &str, step: &Step, tail: &[String], paint: Paint, width: usize) -> String {
    let attempts = count(step.attempts as usize, "attempt");
    let (home, performer) = (paint.bold(one_line(phase)), one_line(&step.performer));
    // The only step of a phase has its name.
    let place = if step.id == phase {
        format!("phase {home}")
    } else {
        format!("step {} of phase {home}", paint.bold(one_line(&step.id)))
    };
    let mut text = format!("  {place}, {performer}, {attempts}\n");
    if let Some(failure) = &step.failure {
        text += &blame(failure, "    ", paint, width);
    }
    for line in tail {
        let _ = writeln!(text, "    {} {}", paint.dim("│"), cut(line, width.saturating_sub(6)));
    }
    text
}

/// The last lines of what a step wrote.
pub(crate) fn tail(chunks: &[OutputChunk]) -> Vec<String> {
    let all: Vec<u8> = chunks.iter().flat_map(|chunk| chunk.data.iter().copied()).collect();
    let text = String::from_utf8_lossy(&all);
    let lines: Vec<_> =
        text.lines().map(|line| settled(line).into_owned()).filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(TAIL)..].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_the_last_lines_that_say_something() {
        let lines: Vec<_> = (0..40).map(|line| format!("line {line}\n")).collect();
        let text = lines.join("\n");
        let (head, rest) = text.split_at(33);
        let chunk = |text: &str| OutputChunk { channel: 1, data: text.to_owned().into() };
        let tail = tail(&[chunk(head), chunk(rest)]);
        assert_eq!((tail.len(), tail[0].as_str(), tail[14].as_str()), (TAIL, "line 25", "line 39"));
    }
}
