//! The one thread that writes, and the way to it.
//!
//! Whatever waits is committed in one transaction: while the disk confirms one group, the next one gathers. If the thread dies,
//! every append answers that the journal is broken, and so does every one that waited.
//!
//! Calls that are noted lie beside the queue until a group is written. Only the first of them wakes the thread: on a busy host, waking it
//! for each would cost more than the call.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use op_engine::ports::journal::{AppendError, CallRecord};
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::checkpoint::Log;
use super::commit::{Verdict, Write, commit};
use super::fault::{Fault, append_error};
use super::lock::Lock;
use super::result::ResultRow;
use super::stats::Tally;

/// Most entries that are committed together.
const GROUP: usize = 512;

/// Bytes after which a group takes no more entries.
const GROUP_BYTES: usize = 4 << 20;

/// Kibibytes of entries that wait or are being written. Who comes with more waits outside.
const ROOM: u32 = 32 << 10;

/// Calls that are noted and not written yet. One that comes with more is dropped.
const NOTED: usize = 1 << 14;

/// How long writes that nobody waits for wait for others, so that they cost few syncs.
const COMPANY: Duration = Duration::from_millis(100);

/// Quiet time after which the log is copied.
const LULL: Duration = Duration::from_millis(20);

/// The way to the writer's thread. The thread ends when this is closed or dropped.
#[derive(Debug)]
pub(super) struct Writer {
    inbox: Mutex<Option<Sender<Submission>>>,
    room: Arc<Semaphore>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
    tally: Arc<Tally>,
    noted: Noted,
    /// Whether the last call that was to be noted was dropped.
    drops: AtomicBool,
}

/// Calls that go along with the next group.
type Noted = Arc<Mutex<Vec<CallRecord>>>;

/// An entry or a mark on its way to the disk.
#[derive(Debug)]
struct Submission {
    write: Write,
    reply: oneshot::Sender<Verdict>,
    /// Its place among all that wait, where somebody waits for it; given back with the answer.
    _place: Option<OwnedSemaphorePermit>,
}

impl Writer {
    /// Starts the thread. Results of steps take at most so many bytes of the file.
    pub(super) fn spawn(
        db: Connection,
        log: Log,
        lock: Lock,
        tally: Arc<Tally>,
        results: u64,
    ) -> std::io::Result<Self> {
        let ((inbox, waiting), noted) = (channel(), Noted::default());
        let desk = Desk {
            waiting,
            noted: Arc::clone(&noted),
            db,
            log,
            tally: Arc::clone(&tally),
            results,
            unsure: None,
            _lock: lock,
        };
        let thread = std::thread::Builder::new().name("journal".to_owned()).spawn(move || desk.serve())?;
        Ok(Self {
            inbox: Mutex::new(Some(inbox)),
            room: Arc::new(Semaphore::new(ROOM as usize)),
            thread: Arc::new(Mutex::new(Some(thread))),
            tally,
            noted,
            drops: AtomicBool::new(false),
        })
    }

    /// Hands a call over that nobody waits for. It is dropped when there is no room.
    pub(super) fn note(&self, call: CallRecord) {
        let before = {
            let mut noted = hold(&self.noted);
            let before = noted.len();
            if before < NOTED {
                noted.push(call);
            }
            before
        };
        self.taken(before < NOTED && (before > 0 || self.leave(Write::Noted, None)));
    }

    /// Hands over what a call of a step returned, for which nobody waits. It is dropped when there is no room.
    pub(super) fn keep(&self, result: ResultRow) {
        let write = Write::Result(Box::new(result));
        let place = Arc::clone(&self.room).try_acquire_many_owned(weight(&write));
        self.taken(place.is_ok_and(|place| self.leave(write, Some(place))));
    }

    /// Hands something over; false when no more is taken.
    fn leave(&self, write: Write, place: Option<OwnedSemaphorePermit>) -> bool {
        self.submit(Submission { write, reply: oneshot::channel().0, _place: place }).is_ok()
    }

    /// Says once that something was dropped that nobody waits for.
    fn taken(&self, is_taken: bool) {
        if !is_taken && !self.drops.swap(true, Ordering::Relaxed) {
            tracing::warn!("the journal is behind and drops notes that nobody waits for");
        } else if is_taken {
            self.drops.store(false, Ordering::Relaxed);
        }
    }

    /// Hands something over and waits for its verdict. Whoever stops waiting has written all of it, or nothing.
    pub(super) async fn write(&self, write: Write) -> Verdict {
        let place = Arc::clone(&self.room).acquire_many_owned(weight(&write)).await;
        let place = place.map_err(|_| AppendError::Closed)?;
        let (reply, verdict) = oneshot::channel();
        self.submit(Submission { write, reply, _place: Some(place) })?;
        verdict.await.unwrap_or_else(|_| Err(gone()))
    }

    fn submit(&self, submission: Submission) -> Verdict {
        let inbox = hold(&self.inbox);
        let inbox = inbox.as_ref().ok_or(AppendError::Closed)?;
        let entries = usize::from(submission.write.events().is_some());
        inbox.send(submission).map_err(|_| gone())?;
        Tally::add(&self.tally.appends, entries);
        Ok(())
    }

    /// Takes no more. Returns what waits until everything taken is on disk, the file is closed and the lock given back.
    pub(super) fn close(&self) -> impl FnOnce() + Send + use<> {
        self.room.close();
        drop(hold(&self.inbox).take());
        let thread = Arc::clone(&self.thread);
        move || {
            // Held while joining, so that everybody who closes waits for the end.
            let mut thread = hold(&thread);
            if thread.take().is_some_and(|thread| thread.join().is_err()) {
                tracing::error!("the thread that writes the journal panicked");
            }
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.close()();
    }
}

/// Kibibytes of room that it takes; what is larger than the room takes all of it.
fn weight(write: &Write) -> u32 {
    u32::try_from(write.size() / 1024 + 1).unwrap_or(ROOM).min(ROOM)
}

fn gone() -> AppendError {
    AppendError::Broken("the thread that writes it is gone".to_owned())
}

/// What the mutexes here hold is whole at any time.
fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the thread has before it. The lock comes last: it is given back when the file is closed.
struct Desk {
    waiting: Receiver<Submission>,
    noted: Noted,
    db: Connection,
    log: Log,
    tally: Arc<Tally>,
    /// Bytes that results of steps take at most.
    results: u64,
    /// Why nobody knows what is on the disk, once that is so.
    unsure: Option<AppendError>,
    _lock: Lock,
}

impl Desk {
    fn serve(mut self) {
        while let Some(first) = self.first() {
            let group = self.gather(first);
            self.settle(group);
            self.tend(Log::grown);
        }
        self.tend(Log::empty);
        if self.unsure.is_some() {
            // Closing would copy a log that may not be what was written.
            let _ = self.db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        }
    }

    /// The next write; nothing when no more will come.
    fn first(&mut self) -> Option<Submission> {
        while self.log.is_dirty() && self.unsure.is_none() {
            match self.waiting.recv_timeout(LULL) {
                Ok(submission) => return Some(submission),
                Err(RecvTimeoutError::Timeout) => self.tend(Log::copy),
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
        self.waiting.recv().ok()
    }

    /// A write and all that wait behind it, up to the size of a group, and the calls that were noted. Where nobody waits, some more are
    /// waited for.
    fn gather(&self, first: Submission) -> Vec<Submission> {
        let (mut bytes, mut is_patient) = (first.write.size(), first.write.is_patient());
        let mut group = vec![first];
        let until = Instant::now() + COMPANY;
        while group.len() < GROUP && bytes < GROUP_BYTES {
            let next = match self.waiting.try_recv() {
                Ok(next) => next,
                Err(_) if !is_patient => break,
                Err(_) => match self.waiting.recv_timeout(until.saturating_duration_since(Instant::now())) {
                    Ok(next) => next,
                    Err(_) => break,
                },
            };
            bytes += next.write.size();
            is_patient &= next.write.is_patient();
            group.push(next);
        }
        let calls = std::mem::take(&mut *hold(&self.noted));
        if !calls.is_empty() {
            let write = Write::Calls(calls);
            group.push(Submission { write, reply: oneshot::channel().0, _place: None });
        }
        group
    }

    /// Commits a group and answers. A group that fails is tried again one by one, so that none fails for another's sake.
    fn settle(&mut self, group: Vec<Submission>) {
        if let Some(error) = self.unsure.clone() {
            return refuse(group, &error);
        }
        match commit(&mut self.db, group.iter().map(|submission| &submission.write), self.results) {
            Ok(verdicts) => {
                self.count(&group, &verdicts);
                for (submission, verdict) in group.into_iter().zip(verdicts) {
                    submission.answer(verdict);
                }
            }
            Err(error) if group.len() > 1 && Fault::of(&error).is_of_one() => {
                for alone in group {
                    self.settle(vec![alone]);
                }
            }
            Err(error) => refuse(group, &self.failed(&error)),
        }
    }

    fn count(&self, group: &[Submission], verdicts: &[Verdict]) {
        let taken = group.iter().zip(verdicts).filter(|(_, verdict)| verdict.is_ok());
        let events: Vec<_> = taken.clone().filter_map(|(submission, _)| submission.write.events()).collect();
        Tally::add(&self.tally.entries, events.len());
        Tally::add(&self.tally.events, events.into_iter().sum());
        Tally::add(&self.tally.commits, usize::from(taken.count() > 0));
    }

    /// Looks after the log. What goes wrong there loses nothing, and is tried again; unless the disk did not confirm a write.
    fn tend(&mut self, work: impl FnOnce(&mut Log, &Connection, &Tally) -> rusqlite::Result<()>) {
        if self.unsure.is_some() {
            return;
        }
        if let Err(error) = work(&mut self.log, &self.db, &self.tally) {
            tracing::warn!(%error, "the log of the journal cannot be copied into the database now");
            self.failed(&error);
        }
    }

    /// What a failure is answered with; remembers one after which nothing can be known.
    fn failed(&mut self, error: &rusqlite::Error) -> AppendError {
        let answer = append_error(error);
        if Fault::of(error) == Fault::Unsure {
            tracing::error!(%error, "the disk did not confirm a write of the journal");
            self.unsure = Some(answer.clone());
        }
        answer
    }
}

fn refuse(group: Vec<Submission>, error: &AppendError) {
    for submission in group {
        submission.answer(Err(error.clone()));
    }
}

impl Submission {
    /// Nobody may be waiting any more; that is their business.
    fn answer(self, verdict: Verdict) {
        let _ = self.reply.send(verdict);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::atomic::AtomicUsize;

    use op_engine::ports::journal::{Entry, RunRecord};
    use op_run::run::State;
    use op_run::{Event, Fact, RunId, Timestamp};
    use rusqlite::{Error, ffi};

    use super::*;
    use crate::codec::Packed;
    use crate::sqlite::schema::migrate;

    /// The second event of a run that never began: refused as a conflict by a desk that looks at it.
    fn entry() -> Write {
        let at = Timestamp::default();
        let record = RunRecord {
            id: RunId::new("run"),
            plan: String::new(),
            digest: String::new(),
            state: State::Running,
            user: String::new(),
            labels: BTreeMap::new(),
            started_at: at,
            ended_at: None,
            settled_phases: 0,
            total_phases: 0,
            reason: String::new(),
            sequence: 2,
        };
        let events = vec![Event { at, fact: Fact::RunTimedOut }];
        let entry = Entry { first: 2, events, record, plan: None, idempotency: None, outputs: Vec::new() };
        Write::Entry(Box::new(Packed::new(entry, |_| false).unwrap()))
    }

    fn call() -> CallRecord {
        CallRecord {
            id: String::new(),
            at: Timestamp::default(),
            user: String::new(),
            session: String::new(),
            operation: String::new(),
            outcome: String::new(),
            reason: String::new(),
            duration: Duration::ZERO,
            risk: None,
        }
    }

    fn writer(serve: impl FnOnce(Receiver<Submission>) + Send + 'static) -> Writer {
        let (inbox, waiting) = channel();
        Writer {
            inbox: Mutex::new(Some(inbox)),
            room: Arc::new(Semaphore::new(ROOM as usize)),
            thread: Arc::new(Mutex::new(Some(std::thread::spawn(move || serve(waiting))))),
            tally: Arc::default(),
            noted: Noted::default(),
            drops: AtomicBool::new(false),
        }
    }

    #[tokio::test]
    async fn when_the_thread_dies_every_append_is_answered_as_broken() {
        let writer = writer(|waiting| {
            let held = (waiting.recv(), waiting.recv());
            panic!("on purpose, with {held:?}");
        });
        let (one, two, three) =
            futures::join!(writer.write(entry()), writer.write(entry()), writer.write(entry()));
        assert_eq!([one, two, three, writer.write(entry()).await], [(); 4].map(|()| Err(gone())));
        writer.close()();
        assert_eq!(writer.write(entry()).await, Err(AppendError::Closed));
    }

    #[test]
    fn only_the_first_call_that_is_noted_wakes_the_thread() {
        let (inbox, waiting) = channel();
        let writer = writer(|_| ());
        *hold(&writer.inbox) = Some(inbox);
        (0..NOTED + 5).for_each(|_| writer.note(call()));
        assert_eq!(waiting.try_iter().count(), 1);
        assert_eq!(hold(&writer.noted).len(), NOTED, "those that are too many are dropped");
        hold(&writer.noted).clear();
        writer.note(call());
        assert_eq!(waiting.try_iter().count(), 1, "they were taken along since");
    }

    /// A desk before a new journal, and the folder it lies in.
    fn desk() -> (tempfile::TempDir, Desk) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j.db");
        let mut db = Connection::open(&path).unwrap();
        migrate(&mut db).unwrap();
        let lock = Lock::take(&path).unwrap();
        let (log, tally) = (Log::new(1, 1), Arc::default());
        let (waiting, noted) = (channel().1, Noted::default());
        (folder, Desk { waiting, noted, db, log, tally, results: 0, unsure: None, _lock: lock })
    }

    /// What a group of entries is answered.
    fn ask(desk: &mut Desk, entries: usize) -> Vec<AppendError> {
        let submission = |_| {
            let (reply, verdict) = oneshot::channel();
            (Submission { write: entry(), reply, _place: None }, verdict)
        };
        let (group, verdicts): (Vec<_>, Vec<_>) = (0..entries).map(submission).unzip();
        desk.settle(group);
        verdicts.into_iter().map(|mut verdict| verdict.try_recv().unwrap().unwrap_err()).collect()
    }

    #[test]
    fn after_a_write_that_the_disk_did_not_confirm_nothing_is_taken() {
        let (_folder, mut desk) = desk();
        let mut fail = |code| {
            desk.failed(&Error::SqliteFailure(ffi::Error::new(code), None));
            ask(&mut desk, 1).remove(0)
        };
        assert!(matches!(fail(ffi::SQLITE_FULL), AppendError::Conflict { .. }), "a full disk is forgotten");
        let told = fail(ffi::SQLITE_IOERR_FSYNC).to_string();
        assert!(told.contains("did not confirm a write"), "{told}");
        assert!(ask(&mut desk, 2).iter().all(|again| again.to_string() == told));
    }

    #[test]
    fn a_file_that_another_program_keeps_is_waited_for_once_for_all() {
        let (folder, mut desk) = desk();
        let other = Connection::open(folder.path().join("j.db")).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let waits = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&waits);
        let count = move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
            false
        };
        desk.db.busy_handler(Some(count)).unwrap();
        let told = ask(&mut desk, 3);
        assert!(
            told.iter().all(|told| told.to_string().contains("another program keeps it locked")),
            "{told:?}"
        );
        assert_eq!(waits.load(Ordering::Relaxed), 1);
        other.execute_batch("COMMIT").unwrap();
        assert!(ask(&mut desk, 3).iter().all(|told| matches!(told, AppendError::Conflict { .. })));
    }
}
