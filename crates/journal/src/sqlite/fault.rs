//! What an error of `SQLite` means for the journal.

use op_engine::ports::journal::{AppendError, ReadError};
use rusqlite::{Error, ErrorCode, ffi};

/// What a failure means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// There is no space. It works again when there is.
    Full,
    /// What is in the file is not what was written.
    Corrupt,
    /// The disk did not confirm a write: nobody knows what is on it, and asking again does not tell
    /// (<https://lwn.net/Articles/752063/>).
    Unsure,
    /// Another program, say `sqlite3`, keeps the file to itself for longer than is waited for.
    Locked,
    /// Anything else.
    Broken,
}

impl Fault {
    /// Whether a group may have failed for one of its entries, so that the others are worth a try of their own.
    pub(super) fn is_of_one(self) -> bool {
        match self {
            Self::Full | Self::Corrupt | Self::Broken => true,
            Self::Unsure | Self::Locked => false,
        }
    }

    /// What a failure means.
    pub(super) fn of(error: &Error) -> Self {
        match error {
            Error::SqliteFailure(code, _) => Self::of_code(*code),
            // The tables are strict and written here alone: values of other types were never written.
            Error::FromSqlConversionFailure(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::Utf8Error(..)
            | Error::InvalidColumnType(..) => Self::Corrupt,
            _ => Self::Broken,
        }
    }

    fn of_code(code: ffi::Error) -> Self {
        match (code.code, code.extended_code) {
            // The index of the log lies in a file of its own, which needs space too.
            (ErrorCode::DiskFull, _) | (_, ffi::SQLITE_IOERR_SHMSIZE) => Self::Full,
            (ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase, _) => Self::Corrupt,
            (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => Self::Locked,
            (_, ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC) => Self::Unsure,
            _ => Self::Broken,
        }
    }
}

/// What an append that failed answers.
pub(super) fn append_error(error: &Error) -> AppendError {
    match Fault::of(error) {
        Fault::Full => AppendError::Full(error.to_string()),
        Fault::Corrupt => AppendError::Broken(format!("it is corrupt: {error}")),
        Fault::Unsure => AppendError::Broken(format!(
            "the disk did not confirm a write, so nothing more is taken until the journal is opened again: {error}"
        )),
        Fault::Locked => AppendError::Broken(format!("another program keeps it locked: {error}")),
        Fault::Broken => AppendError::Broken(error.to_string()),
    }
}

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum QueryError {
    #[error(transparent)]
    Sqlite(#[from] Error),
    #[error("{0}")]
    Corrupt(String),
}

impl From<QueryError> for ReadError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Corrupt(reason) => Self::Corrupt(reason),
            QueryError::Sqlite(error) => match Fault::of(&error) {
                Fault::Corrupt => Self::Corrupt(error.to_string()),
                Fault::Full | Fault::Unsure | Fault::Locked | Fault::Broken => {
                    Self::Broken(error.to_string())
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_means_one_thing() {
        for (code, fault) in [
            (ffi::SQLITE_FULL, Fault::Full),
            (ffi::SQLITE_IOERR_SHMSIZE, Fault::Full),
            (ffi::SQLITE_CORRUPT, Fault::Corrupt),
            (ffi::SQLITE_CORRUPT_INDEX, Fault::Corrupt),
            (ffi::SQLITE_NOTADB, Fault::Corrupt),
            (ffi::SQLITE_IOERR_FSYNC, Fault::Unsure),
            (ffi::SQLITE_IOERR_WRITE, Fault::Broken),
            (ffi::SQLITE_TOOBIG, Fault::Broken),
            (ffi::SQLITE_BUSY, Fault::Locked),
            (ffi::SQLITE_BUSY_SNAPSHOT, Fault::Locked),
        ] {
            let error = Error::SqliteFailure(ffi::Error::new(code), None);
            assert_eq!(Fault::of(&error), fault, "{error}");
        }
    }
}
