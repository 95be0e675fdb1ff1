//! An entry as callers see it.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::session::Scope;
use super::store::Stored;
use crate::database::Fault;

/// What is remembered under a key, and where it comes from.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Entry {
    /// Its key.
    pub(super) key: String,
    /// Its value; null also where `left_out` says so.
    pub(super) value: Value,
    /// Whether the value is left out because it is long; recall the key to have it.
    pub(super) left_out: bool,
    /// Whose it is.
    pub(super) scope: Scope,
    /// Its tags, sorted.
    pub(super) tags: Vec<String>,
    /// Bytes of key, value and tags.
    pub(super) bytes: i64,
    /// When the key was first remembered, in RFC 3339.
    pub(super) created: String,
    /// When it was last written, in RFC 3339.
    pub(super) changed: String,
    /// When it ceases to be, in RFC 3339; null for never.
    pub(super) expires: Option<String>,
    /// How often it was recalled, this time counted too.
    pub(super) access_count: i64,
    /// Who wrote it.
    pub(super) written_by: Provenance,
}

/// The call that wrote an entry.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Provenance {
    /// The run that the call was made for.
    pub(super) run: String,
    /// The step of the run.
    pub(super) step: String,
    /// The key of the call: `run/step/visit/attempt`.
    pub(super) call: String,
    /// The session of the client; empty when there was none.
    pub(super) session: String,
}

impl Entry {
    /// As it is stored, recalled `more` times since that was written; a value of more than `longest` bytes is left out.
    pub(super) fn of(stored: &Stored, more: i64, longest: usize) -> Result<Self, Fault> {
        let left_out = stored.value.len() > longest;
        Ok(Self {
            key: stored.key.clone(),
            value: if left_out { Value::Null } else { serde_json::from_str(&stored.value)? },
            left_out,
            scope: Scope::of(stored.scope),
            tags: stored.tags()?,
            bytes: stored.bytes(),
            created: time(stored.made),
            changed: time(stored.changed),
            expires: stored.expires.map(time),
            access_count: stored.accesses + more,
            written_by: Provenance::of(&stored.call, &stored.session),
        })
    }
}

impl Provenance {
    /// Reads the parts of a call's key. A step's name may have slashes of its own.
    pub(super) fn of(call: &str, session: &str) -> Self {
        let (run, rest) = call.split_once('/').unwrap_or((call, ""));
        let step = rest.rsplitn(3, '/').nth(2).unwrap_or(rest);
        Self {
            run: run.to_owned(),
            step: step.to_owned(),
            call: call.to_owned(),
            session: session.to_owned(),
        }
    }
}

/// Milliseconds since 1970 as RFC 3339.
pub(super) fn time(millis: i64) -> String {
    jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_run_and_the_step_are_read_off_the_key_of_a_call() {
        let parts = |call| {
            let read = Provenance::of(call, "");
            (read.run, read.step)
        };
        assert_eq!(parts("run-1/a/b/2/1"), ("run-1".to_owned(), "a/b".to_owned()));
        assert_eq!(parts("run-1/save[3]/1/1"), ("run-1".to_owned(), "save[3]".to_owned()));
        assert_eq!(parts("odd"), ("odd".to_owned(), String::new()));
    }

    #[test]
    fn times_are_told_in_rfc_3339() {
        assert_eq!(time(1_500), "1970-01-01T00:00:01.5Z");
    }
}
