//! Events and progress for the wire.

use op_engine::feed::StepProgress;
use op_engine::ports::{Audited, Progress, Recorded};
use op_engine::watch::Seen;
use op_proto::v1 as wire;
use op_run::{Fact, RunId};

use super::run::chunk;
use super::timestamp;

pub(crate) fn seen(run: &RunId, of: Seen) -> wire::WatchResponse {
    let seen = match of {
        Seen::Event(recorded) => wire::watch_response::Seen::Event(event(&recorded)),
        Seen::Progress { progress: StepProgress { step, progress }, folded } => {
            wire::watch_response::Seen::Progress(self::progress(&step, progress, folded))
        }
    };
    wire::WatchResponse { run: run.to_string(), seen: Some(seen) }
}

pub(crate) fn progress(step: &str, of: Progress, folded: u64) -> wire::Progress {
    let mut progress =
        wire::Progress { step: step.to_owned(), fraction: -1.0, folded, ..wire::Progress::default() };
    match of {
        Progress::Output(output) => progress.output.push(chunk(output)),
        Progress::Fraction { fraction, note } => {
            progress.fraction = fraction.unwrap_or(-1.0);
            progress.note = note;
        }
    }
    progress
}

pub(crate) fn audited(of: &Audited) -> wire::EventsResponse {
    wire::EventsResponse {
        run: of.run.to_string(),
        user: of.user.clone(),
        plan: of.plan.clone(),
        event: Some(event(&of.recorded)),
    }
}

pub(crate) fn event(of: &Recorded) -> wire::Event {
    let fact = &of.event.fact;
    wire::Event {
        sequence: of.sequence,
        at: Some(timestamp(of.event.at)),
        kind: fact.kind().to_owned(),
        phase: fact.phase().unwrap_or_default().to_owned(),
        step: fact.step().unwrap_or_default().to_owned(),
        message: message(fact),
        json: serde_json::to_string(&of.event).expect("an event is plain data"),
    }
}

/// The fact in one sentence.
fn message(fact: &Fact) -> String {
    match fact {
        Fact::RunStarted { plan, user, .. } => format!("{user} started a run of `{plan}`"),
        Fact::PhaseStarted { phase, .. } => format!("phase `{phase}` started"),
        Fact::PhaseTimedOut { phase } => format!("the time limit of phase `{phase}` passed"),
        Fact::StepStarted { step, attempt: 1, .. } => format!("step `{step}` started"),
        Fact::StepStarted { step, attempt, .. } => format!("attempt {attempt} of step `{step}` started"),
        Fact::StepStopping { step, cause } => format!("step `{step}` is asked to stop: {cause}"),
        Fact::StepSucceeded { step, .. } => format!("step `{step}` succeeded"),
        Fact::RetryScheduled { step, failure, due, .. } => {
            format!("step `{step}` failed and is tried again at {due}: {}", failure.message)
        }
        Fact::StepFailed { step, failure, .. } => {
            format!("step `{step}` failed ({}): {}", failure.kind, failure.message)
        }
        Fact::PhaseSucceeded { phase } => format!("phase `{phase}` succeeded"),
        Fact::PhaseFailed { phase, reason } => format!("phase `{phase}` failed: {reason}"),
        Fact::PhaseTolerated { phase, reason } => {
            format!("phase `{phase}` failed, and the run goes on: {reason}")
        }
        Fact::PhaseSkipped { phase, cause } => format!("phase `{phase}` is skipped: {cause}"),
        Fact::CancelRequested { user, reason, rollback: false } => {
            format!("{user} cancelled the run: {reason}")
        }
        Fact::CancelRequested { user, reason, rollback: true } => {
            format!("{user} cancelled the run and has it undone: {reason}")
        }
        Fact::RunTimedOut => "the time limit of the run passed".to_owned(),
        Fact::RollbackStarted { phases } => format!("undoing {}", phases.join(", ")),
        Fact::UndoStarted { phase, place, .. } => format!("undo {} of phase `{phase}` started", place + 1),
        Fact::UndoStopping { phase, place } => {
            format!("undo {} of phase `{phase}` is asked to stop", place + 1)
        }
        Fact::UndoSucceeded { phase, place, .. } => {
            format!("undo {} of phase `{phase}` succeeded", place + 1)
        }
        Fact::UndoSkipped { phase, place, reason } => {
            format!("undo {} of phase `{phase}` is skipped: {reason}", place + 1)
        }
        Fact::UndoRetryScheduled { phase, place, failure, due, .. } => {
            format!(
                "undo {} of phase `{phase}` failed and is tried again at {due}: {}",
                place + 1,
                failure.message
            )
        }
        Fact::UndoFailed { phase, place, failure, .. } => {
            format!("undo {} of phase `{phase}` failed: {}", place + 1, failure.message)
        }
        Fact::PhaseUndone { phase } => format!("phase `{phase}` is undone"),
        Fact::RunCompleted { .. } => "the run completed".to_owned(),
        Fact::RunFailed { reason } => format!("the run failed: {reason}"),
        Fact::RunCancelled { reason } => format!("the run was cancelled: {reason}"),
        Fact::RunRolledBack { reason } => format!("the run was undone: {reason}"),
        Fact::RunStuck { reason } => format!("the run is stuck: {reason}"),
    }
}
