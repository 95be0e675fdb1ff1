//! Between the engine's words and the wire's.

use std::time::Duration;

use op_proto::v1 as wire;
use op_run::Timestamp;
use serde_json::{Map, Value};
use tonic::Status;

use crate::failure::bad_field;

pub(crate) mod agent;
pub(crate) mod control;
pub(crate) mod event;
pub(crate) mod plan;
pub(crate) mod run;
pub(crate) mod skill;

pub(crate) fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    let millis = at.as_millis();
    prost_types::Timestamp {
        seconds: i64::try_from(millis / 1000).unwrap_or(i64::MAX),
        nanos: i32::try_from(millis % 1000).unwrap_or(0) * 1_000_000,
    }
}

pub(crate) fn instant(field: &str, at: prost_types::Timestamp) -> Result<Timestamp, Status> {
    let seconds = u64::try_from(at.seconds).map_err(|_| bad_field(field, "must not lie before 1970"))?;
    let millis = u64::try_from(at.nanos / 1_000_000).unwrap_or(0);
    Ok(Timestamp::from_millis(seconds.saturating_mul(1000).saturating_add(millis)))
}

pub(crate) fn duration(of: Duration) -> prost_types::Duration {
    prost_types::Duration::try_from(of).unwrap_or(prost_types::Duration { seconds: i64::MAX, nanos: 0 })
}

pub(crate) fn limit(field: &str, of: Option<prost_types::Duration>) -> Result<Option<Duration>, Status> {
    let Some(limit) = of else { return Ok(None) };
    match Duration::try_from(limit) {
        Ok(limit) if !limit.is_zero() => Ok(Some(limit)),
        _ => Err(bad_field(field, "must be longer than nothing")),
    }
}

/// A JSON object; empty text stands for an empty one.
pub(crate) fn object(field: &str, text: &str) -> Result<Map<String, Value>, Status> {
    if text.is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_str(text).map_err(|error| bad_field(field, format!("must be a JSON object: {error}")))
}

pub(crate) fn payload(value: &Value) -> wire::Payload {
    wire::Payload { kind: Some(wire::payload::Kind::Json(value.to_string())) }
}
