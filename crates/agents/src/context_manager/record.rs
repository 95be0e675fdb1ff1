//! A version of a context as it is told outside: in listings without its content, in exports with it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::content::Form;
use super::name::Type;

/// A version of a context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Version {
    /// The name of the context.
    pub(super) name: String,
    /// Its number, counted from 1; numbers never come back.
    #[serde(rename = "version")]
    pub(super) number: u32,
    /// What the context is about.
    #[serde(rename = "type")]
    pub(super) kind: Type,
    /// Its tags, in order.
    pub(super) tags: Vec<String>,
    /// Whether the content is a text or JSON.
    pub(super) form: Form,
    /// The length of the content.
    pub(super) bytes: u32,
    /// The SHA-256 of the content in hexadecimal digits.
    pub(super) sha256: String,
    /// When it was saved, in RFC 3339.
    pub(super) saved: String,
}

impl Version {
    /// The version in words: `` `a` version 2 ``.
    pub(super) fn words(&self) -> String {
        format!("`{}` version {}", self.name, self.number)
    }
}

/// A version of a context with its content, as exports have it and imports take it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    /// The name of the context.
    pub(super) name: String,
    /// The number of the version.
    pub(super) version: u32,
    /// What the context is about.
    #[serde(default, rename = "type")]
    pub(super) kind: Type,
    /// Its tags.
    #[serde(default)]
    pub(super) tags: Vec<String>,
    /// When it was saved, in RFC 3339; now if not said.
    #[serde(default)]
    pub(super) saved: Option<String>,
    /// The SHA-256 of the content in hexadecimal digits; an import checks it.
    #[serde(default)]
    pub(super) sha256: Option<String>,
    /// The content: a text, or any other JSON.
    pub(super) content: Value,
}

impl Record {
    /// A version with its content.
    pub(super) fn new(version: Version, content: Value) -> Self {
        let Version { name, number: version, kind, tags, sha256, saved, .. } = version;
        Self { name, version, kind, tags, saved: Some(saved), sha256: Some(sha256), content }
    }
}

/// A point in time as it is told; `millis` counts from 1970.
pub(super) fn told(millis: i64) -> String {
    jiff::Timestamp::from_millisecond(millis).unwrap_or_default().to_string()
}

/// The milliseconds from 1970 to a point in time as it is told.
pub(super) fn heard(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

/// The milliseconds from 1970 to now.
pub(super) fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_in_time_is_heard_as_it_was_told() {
        assert_eq!(told(1_500), "1970-01-01T00:00:01.5Z");
        assert_eq!(heard(&told(1_764_172_800_123)), Some(1_764_172_800_123));
        assert_eq!(heard("yesterday"), None);
    }
}
