//! Every call that stands in no run is noted in the journal, those of clients and what agents ask for: who asked for what, how it
//! ended, and how long it took.

use std::time::Instant;

use op_plan::Performer;
use op_plan::plan::FailureKind;
use op_run::Answer;

use super::Engine;
use crate::ports::CallRecord;

/// A call that is noted when it ends, or when nobody waits for it any more.
pub(crate) struct Noted<'e> {
    engine: &'e Engine,
    performer: Performer,
    began: Instant,
    /// Gone once it is noted.
    record: Option<CallRecord>,
}

impl<'e> Noted<'e> {
    pub(crate) fn begin(
        engine: &'e Engine,
        id: &str,
        user: &str,
        session: &str,
        performer: &Performer,
    ) -> Self {
        let record = CallRecord {
            id: id.to_owned(),
            at: engine.hall.ports.clock.now(),
            user: user.to_owned(),
            session: session.to_owned(),
            operation: performer.to_string(),
            outcome: FailureKind::Cancelled.word().to_owned(),
            reason: "client_left".to_owned(),
            duration: std::time::Duration::ZERO,
            risk: None,
        };
        Self { engine, performer: performer.clone(), began: Instant::now(), record: Some(record) }
    }

    /// Notes how it ended.
    pub(crate) fn end(&mut self, answer: &Answer) {
        let (outcome, reason) = match answer {
            Answer::Succeeded { .. } => (CallRecord::SUCCEEDED, ""),
            Answer::Failed { failure, .. } => (failure.kind.word(), failure.reason.as_str()),
        };
        if let Some(record) = self.record.take() {
            self.note(CallRecord { outcome: outcome.to_owned(), reason: reason.to_owned(), ..record });
        }
    }

    fn note(&self, record: CallRecord) {
        let hall = &self.engine.hall;
        let (duration, risk) = (self.began.elapsed(), hall.ports.agents.risk(&self.performer));
        let record = CallRecord { duration, risk, ..record };
        hall.audit.publish_call(&record);
        hall.ports.journal.note(record);
    }
}

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        if let Some(record) = self.record.take() {
            self.note(record);
        }
    }
}
