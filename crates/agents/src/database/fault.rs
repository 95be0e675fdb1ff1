//! Why the database did not do what was asked, and what a caller is told of it.

use std::path::{Path, PathBuf};

use op_agent::Failure;
use rusqlite::ErrorCode;

/// What a closure on the database can end with: a refusal of its own, or an error of `SQLite`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// What was asked is refused or failed for a reason of the operation's own.
    #[error(transparent)]
    Refused(#[from] Failure),
    /// `SQLite` said no.
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
    /// What was stored does not read as JSON of the form it was written in.
    #[error("reading what was stored")]
    Stored(#[from] serde_json::Error),
    /// There is no directory to keep things in.
    #[error("there is no state directory")]
    Nowhere,
    /// The directory or the file could not be made.
    #[error("making {path}")]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A later version of this program wrote the file.
    #[error("the file has version {found}, and this program knows {known}")]
    Newer {
        /// The version of the file.
        found: usize,
        /// The newest one known here.
        known: usize,
    },
}

impl Fault {
    /// As the caller is told, with the file named.
    pub(super) fn told(self, path: Option<&Path>) -> Failure {
        let file = path.map_or_else(String::new, |path| path.display().to_string());
        match self {
            Self::Refused(failure) => failure,
            Self::Sql(error) => sql(&error, &file),
            Self::Stored(error) => Failure::failed("database_corrupt", format!("{file} holds what cannot be read: {error}"))
                .hint("move the file away, or bring it back from a backup"),
            Self::Nowhere => Failure::failed("not_configured", "the agent has no directory to keep things in")
                .hint("start it through the daemon, or set `state` in its settings"),
            Self::File { path, source } => {
                Failure::failed("database_failed", format!("{} cannot be made: {source}", path.display()))
                    .hint("let the agent's user write there, or set another `state`")
            }
            Self::Newer { found, known } => Failure::failed(
                "database_newer",
                format!("{file} was written by a newer op-dbus: it has version {found}, and this one knows {known}"),
            )
            .hint("run the newer op-dbus, or move the file away to begin anew"),
        }
    }
}

fn sql(error: &rusqlite::Error, file: &str) -> Failure {
    let failed =
        |reason, what: &str, hint| Failure::failed(reason, format!("{file} {what}: {error}")).hint(hint);
    match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => Failure::cancelled("the database was asked to stop"),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            failed("database_busy", "is held by another program", "end the other program, or try again later")
        }
        Some(ErrorCode::DiskFull) => {
            failed("disk_full", "cannot grow", "make space on its disk and try again")
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            failed("database_corrupt", "is damaged", "move the file away, or bring it back from a backup")
        }
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            failed("database_failed", "cannot be opened or written", "let the agent's user read and write it")
        }
        _ => failed(
            "database_failed",
            "did not do what was asked",
            "look into the agent's log; if it stays so, report it",
        ),
    }
}
