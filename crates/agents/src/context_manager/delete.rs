//! `delete`, and `restore`, which undoes it.
//!
//! What was deleted can be brought back for seven days; the numbers of versions never mean something else, so that nothing that
//! somebody saved since is touched.

use std::sync::Arc;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Shelf;
use super::chosen::Chosen;
use super::record::{Version, now};
use super::store::{find, newest, purge, trash, untrash};
use crate::database::Fault;
use crate::scope::Scope;
use crate::undo::Undo;

/// Bytes of the largest answer. The undo of a call takes all of it again, beside the arguments.
const ANSWER: usize = 3 << 20;

/// What to delete.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Delete {
    /// The name of the context.
    name: String,
    /// The number of the version; all of them if not said.
    #[serde(default)]
    version: Option<u32>,
    /// Whose context it is.
    #[serde(default)]
    scope: Scope,
}

/// What was deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Deleted {
    /// The versions, by name and number; none when there were none.
    pub(super) deleted: Vec<One>,
    /// Whose they were.
    pub(super) scope: Scope,
}

/// A version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct One {
    /// The name of the context.
    pub(super) name: String,
    /// The number of the version.
    pub(super) version: u32,
}

impl From<Version> for One {
    fn from(version: Version) -> Self {
        Self { name: version.name, version: version.number }
    }
}

/// What was brought back.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Restored {
    /// The versions, by name and number.
    restored: Vec<One>,
}

/// Deletes.
pub(super) async fn delete(shelf: Arc<Shelf>, call: Call, args: Delete) -> Result<Deleted, Failure> {
    let (session, scope) = (args.scope.owner(call.session())?, args.scope);
    let write = shelf.contexts.write(move |db| {
        let found = meant(db, &session, &args.name, args.version)?;
        let deleted = throw(db, &session, found, now())?;
        answerable(Deleted { deleted, scope }, "delete one version after the other")
    });
    write.await
}

/// What was done, when it can be answered; else nothing is done, since nobody could undo it.
pub(super) fn answerable<T: Serialize>(answer: T, hint: &str) -> Result<T, Fault> {
    let bytes = serde_json::to_vec(&answer)?.len();
    if bytes <= ANSWER {
        return Ok(answer);
    }
    let message = format!("the answer would have {bytes} bytes, and one call answers at most {ANSWER}");
    Err(Failure::rejected("too_many", message).hint(hint).into())
}

/// The versions of a name; what is not there is none, since it is as it should be.
pub(super) fn meant(
    db: &rusqlite::Transaction<'_>,
    session: &str,
    name: &str,
    number: Option<u32>,
) -> Result<Vec<Version>, Fault> {
    if newest(db, session, name)?.is_none() {
        return Ok(Vec::new());
    }
    if number.is_some() {
        return match find(db, session, name, number) {
            Ok(one) => Ok(vec![one]),
            Err(Fault::Refused(_)) => Ok(Vec::new()),
            Err(fault) => Err(fault),
        };
    }
    // The letters of a pattern stand for themselves in brackets.
    let literal = name
        .chars()
        .map(|letter| if "*?[".contains(letter) { format!("[{letter}]") } else { letter.to_string() });
    let chosen = Chosen { glob: Some(literal.collect()), versions: true, ..Chosen::default() };
    chosen.versions(db, session, u32::MAX, 0)
}

/// Puts versions into the trash, and empties it of what is old.
pub(super) fn throw(
    db: &rusqlite::Transaction<'_>,
    session: &str,
    versions: Vec<Version>,
    now: i64,
) -> Result<Vec<One>, Fault> {
    purge(db, now)?;
    for one in &versions {
        trash(db, session, &one.name, one.number, now)?;
    }
    Ok(versions.into_iter().map(One::from).collect())
}

/// Brings back what `delete` or `clear` deleted.
pub(super) async fn restore(
    shelf: Arc<Shelf>,
    call: Call,
    args: Undo<Value, Deleted>,
) -> Result<Restored, Failure> {
    let Deleted { deleted, scope } = args.output;
    let session = scope.owner(call.session())?;
    let write = shelf.contexts.write(move |db| {
        for one in &deleted {
            if !untrash(db, &session, &one.name, one.version)? {
                let message =
                    format!("`{}` version {} was deleted too long ago and is gone", one.name, one.version);
                return Err(Failure::failed("gone", message).into());
            }
        }
        Ok(Restored { restored: deleted })
    });
    write.await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::store::fixture::{contexts, new};
    use super::super::store::keep;
    use super::*;

    #[test]
    fn all_versions_of_just_this_name_are_meant() {
        let (_home, contexts) = contexts();
        contexts
            .now(|db| {
                for (name, content) in [("a*[b]", 1), ("a*[b]", 2), ("axb", 1), ("axxb", 1)] {
                    keep(db, "", new(name, json!(content)))?;
                }
                Ok(())
            })
            .unwrap();
        let meant = |number| contexts.now(|db| meant(db, "", "a*[b]", number)).unwrap();
        let numbers = |found: Vec<Version>| {
            found.into_iter().map(|found| (found.name, found.number)).collect::<Vec<_>>()
        };
        assert_eq!(numbers(meant(None)), [("a*[b]".to_owned(), 1), ("a*[b]".to_owned(), 2)]);
        assert_eq!(numbers(meant(Some(2))), [("a*[b]".to_owned(), 2)]);
        assert_eq!(numbers(meant(Some(3))), []);
    }
}
