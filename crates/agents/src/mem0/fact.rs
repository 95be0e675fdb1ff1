//! A fact as callers see it.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::invalid;
use super::owner::Owner;
use super::store::{Version, superseded};
use crate::database::Fault;
use crate::origin::{Provenance, time};
use op_agent::Failure;
use rusqlite::Connection;

/// Bytes of JSON from which on what a fact said before is told on the next page, so that it can be sent.
const HISTORY: usize = 1 << 20;

/// Most bytes of a text, and of metadata as JSON.
const LONGEST: usize = 16 * 1024;

/// What is known.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Fact {
    /// Its id, over all of its versions.
    pub(super) memory_id: i64,
    /// What it says; of one that is over, what it said last.
    pub(super) memory: String,
    /// What was given along with it.
    pub(super) metadata: Map<String, Value>,
    /// Whom it is about.
    #[serde(flatten)]
    pub(super) owner: Owner,
    /// When it was added, in RFC 3339.
    pub(super) created_at: String,
    /// When it came to say this, in RFC 3339.
    pub(super) updated_at: String,
    /// Who said this.
    pub(super) written_by: Provenance,
    /// How it ended: `superseded` or `deleted`; null while it holds.
    pub(super) ended: Option<String>,
    /// The fact that replaced it.
    pub(super) superseded_by: Option<i64>,
    /// The fact that it replaced.
    pub(super) supersedes: Option<i64>,
    /// How often it said something else before.
    pub(super) earlier: usize,
    /// What it said before, the oldest first; empty where the history was not asked for. When it is shorter than `earlier`, `get_all`
    /// with the `memory_id`, `history` and an `offset` tells the rest.
    pub(super) history: Vec<Past>,
}

/// Which part of what a fact said before is wanted.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span {
    /// How many versions to pass over.
    pub(super) offset: usize,
    /// How many at most.
    pub(super) limit: usize,
}

impl Span {
    /// Nothing of it.
    pub(super) const NONE: Self = Self { offset: 0, limit: 0 };
}

/// What a fact said for a while.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Past {
    /// What it said.
    pub(super) memory: String,
    /// What was given along with it.
    pub(super) metadata: Map<String, Value>,
    /// From when on, in RFC 3339.
    pub(super) since: String,
    /// Until when, in RFC 3339.
    pub(super) until: Option<String>,
    /// Who said it.
    pub(super) written_by: Provenance,
}

impl Fact {
    /// The fact of its last version, with what is wanted of what it said before.
    pub(super) fn of(db: &Connection, version: &Version, wanted: Span) -> Result<Self, Fault> {
        Ok(Self {
            memory_id: version.fact,
            memory: version.text.clone(),
            metadata: serde_json::from_str(&version.metadata)?,
            owner: version.owner.clone(),
            created_at: time(version.made),
            updated_at: time(version.since),
            written_by: Provenance::of(&version.call, &version.session),
            ended: version.ended.clone(),
            superseded_by: version.superseded_by,
            supersedes: superseded(db, version.fact)?,
            earlier: version.earlier(db)?,
            history: history(db, version, wanted)?,
        })
    }
}

/// What was said before a version, as far as it can be sent.
fn history(db: &Connection, last: &Version, wanted: Span) -> Result<Vec<Past>, Fault> {
    let (mut told, mut bytes) = (Vec::new(), 0);
    if wanted.limit == 0 {
        return Ok(told);
    }
    last.before(db, wanted.offset, |version| {
        let past = Past::of(version)?;
        bytes += serde_json::to_vec(&past)?.len();
        if bytes > HISTORY && !told.is_empty() {
            return Ok(false);
        }
        told.push(past);
        Ok(told.len() < wanted.limit)
    })?;
    Ok(told)
}

impl Past {
    fn of(version: &Version) -> Result<Self, Fault> {
        Ok(Self {
            memory: version.text.clone(),
            metadata: serde_json::from_str(&version.metadata)?,
            since: time(version.since),
            until: version.until.map(time),
            written_by: Provenance::of(&version.call, &version.session),
        })
    }
}

/// Whether a text and metadata can be kept; answers the metadata as JSON.
pub(super) fn checked(text: &str, metadata: &Map<String, Value>) -> Result<String, Failure> {
    if crate::lexicon::words(text).next().is_none() {
        return Err(invalid("there is no word in the text", "say the fact in words"));
    }
    let metadata = Value::Object(metadata.clone()).to_string();
    for (name, length) in [("text", text.len()), ("metadata", metadata.len())] {
        if length > LONGEST {
            let hint = format!("keep at most {LONGEST}, and the rest elsewhere");
            return Err(
                Failure::rejected("value_too_large", format!("the {name} has {length} bytes")).hint(hint)
            );
        }
    }
    Ok(metadata)
}

/// The failure for what another fact says already.
pub(super) fn duplicate(text: &str, (known, share): &(Version, f64)) -> Failure {
    let start: String = text.chars().take(80).collect();
    let message = format!("`{start}` is known already: fact {} says `{}`", known.fact, known.text);
    let detail = serde_json::json!({
        "memory_id": known.fact, "memory": known.text, "share": share,
        "written_by": Provenance::of(&known.call, &known.session),
    });
    Failure::rejected("duplicate", message)
        .hint("update that fact, name it in `supersedes`, or set `allow_similar` to true to have both")
        .detail(detail)
}

/// The failure for a fact that is not there, or no more.
pub(super) fn missing(id: i64) -> Failure {
    Failure::rejected("not_found", format!("there is no fact {id} that holds"))
        .hint("ask `get_all` for the facts, with `history` for those that are over")
}
