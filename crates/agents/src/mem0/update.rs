//! `update`: what a fact says from now on.

use op_agent::Failure;
use rusqlite::Connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::fact::{Fact, Span, checked, duplicate, missing};
use super::invalid;
use super::store::{End, Version, known};
use crate::database::{Database, Fault};
use crate::origin::Caller;

/// What to change.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Update {
    /// The fact.
    memory_id: i64,
    /// What it says from now on; unchanged when left out.
    text: Option<String>,
    /// What is kept with it from now on; unchanged when left out.
    metadata: Option<Map<String, Value>>,
    /// Whether it may say what another fact about the same says already, instead of being rejected as `duplicate`.
    #[serde(default)]
    allow_similar: bool,
}

/// What became of it.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Updated {
    /// Whether it had to be changed; if not, it says that already.
    pub(super) changed: bool,
    /// The fact as it is now. What it said before is told by `get_all` with `history`.
    pub(super) fact: Fact,
}

pub(super) async fn update(database: Database, caller: Caller, args: Update) -> Result<Updated, Failure> {
    if args.text.is_none() && args.metadata.is_none() {
        return Err(invalid("there is nothing to change", "give `text`, `metadata`, or both"));
    }
    database.write(move |db| change(db, &caller, &args)).await
}

fn change(db: &Connection, caller: &Caller, args: &Update) -> Result<Updated, Fault> {
    let old = Version::current(db, args.memory_id)?.ok_or_else(|| missing(args.memory_id))?;
    let text = args.text.as_ref().unwrap_or(&old.text);
    let kept = || serde_json::from_str::<Map<String, Value>>(&old.metadata);
    let metadata = checked(text, &args.metadata.clone().map_or_else(kept, Ok)?)?;
    if *text == old.text && metadata == old.metadata {
        return Ok(Updated { changed: false, fact: Fact::of(db, &old, Span::NONE)? });
    }
    if !args.allow_similar
        && let Some(found) = known(db, &old.owner, text, Some(old.fact), caller)?
    {
        return Err(duplicate(text, &found).into());
    }
    old.end(db, End::Updated, caller.now)?;
    let (call, session) = (caller.key.clone(), caller.session.clone());
    Version { text: text.clone(), metadata, since: caller.now, call, session, ..old.clone() }.begin(db)?;
    let now = Version::current(db, old.fact)?.ok_or_else(|| missing(old.fact))?;
    Ok(Updated { changed: true, fact: Fact::of(db, &now, Span::NONE)? })
}
