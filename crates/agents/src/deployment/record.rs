//! What was applied and what was there before, on disk before anything is done about it.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use op_agent::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::manifest::Manifest;
use super::step::Seen;
use crate::staging;
use crate::tools::{Desk, blocking};

/// How many revisions of a deployment are kept.
pub(super) const KEPT: usize = 5;

/// How far a revision is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// It began, and nobody saw how it ended.
    Unfinished,
    /// It is applied.
    Applied,
    /// It failed, or was to be taken back, and some of it could not be.
    Failed,
    /// What was there before is there again, but for what was left.
    RolledBack,
}

/// How far a step is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Progress {
    /// Nothing was done.
    Waiting,
    /// It began.
    Begun,
    /// It is done, and this is what is there then.
    Done(Seen),
    /// It is taken back.
    TakenBack,
    /// It could not be taken back, and that was accepted.
    Left,
}

/// A revision of a deployment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) revision: u64,
    pub(super) manifest: Manifest,
    pub(super) digest: String,
    pub(super) begun: jiff::Timestamp,
    pub(super) state: State,
    /// For each step, what was there before it.
    pub(super) before: Vec<Seen>,
    /// How far each step is.
    pub(super) progress: Vec<Progress>,
}

/// The revisions of a deployment, held by one call.
#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
    name: String,
    _lock: Option<File>,
}

impl Record {
    /// What this revision left behind of a target: what its step brought about, or what was there before where it is taken back.
    fn left_behind(&self, target: &str) -> Option<&Seen> {
        let at = self.manifest.steps.iter().position(|step| step.target() == target)?;
        if let Some(Progress::Done(after)) = self.progress.get(at) {
            Some(after)
        } else {
            self.before.get(at)
        }
    }
}

impl Store {
    /// The revisions of a deployment, to be read.
    pub(super) fn open(desk: &Desk, name: &str) -> Result<Self, Failure> {
        let Some(state) = &desk.settings.state else {
            return Err(Failure::failed("not_configured", "revisions need a place, and the agent has none")
                .hint("let the daemon start the agent: it gives each a directory of its own"));
        };
        Ok(Self { folder: state.join("deployments").join(name), name: name.to_owned(), _lock: None })
    }

    /// The revisions of a deployment, which nobody else writes meanwhile.
    pub(super) fn lock(desk: &Desk, name: &str) -> Result<Self, Failure> {
        let store = Self::open(desk, name)?;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&store.folder)
            .map_err(|error| store.failed(&error))?;
        let lock = File::create(store.folder.join("lock")).map_err(|error| store.failed(&error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { _lock: Some(lock), ..store }),
            Err(TryLockError::WouldBlock) => {
                Err(Failure::failed("busy", format!("somebody else is at work on the deployment `{name}`"))
                    .hint("try again when that is over"))
            }
            Err(TryLockError::Error(error)) => Err(store.failed(&error)),
        }
    }

    /// The newest revision.
    pub(super) fn last(&self) -> Result<Option<Record>, Failure> {
        self.revisions()?.last().map(|revision| self.read(*revision)).transpose()
    }

    /// What the newest revision with a step for a target left behind.
    pub(super) fn left_behind(&self, target: &str) -> Result<Option<Seen>, Failure> {
        for revision in self.revisions()?.iter().rev() {
            if let Some(seen) = self.read(*revision)?.left_behind(target) {
                return Ok(Some(seen.clone()));
            }
        }
        Ok(None)
    }

    /// The numbers of the revisions that are kept, oldest first.
    pub(super) fn revisions(&self) -> Result<Vec<u64>, Failure> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|error| self.failed(&error))?,
        };
        let number = |entry: io::Result<fs::DirEntry>| {
            entry.ok()?.file_name().to_str()?.strip_suffix(".json")?.parse::<u64>().ok()
        };
        let mut revisions: Vec<u64> = entries.filter_map(number).collect();
        revisions.sort_unstable();
        Ok(revisions)
    }

    /// A revision.
    pub(super) fn read(&self, revision: u64) -> Result<Record, Failure> {
        let path = self.folder.join(file(revision));
        let text = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let message = format!("revision {revision} of the deployment `{}` is not kept", self.name);
                return Err(Failure::rejected("not_found", message)
                    .hint(format!("`status` tells the newest; the last {KEPT} are kept")));
            }
            text => text.map_err(|error| self.failed(&error))?,
        };
        serde_json::from_slice(&text).map_err(|error| {
            Failure::failed(
                "record_damaged",
                format!("reading revision {revision} of `{}`: {error}", self.name),
            )
        })
    }

    /// Has a revision on disk when it returns.
    pub(super) async fn write(&self, record: &Record) -> Result<(), Failure> {
        let text = serde_json::to_string(record).expect("a record has texts as keys");
        let (folder, name) = (self.folder.clone(), file(record.revision));
        let written = blocking(move || {
            Ok(File::open(folder).and_then(|folder| staging::put(folder, &[(name.as_ref(), &text)])))
        });
        written.await?.map_err(|error| self.failed(&error))
    }

    /// Forgets a revision.
    pub(super) fn forget(&self, revision: u64) -> Result<(), Failure> {
        fs::remove_file(self.folder.join(file(revision))).map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &io::Error) -> Failure {
        let message =
            format!("keeping the revisions of `{}` in {}: {error}", self.name, self.folder.display());
        Failure::failed("io_error", message)
    }
}

fn file(revision: u64) -> String {
    format!("{revision}.json")
}
