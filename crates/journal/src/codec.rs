//! Entries as rows: text that people can read, and that comes back as it was.

use std::fmt::Display;

use bytes::Bytes;
use op_engine::ports::journal::{Entry, Idempotency, KeptOutput, RunRecord};
use op_engine::ports::perform::{Channel, Chunk};
use op_run::{Event, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Deepest nesting that is written and read. Twice what a JSON reader takes from outside, so that whatever came in can be kept,
/// and little enough for any thread's stack.
const MAX_DEPTH: usize = 256;

/// Why something cannot be kept.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EncodeError {
    #[error("it nests deeper than {MAX_DEPTH} levels")]
    Deep,
    #[error("{0}")]
    Json(String),
    #[error("an entry of run {0} has no events")]
    Empty(String),
    #[error("the record of run {run} says {record} events, and the entry ends with event {last}")]
    Record { run: String, record: u64, last: u64 },
    #[error("an idempotency key is given with the first events of a run, and run {0} has begun")]
    LateKey(String),
}

/// An entry, ready to be written.
#[derive(Debug)]
pub(crate) struct Packed {
    pub(crate) first: u64,
    pub(crate) events: Vec<EventRow>,
    pub(crate) record: RunRecord,
    pub(crate) labels: String,
    pub(crate) plan: Option<PlanRow>,
    pub(crate) idempotency: Option<Idempotency>,
    pub(crate) outputs: Vec<OutputRow>,
}

/// An event, and what it is searched by.
#[derive(Debug)]
pub(crate) struct EventRow {
    pub(crate) at: Timestamp,
    pub(crate) kind: &'static str,
    pub(crate) phase: Option<String>,
    pub(crate) step: Option<String>,
    pub(crate) json: String,
}

/// A plan by its digest.
#[derive(Debug)]
pub(crate) struct PlanRow {
    pub(crate) digest: String,
    pub(crate) json: String,
}

/// Output of an attempt: all its bytes in order, and where each piece ends and came from.
#[derive(Debug)]
pub(crate) struct OutputRow {
    pub(crate) step: String,
    pub(crate) visit: u32,
    pub(crate) attempt: u32,
    pub(crate) pieces: String,
    pub(crate) data: Vec<u8>,
    pub(crate) dropped: u64,
}

impl Packed {
    /// Writes an entry as rows. `known` says whether the journal keeps a plan already: then it is not written again.
    pub(crate) fn new(entry: Entry, known: impl Fn(&str) -> bool) -> Result<Self, EncodeError> {
        check(&entry)?;
        let Entry { first, events, record, plan, idempotency, outputs } = entry;
        let plan = plan.filter(|plan| !known(plan.digest()));
        let plan =
            plan.map(|plan| encode(&*plan).map(|json| PlanRow { digest: plan.digest().to_owned(), json }));
        Ok(Self {
            first,
            events: events.iter().map(EventRow::new).collect::<Result<_, _>>()?,
            labels: encode(&record.labels)?,
            record,
            plan: plan.transpose()?,
            idempotency,
            outputs: outputs.iter().map(OutputRow::new).collect::<Result<_, _>>()?,
        })
    }

    /// Bytes it takes, roughly: what waits for the writer is bounded by it.
    pub(crate) fn size(&self) -> usize {
        let events: usize = self.events.iter().map(|event| event.json.len()).sum();
        let outputs: usize = self.outputs.iter().map(|output| output.data.len() + output.pieces.len()).sum();
        events + outputs + self.labels.len() + self.plan.as_ref().map_or(0, |plan| plan.json.len())
    }
}

/// What the port promises of an entry. The count of events in the record is what the next entry is held against: it must be true.
fn check(entry: &Entry) -> Result<(), EncodeError> {
    let run = || entry.record.id.to_string();
    if entry.events.is_empty() {
        return Err(EncodeError::Empty(run()));
    }
    if entry.idempotency.is_some() && entry.first != 1 {
        return Err(EncodeError::LateKey(run()));
    }
    let (record, last) = (entry.record.sequence, entry.first.saturating_add(entry.events.len() as u64 - 1));
    if record == last { Ok(()) } else { Err(EncodeError::Record { run: run(), record, last }) }
}

impl EventRow {
    fn new(event: &Event) -> Result<Self, EncodeError> {
        let owned = |subject: Option<&str>| subject.map(str::to_owned);
        Ok(Self {
            at: event.at,
            kind: event.fact.kind(),
            phase: owned(event.fact.phase()),
            step: owned(event.fact.step()),
            json: encode(event)?,
        })
    }
}

impl OutputRow {
    fn new(output: &KeptOutput) -> Result<Self, EncodeError> {
        let pieces: Vec<_> = output.chunks.iter().map(|chunk| (chunk.channel, chunk.data.len())).collect();
        Ok(Self {
            step: output.step.clone(),
            visit: output.visit,
            attempt: output.attempt,
            pieces: encode(&pieces)?,
            data: output.chunks.iter().flat_map(|chunk| chunk.data.iter().copied()).collect(),
            dropped: output.dropped,
        })
    }

    /// Reads a row back; says what is wrong with it when it is not what was written.
    pub(crate) fn unpack(self) -> Result<KeptOutput, String> {
        let pieces: Vec<(Channel, usize)> = decode(&self.pieces)?;
        let mut rest = Bytes::from(self.data);
        let mut chunks = Vec::with_capacity(pieces.len());
        for (channel, length) in pieces {
            if length > rest.len() {
                return Err(format!("output of step {} is cut off", self.step));
            }
            chunks.push(Chunk { channel, data: rest.split_to(length) });
        }
        if rest.is_empty() {
            let Self { step, visit, attempt, dropped, .. } = self;
            Ok(KeptOutput { step, visit, attempt, chunks, dropped })
        } else {
            Err(format!("output of step {} has bytes that belong to no piece", self.step))
        }
    }
}

/// Writes a value as JSON.
pub(crate) fn encode(value: &impl Serialize) -> Result<String, EncodeError> {
    let text = serde_json::to_string(value).map_err(|error| EncodeError::Json(error.to_string()))?;
    if depth(&text) > MAX_DEPTH { Err(EncodeError::Deep) } else { Ok(text) }
}

/// Reads a value from JSON; says what is wrong when there is none.
pub(crate) fn decode<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    if depth(text) > MAX_DEPTH {
        return Err(EncodeError::Deep.to_string());
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    // The default limit is lower than that of what comes in plus the event around it; the depth was measured above.
    reader.disable_recursion_limit();
    let told = |error: &dyn Display| error.to_string();
    let value = T::deserialize(&mut reader).map_err(|error| told(&error))?;
    reader.end().map_err(|error| told(&error))?;
    Ok(value)
}

/// How deep lists and maps of a JSON text lie within each other.
fn depth(text: &str) -> usize {
    let (mut now, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => {
                now += 1;
                deepest = deepest.max(now);
            }
            b']' | b'}' if !quoted => now = now.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use op_run::Fact;
    use serde_json::{Value, json};

    use super::*;

    fn nested(levels: usize) -> Value {
        (0..levels).fold(Value::Null, |inner, _| json!([inner]))
    }

    fn event(output: Value) -> Event {
        Event { at: Timestamp::from_millis(u64::MAX), fact: Fact::RunCompleted { output } }
    }

    #[test]
    fn whatever_nesting_is_written_is_read_back() {
        let deepest = event(nested(MAX_DEPTH - 1));
        assert_eq!(decode::<Event>(&encode(&deepest).unwrap()), Ok(deepest));
        assert_eq!(encode(&event(nested(MAX_DEPTH))), Err(EncodeError::Deep));
    }

    #[test]
    fn a_text_that_nests_without_end_is_refused_before_it_is_read() {
        let text = "[".repeat(1_000_000);
        assert_eq!(decode::<Value>(&text), Err(EncodeError::Deep.to_string()));
    }

    #[test]
    fn brackets_inside_strings_do_not_count_as_nesting() {
        assert_eq!(depth(r#"{"a": "[[[\"[[", "b\\": [1, {}]}"#), 3);
    }

    #[test]
    fn floats_come_back_to_the_last_bit() {
        for float in [0.1 + 0.2, f64::MIN_POSITIVE, f64::MAX, -0.0, 1.0, 2.225_073_858_507_201e-308] {
            let there = event(json!(float));
            assert_eq!(decode::<Event>(&encode(&there).unwrap()), Ok(there));
        }
    }

    #[test]
    fn output_with_a_wrong_table_of_pieces_is_refused() {
        let row = |pieces: &str| OutputRow {
            step: "s".into(),
            visit: 1,
            attempt: 1,
            pieces: pieces.into(),
            data: b"abc".to_vec(),
            dropped: 0,
        };
        assert_eq!(row(r#"[["stdout",1],["stderr",2]]"#).unpack().unwrap().chunks.len(), 2);
        assert!(row(r#"[["stdout",4]]"#).unpack().unwrap_err().contains("cut off"));
        assert!(row(r#"[["stdout",2]]"#).unpack().unwrap_err().contains("belong to no piece"));
        assert!(row(r#"[["stdlog",3]]"#).unpack().unwrap_err().contains("stdlog"));
    }
}
