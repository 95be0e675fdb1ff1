//! Read-only connections, apart from the writer: neither waits for the other.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use op_engine::ports::journal::ReadError;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::fault::QueryError;
use super::open;

/// Most reads at the same time; more would only wait for the same disk.
const READERS: usize = 4;

/// Connections that read, opened when needed and kept.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    room: Semaphore,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Readers {
    /// Readers of a file that a writer has open.
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), room: Semaphore::new(READERS), idle: Arc::default() }
    }

    /// Asks something, on a thread where waiting for the disk holds up nobody else.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, QueryError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let closed = |_| ReadError::Broken("it is closed".to_owned());
        let _place = self.room.acquire().await.map_err(closed)?;
        let (idle, path) = (Arc::clone(&self.idle), self.path.clone());
        let asked = tokio::task::spawn_blocking(move || {
            let kept = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let db = kept.map_or_else(|| open::reader(&path), Ok).map_err(QueryError::from)?;
            let answer = query(&db)?;
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(db);
            Ok(answer)
        });
        match asked.await {
            Ok(answer) => answer.map_err(|error: QueryError| error.into()),
            Err(error) => Err(ReadError::Broken(format!("a query did not end: {error}"))),
        }
    }

    /// Answers no more, and closes what nobody uses.
    pub(super) fn close(&self) {
        self.room.close();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
