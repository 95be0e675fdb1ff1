//! What was seen of one operation.

use op_proto::agent::v1::event::Kind;
use op_proto::agent::v1::{Event, HostCall, Outcome, outcome};
use prost::Message;

/// Most that is kept of one operation, in bytes: several times what operations of a trial say, and little beside what a machine has.
pub(super) const MOST: usize = 16 << 20;

/// How many events are kept of an operation that said more: the rules are held to these.
const FEW: usize = 100;

/// What was seen of one operation on one stream.
#[derive(Debug, Clone, Default)]
pub(super) struct Record {
    /// Its id.
    pub(super) id: String,
    /// Its events, in the order in which they came.
    pub(super) events: Vec<Event>,
    /// What it asked of the hub.
    pub(super) host_calls: Vec<HostCall>,
    /// Bytes of output that it sent.
    pub(super) written: u64,
    /// Bytes of output that it may send; none where the stream itself is the limit.
    pub(super) credit: Option<u64>,
    /// Output that it sent beyond its credit, as it stood then.
    pub(super) beyond: u64,
    /// Sequence of the last event of an earlier stream that it goes on from.
    pub(super) resumed: Option<u64>,
    /// Whether its stream has ended well, so that nothing can follow.
    pub(super) closed: bool,
    /// Bytes of what was heard.
    pub(super) heard: usize,
}

impl Record {
    pub(super) fn new(id: &str, credit: Option<u64>) -> Self {
        Self { id: id.to_owned(), credit, ..Self::default() }
    }

    /// Notes an event.
    pub(super) fn hear(&mut self, event: Event) {
        if let Some(Kind::Output(output)) = &event.kind {
            self.written += output.data.len() as u64;
        }
        if let Some(credit) = self.credit {
            self.beyond = self.beyond.max(self.written.saturating_sub(credit));
        }
        if self.takes(&event) {
            self.events.push(event);
        }
    }

    /// Notes a host call.
    pub(super) fn hear_call(&mut self, call: HostCall) {
        if self.takes(&call) {
            self.host_calls.push(call);
        }
    }

    /// Whether more was said than is kept.
    pub(super) fn is_flooded(&self) -> bool {
        self.heard > MOST
    }

    /// Counts what was heard. Beyond the most, nothing is kept but the beginning.
    fn takes<M: Message>(&mut self, message: &M) -> bool {
        self.heard = self.heard.saturating_add(message.encoded_len() + size_of::<M>());
        if self.is_flooded() {
            self.events.truncate(FEW);
            self.host_calls.truncate(FEW);
        }
        !self.is_flooded()
    }

    /// The first outcome.
    pub(super) fn outcome(&self) -> Option<&Outcome> {
        self.events.iter().find_map(|event| match &event.kind {
            Some(Kind::Outcome(outcome)) => Some(outcome),
            _ => None,
        })
    }

    /// Sequence of the last event.
    pub(super) fn last(&self) -> u64 {
        self.events.last().map_or(0, |event| event.sequence)
    }

    /// All output, as it came.
    pub(super) fn output(&self) -> Vec<u8> {
        output(&self.events)
    }

    /// Whether it did anything that shows, beside being accepted and ending.
    pub(super) fn shows_work(&self) -> bool {
        let is_work = |event: &Event| matches!(event.kind, Some(Kind::Output(_) | Kind::Progress(_)));
        !self.host_calls.is_empty() || self.events.iter().any(is_work)
    }
}

/// The output in some events, as it came.
pub(super) fn output(events: &[Event]) -> Vec<u8> {
    let pieces = events.iter().filter_map(|event| match &event.kind {
        Some(Kind::Output(output)) => Some(&output.data[..]),
        _ => None,
    });
    pieces.flatten().copied().collect()
}

/// What an event says, for people.
pub(super) fn word(event: &Event) -> &'static str {
    match &event.kind {
        Some(Kind::Accepted(_)) => "accepted",
        Some(Kind::Output(_)) => "output",
        Some(Kind::Progress(_)) => "progress",
        Some(Kind::Outcome(_)) => "an outcome",
        None => "an event of no known kind",
    }
}

/// How an operation ended, for people: `rejected as unknown_operation`.
pub(super) fn ending(outcome: &Outcome) -> String {
    match &outcome.kind {
        Some(outcome::Kind::Completed(completed)) => {
            let value: String = completed.value.chars().take(60).collect();
            format!("completed with {value}")
        }
        Some(outcome::Kind::Failed(failed)) => {
            format!("failed as `{}`: {}", failed.reason, failed.message)
        }
        Some(outcome::Kind::Rejected(rejected)) => {
            format!("rejected as `{}`: {}", rejected.reason, rejected.message)
        }
        Some(outcome::Kind::Cancelled(cancelled)) => format!("cancelled: {}", cancelled.message),
        None => "an outcome of no known kind".to_owned(),
    }
}
