//! Calls of clients: the newest so many of them.

use std::time::Duration;

use op_engine::ports::{CallFilter, CallRecord};
use op_plan::Risk;
use op_run::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, Transaction, params, params_from_iter};

use super::fault::QueryError;
use super::number::{limit, signed, unsigned};

/// Calls that are kept; the oldest go.
const KEPT: i64 = 100_000;

/// Calls after which those that are too many go.
const SWEEP: i64 = 1000;

/// Writes a call.
pub(super) fn put(tx: &Transaction<'_>, call: &CallRecord) -> rusqlite::Result<()> {
    const SQL: &str =
        "INSERT INTO calls (call, at, user, session, operation, outcome, reason, duration, risk)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let CallRecord { id, at, user, session, operation, outcome, reason, duration, risk } = call;
    let duration = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    let at = signed(at.as_millis());
    let risk = risk.map(Risk::word);
    let row = params![id, at, user, session, operation, outcome, reason, duration, risk];
    let number = tx.prepare_cached(SQL)?.insert(row)?;
    if number % SWEEP == 0 {
        tx.prepare_cached("DELETE FROM calls WHERE id <= ?1")?.execute([number - KEPT])?;
    }
    Ok(())
}

/// The newest calls that match, oldest first.
pub(super) fn list(db: &Connection, filter: &CallFilter) -> Result<Vec<CallRecord>, QueryError> {
    let mut clauses: Vec<&str> = Vec::new();
    let mut values: Vec<Value> = Vec::new();
    let millis = |at: Timestamp| Value::from(signed(at.as_millis()));
    let wanted = [
        ("user = ?", filter.user.clone().map(Value::from)),
        ("at >= ?", filter.since.map(millis)),
        ("at < ?", filter.until.map(millis)),
    ];
    for (clause, value) in wanted {
        if let Some(value) = value {
            clauses.push(clause);
            values.push(value);
        }
    }
    let filtered =
        if clauses.is_empty() { String::new() } else { format!("WHERE {}", clauses.join(" AND ")) };
    let sql = format!(
        "SELECT call, at, user, session, operation, outcome, reason, duration, risk FROM calls {filtered}
        ORDER BY id DESC LIMIT {}",
        limit(filter.limit)
    );
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    found.reverse();
    Ok(found)
}

fn read(row: &Row<'_>) -> Result<CallRecord, QueryError> {
    Ok(CallRecord {
        id: row.get(0)?,
        at: Timestamp::from_millis(unsigned(row, 1)?),
        user: row.get(2)?,
        session: row.get(3)?,
        operation: row.get(4)?,
        outcome: row.get(5)?,
        reason: row.get(6)?,
        duration: Duration::from_micros(unsigned(row, 7)?),
        risk: row.get::<_, Option<String>>(8)?.as_deref().map(risk).transpose()?,
    })
}

fn risk(word: &str) -> Result<Risk, QueryError> {
    let all = [Risk::Low, Risk::Medium, Risk::High, Risk::Critical];
    let known = all.into_iter().find(|risk| risk.word() == word);
    known.ok_or_else(|| QueryError::Corrupt(format!("`{word}` is no risk of a call")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::schema::migrate;

    #[test]
    fn the_newest_calls_are_kept_and_the_oldest_go() {
        let mut db = Connection::open_in_memory().unwrap();
        migrate(&mut db).unwrap();
        let call = |at: i64| CallRecord {
            id: at.to_string(),
            at: Timestamp::from_millis(0),
            user: String::new(),
            session: String::new(),
            operation: String::new(),
            outcome: String::new(),
            reason: String::new(),
            duration: Duration::ZERO,
            risk: None,
        };
        let tx = db.transaction().unwrap();
        (1..=KEPT + SWEEP).for_each(|at| put(&tx, &call(at)).unwrap());
        tx.commit().unwrap();
        let count = |sql: &str| db.query_row(sql, (), |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(count("SELECT count(*) FROM calls"), KEPT);
        assert_eq!(count("SELECT min(id) FROM calls"), SWEEP + 1);
    }
}
