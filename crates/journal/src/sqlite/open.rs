//! From a path to a file that is locked, known to be ours, whole, and set as it must be.

mod create;
mod error;

use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::{FromSql, Value};
use rusqlite::{Connection, OpenFlags, ToSql};

pub use self::error::OpenError;
use super::lock::{Lock, LockError, beside};
use super::number::signed;
use super::result;
use super::schema::{self, APPLICATION, VERSION};

/// Bytes of a page.
pub(super) const PAGE: u64 = 4096;

/// How long another program with the file open, say `sqlite3`, is waited for.
pub(super) const BUSY: Duration = Duration::from_secs(5);

/// Limits of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Bytes that the database may grow to; appends beyond are answered as on a full disk. No limit when there is none.
    pub largest: Option<u64>,
    /// Bytes that results of steps, which are kept for others, may take of it: the oldest go.
    pub results: u64,
    /// Bytes up to which a file is read through when it is opened, to find out whether it is whole. In a larger one, what is broken
    /// is found when it is read. A gigabyte takes about a second.
    pub checked: u64,
    /// Bytes of the log at which it is copied into the database although there is other work.
    pub wal_soft: u64,
    /// Bytes of the log at which readers are waited for so that it can be emptied.
    pub wal_hard: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { largest: None, results: 1 << 30, checked: 1 << 30, wal_soft: 4 << 20, wal_hard: 64 << 20 }
    }
}

/// A file that is open for writing.
pub(super) struct Opened {
    pub(super) path: PathBuf,
    pub(super) db: Connection,
    pub(super) lock: Lock,
}

/// Opens a journal for writing; makes it when there is none. A file that is not right stays as it is.
pub(super) fn writer(path: &Path, options: &Options) -> Result<Opened, OpenError> {
    let path = real(path).map_err(|source| OpenError::File { path: path.to_owned(), source })?;
    let lock = Lock::take(&path).map_err(|error| match error {
        LockError::Held(holder) => OpenError::InUse { path: path.clone(), holder },
        LockError::Io(source) => OpenError::File { path: path.clone(), source },
    })?;
    create::ensure(&path)?;
    let sqlite = |source| OpenError::of(&path, source);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(&path, flags).map_err(sqlite)?;
    db.busy_timeout(BUSY).map_err(sqlite)?;
    identify(&db, &path)?;
    check(&db, &path, options.checked)?;
    configure(&db, &path, options)?;
    schema::migrate(&mut db).map_err(sqlite)?;
    if let Err(error) = result::sweep(&db, options.results) {
        tracing::warn!(%error, "results of steps take more of the journal than they may for now");
    }
    Ok(Opened { path, db, lock })
}

/// Opens a journal for reading, while a writer has it open.
pub(super) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(BUSY)?;
    // Finds a broken page before it is walked.
    db.pragma_update(None, "cell_size_check", true)?;
    Ok(db)
}

/// The path itself, with links followed, so that two names of one file are one lock. Makes the folder.
fn real(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| io::Error::other("the path names no file"))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let path = folder.canonicalize()?.join(name);
    if path.is_symlink() { path.canonicalize() } else { Ok(path) }
}

/// Whether the file is a journal of a version that is known here. Nothing is written before this is clear.
fn identify(db: &Connection, path: &Path) -> Result<(), OpenError> {
    let sqlite = |source| OpenError::of(path, source);
    let application: i32 = ask(db, "application_id").map_err(sqlite)?;
    let found = schema::version(db).map_err(sqlite)?;
    if application != APPLICATION {
        Err(OpenError::Foreign { path: path.to_owned() })
    } else if found > VERSION {
        Err(OpenError::Newer { path: path.to_owned(), found, known: VERSION })
    } else {
        Ok(())
    }
}

/// Whether the file is whole, as far as `SQLite` can tell: every page is where it belongs and holds what it should.
fn check(db: &Connection, path: &Path, limit: u64) -> Result<(), OpenError> {
    let size =
        std::fs::metadata(path).map_err(|source| OpenError::File { path: path.to_owned(), source })?.len();
    if size > limit {
        tracing::warn!(size, limit, "the journal is too large to be checked when it is opened");
        return Ok(());
    }
    let corrupt = |reason| OpenError::Corrupt { path: path.to_owned(), reason };
    let verdict: String = db
        .query_row("PRAGMA quick_check(1)", (), |row| row.get(0))
        .map_err(|source| OpenError::of(path, source))?;
    if verdict == "ok" { Ok(()) } else { Err(corrupt(verdict)) }
}

/// Sets what must hold, and looks whether it does.
fn configure(db: &Connection, path: &Path, options: &Options) -> Result<(), OpenError> {
    demand(db, path, "journal_mode", "wal", "wal".to_owned())?;
    // FULL: a commit is on disk when it returns. SQLite takes any word here and falls back to a weaker one.
    demand(db, path, "synchronous", "FULL", 2_i64)?;
    demand(db, path, "foreign_keys", true, 1_i64)?;
    demand(db, path, "wal_autocheckpoint", 0_i64, 0_i64)?;
    demand(db, path, "cell_size_check", true, 1_i64)?;
    demand(db, path, "trusted_schema", false, 0_i64)?;
    // A log that a reader made grow is cut to this when it is written over from its start.
    let longest = signed(options.wal_hard);
    demand(db, path, "journal_size_limit", longest, longest)?;
    if let Some(bytes) = options.largest {
        let pages = signed(bytes / PAGE).max(1);
        // Never less than the file has already: then it is simply full.
        db.pragma_update(None, "max_page_count", pages).map_err(|source| OpenError::of(path, source))?;
    }
    Ok(())
}

/// Sets a pragma and reads it back.
fn demand<T>(
    db: &Connection,
    path: &Path,
    name: &'static str,
    set: impl ToSql,
    wanted: T,
) -> Result<(), OpenError>
where
    T: FromSql + PartialEq + Into<Value>,
{
    let sqlite = |source| OpenError::of(path, source);
    db.pragma(None, name, set, |_| Ok(())).map_err(sqlite)?;
    let got: T = ask(db, name).map_err(sqlite)?;
    if got == wanted {
        return Ok(());
    }
    let (wanted, got) = (told(wanted.into()), told(got.into()));
    Err(OpenError::Setting { path: path.to_owned(), name, wanted, got })
}

fn ask<T: FromSql>(db: &Connection, pragma: &str) -> rusqlite::Result<T> {
    db.pragma_query_value(None, pragma, |row| row.get(0))
}

fn told(value: Value) -> String {
    match value {
        Value::Integer(number) => number.to_string(),
        Value::Text(text) => text,
        Value::Null | Value::Real(_) | Value::Blob(_) => "something else".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_that_sqlite_weakens_in_silence_is_refused() {
        let db = Connection::open_in_memory().unwrap();
        // What another engine asks for: no valid value, and taken as NORMAL.
        let error = demand(&db, Path::new("j.db"), "synchronous", "WAL", 2_i64).unwrap_err();
        assert_eq!(error.to_string(), "the journal j.db needs synchronous = 2, and got 1");
    }

    #[test]
    fn a_database_without_a_log_is_refused() {
        let db = Connection::open_in_memory().unwrap();
        let error = configure(&db, Path::new("j.db"), &Options::default()).unwrap_err();
        assert_eq!(error.to_string(), "the journal j.db needs journal_mode = wal, and got memory");
    }

    #[test]
    fn every_setting_holds_after_opening() {
        let home = tempfile::tempdir().unwrap();
        let options = Options { largest: Some(100 * PAGE), ..Options::default() };
        let Opened { db, .. } = writer(&home.path().join("j.db"), &options).unwrap();
        for (pragma, value) in [
            ("synchronous", 2_i64),
            ("foreign_keys", 1),
            ("wal_autocheckpoint", 0),
            ("busy_timeout", 5000),
            ("max_page_count", 100),
            ("journal_size_limit", 64 << 20),
            ("page_size", PAGE.cast_signed()),
            ("application_id", APPLICATION.into()),
            ("user_version", VERSION.into()),
        ] {
            assert_eq!(ask::<i64>(&db, pragma).unwrap(), value, "{pragma}");
        }
    }

    #[test]
    fn two_names_of_one_file_are_one_lock() {
        let home = tempfile::tempdir().unwrap();
        let (file, link) = (home.path().join("j.db"), home.path().join("link.db"));
        let _first = writer(&file, &Options::default()).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let Err(OpenError::InUse { path, .. }) = writer(&link, &Options::default()) else {
            panic!("opened twice")
        };
        assert_eq!(path, file.canonicalize().unwrap());
    }
}
