//! What machines read. Keys are those of the protos; times are RFC 3339, durations are `seconds`, states are words, values
//! are JSON and not text with JSON in it.

mod agent;
mod plan;
mod run;
mod skill;

use std::time::Duration;

use serde_json::Value;

pub(crate) use agent::{agent, batch, batched, operation, outcome, session};
pub(crate) use plan::{cast, plan, preview, schedule, suggestion};
pub(crate) use run::{audit, chunks, run, seen, summary};
pub(crate) use skill::{skill, skill_summary};

use crate::render::time;

/// A time, or null.
fn at(wire: Option<&prost_types::Timestamp>) -> Value {
    time::of(wire).map_or(Value::Null, |at| Value::from(at.to_string()))
}

/// Seconds, or null.
fn seconds(duration: Option<Duration>) -> Value {
    duration.map_or(Value::Null, |duration| Value::from(duration.as_secs_f64()))
}

/// Text, or null when it is empty.
fn text(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { Value::from(text) }
}

/// JSON in a text; null when it is empty, the text itself when it is no JSON.
fn nested(json: &str) -> Value {
    if json.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(json).unwrap_or_else(|_| Value::from(json))
    }
}
