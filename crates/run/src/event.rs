//! Facts: what became true in a run. They hold outcomes of decisions, so a later version of `decide` never changes the past.

mod fact;
mod host;
mod subject;
mod terms;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

pub use fact::Fact;
pub use host::{HostCallEnd, HostCallStart};
pub use terms::{Activation, Destination, Retried, SkipCause, StopCause, Waiting};

/// A fact and when it became true. Events of a run are counted from 1 by the order they are taken in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub fact: Fact,
}

/// How long an undo may take when it does not say.
pub const UNDO_LIMIT: Duration = Duration::from_mins(10);
