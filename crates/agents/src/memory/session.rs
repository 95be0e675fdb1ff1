//! Scopes: the one that all share, and one for each session that has entries.

use op_agent::Failure;
use rusqlite::{Connection, OptionalExtension};

use super::store::{BARE, SHARED, Stored};
use crate::database::Fault;
use crate::origin::Caller;
use crate::scope::Scope;

/// Entries of a session that is over that are held in memory at the same time.
const AT_ONCE: usize = 1000;

/// What a scope in the store is for those who see it.
pub(super) fn whose(number: i64) -> Scope {
    if number == SHARED { Scope::Shared } else { Scope::Session }
}

/// The number of a scope, to write there.
pub(super) fn enter(db: &Connection, scope: Scope, caller: &Caller) -> Result<i64, Fault> {
    if scope == Scope::Shared {
        return Ok(SHARED);
    }
    let session = own(caller)?;
    db.prepare_cached("INSERT INTO scopes (session) VALUES (?1) ON CONFLICT DO NOTHING")?
        .execute([&session])?;
    Ok(number(db, &session)?.unwrap_or(SHARED))
}

/// The numbers of what a caller sees, in the order in which it is looked at: all of it, or one scope.
pub(super) fn seen(db: &Connection, caller: &Caller, only: Option<Scope>) -> Result<Vec<i64>, Fault> {
    match only {
        Some(Scope::Shared) => Ok(vec![SHARED]),
        Some(Scope::Session) => Ok(number(db, &own(caller)?)?.into_iter().collect()),
        None => {
            let session = if caller.session.is_empty() { None } else { number(db, &caller.session)? };
            Ok(session.into_iter().chain([SHARED]).collect())
        }
    }
}

/// Forgets all that belongs to a session; answers how many entries that were.
pub(super) fn end(db: &Connection, session: &str) -> Result<usize, Fault> {
    let Some(scope) = number(db, session)? else { return Ok(0) };
    let mut gone = 0;
    loop {
        let some = some_of(db, scope)?;
        if some.is_empty() {
            break;
        }
        some.iter().try_for_each(|entry| entry.take_out(db))?;
        gone += some.len();
    }
    db.execute("DELETE FROM past WHERE scope = ?1", [scope])?;
    db.execute("DELETE FROM scopes WHERE id = ?1", [scope])?;
    Ok(gone)
}

/// Some of the entries of a scope, without their values.
fn some_of(db: &Connection, scope: i64) -> Result<Vec<Stored>, Fault> {
    let mut asked =
        db.prepare_cached(&format!("SELECT {BARE} FROM entries WHERE scope = ?1 LIMIT {AT_ONCE}"))?;
    Ok(asked.query_map([scope], Stored::read)?.collect::<Result<_, _>>()?)
}

fn own(caller: &Caller) -> Result<String, Failure> {
    Scope::Session.owner(&caller.session)
}

/// The number of a session's scope; none when it has no entries.
pub(super) fn number(db: &Connection, session: &str) -> Result<Option<i64>, Fault> {
    let mut asked = db.prepare_cached("SELECT id FROM scopes WHERE session = ?1")?;
    Ok(asked.query_row([session], |row| row.get(0)).optional()?)
}
