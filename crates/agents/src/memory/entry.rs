//! An entry as callers see it.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::session::whose;
use super::store::Stored;
use crate::database::Fault;
use crate::origin::{Provenance, time};
use crate::scope::Scope;

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

impl Entry {
    /// As it is stored, recalled `more` times since that was written; a value of more than `longest` bytes is left out.
    pub(super) fn of(stored: &Stored, more: i64, longest: usize) -> Result<Self, Fault> {
        let left_out = stored.value.len() > longest;
        Ok(Self {
            key: stored.key.clone(),
            value: if left_out { Value::Null } else { serde_json::from_str(&stored.value)? },
            left_out,
            scope: whose(stored.scope),
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
