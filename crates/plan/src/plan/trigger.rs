//! What starts runs of a plan, and how many go at the same time.

use croner::Cron;
use croner::errors::CronError;
use croner::parser::{CronParser, Seconds};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::mapping::Mapping;

/// When a plan starts by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// When, in the notation of cron: five fields, or six with seconds first; in the time zone of the host.
    pub cron: String,
    /// Inputs of each run.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub inputs: Map<String, Value>,
    /// What becomes of times at which no daemon was there.
    #[serde(default)]
    pub missed: Missed,
}

impl Schedule {
    /// Reads the notation of cron.
    ///
    /// # Errors
    /// When the text is none.
    pub fn read(cron: &str) -> Result<Cron, CronError> {
        CronParser::builder().seconds(Seconds::Optional).build().parse(cron)
    }
}

/// What becomes of times at which no daemon was there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    /// They are let go.
    #[default]
    Skip,
    /// One run makes up for all of them.
    Once,
    /// Each is made up for, at most a hundred.
    All,
}

/// How many runs of a plan go at the same time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Concurrency {
    /// Runs with the same key count together; resolved from the inputs.
    pub key: Mapping,
    /// Most of them at the same time; at least 1.
    pub limit: usize,
    /// What becomes of one more.
    #[serde(default)]
    pub on_conflict: OnConflict,
}

/// What becomes of a run for which there is no place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnConflict {
    /// It waits for one.
    #[default]
    Queue,
    /// It is not started.
    Skip,
    /// The oldest one is cancelled for it.
    Cancel,
}
