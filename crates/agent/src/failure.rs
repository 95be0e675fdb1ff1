//! How an operation says that it did not do what was asked.

use std::fmt;

use op_proto::agent::v1::{Cancelled, Failed, Rejected, outcome};
use serde_json::Value;

/// An outcome other than completed.
///
/// `reason` is a stable snake-case word for programs, `message` one sentence for people.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Failure {
    kind: Kind,
    reason: String,
    message: String,
    hint: String,
    detail: Option<Value>,
}

/// Which way an operation did not do what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It tried and failed.
    Failed,
    /// It looked and said no.
    Rejected,
    /// It was stopped.
    Cancelled,
}

impl Failure {
    /// The operation tried and failed.
    pub fn failed(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Kind::Failed, reason.into(), message.into())
    }

    /// The operation looked and said no: a path that is not allowed, a review that does not approve.
    pub fn rejected(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Kind::Rejected, reason.into(), message.into())
    }

    /// The operation was stopped; [`Call::cancelled`](crate::Call::cancelled) said so. Its reason is `cancelled`.
    pub fn cancelled(message: impl Into<String>) -> Self {
        Self::new(Kind::Cancelled, "cancelled".to_owned(), message.into())
    }

    fn new(kind: Kind, reason: String, message: String) -> Self {
        Self { kind, reason, message, hint: String::new(), detail: None }
    }

    /// Says in which part of the work it was, before its message.
    pub fn within(mut self, part: &str) -> Self {
        self.message = format!("{part}: {}", self.message);
        self
    }

    /// Says what to do next.
    pub fn hint(mut self, text: impl Into<String>) -> Self {
        self.hint = text.into();
        self
    }

    /// Adds what was found out all the same, such as the diagnostics of a failed build. A cancelled outcome carries
    /// neither hint nor detail.
    pub fn detail(mut self, detail: Value) -> Self {
        self.detail = Some(detail);
        self
    }

    /// Which way it ended.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The word for programs.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The sentence for people.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What became of a host call that did not succeed. One that was stopped failed, for whoever asked goes on.
    pub(crate) fn from_wire(kind: outcome::Kind) -> Result<String, Self> {
        let read = |mut of: Self, hint: String, detail: &str| {
            (of.hint, of.detail) = (hint, serde_json::from_str(detail).ok());
            of
        };
        match kind {
            outcome::Kind::Completed(completed) => Ok(completed.value),
            outcome::Kind::Failed(of) => Err(read(Self::failed(of.reason, of.message), of.hint, &of.detail)),
            outcome::Kind::Rejected(of) => {
                Err(read(Self::rejected(of.reason, of.message), of.hint, &of.detail))
            }
            outcome::Kind::Cancelled(of) => Err(Self::failed("host_call_cancelled", of.message)),
        }
    }

    /// On the wire. A detail of more than `limit` bytes as JSON is left out, and the hint says so.
    pub(crate) fn into_wire(self, limit: usize) -> outcome::Kind {
        let Self { kind, reason, message, hint, detail } = self;
        let detail = detail.map(|value| value.to_string()).unwrap_or_default();
        let (hint, detail) = if detail.len() > limit {
            let cut = format!("the detail of {} bytes was too large to send", detail.len());
            (if hint.is_empty() { cut } else { format!("{hint}; {cut}") }, String::new())
        } else {
            (hint, detail)
        };
        match kind {
            Kind::Failed => outcome::Kind::Failed(Failed { reason, message, hint, detail }),
            Kind::Rejected => outcome::Kind::Rejected(Rejected { reason, message, hint, detail }),
            Kind::Cancelled => outcome::Kind::Cancelled(Cancelled { message }),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.message)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_carries_its_words_to_the_wire() {
        let failure = Failure::failed("exit_status", "cargo said no")
            .hint("run cargo")
            .detail(serde_json::json!({ "errors": 2 }));
        assert_eq!(
            (failure.kind(), failure.reason(), failure.message()),
            (Kind::Failed, "exit_status", "cargo said no")
        );
        let outcome::Kind::Failed(failed) = failure.into_wire(100) else { panic!("not failed") };
        assert_eq!((failed.hint.as_str(), failed.detail.as_str()), ("run cargo", r#"{"errors":2}"#));
    }

    #[test]
    fn a_detail_that_is_too_large_is_left_out_and_said_so() {
        let failure = Failure::rejected("no", "no").detail(Value::String("x".repeat(100)));
        let outcome::Kind::Rejected(rejected) = failure.into_wire(100) else { panic!("not rejected") };
        assert_eq!(rejected.detail, "");
        assert!(rejected.hint.contains("102 bytes"), "{}", rejected.hint);
    }

    #[test]
    fn a_cancelled_outcome_carries_its_message() {
        let wire = Failure::cancelled("enough").into_wire(100);
        assert_eq!(wire, outcome::Kind::Cancelled(Cancelled { message: "enough".into() }));
    }
}
