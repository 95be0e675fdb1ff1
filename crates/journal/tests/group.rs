//! Commits shared by many, readers that stand in nobody's way, and a log that stays small.

use std::sync::Arc;
use std::task::Poll;

use futures::future::join_all;
use futures::poll;
use op_engine::ports::journal::{AppendError, Journal};
use op_journal::{Options, SqliteJournal};
use rusqlite::{Connection, OpenFlags};

use crate::samples::{Story, kept, key, mark, phase, started, text};

struct Home {
    folder: tempfile::TempDir,
    journal: Arc<SqliteJournal>,
}

fn home(options: &Options) -> Home {
    let folder = tempfile::tempdir().unwrap();
    let journal = SqliteJournal::open_with(&folder.path().join("journal.db"), options).unwrap();
    Home { folder, journal: Arc::new(journal) }
}

impl Home {
    /// Another program with the file open.
    fn other(&self) -> Connection {
        Connection::open(self.folder.path().join("journal.db")).unwrap()
    }
}

#[tokio::test]
async fn what_waits_is_committed_together() {
    let home = home(&Options::default());
    let other = home.other();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut appends: Vec<_> = (0..100)
        .map(|number| {
            let journal = Arc::clone(&home.journal);
            let entry = Story::new(&format!("run-{number}")).next(vec![started(), text(1000)]);
            Box::pin(async move { journal.append(entry).await })
        })
        .collect();
    for append in &mut appends {
        assert!(poll!(append).is_pending());
    }
    assert_eq!(home.journal.stats().appends, 100);
    assert_eq!(home.journal.stats().entries, 0);
    other.execute_batch("COMMIT").unwrap();
    assert!(join_all(appends).await.iter().all(Result::is_ok));
    let stats = home.journal.stats();
    assert_eq!((stats.entries, stats.events), (100, 200));
    assert!(
        stats.commits <= 2,
        "those that came while the first ones were held up went in one group: {stats:?}"
    );
}

#[tokio::test]
async fn a_refused_entry_takes_none_of_its_group_with_it() {
    let home = home(&Options::default());
    home.journal.append(Story::new("old").next(vec![started()])).await.unwrap();
    let other = home.other();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let keyed = |run: &str| {
        let mut entry = Story::new(run).next(vec![started()]);
        entry.idempotency = Some(key("k"));
        entry
    };
    let entries = [
        Story::new("a").next(vec![started()]),
        Story::new("old").next(vec![started()]),
        keyed("b"),
        keyed("c"),
    ];
    let mut appends = entries.map(|entry| home.journal.append(entry));
    for append in &mut appends {
        assert!(poll!(append).is_pending());
    }
    other.execute_batch("COMMIT").unwrap();
    let outcomes = join_all(appends).await;
    assert!(matches!(outcomes[1], Err(AppendError::Conflict { has: 1, first: 1, .. })));
    assert_eq!(outcomes[3], Err(AppendError::KeyTaken("k".to_owned())));
    assert!(outcomes[0].is_ok() && outcomes[2].is_ok());
    let names: Vec<_> =
        home.journal.find("", 9).await.unwrap().into_iter().map(|run| run.id.to_string()).collect();
    assert_eq!(names, ["a", "b", "old"]);
}

#[tokio::test]
async fn a_mark_is_on_disk_with_the_entries_of_its_group() {
    let home = home(&Options::default());
    home.journal.append(Story::new("old").next(vec![started()])).await.unwrap();
    let other = home.other();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut appends = ["a", "b"].map(|run| home.journal.append(Story::new(run).next(vec![started()])));
    let mut refused = home.journal.append(Story::new("old").next(vec![started()]));
    let mut marks = ["one", "two", "one"].map(|plan| home.journal.mark(mark(plan, Some(5), false)));
    for write in appends.iter_mut().chain([&mut refused]).chain(&mut marks) {
        assert!(poll!(write).is_pending());
    }
    other.execute_batch("COMMIT").unwrap();
    assert!(join_all(appends.into_iter().chain(marks)).await.iter().all(Result::is_ok));
    assert!(matches!(refused.await, Err(AppendError::Conflict { .. })));
    let stats = home.journal.stats();
    assert_eq!((stats.appends, stats.entries, stats.events), (4, 3, 3), "marks are no entries");
    assert!(stats.commits <= 3, "{stats:?}");
    let sql = "SELECT count(*) FROM marks";
    assert_eq!(other.query_row(sql, (), |row| row.get::<_, i64>(0)).unwrap(), 2, "another program sees them");
}

#[tokio::test]
async fn an_append_nobody_waits_for_any_more_is_whole_all_the_same() {
    let home = home(&Options::default());
    let other = home.other();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut story = Story::new("run");
    let mut entry = story.next(vec![started(), phase(2)]);
    entry.outputs = vec![kept("compile", 1)];
    let mut append = home.journal.append(entry);
    assert_eq!(poll!(&mut append), Poll::Pending);
    drop(append);
    other.execute_batch("COMMIT").unwrap();
    home.journal.append(story.next(vec![phase(3)])).await.unwrap();
    assert_eq!(home.journal.events(&story.id(), 1, 9).await.unwrap().len(), 3);
    assert_eq!(
        home.journal.output(&story.id(), "compile", None, None).await.unwrap(),
        Some(kept("compile", 1))
    );
}

#[tokio::test]
async fn a_reader_that_takes_its_time_holds_up_nobody() {
    let home = home(&Options::default());
    let mut story = Story::new("run");
    home.journal.append(story.next(vec![started()])).await.unwrap();
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let reader = Connection::open_with_flags(home.folder.path().join("journal.db"), flags).unwrap();
    let count = || reader.query_row("SELECT count(*) FROM events", (), |row| row.get::<_, i64>(0)).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    assert_eq!(count(), 1);
    for at in 0..100 {
        home.journal.append(story.next(vec![phase(at)])).await.unwrap();
    }
    assert_eq!(home.journal.events(&story.id(), 1, 1000).await.unwrap().len(), 101);
    assert_eq!(count(), 1, "it still sees what was there when it began");
    reader.execute_batch("COMMIT").unwrap();
    assert_eq!(count(), 101);
}

#[tokio::test]
async fn the_log_stays_small_however_much_is_written() {
    let home = home(&Options { wal_soft: 64 << 10, wal_hard: 1 << 20, ..Options::default() });
    let mut story = Story::new("run");
    for _ in 0..400 {
        home.journal.append(story.next(vec![text(10_000)])).await.unwrap();
        let size = home.journal.stats().wal_bytes;
        assert!(size < 512 << 10, "{size}");
    }
    assert!(home.journal.stats().checkpoints > 10);
}

#[tokio::test]
async fn a_log_is_emptied_at_the_hard_size() {
    // The soft size is out of reach: only a lull or the hard size can keep the log from growing to megabytes.
    let home = home(&Options { wal_soft: 1 << 30, wal_hard: 256 << 10, ..Options::default() });
    let mut story = Story::new("run");
    for _ in 0..300 {
        home.journal.append(story.next(vec![text(10_000)])).await.unwrap();
        let size = home.journal.stats().wal_bytes;
        assert!(size < 512 << 10, "{size}");
    }
}

#[tokio::test]
async fn a_reader_that_stays_costs_space_until_it_goes_and_nothing_else() {
    let home = home(&Options { wal_soft: 64 << 10, wal_hard: 256 << 10, ..Options::default() });
    let mut story = Story::new("run");
    home.journal.append(story.next(vec![started()])).await.unwrap();
    let reader = home.other();
    reader.execute_batch("BEGIN; SELECT count(*) FROM events").unwrap();
    for _ in 0..60 {
        home.journal.append(story.next(vec![text(10_000)])).await.unwrap();
    }
    assert!(home.journal.stats().wal_bytes > 256 << 10);
    reader.execute_batch("COMMIT").unwrap();
    for _ in 0..30 {
        home.journal.append(story.next(vec![text(10_000)])).await.unwrap();
    }
    let size = home.journal.stats().wal_bytes;
    assert!(size < 512 << 10, "{size} after the reader went");
    home.journal.close().await;
    assert_eq!(home.journal.stats().wal_bytes, 0, "closing leaves no log behind");
    let again = SqliteJournal::open(home.journal.path()).unwrap();
    assert_eq!(again.events(&story.id(), 1, 1000).await.unwrap().len(), 91);
}

#[tokio::test]
async fn what_waits_when_it_is_closed_is_written() {
    let home = home(&Options::default());
    let other = home.other();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut appends: Vec<_> = (0..20)
        .map(|number| {
            let entry = Story::new(&format!("run-{number}")).next(vec![started()]);
            home.journal.append(entry)
        })
        .collect();
    for append in &mut appends {
        assert!(poll!(append).is_pending());
    }
    let mut close = home.journal.close();
    assert!(poll!(&mut close).is_pending());
    other.execute_batch("COMMIT").unwrap();
    close.await;
    assert!(join_all(appends).await.iter().all(Result::is_ok));
    let again = SqliteJournal::open(home.journal.path()).unwrap();
    assert_eq!(again.find("run-", 100).await.unwrap().len(), 20);
}

#[tokio::test]
async fn what_is_dropped_can_be_opened_at_once() {
    let home = home(&Options::default());
    let Home { folder, journal } = home;
    let mut story = Story::new("run");
    journal.append(story.next(vec![started()])).await.unwrap();
    drop(journal);
    let again = SqliteJournal::open(&folder.path().join("journal.db")).unwrap();
    again.append(story.next(vec![phase(2)])).await.unwrap();
    assert_eq!(again.events(&story.id(), 1, 9).await.unwrap().len(), 2);
}
