//! The versions of facts on disk.

use op_agent::Failure;
use rusqlite::{Connection, Row, params};
use sha2::{Digest, Sha256};

use super::owner::Owner;
use crate::database::Fault;
use crate::lexicon::{self, Claim, Text};
use crate::origin::Caller;

/// Most versions of all facts.
const VERSIONS: i64 = 1_000_000;

/// Most bytes of their texts and metadata.
const BYTES: i64 = 1 << 30;

/// The one space of the lexicon that is used.
pub(super) const SPACE: i64 = 0;

/// A version of a fact.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Version {
    pub(super) id: i64,
    pub(super) fact: i64,
    pub(super) text: String,
    /// As JSON.
    pub(super) metadata: String,
    pub(super) owner: Owner,
    pub(super) made: i64,
    pub(super) since: i64,
    pub(super) until: Option<i64>,
    pub(super) ended: Option<String>,
    pub(super) superseded_by: Option<i64>,
    pub(super) call: String,
    pub(super) session: String,
}

/// How a version ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Updated,
    Superseded { by: i64 },
    Deleted,
}

const COLUMNS: &str = "id, fact, text, metadata, user_id, agent_id, run_id, made, since, until, ended, superseded_by, call, session";

impl Version {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let owner = Owner { user_id: row.get(4)?, agent_id: row.get(5)?, run_id: row.get(6)? };
        Ok(Self {
            id: row.get(0)?,
            fact: row.get(1)?,
            text: row.get(2)?,
            metadata: row.get(3)?,
            owner,
            made: row.get(7)?,
            since: row.get(8)?,
            until: row.get(9)?,
            ended: row.get(10)?,
            superseded_by: row.get(11)?,
            call: row.get(12)?,
            session: row.get(13)?,
        })
    }

    /// What a fact says now; none when there is no such fact, or no more.
    pub(super) fn current(db: &Connection, fact: i64) -> Result<Option<Self>, Fault> {
        one(db, "fact = ?1 AND until IS NULL", fact)
    }

    /// The version of an id.
    pub(super) fn by_id(db: &Connection, id: i64) -> Result<Option<Self>, Fault> {
        one(db, "id = ?1", id)
    }

    /// What a fact says now, or said last when it is over; none when there is no such fact.
    pub(super) fn last(db: &Connection, fact: i64) -> Result<Option<Self>, Fault> {
        one(db, "id = (SELECT max(id) FROM versions WHERE fact = ?1)", fact)
    }

    /// How many versions its fact had before this one.
    pub(super) fn earlier(&self, db: &Connection) -> Result<usize, Fault> {
        let mut asked = db.prepare_cached("SELECT count(*) FROM versions WHERE fact = ?1 AND id < ?2")?;
        let many: i64 = asked.query_row([self.fact, self.id], |row| row.get(0))?;
        Ok(usize::try_from(many).unwrap_or(0))
    }

    /// Tells the versions that its fact had before this one, the oldest first, until `tell` says that it was enough. `offset` are passed over.
    pub(super) fn before(
        &self,
        db: &Connection,
        offset: usize,
        mut tell: impl FnMut(&Self) -> Result<bool, Fault>,
    ) -> Result<(), Fault> {
        let offset = i64::try_from(offset).unwrap_or(i64::MAX);
        let mut asked = db.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM versions WHERE fact = ?1 AND id < ?2 ORDER BY id LIMIT -1 OFFSET ?3"
        ))?;
        for version in asked.query_map([self.fact, self.id, offset], Self::read)? {
            if !tell(&version?)? {
                break;
            }
        }
        Ok(())
    }

    fn bytes(&self) -> i64 {
        i64::try_from(self.text.len() + self.metadata.len()).unwrap_or(i64::MAX)
    }

    /// Writes it as what a fact says from now on; a fact of 0 is a new one. Answers the id of the fact.
    pub(super) fn begin(&self, db: &Connection) -> Result<i64, Fault> {
        room(db, self.bytes())?;
        let words: Vec<String> = lexicon::words(&self.text).collect();
        let Owner { user_id, agent_id, run_id } = &self.owner;
        db.prepare_cached(
            "INSERT INTO versions (fact, text, digest, metadata, bytes, user_id, agent_id, run_id, made, since, call, session)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?
        .execute(params![
            self.fact, self.text, digest(&words), self.metadata, self.bytes(), user_id, agent_id, run_id,
            self.made, self.since, self.call, self.session
        ])?;
        let id = db.last_insert_rowid();
        let fact = if self.fact == 0 { id } else { self.fact };
        db.prepare_cached("UPDATE versions SET fact = ?2 WHERE id = ?1")?.execute([id, fact])?;
        let marks = self.owner.enter(db)?;
        let text = Text { id, space: SPACE, marks: &marks, until: None, heading: &[], body: &words };
        lexicon::put(db, &text)?;
        Ok(fact)
    }

    /// Ends it.
    pub(super) fn end(&self, db: &Connection, end: End, now: i64) -> Result<(), Fault> {
        let (ended, by) = match end {
            End::Updated => ("updated", None),
            End::Superseded { by } => ("superseded", Some(by)),
            End::Deleted => ("deleted", None),
        };
        db.prepare_cached("UPDATE versions SET until = ?2, ended = ?3, superseded_by = ?4 WHERE id = ?1")?
            .execute(params![self.id, now, ended, by])?;
        lexicon::remove(db, self.id)
    }
}

/// Takes a fact out, with all that it ever said.
pub(super) fn purge(db: &Connection, fact: i64) -> Result<(), Fault> {
    // Of versions that ended, the lexicon has nothing any more.
    if let Some(current) = Version::current(db, fact)? {
        lexicon::remove(db, current.id)?;
    }
    db.prepare_cached("DELETE FROM versions WHERE fact = ?1")?.execute([fact])?;
    Ok(())
}

/// The fact that a new one replaced, if it did.
pub(super) fn superseded(db: &Connection, by: i64) -> Result<Option<i64>, Fault> {
    Ok(one(db, "superseded_by = ?1", by)?.map(|version| version.fact))
}

/// The fact of this owner that says already what is claimed, and the share of words that it has in common with it. `except` is passed over.
pub(super) fn known(
    db: &Connection,
    owner: &Owner,
    text: &str,
    except: Option<i64>,
    caller: &Caller,
) -> Result<Option<(Version, f64)>, Fault> {
    let words: Vec<String> = lexicon::words(text).collect();
    let counts = |version: &Version| version.owner == *owner && Some(version.fact) != except;
    let mut same = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM versions WHERE digest = ?1 AND until IS NULL ORDER BY id DESC"
    ))?;
    for version in same.query_map([digest(&words)], Version::read)? {
        let version = version?;
        if counts(&version) && lexicon::words(&version.text).eq(words.iter().cloned()) {
            return Ok(Some((version, 1.0)));
        }
    }
    let Some(marks) = owner.marks(db)? else { return Ok(None) };
    let claim = Claim { body: &words, spaces: &[SPACE], marks: &marks, except: None, now: caller.now };
    let alike =
        lexicon::alike(db, &claim, |id| Ok(Version::by_id(db, id)?.is_some_and(|version| counts(&version))))?;
    let Some(alike) = alike else { return Ok(None) };
    Ok(Version::by_id(db, alike.id)?.map(|version| (version, alike.share)))
}

fn one(db: &Connection, condition: &str, id: i64) -> Result<Option<Version>, Fault> {
    let mut asked = db.prepare_cached(&format!("SELECT {COLUMNS} FROM versions WHERE {condition}"))?;
    let mut rows = asked.query_map([id], Version::read)?;
    Ok(rows.next().transpose()?)
}

fn digest(words: &[String]) -> i64 {
    let hash = Sha256::digest(words.join(" "));
    hash.first_chunk().map_or(0, |first| i64::from_le_bytes(*first))
}

fn room(db: &Connection, more: i64) -> Result<(), Fault> {
    let (versions, bytes): (i64, i64) = db
        .prepare_cached("SELECT versions, bytes FROM totals")?
        .query_row((), |row| Ok((row.get(0)?, row.get(1)?)))?;
    if versions < VERSIONS && bytes.saturating_add(more) <= BYTES {
        return Ok(());
    }
    let message = format!(
        "there is no room for it: {versions} of {VERSIONS} versions and {bytes} of {BYTES} bytes are taken"
    );
    Err(Failure::rejected("memory_full", message)
        .hint("delete facts with `purge`, which takes their history out too")
        .into())
}
