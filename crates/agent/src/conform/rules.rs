//! What holds for each operation, whoever asks for it and why. Judged once over all that was seen, so that one fault is told once.

use std::collections::HashSet;

use op_proto::agent::v1::event::Kind;
use op_proto::agent::v1::{Channel, Event, Outcome, outcome};
use serde_json::Value;

use super::record::{MOST, Record, word};
use super::report::{Checked, Gap, short, untried};

/// The first event of an operation says that it is taken.
pub(super) fn accepted(log: &[Record]) -> Checked {
    each(log, |record| {
        let fresh = record.resumed.is_none();
        let taken = |event: &&Event| matches!(event.kind, Some(Kind::Accepted(_)));
        match record.events.first().filter(|first| fresh && !taken(first)) {
            Some(first) => Err(short(
                format!("`accepted` as the first event of `{}`", record.id),
                format!("{} first", word(first)),
            )),
            None if fresh && record.events.iter().filter(taken).count() > 1 => {
                Err(short(format!("`accepted` of `{}` once", record.id), "it twice"))
            }
            None => Ok(()),
        }
    })
}

/// Events are numbered from 1 without a gap; what `folded` stands for counts.
pub(super) fn sequence(log: &[Record]) -> Checked {
    each(log, |record| {
        let mut last = None;
        for event in &record.events {
            let follows = match (last, record.resumed) {
                (Some(last), _) => is_after(last, event),
                (None, None) => is_after(0, event),
                // Folded are then also events that the hub has seen.
                (None, Some(seen)) => event.sequence > seen && event.sequence - seen - 1 <= event.folded,
            };
            if !follows {
                let last = last.or(record.resumed).unwrap_or_default();
                let expected = format!("event {} of `{}`", last.saturating_add(1), record.id);
                let came =
                    format!("{} as event {}, with {} folded", word(event), event.sequence, event.folded);
                return Err(short(expected, came));
            }
            last = Some(event.sequence);
        }
        Ok(())
    })
}

/// Whether an event follows a sequence, with what is folded into it.
fn is_after(last: u64, event: &Event) -> bool {
    last.checked_add(event.folded).and_then(|folded| folded.checked_add(1)) == Some(event.sequence)
}

/// An operation has one outcome, and nothing after it; a stream of one operation does not end without.
pub(super) fn one_outcome(log: &[Record]) -> Checked {
    each(log, |record| {
        let at = record.events.iter().position(|event| matches!(event.kind, Some(Kind::Outcome(_))));
        match at.map(|at| record.events.get(at + 1)) {
            Some(Some(late)) => Err(short(
                format!("nothing after the outcome of `{}`", record.id),
                format!("{} after it", word(late)),
            )),
            None if record.closed => Err(short(
                format!("an outcome of `{}` before the end of the stream", record.id),
                format!("the end after {} events", record.events.len()),
            )),
            Some(None) | None => Ok(()),
        }
    })
}

/// An outcome is of a kind, its value is JSON, and whatever is no success has a reason that programs can read.
pub(super) fn outcomes(log: &[Record]) -> Checked {
    each(log, |record| record.outcome().map_or(Ok(()), |outcome| well_formed(&record.id, outcome)))
}

fn well_formed(id: &str, outcome: &Outcome) -> Result<(), Gap> {
    let is_json = |text: &str| serde_json::from_str::<Value>(text).is_ok();
    let (reason, message, detail) = match &outcome.kind {
        None => return Err(short(format!("an outcome of `{id}` of a known kind"), "one of none")),
        Some(outcome::Kind::Cancelled(_)) => return Ok(()),
        Some(outcome::Kind::Completed(completed)) if is_json(&completed.value) => return Ok(()),
        Some(outcome::Kind::Completed(completed)) => {
            return Err(short(format!("JSON as the value of `{id}`"), format!("`{}`", completed.value)));
        }
        Some(outcome::Kind::Failed(failed)) => (&failed.reason, &failed.message, &failed.detail),
        Some(outcome::Kind::Rejected(rejected)) => (&rejected.reason, &rejected.message, &rejected.detail),
    };
    if !super::describe::is_snake_case(reason) {
        return Err(short(format!("a word in snake case as the reason of `{id}`"), format!("`{reason}`")));
    }
    if message.is_empty() {
        return Err(short(format!("a sentence for people in the outcome of `{id}`"), "an empty one"));
    }
    if !detail.is_empty() && !is_json(detail) {
        return Err(short(format!("JSON as the detail of `{id}`"), format!("`{detail}`")));
    }
    Ok(())
}

/// Output says where it came from.
pub(super) fn channels(log: &[Record]) -> Checked {
    each(log, |record| {
        let mut outputs = record.events.iter().filter_map(|event| match &event.kind {
            Some(Kind::Output(output)) => Some(output),
            _ => None,
        });
        match outputs.find(|output| output.channel() == Channel::Unspecified) {
            Some(output) => Err(short(
                format!("stdout or stderr as the channel of the output of `{}`", record.id),
                format!("channel {}", output.channel),
            )),
            None => Ok(()),
        }
    })
}

/// What is said of one operation has an end.
pub(super) fn bounded(log: &[Record]) -> Checked {
    match log.iter().find(|record| record.is_flooded()) {
        Some(record) => {
            Err(short(format!("at most {} MiB about `{}`", MOST >> 20, record.id), "more, and it was left"))
        }
        None => each(log, |_| Ok(())),
    }
}

/// No operation of a session sends more output than it has credit for.
pub(super) fn credit(log: &[Record]) -> Checked {
    let limited: Vec<_> = log.iter().filter(|record| record.credit.is_some()).collect();
    if limited.is_empty() {
        return Err(untried("credit belongs to sessions, and the agent speaks none"));
    }
    match limited.iter().find(|record| record.beyond > 0) {
        Some(record) => Err(short(
            format!("no more output of `{}` than it has credit for", record.id),
            format!("{} bytes more", record.beyond),
        )),
        None => Ok(format!("most that one operation wrote: {} bytes", most(&limited))),
    }
}

fn most(records: &[&Record]) -> u64 {
    records.iter().map(|record| record.written).max().unwrap_or_default()
}

/// Holds each operation of which there was anything to see to a rule.
fn each(log: &[Record], rule: impl Fn(&Record) -> Result<(), Gap>) -> Checked {
    let seen: Vec<_> = log.iter().filter(|record| !record.events.is_empty()).collect();
    if seen.is_empty() {
        return Err(untried("no operation could be called"));
    }
    seen.iter().try_for_each(|record| rule(record))?;
    let events: usize = seen.iter().map(|record| record.events.len()).sum();
    let ids: HashSet<_> = seen.iter().map(|record| &record.id).collect();
    Ok(format!("{events} events of {} operations", ids.len()))
}
