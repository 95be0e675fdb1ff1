//! Why a journal does not open, and what to do then.

use std::io;
use std::path::{Path, PathBuf};

use crate::sqlite::fault::Fault;

/// Why a journal does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another daemon has it.
    #[error("the journal {} is in use by {holder}", path.display())]
    InUse {
        /// The journal.
        path: PathBuf,
        /// Who has it, as it wrote itself down: program, process and since when.
        holder: String,
    },
    /// The file or its folder cannot be made, opened or locked.
    #[error("the journal {} cannot be opened", path.display())]
    File {
        /// The journal.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// What is in the file is not what was written.
    #[error("the journal {} is corrupt: {reason}", path.display())]
    Corrupt {
        /// The journal.
        path: PathBuf,
        /// How that shows.
        reason: String,
    },
    /// A database of another program.
    #[error("{} is a database, and no journal of op-dbus", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A later op-dbus wrote it.
    #[error("the journal {} has version {found}, and this program knows versions up to {known}", path.display())]
    Newer {
        /// The journal.
        path: PathBuf,
        /// Its version.
        found: i32,
        /// The last version known here.
        known: i32,
    },
    /// `SQLite` did not take a setting without which a commit could be lost.
    #[error("the journal {} needs {name} = {wanted}, and got {got}", path.display())]
    Setting {
        /// The journal.
        path: PathBuf,
        /// The pragma.
        name: &'static str,
        /// What was asked for.
        wanted: String,
        /// What `SQLite` answered when asked again.
        got: String,
    },
    /// There is no space to open it.
    #[error("the disk that holds the journal {} is full", path.display())]
    Full {
        /// The journal.
        path: PathBuf,
    },
    /// Anything else that `SQLite` says.
    #[error("the journal {} cannot be opened", path.display())]
    Sqlite {
        /// The journal.
        path: PathBuf,
        /// What it says.
        #[source]
        source: rusqlite::Error,
    },
}

impl OpenError {
    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::InUse { .. } => "stop the other one, talk to it instead, or use another state directory",
            Self::File { .. } => "check the path, and who may write there",
            Self::Corrupt { .. } => {
                "nothing was changed; copy the file and its `-wal` aside, then restore a backup or salvage it with `sqlite3 FILE .recover`"
            }
            Self::Foreign { .. } => "choose another path for the journal",
            Self::Newer { .. } => "use the newer op-dbus, or the backup from before it was installed",
            Self::Setting { .. } => {
                "the file system may not support shared memory or locks; put the journal on a local disk"
            }
            Self::Full { .. } => "make space; nothing was lost",
            Self::Sqlite { .. } => "check that no other program has the file open, and that the disk works",
        }
    }

    /// What an error of `SQLite` means at opening.
    pub(super) fn of(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match Fault::of(&source) {
            Fault::Full => Self::Full { path },
            Fault::Corrupt => Self::Corrupt { path, reason: source.to_string() },
            Fault::Unsure | Fault::Locked | Fault::Broken => Self::Sqlite { path, source },
        }
    }
}
