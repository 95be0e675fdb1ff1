//! Reading what runs and calls did and wrote: bounded, and it never waits for more.

use std::collections::HashMap;

use futures::StreamExt as _;
use op_engine::Engine;
use op_engine::ports::{Audited, Channel, EventFilter, KeptOutput, Recorded};
use op_engine::watch::Seen;
use op_run::{Answer, Evidence, RunId};
use serde_json::Value;
use zbus::Variant;

use super::listing::most;
use crate::fault::Fault;
use crate::options::{Options, Table};
use crate::value::{self, MAX};
use crate::view::micros;

/// An event in one line: sequence, time, phase, type, data.
pub(super) type EventLine = (u64, u64, String, String, HashMap<String, Variant<'static>>);

/// An event of any run: run, sequence, time, phase, type, data.
pub(super) type AuditLine = (String, u64, u64, String, String, HashMap<String, Variant<'static>>);

/// Values by name, as an answer.
pub(super) type Answered = HashMap<String, Variant<'static>>;

/// Events answered where a call does not say how many.
const DEFAULT: u32 = 100;

/// Events of a run after one, the sequence of the last one, and whether nothing follows.
pub(super) async fn events(
    engine: &Engine,
    run: &RunId,
    after: u64,
    max: u32,
) -> Result<(Vec<EventLine>, u64, bool), Fault> {
    let found = engine.get(run.as_str()).await.map_err(|error| Fault::of(&error))?;
    let there = found.sequence();
    let wanted = usize::try_from(there.saturating_sub(after)).unwrap_or(usize::MAX).min(most(max, DEFAULT));
    let (mut lines, mut last, mut size) = (Vec::new(), after, 0);
    if wanted > 0 {
        let watched = engine.watch(run.as_str(), after + 1, false).await;
        let (_, mut events) = watched.map_err(|error| Fault::of(&error))?;
        while lines.len() < wanted {
            let Some(seen) = events.next().await else { break };
            let Seen::Event(recorded) = seen.map_err(|error| Fault::of(&error))? else { continue };
            let (line, bytes) = line(&recorded);
            size += bytes;
            if size > MAX && !lines.is_empty() {
                break;
            }
            last = recorded.sequence;
            lines.push(line);
        }
    }
    Ok((lines, last, found.state().is_over() && last >= there))
}

/// Events of all runs that match, oldest first: the newest that are asked for, as many of them as fit.
pub(super) async fn audit(engine: &Engine, filter: EventFilter) -> Result<Vec<AuditLine>, Fault> {
    let audited = engine.audit(&filter).await.map_err(|error| Fault::of(&error))?;
    let mut size = 0;
    let mut lines: Vec<_> = audited
        .iter()
        .rev()
        .map(|Audited { run, recorded, .. }| (run, line(recorded)))
        .take_while(|(_, (_, bytes))| {
            size += bytes;
            size <= MAX
        })
        .map(|(run, ((sequence, at, phase, kind, data), _))| {
            (run.to_string(), sequence, at, phase, kind, data)
        })
        .collect();
    lines.reverse();
    Ok(lines)
}

/// What a filter for events says.
pub(super) async fn filter(engine: &Engine, table: Table, limit: u32) -> Result<EventFilter, Fault> {
    let mut options = Options::new(table, &["kinds", "run", "since-usec", "until-usec", "user"])?;
    let run = match options.word("run")? {
        Some(run) => Some(engine.find(&run).await.map_err(|error| Fault::of(&error))?.id),
        None => None,
    };
    Ok(EventFilter {
        run,
        kinds: options.words("kinds")?,
        user: options.word("user")?,
        since: options.instant("since-usec")?,
        until: options.instant("until-usec")?,
        limit: most(limit, DEFAULT),
    })
}

/// An event, and how many bytes of JSON are in it.
fn line(recorded: &Recorded) -> (EventLine, usize) {
    let event = &recorded.event;
    let json = serde_json::to_value(event).unwrap_or_default();
    let size = json.to_string().len();
    let data = match json {
        Value::Object(_) if size > MAX => {
            let rest = "the event is larger than the bus takes: read it over gRPC (opdbus.v1.Runs, Watch)";
            HashMap::from([("rest".to_owned(), rest.into())])
        }
        Value::Object(mut fields) => {
            fields.retain(|name, _| name != "kind" && name != "at");
            value::table(&fields)
        }
        _ => HashMap::new(),
    };
    let phase = event.fact.phase().unwrap_or_default().to_owned();
    ((recorded.sequence, micros(event.at), phase, event.fact.kind().to_owned(), data), size.min(MAX))
}

/// What a run answered.
pub(super) async fn result(engine: &Engine, run: &RunId) -> Result<Answered, Fault> {
    let run = engine.get(run.as_str()).await.map_err(|error| Fault::of(&error))?;
    if !run.state().is_over() {
        let message = format!("run {} is {}: wait for Finished", run.id(), run.state());
        return Err(Fault::unmet("RunNotFinished", message));
    }
    let mut answered = Answered::from([
        ("state".to_owned(), run.state().word().into()),
        ("reason".to_owned(), run.reason().to_owned().into()),
    ]);
    if let Some(output) = run.output() {
        put(&mut answered, "output", output, "opdbus.v1.Runs, Get");
    }
    Ok(answered)
}

/// How a call ended.
pub(super) fn answer(state: &'static str, answer: &Answer) -> Answered {
    // A call by a client is made.
    let Evidence { peer, duration, exit_code, bytes, kept: _ } = answer.evidence();
    let duration = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    let mut answered = Answered::from([
        ("state".to_owned(), state.into()),
        ("peer".to_owned(), peer.clone().into()),
        ("duration-usec".to_owned(), duration.into()),
        ("bytes".to_owned(), (*bytes).into()),
    ]);
    if let Some(code) = exit_code {
        answered.insert("exit-code".to_owned(), (*code).into());
    }
    match answer {
        Answer::Succeeded { value, .. } => put(&mut answered, "value", value, "opdbus.v1.Agents, Call"),
        Answer::Failed { failure, .. } => {
            answered.insert("reason".to_owned(), failure.reason.clone().into());
            answered.insert("message".to_owned(), failure.message.clone().into());
            answered.insert("hint".to_owned(), failure.hint.clone().into());
            if let Some(detail) = &failure.detail {
                put(&mut answered, "detail", detail, "opdbus.v1.Agents, Call");
            }
        }
    }
    answered
}

/// Puts a value in, or where to find it when it is too large for the bus.
fn put(answered: &mut Answered, name: &str, value: &Value, rest: &str) {
    let size = value.to_string().len();
    if size <= MAX {
        answered.insert(name.to_owned(), value::variant(value));
        return;
    }
    let message = format!("`{name}` has {size} bytes, more than the bus takes: read it over gRPC ({rest})");
    answered.insert("rest".to_owned(), message.into());
}

/// What an attempt of a step wrote and returned.
pub(super) async fn output(
    engine: &Engine,
    run: &RunId,
    step: &str,
    visit: Option<u32>,
    attempt: Option<u32>,
) -> Result<Answered, Fault> {
    let found = engine.output(run.as_str(), step, visit, attempt).await;
    let (run, kept) = found.map_err(|error| Fault::of(&error))?;
    let at = run.plan().find_step(step).map(|at| run.step(at));
    let (visits, attempts) = at.map(|at| (at.visit, at.trial.attempts)).unwrap_or_default();
    let nothing = || KeptOutput {
        step: step.to_owned(),
        visit: visit.unwrap_or(visits),
        attempt: attempt.unwrap_or(attempts),
        chunks: Vec::new(),
        dropped: 0,
    };
    let mut answered = written(&kept.unwrap_or_else(nothing));
    if let Some(value) = at.and_then(|at| at.output.as_ref()) {
        put(&mut answered, "value", value, "opdbus.v1.Runs, Output");
    }
    Ok(answered)
}

/// The last bytes that an attempt wrote, as many as the bus takes.
fn written(kept: &KeptOutput) -> Answered {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let all: usize = kept.chunks.iter().map(|chunk| chunk.data.len()).sum();
    let mut skip = all.saturating_sub(MAX);
    for chunk in &kept.chunks {
        let cut = skip.min(chunk.data.len());
        skip -= cut;
        let into = if chunk.channel == Channel::Stdout { &mut out } else { &mut err };
        into.extend_from_slice(&chunk.data[cut..]);
    }
    let text = |bytes: Vec<u8>| Variant::from(String::from_utf8_lossy(&bytes).replace('\0', "\u{fffd}"));
    let mut answered = Answered::from([
        ("visit".to_owned(), kept.visit.into()),
        ("attempt".to_owned(), kept.attempt.into()),
        ("stdout".to_owned(), text(out)),
        ("stderr".to_owned(), text(err)),
        ("dropped".to_owned(), kept.dropped.into()),
    ]);
    if all > MAX {
        let cut = all - MAX;
        let message =
            format!("the first {cut} bytes are left out: read them over gRPC (opdbus.v1.Runs, Output)");
        answered.insert("rest".to_owned(), message.into());
    }
    answered
}
