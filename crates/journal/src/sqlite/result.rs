//! What calls of steps returned: the newest so many bytes of it.

use op_engine::ports::KeptResult;
use op_run::{RunId, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

use super::fault::QueryError;
use super::number::{signed, unsigned};

/// A result as a row.
#[derive(Debug)]
pub(super) struct ResultRow {
    key: String,
    run: String,
    at: Timestamp,
    until: Timestamp,
    evidence: String,
    value: String,
}

impl ResultRow {
    /// Writes a result as a row.
    pub(super) fn new(result: &KeptResult) -> serde_json::Result<Self> {
        let KeptResult { key, run, at, until, evidence, value } = result;
        Ok(Self {
            key: key.clone(),
            run: run.to_string(),
            at: *at,
            until: *until,
            evidence: serde_json::to_string(evidence)?,
            value: serde_json::to_string(value)?,
        })
    }

    /// Bytes it takes, roughly.
    pub(super) fn size(&self) -> usize {
        self.key.len() + self.run.len() + self.evidence.len() + self.value.len()
    }
}

/// Writes a result in place of the one with its key. Those that stand for nothing any more go, and the oldest until all take at
/// most `limit` bytes; one that takes more by itself is not kept.
pub(super) fn put(tx: &Transaction<'_>, result: &ResultRow, limit: u64) -> rusqlite::Result<()> {
    const SQL: &str = "INSERT INTO results (key, run, at, until, begins, size, evidence, value)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let ResultRow { key, run, at, until, evidence, value } = result;
    let (at, until) = (signed(at.as_millis()), signed(until.as_millis()));
    let size = i64::try_from(result.size()).unwrap_or(i64::MAX);
    tx.prepare_cached("DELETE FROM results WHERE key = ?1 OR until <= ?2")?.execute(params![key, at])?;
    if size <= signed(limit) {
        let row = params![key, run, at, until, end(tx)?, size, evidence, value];
        tx.prepare_cached(SQL)?.execute(row)?;
    }
    sweep(tx, limit)
}

/// Lets the oldest results go until all take at most so many bytes.
pub(super) fn sweep(db: &Connection, limit: u64) -> rusqlite::Result<()> {
    let first = end(db)?.saturating_sub(signed(limit));
    db.prepare_cached("DELETE FROM results WHERE begins < ?1")?.execute([first])?;
    Ok(())
}

/// Bytes that were kept so far, those of results that went since included: where the next one begins.
fn end(db: &Connection) -> rusqlite::Result<i64> {
    const SQL: &str = "SELECT begins + size FROM results ORDER BY begins DESC LIMIT 1";
    Ok(db.prepare_cached(SQL)?.query_row((), |row| row.get(0)).optional()?.unwrap_or(0))
}

/// The result with this key that stands for longer than `now`.
pub(super) fn get(db: &Connection, key: &str, now: Timestamp) -> Result<Option<KeptResult>, QueryError> {
    const SQL: &str =
        "SELECT key, run, at, until, evidence, value FROM results WHERE key = ?1 AND until > ?2";
    let mut statement = db.prepare_cached(SQL)?;
    let mut rows = statement.query(params![key, signed(now.as_millis())])?;
    rows.next()?.map(read).transpose()
}

fn read(row: &Row<'_>) -> Result<KeptResult, QueryError> {
    let json = |column: usize| row.get::<_, String>(column);
    let corrupt =
        |error: serde_json::Error| QueryError::Corrupt(format!("a kept result is no JSON: {error}"));
    Ok(KeptResult {
        key: row.get(0)?,
        run: RunId::new(json(1)?),
        at: Timestamp::from_millis(unsigned(row, 2)?),
        until: Timestamp::from_millis(unsigned(row, 3)?),
        evidence: serde_json::from_str(&json(4)?).map_err(corrupt)?,
        value: serde_json::from_str(&json(5)?).map_err(corrupt)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::schema::migrate;

    /// A result of 100 bytes.
    fn row(key: &str, at: u64, until: u64) -> ResultRow {
        let (key, run) = (key.to_owned(), String::new());
        let value = "x".repeat(100 - key.len());
        let (at, until) = (Timestamp::from_millis(at), Timestamp::from_millis(until));
        ResultRow { key, run, at, until, evidence: String::new(), value }
    }

    /// The keys that are kept of these, with so much room.
    fn kept(limit: u64, rows: &[ResultRow]) -> Vec<String> {
        let mut db = Connection::open_in_memory().unwrap();
        migrate(&mut db).unwrap();
        let tx = db.transaction().unwrap();
        rows.iter().for_each(|row| put(&tx, row, limit).unwrap());
        tx.commit().unwrap();
        let mut keys = db.prepare("SELECT key FROM results ORDER BY id").unwrap();
        keys.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn the_newest_results_are_kept_within_the_bound_and_the_oldest_go() {
        let rows: Vec<_> = ["a", "b", "c", "d"].map(|key| row(key, 1, 9)).into();
        assert_eq!(kept(400, &rows), ["a", "b", "c", "d"]);
        assert_eq!(kept(399, &rows), ["b", "c", "d"]);
        assert_eq!(kept(250, &rows), ["c", "d"]);
        assert_eq!(kept(100, &rows), ["d"]);
        assert_eq!(kept(99, &rows), [""; 0]);
        assert_eq!(kept(0, &rows), [""; 0]);
    }

    #[test]
    fn a_result_takes_the_place_of_the_one_with_its_key() {
        let again = [row("a", 1, 9), row("b", 2, 9), row("a", 3, 9)];
        assert_eq!(kept(1000, &again), ["b", "a"]);
        // What a longer one leaves room for is not given away twice.
        let rows = [row("a", 1, 9), row("b", 2, 9), row("b", 3, 9), row("b", 4, 9)];
        assert_eq!(kept(200, &rows), ["a", "b"]);
    }

    #[test]
    fn what_stands_for_nothing_any_more_goes() {
        assert_eq!(kept(1000, &[row("a", 1, 5), row("b", 2, 9), row("c", 5, 9)]), ["b", "c"]);
    }
}
