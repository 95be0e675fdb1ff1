//! The port to results: what calls of steps returned, kept so that others need not make them.

use async_trait::async_trait;
use op_run::{Evidence, RunId, Timestamp};
use serde_json::Value;

use super::journal::ReadError;

/// What a call returned.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptResult {
    /// Names the call: the step of a plan, who performs it, and its arguments.
    pub key: String,
    /// The run that made it.
    pub run: RunId,
    /// When the run knew of it.
    pub at: Timestamp,
    /// Until when it stands for calling again.
    pub until: Timestamp,
    /// What was observed of the call.
    pub evidence: Evidence,
    /// Its value.
    pub value: Value,
}

/// Keeps results. There is a bound to all of them together: the oldest go.
#[async_trait]
pub trait Results: Send + Sync + 'static {
    /// The newest result under this key that stands for longer than `now`, those put last included.
    async fn get(&self, key: &str, now: Timestamp) -> Result<Option<KeptResult>, ReadError>;

    /// Keeps a result in place of the one under its key, and never waits for the disk: it is there within a second, and lost when
    /// the host goes down before. One that comes while the disk is far behind is dropped, which is logged.
    fn put(&self, result: KeptResult);
}
