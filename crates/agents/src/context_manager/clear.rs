//! `clear`: every version of a type or a tag, or all of them.

use std::sync::Arc;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::Deserialize;

use super::Shelf;
use super::chosen::Chosen;
use super::delete::{Deleted, answerable, throw};
use super::name::Type;
use super::record::now;
use crate::scope::Scope;

/// Most versions that one call deletes: what it answers must be small enough to undo it by.
const MOST: u32 = 10_000;

/// What to delete.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Clear {
    /// Only versions of this type.
    #[serde(default, rename = "type")]
    kind: Option<Type>,
    /// Only versions with this tag.
    #[serde(default)]
    tag: Option<String>,
    /// Must be true: without a type and a tag everything in the scope is deleted.
    #[serde(default)]
    confirm: bool,
    /// Whose contexts.
    #[serde(default)]
    scope: Scope,
}

/// Deletes.
pub(super) async fn clear(shelf: Arc<Shelf>, call: Call, args: Clear) -> Result<Deleted, Failure> {
    if !args.confirm {
        return Err(Failure::rejected("not_confirmed", "nothing is deleted without `confirm = true`"));
    }
    let (session, scope) = (args.scope.owner(call.session())?, args.scope);
    let chosen = Chosen { glob: None, kind: args.kind, tag: args.tag, versions: true };
    let write = shelf.contexts.write(move |db| {
        let count = chosen.count(db, &session)?;
        if count > MOST {
            let message = format!("{count} versions are more than {MOST}, which one call deletes at most");
            return Err(Failure::rejected("too_many", message)
                .hint("clear one type or tag after the other")
                .into());
        }
        let found = chosen.versions(db, &session, MOST, 0)?;
        let deleted = throw(db, &session, found, now())?;
        answerable(Deleted { deleted, scope }, "clear one type or tag after the other")
    });
    write.await
}
