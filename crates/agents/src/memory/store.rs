//! The entries on disk, and the counts of how often they were recalled.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use op_agent::Failure;
use rusqlite::{Connection, Row, Transaction, params};

use super::session;
use crate::database::{Database, Fault};
use crate::lexicon;

/// The file in the state directory.
const FILE: &str = "memory.db";

/// What brings the file to its newest version.
const MIGRATIONS: [&str; 1] = [concat!(include_str!("../lexicon/0001.sql"), include_str!("0001.sql"))];

/// Most entries whose count waits in memory.
const COUNTED: usize = 10_000;

/// Most entries that are swept with one change.
const SWEPT: usize = 256;

/// The scope that belongs to no session.
pub(super) const SHARED: i64 = 0;

/// How much a store may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Entries.
    pub(super) entries: i64,
    /// Bytes of keys, values and tags.
    pub(super) bytes: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { entries: 2_000_000, bytes: 4 << 30 }
    }
}

/// What is remembered.
#[derive(Debug)]
pub(crate) struct Store {
    database: Database,
    pub(super) limits: Limits,
    /// How often entries were recalled since that was last written, by id.
    counts: Arc<Mutex<HashMap<i64, i64>>>,
}

/// An entry as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stored {
    /// New with each change; 0 before it was ever put in.
    pub(super) id: i64,
    pub(super) scope: i64,
    pub(super) key: String,
    /// As JSON.
    pub(super) value: String,
    /// As a JSON list, sorted.
    pub(super) tags: String,
    pub(super) made: i64,
    pub(super) changed: i64,
    pub(super) expires: Option<i64>,
    /// The key of the call that wrote it.
    pub(super) call: String,
    /// The session of that call.
    pub(super) session: String,
    pub(super) accesses: i64,
}

impl Store {
    /// The store in a directory; without one, every operation fails as `not_configured`.
    pub(super) fn new(state: Option<&Path>) -> Self {
        let database = Database::new(state, FILE, &MIGRATIONS);
        Self { database, limits: Limits::default(), counts: Arc::default() }
    }

    pub(super) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Failure> {
        self.database.read(query).await
    }

    /// Changes something, after the counts are written and some of what is over was swept.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        now: i64,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Failure> {
        let counts = Arc::clone(&self.counts);
        self.database
            .write(move |db| {
                let taken = std::mem::take(&mut *locked(&counts));
                let done = note(db, &taken).and_then(|()| sweep(db, now)).and_then(|()| change(db));
                if done.is_err() {
                    add(&mut locked(&counts), taken);
                }
                done
            })
            .await
    }

    /// Sweeps when something is over, so that it is not in the way of what is looked for.
    pub(super) async fn tidy(&self, now: i64) -> Result<(), Failure> {
        if self.read(move |db| is_any_over(db, now)).await? {
            self.write(now, |_| Ok(())).await
        } else {
            Ok(())
        }
    }

    /// Counts that entries were recalled, and tells how often those were that count in memory.
    pub(super) async fn recalled(&self, ids: &[i64], now: i64) -> Result<Vec<i64>, Failure> {
        let (counts, many) = {
            let mut counts = locked(&self.counts);
            let each = ids.iter().map(|id| *counts.entry(*id).and_modify(|count| *count += 1).or_insert(1));
            (each.collect(), counts.len() > COUNTED)
        };
        if many {
            self.write(now, |_| Ok(())).await?;
        }
        Ok(counts)
    }

    /// How often an entry was recalled since that was last written.
    pub(super) fn counted(&self, id: i64) -> i64 {
        locked(&self.counts).get(&id).copied().unwrap_or(0)
    }

    /// The session is over: forgets what belongs to it, and answers how many entries that were. Blocks until that is on disk.
    pub(crate) fn end_session(&self, session: &str) -> Result<usize, Failure> {
        self.database.end_session(session, |db| session::end(db, session))
    }
}

impl Drop for Store {
    /// The counts are worth a moment at the end.
    fn drop(&mut self) {
        let counts = std::mem::take(&mut *locked(&self.counts));
        if self.database.is_open()
            && !counts.is_empty()
            && let Err(failure) = self.database.write_blocking(|db| note(db, &counts))
        {
            tracing::warn!(%failure, "how often entries were recalled was not written");
        }
    }
}

fn locked(counts: &Mutex<HashMap<i64, i64>>) -> std::sync::MutexGuard<'_, HashMap<i64, i64>> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

fn add(counts: &mut HashMap<i64, i64>, more: HashMap<i64, i64>) {
    more.into_iter().for_each(|(id, count)| *counts.entry(id).or_insert(0) += count);
}

fn note(db: &Connection, counts: &HashMap<i64, i64>) -> Result<(), Fault> {
    let mut count = db.prepare_cached("UPDATE entries SET accesses = accesses + ?2 WHERE id = ?1")?;
    counts.iter().try_for_each(|(id, times)| count.execute([id, times]).map(drop))?;
    Ok(())
}

pub(super) fn is_any_over(db: &Connection, now: i64) -> Result<bool, Fault> {
    let mut any = db.prepare_cached("SELECT EXISTS (SELECT 1 FROM entries WHERE expires <= ?1)")?;
    Ok(any.query_row([now], |row| row.get(0))?)
}

fn sweep(db: &Connection, now: i64) -> Result<(), Fault> {
    let mut over =
        db.prepare_cached(&format!("SELECT {BARE} FROM entries WHERE expires <= ?1 LIMIT {SWEPT}"))?;
    let over: Vec<Stored> = over.query_map([now], Stored::read)?.collect::<Result<_, _>>()?;
    over.iter().try_for_each(|entry| entry.take_out(db))
}

/// The same without the value, which is not even read: enough to name an entry and to take it out.
pub(super) const BARE: &str = "id, scope, key, 'null', tags, made, changed, expires, call, session, accesses";

/// What [`Stored::read`] reads.
pub(super) const COLUMNS: &str =
    "id, scope, key, value, tags, made, changed, expires, call, session, accesses";

impl Stored {
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            scope: row.get(1)?,
            key: row.get(2)?,
            value: row.get(3)?,
            tags: row.get(4)?,
            made: row.get(5)?,
            changed: row.get(6)?,
            expires: row.get(7)?,
            call: row.get(8)?,
            session: row.get(9)?,
            accesses: row.get(10)?,
        })
    }

    /// The entry of a key in a scope, over or not.
    pub(super) fn find(db: &Connection, scope: i64, key: &str) -> Result<Option<Self>, Fault> {
        let mut asked =
            db.prepare_cached(&format!("SELECT {COLUMNS} FROM entries WHERE scope = ?1 AND key = ?2"))?;
        let mut rows = asked.query_map(params![scope, key], Self::read)?;
        Ok(rows.next().transpose()?)
    }

    /// The entry of an id, over or not.
    pub(super) fn by_id(db: &Connection, id: i64) -> Result<Option<Self>, Fault> {
        let mut asked = db.prepare_cached(&format!("SELECT {COLUMNS} FROM entries WHERE id = ?1"))?;
        let mut rows = asked.query_map([id], Self::read)?;
        Ok(rows.next().transpose()?)
    }

    /// The entry of an id, unless it is over.
    pub(super) fn of(db: &Connection, id: i64, now: i64) -> Result<Option<Self>, Fault> {
        Ok(Self::by_id(db, id)?.filter(|entry| !entry.is_over(now)))
    }

    pub(super) fn is_over(&self, now: i64) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    pub(super) fn bytes(&self) -> i64 {
        i64::try_from(self.key.len() + self.value.len() + self.tags.len()).unwrap_or(i64::MAX)
    }

    pub(super) fn tags(&self) -> Result<Vec<String>, Fault> {
        Ok(serde_json::from_str(&self.tags)?)
    }

    /// Puts it in, where no entry of its key is; answers its id, a new one when it had none.
    pub(super) fn put_in(&self, db: &Connection) -> Result<i64, Fault> {
        db.prepare_cached(
            "INSERT INTO entries (scope, key, value, tags, bytes, made, changed, expires, call, session, accesses, id)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, nullif(?12, 0))",
        )?
        .execute(params![
            self.scope,
            self.key,
            self.value,
            self.tags,
            self.bytes(),
            self.made,
            self.changed,
            self.expires,
            self.call,
            self.session,
            self.accesses,
            self.id
        ])?;
        let (id, tags) = (db.last_insert_rowid(), self.tags()?);
        let mut tagged = db.prepare_cached("INSERT INTO tagged (tag, scope, key) VALUES (?1, ?2, ?3)")?;
        tags.iter().try_for_each(|tag| tagged.execute(params![tag, self.scope, self.key]).map(drop))?;
        let mut heading: Vec<String> = lexicon::words(&self.key).collect();
        heading.extend(tags.iter().flat_map(|tag| lexicon::words(tag)));
        let body = lexicon::of_value(&serde_json::from_str(&self.value)?);
        let (space, until) = (self.scope, self.expires);
        lexicon::put(db, &lexicon::Text { id, space, marks: &[], until, heading: &heading, body: &body })?;
        Ok(id)
    }

    /// Takes it out.
    pub(super) fn take_out(&self, db: &Connection) -> Result<(), Fault> {
        db.prepare_cached("DELETE FROM entries WHERE id = ?1")?.execute([self.id])?;
        let mut tagged =
            db.prepare_cached("DELETE FROM tagged WHERE tag = ?1 AND scope = ?2 AND key = ?3")?;
        self.tags()?
            .iter()
            .try_for_each(|tag| tagged.execute(params![tag, self.scope, self.key]).map(drop))?;
        lexicon::remove(db, self.id)
    }
}
