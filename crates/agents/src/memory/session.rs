//! Scopes: the one that all share, and one for each session that has entries.

use rusqlite::{Connection, OptionalExtension};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::invalid;
use super::store::{COLUMNS, SHARED, Stored};
use crate::database::Fault;
use crate::origin::Caller;

/// Whose an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Scope {
    /// Everybody's.
    Shared,
    /// The session's of the client that the call is made for; it goes with it.
    Session,
}

impl Scope {
    /// What a scope in the store is for those who see it.
    pub(super) fn of(scope: i64) -> Self {
        if scope == SHARED { Self::Shared } else { Self::Session }
    }

    /// Its number, to write there.
    pub(super) fn enter(self, db: &Connection, caller: &Caller) -> Result<i64, Fault> {
        if self == Self::Shared {
            return Ok(SHARED);
        }
        let session = own(caller)?;
        db.prepare_cached("INSERT INTO scopes (session) VALUES (?1) ON CONFLICT DO NOTHING")?
            .execute([session])?;
        Ok(number(db, session)?.unwrap_or(SHARED))
    }
}

/// The numbers of what a caller sees, in the order in which it is looked at: all of it, or one scope.
pub(super) fn seen(db: &Connection, caller: &Caller, only: Option<Scope>) -> Result<Vec<i64>, Fault> {
    match only {
        Some(Scope::Shared) => Ok(vec![SHARED]),
        Some(Scope::Session) => Ok(number(db, own(caller)?)?.into_iter().collect()),
        None => {
            let session = if caller.session.is_empty() { None } else { number(db, &caller.session)? };
            Ok(session.into_iter().chain([SHARED]).collect())
        }
    }
}

/// Forgets all that belongs to a session; answers how many entries that were.
pub(super) fn end(db: &Connection, session: &str) -> Result<usize, Fault> {
    let Some(scope) = number(db, session)? else { return Ok(0) };
    let mut theirs = db.prepare_cached(&format!("SELECT {COLUMNS} FROM entries WHERE scope = ?1"))?;
    let theirs: Vec<Stored> = theirs.query_map([scope], Stored::read)?.collect::<Result<_, _>>()?;
    theirs.iter().try_for_each(|entry| entry.take_out(db))?;
    db.execute("DELETE FROM past WHERE scope = ?1", [scope])?;
    db.execute("DELETE FROM scopes WHERE id = ?1", [scope])?;
    Ok(theirs.len())
}

fn own(caller: &Caller) -> Result<&str, Fault> {
    if caller.session.is_empty() {
        let hint = "leave `scope` out, or open a session first";
        return Err(invalid("the call belongs to no session, and asks for the entries of one", hint).into());
    }
    Ok(&caller.session)
}

fn number(db: &Connection, session: &str) -> Result<Option<i64>, Fault> {
    let mut asked = db.prepare_cached("SELECT id FROM scopes WHERE session = ?1")?;
    Ok(asked.query_row([session], |row| row.get(0)).optional()?)
}
