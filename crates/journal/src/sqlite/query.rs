//! What is asked of the journal, in SQL.

mod clauses;
mod list;

use std::sync::Arc;

use op_engine::ports::journal::{Audited, EventFilter, KeptOutput, Recorded, RunRecord, ScheduleMark};
use op_plan::Plan;
use op_run::{Event, RunId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Params, Row, params, params_from_iter};

use self::clauses::Clauses;
pub(super) use self::list::list;
use super::fault::QueryError;
use super::number::{limit, signed, unsigned};
use super::record::{self, COLUMNS};
use crate::codec::{self, OutputRow};

type Answer<T> = Result<T, QueryError>;

/// Events of a run from a sequence on. A gap is a corruption: nothing that was taken is ever without what came before it.
pub(super) fn events(db: &Connection, run: &RunId, from: u64, most: usize) -> Answer<Vec<Recorded>> {
    const SQL: &str =
        "SELECT sequence, json FROM events WHERE run = ?1 AND sequence >= ?2 ORDER BY sequence LIMIT ?3";
    let from = from.max(1);
    let found = rows(db, SQL, params![run.as_str(), signed(from), limit(most)], |row| recorded(run, row))?;
    match found.iter().zip(from..).find(|(found, expected)| found.sequence != *expected) {
        None => Ok(found),
        Some((_, missing)) => Err(QueryError::Corrupt(format!("event {missing} of run {run} is missing"))),
    }
}

/// Reads an event from a row that begins with its sequence and its text.
fn recorded(run: &RunId, row: &Row<'_>) -> Answer<Recorded> {
    let sequence = unsigned(row, 0)?;
    let event: Event = codec::decode(&row.get::<_, String>(1)?)
        .map_err(|reason| QueryError::Corrupt(format!("event {sequence} of run {run}: {reason}")))?;
    Ok(Recorded { sequence, event })
}

/// The plan with a digest. A plan that has another digest than it was kept by is not what was written.
pub(super) fn plan(db: &Connection, digest: &str) -> Answer<Option<Arc<Plan>>> {
    let sql = "SELECT json FROM plans WHERE digest = ?1";
    let text: Option<String> = db.prepare_cached(sql)?.query_row([digest], |row| row.get(0)).optional()?;
    let Some(text) = text else { return Ok(None) };
    let plan: Plan = codec::decode(&text)
        .map_err(|reason| QueryError::Corrupt(format!("plan {digest} cannot be read: {reason}")))?;
    if plan.digest() == digest {
        Ok(Some(Arc::new(plan)))
    } else {
        Err(QueryError::Corrupt(format!("plan {digest} has the digest {}", plan.digest())))
    }
}

/// Runs that have not ended, oldest first.
pub(super) fn unfinished(db: &Connection) -> Answer<Vec<RunRecord>> {
    let sql = format!("SELECT {COLUMNS} FROM runs WHERE over = 0 ORDER BY started_at, number");
    rows(db, &sql, (), record::read)
}

/// Runs whose name begins with a prefix, in the order of their names: the first ones not before the prefix, for as long as
/// they begin with it.
pub(super) fn find(db: &Connection, prefix: &str, most: usize) -> Answer<Vec<RunRecord>> {
    let sql = format!("SELECT {COLUMNS} FROM runs WHERE id >= ?1 ORDER BY id LIMIT ?2");
    let mut found = rows(db, &sql, params![prefix, limit(most)], record::read)?;
    found.retain(|record| record.id.as_str().starts_with(prefix));
    Ok(found)
}

/// The run that was started with a key, and the digest of the request.
pub(super) fn started_by(db: &Connection, key: &str) -> Answer<Option<(RunRecord, String)>> {
    let sql = format!("SELECT {COLUMNS}, request FROM runs WHERE key = ?1");
    let mut found = rows(db, &sql, [key], |row| Ok((record::read(row)?, row.get(12)?)))?;
    Ok(found.pop())
}

const OUTPUT: &str = "SELECT visit, attempt, pieces, data, dropped FROM outputs
    WHERE run = ?1 AND step = ?2 AND (?3 IS NULL OR visit = ?3) AND (?4 IS NULL OR attempt = ?4)
    ORDER BY visit DESC, attempt DESC LIMIT 1";

/// The output of an attempt of a step; of the last visit and of the last attempt where nothing is said.
pub(super) fn output(
    db: &Connection,
    run: &RunId,
    step: &str,
    visit: Option<u32>,
    attempt: Option<u32>,
) -> Answer<Option<KeptOutput>> {
    let mut found = rows(db, OUTPUT, params![run.as_str(), step, visit, attempt], |row| {
        let row = OutputRow {
            step: step.to_owned(),
            visit: row.get(0)?,
            attempt: row.get(1)?,
            pieces: row.get(2)?,
            data: row.get(3)?,
            dropped: unsigned(row, 4)?,
        };
        row.unpack().map_err(QueryError::Corrupt)
    })?;
    Ok(found.pop())
}

/// How far every schedule is, in the order of the plans.
pub(super) fn marks(db: &Connection) -> Answer<Vec<ScheduleMark>> {
    rows(db, "SELECT plan, last, paused FROM marks ORDER BY plan", (), |row| {
        let last: Option<i64> = row.get(1)?;
        let last = last.map(|_| unsigned(row, 1)).transpose()?.map(Timestamp::from_millis);
        Ok(ScheduleMark { plan: row.get(0)?, last, paused: row.get(2)? })
    })
}

/// The newest events that match, oldest first.
pub(super) fn audit(db: &Connection, filter: &EventFilter) -> Answer<Vec<Audited>> {
    let Clauses { text, values } = newest(filter);
    let sql = format!(
        "SELECT events.sequence, json, run, plan, user FROM ({text})
         JOIN events ON events.id = newest JOIN runs ON runs.id = events.run ORDER BY newest"
    );
    rows(db, &sql, params_from_iter(values), audited)
}

/// Places of the newest events that match: found in an index alone, so that only what is answered is read.
fn newest(filter: &EventFilter) -> Clauses {
    let mut clauses = Clauses::default();
    clauses.one("events.run =", filter.run.as_ref().map(|run| run.as_str().to_owned()));
    clauses.any("kind", filter.kinds.iter().map(String::as_str));
    clauses.one("user =", filter.user.clone());
    clauses.one("at >=", filter.since.map(|at| signed(at.as_millis())));
    clauses.one("at <", filter.until.map(|at| signed(at.as_millis())));
    let Clauses { text, values } = clauses;
    let (source, limit) = (source(filter), limit(filter.limit));
    let text =
        format!("SELECT events.id AS newest FROM {source} {text} ORDER BY events.id DESC LIMIT {limit}");
    Clauses { text, values }
}

/// Where to look. `SQLite` does not know how rare a kind or how short a time is, and would read every event from the end.
fn source(filter: &EventFilter) -> &'static str {
    let timed = !filter.kinds.is_empty() || filter.since.is_some() || filter.until.is_some();
    match (&filter.run, &filter.user) {
        (_, Some(_)) => "events JOIN runs ON runs.id = events.run",
        (None, None) if timed => "events INDEXED BY events_by_time",
        (_, None) => "events",
    }
}

fn audited(row: &Row<'_>) -> Answer<Audited> {
    let run = RunId::new(row.get::<_, String>(2)?);
    Ok(Audited { recorded: recorded(&run, row)?, plan: row.get(3)?, user: row.get(4)?, run })
}

/// Every row of a query.
fn rows<T>(
    db: &Connection,
    sql: &str,
    values: impl Params,
    read: impl Fn(&Row<'_>) -> Answer<T>,
) -> Answer<Vec<T>> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(values)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::schema::migrate;

    /// How `SQLite` would look for the newest events that match.
    fn way(filter: &EventFilter) -> String {
        let Clauses { text, values } = newest(filter);
        way_of(&text, params_from_iter(values))
    }

    fn way_of(sql: &str, values: impl Params) -> String {
        let mut db = Connection::open_in_memory().unwrap();
        migrate(&mut db).unwrap();
        let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let steps = statement.query_map(values, |row| row.get::<_, String>(3)).unwrap();
        steps.map(Result::unwrap).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn the_last_output_of_a_step_is_found_without_reading_the_others() {
        let way = way_of(OUTPUT, params!["run", "step", None::<u32>, None::<u32>]);
        assert_eq!(way, "SEARCH outputs USING INDEX sqlite_autoindex_outputs_1 (run=? AND step=?)");
    }

    #[test]
    fn an_audit_by_kind_or_time_reads_an_index_alone() {
        let kinds = vec!["run_stuck".to_owned(), "run_failed".to_owned()];
        let since = Some(Timestamp::from_millis(1));
        let by_kind = EventFilter { kinds, limit: 10, ..EventFilter::default() };
        let by_time = EventFilter { since, limit: 10, ..EventFilter::default() };
        assert!(
            way(&by_kind).contains("SCAN events USING COVERING INDEX events_by_time"),
            "{}",
            way(&by_kind)
        );
        assert!(
            way(&by_time).contains("SEARCH events USING COVERING INDEX events_by_time"),
            "{}",
            way(&by_time)
        );
    }

    #[test]
    fn an_audit_by_user_reads_their_runs_alone() {
        let way = way(&EventFilter { user: Some("ada".to_owned()), limit: 10, ..EventFilter::default() });
        assert!(way.contains("SEARCH runs USING INDEX runs_by_user"), "{way}");
        assert!(way.contains("SEARCH events USING COVERING INDEX"), "{way}");
    }

    #[test]
    fn an_audit_of_everything_begins_at_the_end() {
        let way = way(&EventFilter { limit: 10, ..EventFilter::default() });
        assert!(way.starts_with("SCAN events") && !way.contains("TEMP"), "{way}");
    }
}
