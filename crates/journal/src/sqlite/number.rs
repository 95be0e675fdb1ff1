//! Numbers as `SQLite` keeps them: with a sign.

use rusqlite::{Error, Row};

/// A count or an instant as it is kept. Beyond the largest one that can be kept stands the largest one; for instants that is in
/// 292 million years, and the event itself holds the true one.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A limit as it is asked for.
pub(super) fn limit(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Reads a number that was written with [`signed`].
pub(super) fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| Error::IntegralValueOutOfRange(column, number))
}
