//! Read-only connections, apart from the writer: neither waits for the other.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use op_engine::ports::journal::ReadError;
use rusqlite::Connection;
use tokio::sync::{AcquireError, Semaphore};

use super::fault::QueryError;
use super::open;

/// Most reads at the same time; more would only wait for the same disk.
const READERS: usize = 4;

/// Connections that read, opened when needed and kept.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    room: Arc<Semaphore>,
    turn: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Readers {
    /// Readers of a file that a writer has open.
    pub(super) fn new(path: &Path) -> Self {
        let (room, turn) = (Arc::new(Semaphore::new(READERS)), Arc::new(Semaphore::new(1)));
        Self { path: path.to_owned(), room, turn, idle: Arc::default() }
    }

    /// Asks something that may take seconds. Such questions take turns, so that they hold up each other and nobody else.
    pub(super) async fn search<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, QueryError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let turn = Arc::clone(&self.turn).acquire_owned().await.map_err(closed)?;
        let query = move |db: &Connection| {
            let _turn = turn;
            query(db)
        };
        self.read(query).await
    }

    /// Asks something, on a thread where waiting for the disk holds up nobody else. A question that nobody waits for any more
    /// keeps its place until it ends.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, QueryError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let place = Arc::clone(&self.room).acquire_owned().await.map_err(closed)?;
        let (idle, path) = (Arc::clone(&self.idle), self.path.clone());
        let asked = tokio::task::spawn_blocking(move || {
            let _place = place;
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
        self.turn.close();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

fn closed(_: AcquireError) -> ReadError {
    ReadError::Broken("it is closed".to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc::channel;

    use super::*;

    #[tokio::test]
    async fn long_questions_take_turns_even_when_nobody_waits_for_them_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j.db");
        drop(Connection::open(&path).unwrap());
        let readers = Readers::new(&path);
        let (go, gone) = channel::<()>();
        let ended = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&ended);
        let mut first = Box::pin(readers.search(move |_| {
            let _ = gone.recv();
            end.store(true, Ordering::SeqCst);
            Ok(())
        }));
        assert!(futures::poll!(&mut first).is_pending());
        drop(first);
        let mut second = Box::pin(readers.search(move |_| Ok(ended.load(Ordering::SeqCst))));
        assert!(futures::poll!(&mut second).is_pending());
        assert_eq!(readers.read(|_| Ok(7)).await, Ok(7), "short ones do not wait for them");
        go.send(()).unwrap();
        assert_eq!(second.await, Ok(true), "the second one began when the first one had ended");
    }
}
