//! What was forgotten or replaced, kept for a while under the key of the call that did it.

use rusqlite::{Connection, params};

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
        "INSERT INTO past (receipt, at, scope, key, value, tags, bytes, made, changed, expires, call, session, accesses)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
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
        entry.accesses
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

/// What the call of this key took out or replaced, as it was.
pub(super) fn of(db: &Connection, receipt: &str) -> Result<Vec<Stored>, Fault> {
    let mut asked = db.prepare_cached(
        "SELECT id, scope, key, value, tags, made, changed, expires, call, session, accesses
         FROM past WHERE receipt = ?1 ORDER BY id",
    )?;
    Ok(asked.query_map([receipt], Stored::read)?.collect::<Result<_, _>>()?)
}

/// The same, of one key.
pub(super) fn find(db: &Connection, receipt: &str, scope: i64, key: &str) -> Result<Option<Stored>, Fault> {
    let mut asked = db.prepare_cached(
        "SELECT id, scope, key, value, tags, made, changed, expires, call, session, accesses
         FROM past WHERE receipt = ?1 AND scope = ?2 AND key = ?3",
    )?;
    let mut rows = asked.query_map(params![receipt, scope, key], Stored::read)?;
    Ok(rows.next().transpose()?)
}

/// Drops one that is back.
pub(super) fn drop(db: &Connection, id: i64) -> Result<(), Fault> {
    db.prepare_cached("DELETE FROM past WHERE id = ?1")?.execute([id])?;
    Ok(())
}
