//! The journal in a file.

mod call;
mod checkpoint;
mod commit;
mod fault;
mod label;
mod lock;
mod number;
mod open;
mod query;
mod readers;
mod record;
mod result;
mod schema;
mod stats;
mod writer;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use op_engine::ports::journal::{
    AppendError, Audited, CallFilter, CallRecord, Entry, EventFilter, Journal, KeptOutput, ReadError,
    Recorded, RunFilter, RunRecord, ScheduleMark,
};
use op_engine::ports::{KeptResult, Results};
use op_plan::Plan;
use op_run::{RunId, Timestamp};
use rusqlite::Connection;

use self::checkpoint::Log;
use self::commit::Write;
use self::lock::beside;
pub use self::open::{OpenError, Options};
use self::readers::Readers;
use self::result::ResultRow;
pub use self::stats::Stats;
use self::stats::Tally;
use self::writer::Writer;
use crate::codec::Packed;

/// The journal in a `SQLite` file.
///
/// While it is open, the file belongs to this process; other programs may read it. [`close`](Journal::close) and dropping it both
/// write what was taken, close the file and let go of it; dropping blocks for that long.
#[derive(Debug)]
pub struct SqliteJournal {
    path: PathBuf,
    readers: Readers,
    writer: Writer,
    tally: Arc<Tally>,
    /// Digests of plans that are on disk, so that they are not written for every run.
    plans: Mutex<HashSet<String>>,
}

impl SqliteJournal {
    /// Opens the journal at a path; makes it, readable by its owner alone, when there is none. Blocks while the file is checked.
    ///
    /// # Errors
    /// When another daemon has it, it is corrupt, of another program or from a later version, or the disk does not let it.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Self::open_with(path, &Options::default())
    }

    /// Opens the journal at a path, with limits.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(path: &Path, options: &Options) -> Result<Self, OpenError> {
        let open::Opened { path, db, lock } = open::writer(path, options)?;
        let tally = Arc::new(Tally::default());
        let log = Log::new(options.wal_soft, options.wal_hard);
        let writer = Writer::spawn(db, log, lock, Arc::clone(&tally), options.results)
            .map_err(|source| OpenError::File { path: path.clone(), source })?;
        Ok(Self { readers: Readers::new(&path), path, writer, tally, plans: Mutex::default() })
    }

    /// What it counted since it was opened.
    pub fn stats(&self) -> Stats {
        let log = std::fs::metadata(beside(&self.path, "-wal"));
        self.tally.read(log.map_or(0, |log| log.len()))
    }

    /// The file, with links followed.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn knows(&self, digest: &str) -> bool {
        self.plans.lock().unwrap_or_else(PoisonError::into_inner).contains(digest)
    }

    fn learn(&self, digest: &str) {
        self.plans.lock().unwrap_or_else(PoisonError::into_inner).insert(digest.to_owned());
    }
}

#[async_trait]
impl Journal for SqliteJournal {
    async fn append(&self, entry: Entry) -> Result<(), AppendError> {
        let plan = entry.plan.clone();
        let entry = Packed::new(entry, |digest| self.knows(digest))
            .map_err(|error| AppendError::Broken(error.to_string()))?;
        self.writer.write(Write::Entry(Box::new(entry))).await?;
        if let Some(plan) = plan {
            self.learn(plan.digest());
        }
        Ok(())
    }

    async fn events(&self, run: &RunId, from: u64, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        let run = run.clone();
        self.readers.read(move |db| query::events(db, &run, from, limit)).await
    }

    async fn plan(&self, digest: &str) -> Result<Option<Arc<Plan>>, ReadError> {
        let digest = digest.to_owned();
        self.readers.read(move |db| query::plan(db, &digest)).await
    }

    async fn unfinished(&self) -> Result<Vec<RunRecord>, ReadError> {
        self.readers.read(query::unfinished).await
    }

    async fn find(&self, prefix: &str, limit: usize) -> Result<Vec<RunRecord>, ReadError> {
        let prefix = prefix.to_owned();
        self.readers.read(move |db| query::find(db, &prefix, limit)).await
    }

    async fn list(&self, filter: &RunFilter) -> Result<Vec<RunRecord>, ReadError> {
        let filter = filter.clone();
        let is_search = filter.text.is_some();
        let ask = move |db: &Connection| query::list(db, &filter);
        if is_search { self.readers.search(ask).await } else { self.readers.read(ask).await }
    }

    async fn started_by(&self, key: &str) -> Result<Option<(RunRecord, String)>, ReadError> {
        let key = key.to_owned();
        self.readers.read(move |db| query::started_by(db, &key)).await
    }

    async fn output(
        &self,
        run: &RunId,
        step: &str,
        visit: Option<u32>,
        attempt: Option<u32>,
    ) -> Result<Option<KeptOutput>, ReadError> {
        let (run, step) = (run.clone(), step.to_owned());
        self.readers.read(move |db| query::output(db, &run, &step, visit, attempt)).await
    }

    async fn marks(&self) -> Result<Vec<ScheduleMark>, ReadError> {
        self.readers.read(query::marks).await
    }

    async fn mark(&self, mark: ScheduleMark) -> Result<(), AppendError> {
        self.writer.write(Write::Mark(mark)).await
    }

    async fn audit(&self, filter: &EventFilter) -> Result<Vec<Audited>, ReadError> {
        let filter = filter.clone();
        self.readers.read(move |db| query::audit(db, &filter)).await
    }

    fn note(&self, call: CallRecord) {
        self.writer.note(call);
    }

    async fn calls(&self, filter: &CallFilter) -> Result<Vec<CallRecord>, ReadError> {
        // Those that are noted and not on disk yet are told of too; one that is closed takes no more.
        drop(self.writer.write(Write::Nothing).await);
        let filter = filter.clone();
        self.readers.read(move |db| call::list(db, &filter)).await
    }

    async fn close(&self) {
        self.readers.close();
        // The thread panicking is told of by the closing itself.
        let _ = tokio::task::spawn_blocking(self.writer.close()).await;
    }
}

#[async_trait]
impl Results for SqliteJournal {
    async fn get(&self, key: &str, now: Timestamp) -> Result<Option<KeptResult>, ReadError> {
        // One that was put and is not on disk yet is found too.
        drop(self.writer.write(Write::Nothing).await);
        let key = key.to_owned();
        self.readers.read(move |db| result::get(db, &key, now)).await
    }

    fn put(&self, result: KeptResult) {
        match ResultRow::new(&result) {
            Ok(row) => self.writer.keep(row),
            Err(error) => tracing::warn!(key = result.key, %error, "a result cannot be kept"),
        }
    }
}

impl Drop for SqliteJournal {
    fn drop(&mut self) {
        self.readers.close();
    }
}
