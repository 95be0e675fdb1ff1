//! Host calls: what a call in flight asks the hub for.

use std::sync::Arc;
use std::time::Duration;

use op_engine::ports::Question;
use op_plan::plan::FailureKind;
use op_proto::agent::v1::host_frame::Frame;
use op_proto::agent::v1::{
    Cancelled, Completed, Evidence, Failed, HostCall, Outcome, Rejected, Reply, outcome::Kind,
};
use op_run::{Answer, Failure};

use super::{Flights, Session};

/// The reason when a call gets nothing more.
const OVER: &str = "call_over";

/// Host calls of one call that may be open at once.
pub(super) const MAX_OPEN: usize = 64;

/// Most bytes of an answer as JSON.
pub(super) const MAX_VALUE: usize = 4 << 20;

impl Session {
    /// Answers a host call: what was answered before again, what is being answered when it is, everything else by asking whoever
    /// wanted the call.
    pub(super) fn host_call(&self, call: HostCall) {
        let HostCall { id, number, performer, arguments, timeout } = call;
        if number == 0 {
            let refusal =
                rejected("invalid_number", "host calls of an operation are counted from 1".to_owned());
            return self.note(Frame::Reply(Reply { id, number, outcome: Some(refusal) }));
        }
        let mut table = self.flights.table();
        let Some(flight) = table.flights.get_mut(id.as_str()).filter(|flight| flight.is_on(self)) else {
            drop(table);
            let refusal = rejected("no_such_operation", format!("no operation `{id}` is in flight"));
            return self.note(Frame::Reply(Reply { id, number, outcome: Some(refusal) }));
        };
        // What the hub let go of as it goes down, the next one answers.
        if flight.is_asking(number) || (self.flights.is_parting() && !flight.is_awaited()) {
            return;
        }
        if let Some(outcome) = flight.replied(number) {
            return self.note(Frame::Reply(Reply { id, number, outcome: Some(outcome) }));
        }
        if flight.doomed.is_some() {
            let refusal = rejected(OVER, "the call is being stopped: it gets nothing more".to_owned());
            return self.note(Frame::Reply(Reply { id, number, outcome: Some(refusal) }));
        }
        if flight.asking() >= MAX_OPEN {
            let message = format!("{MAX_OPEN} host calls of this operation are open already");
            let outcome = Some(rejected("too_many_host_calls", message));
            return self.note(Frame::Reply(Reply { id, number, outcome }));
        }
        let timeout = timeout.and_then(|timeout| Duration::try_from(timeout).ok());
        let question = Question { number, performer, arguments, timeout };
        let (answer, flights) = (flight.sink.ask(question), Arc::clone(&self.flights));
        let task = self.flights.asks.spawn(async move {
            let answer = answer.await;
            if !flights.is_over(&answer) {
                flights.reply(&id, number, outcome(answer));
            }
        });
        flight.asked(number, task.abort_handle());
    }
}

impl Flights {
    /// Whether this is no answer to a call, but how a hub that goes down lets go of it: the next one answers.
    fn is_over(&self, answer: &Answer) -> bool {
        let is_over = matches!(answer, Answer::Failed { failure, .. } if failure.reason == OVER);
        is_over && self.is_parting()
    }
}

fn rejected(reason: &str, message: String) -> Outcome {
    let kind = Kind::Rejected(Rejected { reason: reason.to_owned(), message, ..Rejected::default() });
    Outcome { kind: Some(kind), evidence: None }
}

/// An answer as an agent gets it.
fn outcome(answer: Answer) -> Outcome {
    let observed = answer.evidence();
    let evidence = Some(Evidence {
        duration: prost_types::Duration::try_from(observed.duration).ok(),
        exit_code: observed.exit_code,
        bytes: observed.bytes,
    });
    let kind = match answer {
        Answer::Succeeded { value, .. } => completed(value.to_string()),
        Answer::Failed { failure, .. } => failed(failure),
    };
    Outcome { kind: Some(kind), evidence }
}

fn completed(value: String) -> Kind {
    if value.len() <= MAX_VALUE {
        return Kind::Completed(Completed { value });
    }
    let message =
        format!("the value has {} bytes as JSON; an answer carries at most {MAX_VALUE}", value.len());
    Kind::Failed(Failed { reason: "value_too_large".to_owned(), message, ..Failed::default() })
}

fn failed(failure: Failure) -> Kind {
    let Failure { kind, reason, message, hint, detail } = failure;
    let detail = detail.map(|detail| detail.to_string()).filter(|text| text.len() <= MAX_VALUE);
    let detail = detail.unwrap_or_default();
    match kind {
        FailureKind::Rejected | FailureKind::Refused => {
            Kind::Rejected(Rejected { reason, message, hint, detail })
        }
        FailureKind::Cancelled => Kind::Cancelled(Cancelled { message }),
        FailureKind::Failed
        | FailureKind::TimedOut
        | FailureKind::Unavailable
        | FailureKind::Lost
        | FailureKind::Unresolved => Kind::Failed(Failed { reason, message, hint, detail }),
    }
}
