//! Runs and what is seen of them.

use jiff::Timestamp;
use op_proto::v1::watch_response::Seen;
use op_proto::v1::{
    Event, EventsResponse, Evidence, Failure, Gate, Items, OutputChannel, OutputChunk, Phase, Progress, Run,
    RunSummary, Step, WatchResponse,
};
use serde_json::{Value, json};

use super::{at, nested, seconds, text};
use crate::render::state::Told as _;
use crate::render::{time, value};

/// A run whole.
pub(crate) fn run(run: &Run, now: Timestamp) -> Value {
    let mut told = summary(&run.summary.clone().unwrap_or_default(), now);
    told["sequence"] = run.sequence.into();
    told["inputs"] = nested(&run.inputs);
    told["phases"] = run.phases.iter().map(|phase| self::phase(phase, now)).collect();
    told
}

/// A run in one line.
pub(crate) fn summary(run: &RunSummary, now: Timestamp) -> Value {
    json!({
        "id": run.id,
        "plan": run.plan,
        "state": run.state().word(),
        "reason": text(&run.reason),
        "user": text(&run.user),
        "labels": run.labels,
        "started_at": at(run.started_at.as_ref()),
        "ended_at": at(run.ended_at.as_ref()),
        "seconds": seconds(time::taken(run.started_at.as_ref(), run.ended_at.as_ref(), now)),
        "settled_phases": run.settled_phases,
        "total_phases": run.total_phases,
    })
}

fn phase(phase: &Phase, now: Timestamp) -> Value {
    json!({
        "id": phase.id,
        "name": phase.name,
        "state": phase.state().word(),
        "visit": phase.visit,
        "reason": text(&phase.reason),
        "depends_on": phase.depends_on,
        "started_at": at(phase.started_at.as_ref()),
        "ended_at": at(phase.ended_at.as_ref()),
        "seconds": seconds(time::taken(phase.started_at.as_ref(), phase.ended_at.as_ref(), now)),
        "steps": phase.steps.iter().map(|step| self::step(step, now)).collect::<Vec<_>>(),
    })
}

fn step(step: &Step, now: Timestamp) -> Value {
    json!({
        "id": step.id,
        "performer": step.performer,
        "role": text(&step.role),
        "state": step.state().word(),
        "attempts": step.attempts,
        "started_at": at(step.started_at.as_ref()),
        "ended_at": at(step.ended_at.as_ref()),
        "seconds": seconds(time::taken(step.started_at.as_ref(), step.ended_at.as_ref(), now)),
        "failure": step.failure.as_ref().map(failure),
        "evidence": step.evidence.as_ref().map(evidence),
        "gate": step.gate.as_ref().map(gate),
        "items": step.items.as_ref().map(items),
    })
}

fn gate(gate: &Gate) -> Value {
    json!({
        "kind": gate.kind,
        "text": text(&gate.text),
        "call": nested(&gate.call),
        "digest": text(&gate.digest),
        "deadline": at(gate.deadline.as_ref()),
    })
}

fn items(items: &Items) -> Value {
    json!({ "total": items.total, "done": items.done, "begun": items.begun })
}

pub(super) fn failure(failure: &Failure) -> Value {
    json!({
        "kind": failure.kind,
        "reason": text(&failure.reason),
        "message": failure.message,
        "hint": text(&failure.hint),
        "detail": value::json(failure.detail.as_ref()),
    })
}

pub(super) fn evidence(evidence: &Evidence) -> Value {
    json!({
        "peer": evidence.peer,
        "seconds": seconds(time::length(evidence.duration.as_ref())),
        "exit_code": evidence.exit_code,
        "bytes": evidence.bytes,
        "kept": evidence.kept.as_ref().map(|kept| json!({ "run": kept.run, "at": at(kept.at.as_ref()) })),
    })
}

/// A fact. `fact` is the event whole, as it is in the journal.
fn event(event: &Event) -> Value {
    json!({
        "sequence": event.sequence,
        "at": at(event.at.as_ref()),
        "kind": event.kind,
        "phase": text(&event.phase),
        "step": text(&event.step),
        "message": event.message,
        "fact": nested(&event.json),
    })
}

/// A fact with the run it belongs to.
pub(crate) fn audit(entry: &EventsResponse) -> Value {
    json!({
        "run": entry.run,
        "plan": entry.plan,
        "user": entry.user,
        "event": entry.event.as_ref().map(event),
    })
}

/// One thing seen of a run: `event` or `progress`.
pub(crate) fn seen(response: &WatchResponse) -> Value {
    match &response.seen {
        Some(Seen::Event(fact)) => json!({ "run": response.run, "event": event(fact) }),
        Some(Seen::Progress(part)) => json!({ "run": response.run, "progress": progress(part) }),
        None => json!({ "run": response.run }),
    }
}

fn progress(progress: &Progress) -> Value {
    json!({
        "step": progress.step,
        "output": chunks(&progress.output),
        "fraction": (progress.fraction >= 0.0).then_some(progress.fraction),
        "note": text(&progress.note),
        "folded": progress.folded,
    })
}

/// Output, with what is not UTF-8 in it replaced.
pub(crate) fn chunks(chunks: &[OutputChunk]) -> Value {
    let told = |chunk: &OutputChunk| {
        let channel = match chunk.channel() {
            OutputChannel::Stderr => "stderr",
            OutputChannel::Stdout | OutputChannel::Unspecified => "stdout",
        };
        json!({ "channel": channel, "text": String::from_utf8_lossy(&chunk.data) })
    };
    chunks.iter().map(told).collect()
}
