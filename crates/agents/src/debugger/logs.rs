//! `logs`: the lines of a log that matter, and how often lines of each shape are there.

mod file;
mod heading;
mod shape;
mod tally;
mod unit;

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use op_agent::{Call, Failure};
use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::level::Level;
use super::moment::optional;
use crate::tools::Desk;
use tally::{Filter, Findings, Tally};

/// Most lines of one answer.
const LINES: usize = 1000;

/// Most shapes of one answer.
const SHAPES: usize = 200;

/// How much of the end of a file is read when nothing else is said.
const TAIL: u64 = 256 * 1024 * 1024;

/// Which log, and which of its lines.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Logs {
    /// The log file; a relative path starts at the first root. Either this or `unit`.
    path: Option<PathBuf>,
    /// The unit whose journal is read, such as `nginx.service`. Either this or `path`.
    unit: Option<String>,
    /// Only lines that matter at least so much; those that state no level belong to the line before them.
    level: Option<Level>,
    /// Only lines from then on: `2026-11-26T10:00:00Z`, `2026-11-26 10:00`, or how long ago, `2h`.
    since: Option<String>,
    /// Only lines until then, written as `since` is.
    until: Option<String>,
    /// Only lines that this regular expression finds something in.
    pattern: Option<String>,
    /// How many of the lines are answered, the last; at most 1000.
    #[serde(default = "few_lines")]
    limit: usize,
    /// How many shapes are answered, the most frequent; at most 200.
    #[serde(default = "few_shapes")]
    shapes: usize,
    /// How many bytes of a file are read, counted from its end.
    #[serde(default = "tail")]
    max_bytes: u64,
}

/// What a log holds.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct LogsRead {
    /// The file or the unit.
    source: String,
    /// How many bytes at the beginning of the file were not read.
    skipped_bytes: u64,
    /// What was hidden from the agent, and how to change that; null if nothing was.
    hidden: Option<String>,
    /// What was found.
    #[serde(flatten)]
    findings: Findings,
}

/// Reads a log, and passes on the lines that match as they are found.
pub(super) async fn logs(desk: Arc<Desk>, call: Call, args: Logs) -> Result<LogsRead, Failure> {
    let tally = Tally::new(args.filter()?, args.limit.clamp(1, LINES), args.shapes.min(SHAPES));
    match (&args.path, &args.unit) {
        (Some(path), None) => file::read(desk, call, path, args.max_bytes, tally).await,
        (None, Some(unit)) => unit::read(&desk, &call, unit, tally).await,
        _ => Err(Failure::rejected("invalid_arguments", "a log is either a file or the journal of a unit")
            .hint("give one of `path` and `unit`")),
    }
}

impl Logs {
    fn filter(&self) -> Result<Filter, Failure> {
        let now = Timestamp::now();
        let pattern = self.pattern.as_deref().map(Regex::new).transpose().map_err(|error| {
            Failure::rejected("invalid_arguments", format!("`pattern` is no regular expression: {error}"))
        })?;
        let since = optional(self.since.as_deref(), now)?;
        let until = optional(self.until.as_deref(), now)?;
        Ok(Filter { level: self.level, since, until, pattern })
    }
}

fn few_lines() -> usize {
    50
}

fn few_shapes() -> usize {
    20
}

fn tail() -> u64 {
    TAIL
}
