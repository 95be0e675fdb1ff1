//! Events and progress for the wire.

use op_engine::feed::StepProgress;
use op_engine::ports::{Audited, CallRecord, Progress, Recorded};
use op_engine::watch::Seen;
use op_plan::Risk;
use op_proto::v1 as wire;
use op_run::event::{Activation, Destination, HostCallEnd, HostCallStart, Retried, Waiting};
use op_run::{Evidence, Fact, RunId};
use serde_json::json;

#[cfg(test)]
mod tests;

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

/// The kind under which calls of clients stand among events.
pub(crate) const CALL: &str = "call";

/// A call of a client, in the place of an event.
pub(crate) fn call(of: &CallRecord) -> wire::EventsResponse {
    let CallRecord { id, at, user, session, operation, outcome, reason, duration, risk } = of;
    let risk = risk.map(Risk::word);
    let why = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
    let within = if session.is_empty() { String::new() } else { format!(" in session {session}") };
    let millis = duration.as_secs_f64() * 1e3;
    let message = format!("{user} called `{operation}`{within}: {outcome}{why} after {millis:.1} ms");
    let json = json!({
        "id": id, "user": user, "session": session, "operation": operation, "outcome": outcome,
        "reason": reason, "seconds": duration.as_secs_f64(), "risk": risk,
    });
    let event = wire::Event {
        at: Some(timestamp(*at)),
        kind: CALL.to_owned(),
        message,
        json: json.to_string(),
        ..wire::Event::default()
    };
    wire::EventsResponse { user: user.clone(), event: Some(event), ..wire::EventsResponse::default() }
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

/// A step, or an item of its list.
fn name(step: &str, item: Option<usize>) -> String {
    match item {
        Some(item) => format!("item {item} of step `{step}`"),
        None => format!("step `{step}`"),
    }
}

/// That nobody was called, where that is so.
fn kept(evidence: &Evidence) -> String {
    let kept = evidence.kept.as_ref();
    kept.map(|kept| format!(" with what was kept of run {}", kept.run)).unwrap_or_default()
}

fn awaited(waits_for: &Waiting) -> String {
    match waits_for {
        Waiting::Delay => "its time".to_owned(),
        Waiting::Signal(signal) => format!("the signal `{signal}`"),
        Waiting::Approval { message, .. } => format!("an approval: {message}"),
    }
}

/// The fact in one sentence.
fn message(fact: &Fact) -> String {
    match fact {
        Fact::RunStarted { plan, user, queued: true, .. } => {
            format!("{user} started a run of `{plan}`, which waits for a place")
        }
        Fact::RunStarted { plan, user, .. } => format!("{user} started a run of `{plan}`"),
        Fact::CastFellBack(fallback) => fallback.message.clone(),
        Fact::RunAdmitted => "there is a place for the run, and it begins".to_owned(),
        Fact::RunPaused { user, reason } if reason.is_empty() => format!("{user} paused the run"),
        Fact::RunPaused { user, reason } => format!("{user} paused the run: {reason}"),
        Fact::RunResumed { user } => format!("{user} resumed the run"),
        Fact::CastChanged { cast, user } => {
            format!("{user} cast others for {}", cast.keys().cloned().collect::<Vec<_>>().join(", "))
        }
        Fact::SignalReceived { signal, user, .. } => format!("{user} sent the signal `{signal}`"),
        Fact::PhaseRepeated { phase, visit } => format!("phase `{phase}` runs again, visit {visit}"),
        Fact::StepWaiting { step, waits_for, .. } => {
            format!("step `{step}` waits for {}", awaited(waits_for))
        }
        Fact::StepPassed { step, user, .. } if user.is_empty() => format!("step `{step}` waits no more"),
        Fact::StepPassed { step, user, .. } => format!("{user} let step `{step}` go on"),
        Fact::ApprovalOverdue { step } => {
            format!("nobody answered step `{step}` in time; it goes on waiting")
        }
        Fact::StepFanned { step, items, done: 0 } => format!("step `{step}` goes over {} items", items.len()),
        Fact::StepFanned { step, items, done } => {
            format!("step `{step}` goes over {} items, of which {done} were done before", items.len())
        }
        Fact::ItemSucceeded { step, item, evidence, .. } => {
            format!("{} succeeded{}", name(step, Some(*item)), kept(evidence))
        }
        Fact::ItemFailed { step, item, failure, .. } => {
            format!("{} failed ({}): {}", name(step, Some(*item)), failure.kind, failure.message)
        }
        Fact::StepSkipped { step, cause } => format!("step `{step}` is skipped: {cause}"),
        Fact::StepFellBack { step, failure, performer, .. } => {
            format!("step `{step}` failed, and {performer} takes over: {}", failure.message)
        }
        Fact::HostCallStarted(HostCallStart { step, item, number, performer, .. }) => {
            format!("{} asks for {performer} ({number})", name(step, *item))
        }
        Fact::HostCallEnded(HostCallEnd { step, item, number, failure: None, .. }) => {
            format!("{} has what it asked for ({number})", name(step, *item))
        }
        Fact::HostCallEnded(HostCallEnd { step, item, number, failure: Some(failure), .. }) => {
            format!("{} does not get what it asked for ({number}): {}", name(step, *item), failure.message)
        }
        Fact::SkillActivated(Activation { step, item, skill, because, .. }) => {
            format!("the skill `{skill}` is active in {}: {because}", name(step, *item))
        }
        Fact::Moved { from, to: Destination::Phase { phase, visit: 1 } } => {
            format!("from `{from}` it goes on to `{phase}`")
        }
        Fact::Moved { from, to: Destination::Phase { phase, visit } } => {
            format!("from `{from}` it goes back to `{phase}`, visit {visit}")
        }
        Fact::Moved { from, to: Destination::End(end) } => format!("from `{from}` it ends in `{}`", end.name),
        Fact::RunExhausted { reason } => reason.clone(),
        Fact::RollbackRequested { to: None, user } => format!("{user} has the run undone"),
        Fact::RollbackRequested { to: Some(to), user } => format!("{user} has the run undone back to `{to}`"),
        // A machine that stood at the end of a phase goes on from there.
        Fact::RunRetried(Retried { phases, user, .. }) if phases.is_empty() => {
            format!("{user} has the run go on")
        }
        Fact::RunRetried(Retried { phases, user, .. }) => format!("{user} retries {}", phases.join(", ")),
        Fact::StuckResolved { accepted: true, user } => {
            format!("{user} accepts what could not be undone")
        }
        Fact::StuckResolved { accepted: false, user } => {
            format!("{user} has what could not be undone tried again")
        }
        Fact::PhaseStarted { phase, .. } => format!("phase `{phase}` started"),
        Fact::PhaseTimedOut { phase } => format!("the time limit of phase `{phase}` passed"),
        Fact::StepStarted { step, item, attempt: 1, .. } => format!("{} started", name(step, *item)),
        Fact::StepStarted { step, item, attempt, .. } => {
            format!("attempt {attempt} of {} started", name(step, *item))
        }
        Fact::StepStopping { step, item, cause } => {
            format!("{} is asked to stop: {cause}", name(step, *item))
        }
        Fact::StepSucceeded { step, evidence, .. } => format!("step `{step}` succeeded{}", kept(evidence)),
        Fact::RetryScheduled { step, item, failure, due, .. } => {
            format!("{} failed and is tried again at {due}: {}", name(step, *item), failure.message)
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
        Fact::RollbackStarted { phases, .. } => format!("undoing {}", phases.join(", ")),
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
