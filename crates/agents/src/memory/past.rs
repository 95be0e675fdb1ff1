//! What was forgotten or replaced, kept for a while under the key of the call that did it.

use rusqlite::{Connection, OptionalExtension, params};

use super::store::Stored;
use crate::database::Fault;
use crate::origin::Caller;

/// Milliseconds that it is kept: a week.
const KEPT: i64 = 7 * 24 * 60 * 60 * 1000;

/// Most entries that are kept; the oldest go first.
const MOST: i64 = 20_000;

/// Most bytes that are kept; the oldest go first.
const BYTES: i64 = 256 << 20;

/// Keeps an entry that the caller is about to take out or to replace.
pub(super) fn keep(db: &Connection, caller: &Caller, entry: &Stored) -> Result<(), Fault> {
    db.prepare_cached(
        "INSERT INTO past (receipt, at, scope, key, value, tags, bytes, made, changed, expires, call, session, accesses, entry)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    )?
    .execute(params![
        caller.key,
        caller.now,
        entry.scope,
        entry.key,
        entry.value,
        entry.tags,
        entry.bytes(),
        entry.made,
        entry.changed,
        entry.expires,
        entry.call,
        entry.session,
        entry.accesses,
        entry.id
    ])?;
    Ok(())
}

/// Drops what is too old or too much, never what the caller did itself.
pub(super) fn prune(db: &Connection, caller: &Caller) -> Result<(), Fault> {
    db.prepare_cached("DELETE FROM past WHERE id <= (SELECT max(id) FROM past) - ?1 AND receipt <> ?2")?
        .execute(params![MOST, caller.key])?;
    let mut oldest = db.prepare_cached(
        "DELETE FROM past WHERE id = (SELECT min(id) FROM past) AND receipt <> ?1
         AND (at < ?2 OR (SELECT past FROM totals) > ?3)",
    )?;
    while oldest.execute(params![caller.key, caller.now - KEPT, BYTES])? > 0 {}
    Ok(())
}

/// The scopes and keys of what the call of this key took out or replaced, in its order.
pub(super) fn names(db: &Connection, receipt: &str) -> Result<Vec<(i64, String)>, Fault> {
    let mut asked = db.prepare_cached("SELECT scope, key FROM past WHERE receipt = ?1 ORDER BY id")?;
    let names = asked.query_map([receipt], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(names.collect::<Result<_, _>>()?)
}

/// An entry that the call of this key took out or replaced, as it was.
pub(super) fn find(db: &Connection, receipt: &str, scope: i64, key: &str) -> Result<Option<Stored>, Fault> {
    let mut asked = db.prepare_cached(
        "SELECT entry, scope, key, value, tags, made, changed, expires, call, session, accesses
         FROM past WHERE receipt = ?1 AND scope = ?2 AND key = ?3",
    )?;
    Ok(asked.query_row(params![receipt, scope, key], Stored::read).optional()?)
}

/// Puts an entry back as it was, under the id that it had: to the calls that wrote it, it is the one that they wrote.
pub(super) fn bring_back(db: &Connection, receipt: &str, entry: &Stored) -> Result<(), Fault> {
    entry.put_in(db)?;
    db.prepare_cached("DELETE FROM past WHERE receipt = ?1 AND scope = ?2 AND key = ?3")?
        .execute(params![receipt, entry.scope, entry.key])?;
    Ok(())
}
