//! Records of runs: how one is written, and read back.

use op_engine::ports::journal::RunRecord;
use op_run::run::State;
use op_run::{RunId, Timestamp};
use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as ValueError, StrDeserializer};

use super::fault::QueryError;
use super::label;
use super::number::{signed, unsigned};
use crate::codec::{self, Packed};

/// The columns that [`read`] takes, in its order.
pub(super) const COLUMNS: &str = "id, plan, digest, state, user, labels, started_at, ended_at, settled_phases, \
                                  total_phases, reason, sequence";

/// A run as the journal has it before an entry.
pub(super) struct Standing {
    pub(super) sequence: u64,
    number: i64,
    state: String,
    labels: String,
    started_at: i64,
}

/// A run as the journal has it; nothing when it has none of this name.
pub(super) fn standing(tx: &Transaction<'_>, run: &str) -> rusqlite::Result<Option<Standing>> {
    const SQL: &str = "SELECT sequence, number, state, labels, started_at FROM runs WHERE id = ?1";
    let read = |row: &Row<'_>| {
        Ok(Standing {
            sequence: unsigned(row, 0)?,
            number: row.get(1)?,
            state: row.get(2)?,
            labels: row.get(3)?,
            started_at: row.get(4)?,
        })
    };
    tx.prepare_cached(SQL)?.query_row([run], read).optional()
}

/// Writes the record of an entry. Plan, digest, user and start of a run never change after its first events.
pub(super) fn put(tx: &Transaction<'_>, entry: &Packed, before: Option<&Standing>) -> rusqlite::Result<()> {
    let Some(before) = before else { return insert(tx, entry) };
    // Most entries leave the state and the labels as they are: then no index is touched, and the commit writes fewer pages.
    if before.state != entry.record.state.word() {
        turn(tx, entry)?;
    }
    if before.labels != entry.labels {
        label::clear(tx, before.number)?;
        label::put(tx, before.number, before.started_at, &entry.record.labels)?;
    }
    advance(tx, entry)
}

fn insert(tx: &Transaction<'_>, entry: &Packed) -> rusqlite::Result<()> {
    const SQL: &str =
        "INSERT INTO runs (id, plan, digest, state, user, labels, started_at, ended_at, settled_phases,
        total_phases, reason, sequence, over, key, request)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";
    let (record, idempotency) = (&entry.record, entry.idempotency.as_ref());
    let started_at = signed(record.started_at.as_millis());
    tx.prepare_cached(SQL)?.execute(params![
        record.id.as_str(),
        record.plan,
        record.digest,
        record.state.word(),
        record.user,
        entry.labels,
        started_at,
        record.ended_at.map(|at| signed(at.as_millis())),
        record.settled_phases,
        record.total_phases,
        record.reason,
        signed(record.sequence),
        record.state.is_over(),
        idempotency.map(|idempotency| &idempotency.key),
        idempotency.map(|idempotency| &idempotency.request),
    ])?;
    label::put(tx, tx.last_insert_rowid(), started_at, &record.labels)
}

fn advance(tx: &Transaction<'_>, entry: &Packed) -> rusqlite::Result<()> {
    const SQL: &str =
        "UPDATE runs SET labels = ?2, ended_at = ?3, settled_phases = ?4, total_phases = ?5, reason = ?6,
        sequence = ?7 WHERE id = ?1";
    let record = &entry.record;
    tx.prepare_cached(SQL)?.execute(params![
        record.id.as_str(),
        entry.labels,
        record.ended_at.map(|at| signed(at.as_millis())),
        record.settled_phases,
        record.total_phases,
        record.reason,
        signed(record.sequence),
    ])?;
    Ok(())
}

/// A run turns from being over to not, too: when it is retried or undone after its end.
fn turn(tx: &Transaction<'_>, entry: &Packed) -> rusqlite::Result<()> {
    let (run, state) = (entry.record.id.as_str(), entry.record.state);
    tx.prepare_cached("UPDATE runs SET state = ?2, over = ?3 WHERE id = ?1")?.execute(params![
        run,
        state.word(),
        state.is_over()
    ])?;
    Ok(())
}

/// Reads a record from a row that begins with [`COLUMNS`].
pub(super) fn read(row: &Row<'_>) -> Result<RunRecord, QueryError> {
    let labels: String = row.get(5)?;
    let ended_at: Option<i64> = row.get(7)?;
    Ok(RunRecord {
        id: RunId::new(row.get::<_, String>(0)?),
        plan: row.get(1)?,
        digest: row.get(2)?,
        state: state(&row.get::<_, String>(3)?)?,
        user: row.get(4)?,
        labels: codec::decode(&labels).map_err(QueryError::Corrupt)?,
        started_at: Timestamp::from_millis(unsigned(row, 6)?),
        ended_at: ended_at.map(|_| unsigned(row, 7)).transpose()?.map(Timestamp::from_millis),
        settled_phases: row.get(8)?,
        total_phases: row.get(9)?,
        reason: row.get(10)?,
        sequence: unsigned(row, 11)?,
    })
}

fn state(word: &str) -> Result<State, QueryError> {
    let word: StrDeserializer<'_, ValueError> = word.into_deserializer();
    State::deserialize(word).map_err(|error| QueryError::Corrupt(format!("state of a run: {error}")))
}
