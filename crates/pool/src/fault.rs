//! What went wrong with a link; never what went wrong with an operation.

use std::fmt;

/// A transport fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: FaultKind,
    /// One sentence for people.
    pub(crate) reason: String,
}

/// Kinds of transport fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// Nobody listens at the address.
    Absent,
    /// Somebody listens, and does not talk as an agent must.
    Refused,
    /// The stream ended.
    Broken,
    /// It does not answer any more.
    Hung,
    /// Its process ended.
    Exited,
    /// It sent more in one message than is read.
    TooLarge,
    /// The hub itself let go.
    Released,
}

impl Fault {
    pub(crate) fn new(kind: FaultKind, reason: impl Into<String>) -> Self {
        Self { kind, reason: reason.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}
