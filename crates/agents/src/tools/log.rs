//! `log`: a line in the output of the call, for whoever watches the run.

use std::sync::Arc;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Desk;

/// What to say, and how loudly.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Log {
    /// The line.
    message: String,
    /// How much it matters.
    #[serde(default)]
    level: Level,
}

/// How much a line matters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Level {
    /// A state changed.
    #[default]
    Info,
    /// Something was odd and is coped with.
    Warn,
    /// A person must act.
    Error,
}

/// A line that was written.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Logged {
    /// The line.
    message: String,
}

/// Writes a line: `info` as output, the others as output of the error kind, under their names.
pub(super) async fn log(_desk: Arc<Desk>, call: Call, args: Log) -> Result<Logged, Failure> {
    let Log { message, level } = args;
    match level {
        Level::Info => call.stdout(format!("{message}\n")).await,
        Level::Warn => call.stderr(format!("warn: {message}\n")).await,
        Level::Error => call.stderr(format!("error: {message}\n")).await,
    }
    Ok(Logged { message })
}
