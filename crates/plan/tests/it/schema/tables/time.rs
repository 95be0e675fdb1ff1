//! Durations, as text or as a whole number of seconds.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// `1h30m`, `250ms`, `PT10M`, `90`.
const FORMS: &str = r"^\s*([0-9]+|[0-9]+d([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?|[0-9]+h([0-9]+m)?([0-9]+s)?([0-9]+ms)?|[0-9]+m([0-9]+s)?([0-9]+ms)?|[0-9]+s([0-9]+ms)?|[0-9]+ms|P[0-9]+W|P[0-9]+D|P([0-9]+D)?T([0-9]+H)?([0-9]+M)?([0-9]+([.,][0-9]+)?S)?)\s*$";

/// Seconds of the longest duration that is read.
const LONGEST: u64 = op_plan::duration::LONGEST.as_secs();

/// Any time, zero included.
pub(super) struct Duration;

/// A time in which something has to be done.
pub(super) struct Limit;

/// A time for which something is kept, or whether it is kept for the usual time.
pub(super) struct Keeping;

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        duration(0)
    }
}

impl JsonSchema for Limit {
    fn schema_name() -> Cow<'static, str> {
        "Limit".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        duration(1)
    }
}

impl JsonSchema for Keeping {
    fn schema_name() -> Cow<'static, str> {
        "Keeping".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A duration such as \"1h\", or `true` for an hour.",
            "anyOf": [
                { "type": "boolean" },
                { "type": "integer", "minimum": 1, "maximum": LONGEST },
                { "type": "string", "pattern": FORMS },
            ],
        })
    }
}

fn duration(least: u64) -> Schema {
    json_schema!({
        "description": "A duration: \"30s\", \"10m\", \"1h30m\", \"250ms\", \"PT10M\", or a whole number of seconds.",
        "anyOf": [
            { "type": "integer", "minimum": least, "maximum": LONGEST },
            { "type": "string", "pattern": FORMS },
        ],
    })
}
