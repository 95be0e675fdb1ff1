//! Which failures are tried again, and when.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Kinds of failure, so that a plan can say which ones it retries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The call did not reach the performer: a transport fault before it was accepted.
    Unavailable,
    /// The link broke after the performer had accepted the call: what became of it is unknown.
    Lost,
    /// The performer tried and failed.
    Failed,
    /// The performer looked and said no.
    Rejected,
    /// A guard of the hub did not let the call through.
    Refused,
    /// A time limit passed.
    TimedOut,
    /// A person or the daemon stopped it.
    Cancelled,
    /// A value that the step refers to does not resolve.
    Unresolved,
}

impl FailureKind {
    /// Every kind, in the order of their declaration.
    pub const ALL: [Self; 8] = [
        Self::Unavailable,
        Self::Lost,
        Self::Failed,
        Self::Rejected,
        Self::Refused,
        Self::TimedOut,
        Self::Cancelled,
        Self::Unresolved,
    ];

    /// The word for programs and plans.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Lost => "lost",
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::Refused => "refused",
            Self::TimedOut => "timed_out",
            Self::Cancelled => "cancelled",
            Self::Unresolved => "unresolved",
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// When a failed call is tried again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Retry {
    /// How many times after the first attempt.
    pub max: u32,
    /// Wait before the first repeat.
    pub delay: Duration,
    /// Factor from one wait to the next; at least 1.
    pub backoff: f64,
    /// Longest wait.
    pub max_delay: Duration,
    /// Kinds of failure that are tried again.
    pub on: BTreeSet<FailureKind>,
}

impl Default for Retry {
    /// No repeat. `max = N` alone repeats after one second, doubling up to thirty, whatever the performer itself could
    /// not do; never what was rejected, refused, cancelled or could not be resolved.
    fn default() -> Self {
        use FailureKind::{Failed, Lost, TimedOut, Unavailable};
        Self {
            max: 0,
            delay: Duration::from_secs(1),
            backoff: 2.0,
            max_delay: Duration::from_secs(30),
            on: BTreeSet::from([Unavailable, Lost, Failed, TimedOut]),
        }
    }
}

impl Retry {
    /// The wait after the failed attempt `attempt` (counted from 1), or `None` when there is no repeat.
    pub fn wait(&self, attempt: u32, kind: FailureKind) -> Option<Duration> {
        if attempt > self.max || !self.on.contains(&kind) {
            return None;
        }
        let factor = self.backoff.max(1.0).powi(attempt.saturating_sub(1).min(64).cast_signed());
        let wait = (self.delay.as_secs_f64() * factor).min(self.max_delay.as_secs_f64());
        Some(Duration::from_secs_f64(wait.max(0.0)))
    }
}
