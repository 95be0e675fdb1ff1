//! `list`: which contexts there are.

use std::sync::Arc;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Shelf;
use super::chosen::Chosen;
use super::name::Type;
use super::record::Version;
use crate::scope::Scope;

/// Contexts of one answer, if not said otherwise.
const USUAL: u32 = 100;

/// Most contexts of one answer.
const MOST: u32 = 1000;

/// Which contexts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct List {
    /// A pattern of names: `*` is any text, `/` included, `?` any letter, `[ab]` one of these letters.
    #[serde(default)]
    glob: Option<String>,
    /// Only contexts of this type.
    #[serde(default, rename = "type")]
    kind: Option<Type>,
    /// Only contexts with this tag.
    #[serde(default)]
    tag: Option<String>,
    /// Whether to list every version, and not only the newest one of each name.
    #[serde(default)]
    versions: bool,
    /// How many at most: 100 if not said, 1000 at most.
    #[serde(default = "usual")]
    limit: u32,
    /// How many to leave out from the beginning.
    #[serde(default)]
    offset: u32,
    /// Whose contexts.
    #[serde(default)]
    scope: Scope,
}

fn usual() -> u32 {
    USUAL
}

/// Contexts, by name and number.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Listed {
    /// The contexts without their contents.
    contexts: Vec<Version>,
    /// How many there are beside the limit.
    total: u32,
}

/// Lists contexts.
pub(super) async fn list(shelf: Arc<Shelf>, call: Call, args: List) -> Result<Listed, Failure> {
    let session = args.scope.owner(call.session())?;
    if !(1..=MOST).contains(&args.limit) {
        let message = format!("`limit` is from 1 to {MOST}, and {} is not", args.limit);
        return Err(Failure::rejected("invalid_limit", message));
    }
    let List { glob, kind, tag, versions, limit, offset, .. } = args;
    let chosen = Chosen { glob, kind, tag, versions };
    chosen.check()?;
    let read = shelf.contexts.database.read(move |db| {
        Ok(Listed {
            contexts: chosen.versions(db, &session, limit, offset)?,
            total: chosen.count(db, &session)?,
        })
    });
    read.await
}
