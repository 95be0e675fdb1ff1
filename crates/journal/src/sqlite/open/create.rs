//! A new journal comes into being whole, or not at all.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rusqlite::Connection;

use super::{OpenError, PAGE, beside};
use crate::sqlite::schema;

/// Bytes of the smallest file that is a database. `SQLite` takes anything below for an empty one.
const SMALLEST: u64 = 512;

/// Makes a journal where there is none. It is made under another name and then named: so an empty file is never the trace of a
/// crash, but one that lost what was in it.
pub(super) fn ensure(path: &Path) -> Result<(), OpenError> {
    let file = |source| OpenError::File { path: path.to_owned(), source };
    let corrupt = |reason: &str| OpenError::Corrupt { path: path.to_owned(), reason: reason.to_owned() };
    let log = size(&beside(path, "-wal")).map_err(file)?.unwrap_or(0);
    match size(path).map_err(file)? {
        Some(size) if size < SMALLEST => Err(corrupt("the file is empty, or all but its beginning is gone")),
        // While the log is copied, a page may be half written; the log still has it then.
        Some(size) if !size.is_multiple_of(PAGE) && log == 0 => Err(corrupt("its last page is cut off")),
        Some(_) => Ok(()),
        None if log > 0 => Err(corrupt("the file is gone, and its log is still there")),
        None => create(path),
    }
}

fn create(path: &Path) -> Result<(), OpenError> {
    let file = |source| OpenError::File { path: path.to_owned(), source };
    let sqlite = |source| OpenError::of(path, source);
    let draft = beside(path, "-new");
    // What a crash left of an earlier try; the lock says that nobody is at it.
    absent(std::fs::remove_file(&draft)).map_err(file)?;
    absent(std::fs::remove_file(beside(&draft, "-journal"))).map_err(file)?;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).map_err(file)?;
    let mut db = Connection::open(&draft).map_err(sqlite)?;
    db.pragma_update(None, "page_size", PAGE.cast_signed()).map_err(sqlite)?;
    schema::migrate(&mut db).map_err(sqlite)?;
    db.close().map_err(|(_, source)| sqlite(source))?;
    std::fs::rename(&draft, path).map_err(file)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(file)
}

fn size(path: &Path) -> io::Result<Option<u64>> {
    absent(std::fs::metadata(path)).map(|found| found.map(|found| found.len()))
}

/// Nothing rather than an error when there is no such file.
fn absent<T>(outcome: io::Result<T>) -> io::Result<Option<T>> {
    match outcome {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
