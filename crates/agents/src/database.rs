//! What an agent keeps: one `SQLite` file in its state directory.
//!
//! [`Database::read`] and [`Database::write`] do blocking work on threads where it holds up nobody. There is one connection that
//! writes and up to [`READERS`] that read, and neither kind waits for the other. A write is one transaction: what it returned is
//! on disk, what failed left nothing behind. When the future of either is dropped, its statement is interrupted.

mod fault;
mod open;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use op_agent::Failure;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::Semaphore;

pub(crate) use fault::Fault;

/// Most reads at the same time; more would only wait for the same disk and processors.
const READERS: usize = 4;

/// Instructions of a statement between two looks whether anybody still waits for it: some ten microseconds.
const PACE: i32 = 1000;

/// An agent's database, opened when it is first used. Clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// Where the file is; none when the agent was given no place to keep things.
    path: Option<PathBuf>,
    migrations: &'static [&'static str],
    open: OnceLock<()>,
    writer: Arc<Semaphore>,
    readers: Arc<Semaphore>,
    idle_writer: Mutex<Option<Connection>>,
    idle_readers: Mutex<Vec<Connection>>,
}

impl Database {
    /// The file `name` in the directory `state`. Each of `migrations` brings it from the version of its position to the next
    /// one; what was once shipped never changes. Nothing is opened yet; without a directory every use is `not_configured`.
    pub(crate) fn new(state: Option<&Path>, name: &str, migrations: &'static [&'static str]) -> Self {
        let inner = Inner {
            path: state.map(|state| state.join(name)),
            migrations,
            open: OnceLock::new(),
            writer: Arc::new(Semaphore::new(1)),
            readers: Arc::new(Semaphore::new(READERS)),
            idle_writer: Mutex::default(),
            idle_readers: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Asks something. The connection cannot write, and all that is asked sees the same state, whatever is written meanwhile.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Failure> {
        self.work(Arc::clone(&self.inner.readers), move |inner, watch| {
            inner.ensure_open()?;
            let kept = locked(&inner.idle_readers).pop();
            let mut db = kept.map_or_else(|| open::reader(inner.path()?), Ok)?;
            let answer = watch.over(&mut db, |db| snapshot(db, query))?;
            if db.is_autocommit() {
                locked(&inner.idle_readers).push(db);
            }
            answer
        })
        .await
    }

    /// Changes something in one transaction, which holds when the closure returned a value and not when it returned a fault.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Failure> {
        self.work(Arc::clone(&self.inner.writer), move |inner, watch| inner.change(watch, change)).await
    }

    /// Changes something from a thread that may block, such as one that drops what the database belongs to.
    pub(crate) fn write_blocking<T>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>,
    ) -> Result<T, Failure> {
        self.inner.change(&Watch::default(), change).map_err(|fault| fault.told(self.inner.path.as_deref()))
    }

    /// Takes out what belongs to a session that is over, from a thread that may block. Where nothing was ever kept nothing is made;
    /// what an earlier process kept is found.
    pub(crate) fn end_session<T: Default>(
        &self,
        session: &str,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>,
    ) -> Result<T, Failure> {
        let is_there = self.inner.path.as_deref().is_some_and(Path::exists);
        if session.is_empty() || !is_there { Ok(T::default()) } else { self.write_blocking(change) }
    }

    /// Whether anything was kept or looked up yet.
    pub(crate) fn is_open(&self) -> bool {
        self.inner.open.get().is_some()
    }

    async fn work<T: Send + 'static>(
        &self,
        places: Arc<Semaphore>,
        work: impl FnOnce(&Inner, &Watch) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Failure> {
        let failed = |why: String| Failure::failed("database_failed", why);
        let place = places.acquire_owned().await.map_err(|error| failed(error.to_string()))?;
        let (inner, watch) = (Arc::clone(&self.inner), Watch::default());
        let theirs = watch.clone();
        let _leaving = Leaving(watch);
        let done = tokio::task::spawn_blocking(move || {
            let _place = place;
            work(&inner, &theirs)
        });
        match done.await {
            Ok(answer) => answer.map_err(|fault| fault.told(self.inner.path.as_deref())),
            Err(error) => Err(failed(format!("the database was not asked to the end: {error}"))),
        }
    }
}

impl Inner {
    fn path(&self) -> Result<&Path, Fault> {
        self.path.as_deref().ok_or(Fault::Nowhere)
    }

    /// Readers cannot make the file.
    fn ensure_open(&self) -> Result<(), Fault> {
        if self.open.get().is_none() {
            let mut idle = locked(&self.idle_writer);
            if idle.is_none() && self.open.get().is_none() {
                *idle = Some(self.open_writer()?);
            }
        }
        Ok(())
    }

    fn open_writer(&self) -> Result<Connection, Fault> {
        let db = open::writer(self.path()?, self.migrations)?;
        self.open.get_or_init(|| ());
        Ok(db)
    }

    fn change<T>(
        &self,
        watch: &Watch,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let mut idle = locked(&self.idle_writer);
        if idle.is_none() {
            *idle = Some(self.open_writer()?);
        }
        let Some(db) = idle.as_mut() else { return Err(Fault::Nowhere) };
        watch.over(db, |db| transact(db, change))?
    }
}

fn transact<T>(
    db: &mut Connection,
    change: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let answer = change(&transaction)?;
    transaction.commit()?;
    Ok(answer)
}

fn snapshot<T>(db: &mut Connection, query: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, Fault> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Deferred)?;
    let answer = query(&transaction)?;
    transaction.rollback()?;
    Ok(answer)
}

/// A panic in a closure leaves the list of connections as it was.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether nobody waits any more for what a connection does.
#[derive(Clone, Default)]
struct Watch {
    left: Arc<AtomicBool>,
}

impl Watch {
    /// Does work on a connection, whose statements end soon as interrupted when nobody waits for them any more.
    fn over<T>(&self, db: &mut Connection, work: impl FnOnce(&mut Connection) -> T) -> Result<T, Fault> {
        let left = Arc::clone(&self.left);
        db.progress_handler(PACE, Some(move || left.load(Ordering::Relaxed)))?;
        let answer = work(db);
        db.progress_handler(0, None::<fn() -> bool>)?;
        Ok(answer)
    }
}

/// Says that nobody waits any more.
struct Leaving(Watch);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.left.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
