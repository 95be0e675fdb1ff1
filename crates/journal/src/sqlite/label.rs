//! Labels of runs as rows, so that runs are found by them.

use std::collections::BTreeMap;

use rusqlite::{Transaction, params};

/// Writes the labels of a run that has none yet: of the run with this number, started at this instant.
pub(super) fn put(
    tx: &Transaction<'_>,
    number: i64,
    at: i64,
    labels: &BTreeMap<String, String>,
) -> rusqlite::Result<()> {
    let mut insert =
        tx.prepare_cached("INSERT INTO labels (run, name, value, at) VALUES (?1, ?2, ?3, ?4)")?;
    for (name, value) in labels {
        insert.execute(params![number, name, value, at])?;
    }
    Ok(())
}

/// Takes the labels of a run away.
pub(super) fn clear(tx: &Transaction<'_>, number: i64) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM labels WHERE run = ?1")?.execute([number])?;
    Ok(())
}
