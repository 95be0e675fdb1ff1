//! From a path to a connection that is set as it must be, on a file of the right version.

use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::Fault;

/// How long another program with the file open, say `sqlite3`, is waited for.
const BUSY: Duration = Duration::from_secs(5);

/// Statements that a connection keeps prepared.
const PREPARED: usize = 64;

/// Bytes to which the log is cut after it was copied into the file.
const LOG: i64 = 64 << 20;

/// KiB of pages that a connection keeps, negative as `SQLite` wants it.
const CACHE: i64 = -16 * 1024;

/// Opens the file for writing and brings it to the newest version; makes it, for its owner alone, when there is none.
pub(super) fn writer(path: &Path, migrations: &[&str]) -> Result<Connection, Fault> {
    create(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(path, flags)?;
    configure(&db)?;
    known(&db, migrations)?;
    db.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0))?;
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update_and_check(None, "journal_size_limit", LOG, |row| row.get::<_, i64>(0))?;
    migrate(&mut db, migrations)?;
    Ok(db)
}

/// Opens the file for reading, beside a writer that has opened it before.
pub(super) fn reader(path: &Path) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    configure(&db)?;
    Ok(db)
}

fn configure(db: &Connection) -> Result<(), Fault> {
    db.busy_timeout(BUSY)?;
    db.set_prepared_statement_cache_capacity(PREPARED);
    db.pragma_update(None, "cache_size", CACHE)?;
    // The sandbox closes the directories for temporary files.
    db.pragma_update(None, "temp_store", "MEMORY")?;
    // Finds a broken page before it is walked.
    db.pragma_update(None, "cell_size_check", true)?;
    Ok(())
}

fn create(path: &Path) -> Result<(), Fault> {
    let folder = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|source| Fault::File { path: folder.to_owned(), source })?;
    let mut file = OpenOptions::new();
    file.write(true).create(true).truncate(false).mode(0o600);
    file.open(path).map(drop).map_err(|source| Fault::File { path: path.to_owned(), source })
}

/// The version of the file, which is how many migrations it went through; a fault when that is more than there are.
fn known(db: &Connection, migrations: &[&str]) -> Result<usize, Fault> {
    let version: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let (found, known) = (usize::try_from(version).unwrap_or(usize::MAX), migrations.len());
    if found > known { Err(Fault::Newer { found, known }) } else { Ok(found) }
}

/// One migration is one transaction. Another process may have been faster, so the version is read inside.
fn migrate(db: &mut Connection, migrations: &[&str]) -> Result<(), Fault> {
    while known(db, migrations)? < migrations.len() {
        let step = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let from = known(&step, migrations)?;
        if let Some(sql) = migrations.get(from) {
            step.execute_batch(sql)?;
            step.pragma_update(None, "user_version", i64::try_from(from + 1).unwrap_or(i64::MAX))?;
        }
        step.commit()?;
    }
    Ok(())
}
