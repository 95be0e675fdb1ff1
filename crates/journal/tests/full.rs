//! A disk without space: told, nothing lost, and it goes on when there is space again.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use op_engine::ports::journal::{AppendError, Journal};
use op_journal::{OpenError, Options, SqliteJournal};
use op_run::RunId;

use crate::samples::{Story, started, text};

/// Appends until there is no space; gives the events that were answered, and checks that exactly they are there.
async fn fill(journal: &SqliteJournal, story: &mut Story) -> u64 {
    loop {
        let before = story.clone();
        match journal.append(story.next(vec![text(5000)])).await {
            Ok(()) => {}
            Err(AppendError::Full(_)) => {
                *story = before;
                break;
            }
            Err(error) => panic!("{error}"),
        }
    }
    let there = count(journal, &story.id()).await;
    assert_eq!(there, story.record.sequence);
    there
}

async fn count(journal: &SqliteJournal, run: &RunId) -> u64 {
    journal.events(run, 1, usize::MAX).await.unwrap().len() as u64
}

#[tokio::test]
async fn a_journal_that_may_not_grow_says_so_and_goes_on_when_it_may() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let small = Options { largest: Some(1 << 20), ..Options::default() };
    let journal = SqliteJournal::open_with(&path, &small).unwrap();
    let mut story = Story::new("run");
    journal.append(story.next(vec![started()])).await.unwrap();
    let there = fill(&journal, &mut story).await;
    assert!(there > 100, "{there}");
    assert_eq!(fill(&journal, &mut story).await, there, "asking again changes nothing");
    journal.close().await;
    assert!(fs::metadata(&path).unwrap().len() <= 1 << 20);
    let journal = SqliteJournal::open(&path).unwrap();
    journal.append(story.next(vec![text(5000)])).await.unwrap();
    assert_eq!(count(&journal, &story.id()).await, there + 1);
}

#[tokio::test]
async fn a_large_entry_without_space_takes_no_small_one_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let small = Options { largest: Some(1 << 20), ..Options::default() };
    let journal = Arc::new(SqliteJournal::open_with(&folder.path().join("journal.db"), &small).unwrap());
    let other = rusqlite::Connection::open(journal.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let entries = [("a", 100), ("b", 2 << 20), ("c", 100)];
    let mut appends = entries.map(|(run, size)| journal.append(Story::new(run).next(vec![text(size)])));
    for append in &mut appends {
        assert!(futures::poll!(append).is_pending());
    }
    other.execute_batch("COMMIT").unwrap();
    let outcomes = futures::future::join_all(appends).await;
    assert_eq!(outcomes[0], Ok(()));
    assert!(matches!(outcomes[1], Err(AppendError::Full(_))), "{outcomes:?}");
    assert_eq!(outcomes[2], Ok(()));
    assert_eq!(count(&journal, &RunId::new("b")).await, 0);
}

/// A small file system of its own; nothing where this process may not make one.
struct Disk {
    folder: tempfile::TempDir,
}

impl Disk {
    fn new(megabytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={megabytes}m");
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).output();
        mount.is_ok_and(|mount| mount.status.success()).then_some(Self { folder })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Takes all the space that is left; it comes back when the file is removed.
    fn stuff(&self) -> std::path::PathBuf {
        use std::io::Write;
        let path = self.path().join("stuff");
        let mut file = fs::File::create(&path).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
        path
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let done = Command::new("umount").arg("--lazy").arg(self.path()).status();
        assert!(done.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

#[tokio::test]
async fn a_full_disk_loses_nothing_and_is_forgotten_when_there_is_space() {
    let Some(disk) = Disk::new(8) else {
        eprintln!(
            "SKIPPED: a file system of its own cannot be mounted here, so a really full disk was not tried"
        );
        return;
    };
    let path = disk.path().join("journal.db");
    // No copying for want of space to copy to: the log itself fills the disk.
    let journal = SqliteJournal::open(&path).unwrap();
    let mut story = Story::new("run");
    journal.append(story.next(vec![started()])).await.unwrap();
    let stuff = disk.stuff();
    let there = fill(&journal, &mut story).await;
    fs::remove_file(&stuff).unwrap();
    for _ in 0..20 {
        journal.append(story.next(vec![text(5000)])).await.unwrap();
    }
    assert_eq!(count(&journal, &story.id()).await, there + 20);
    let there = fill(&journal, &mut story).await;
    drop(journal);
    let journal = SqliteJournal::open(&path).unwrap();
    assert_eq!(count(&journal, &story.id()).await, there, "after opening it again on the full disk");
}

#[tokio::test]
async fn a_journal_that_cannot_be_made_for_want_of_space_says_so() {
    let Some(disk) = Disk::new(1) else {
        eprintln!(
            "SKIPPED: a file system of its own cannot be mounted here, so a really full disk was not tried"
        );
        return;
    };
    let stuff = disk.stuff();
    let path = disk.path().join("journal.db");
    let error = SqliteJournal::open(&path).unwrap_err();
    assert!(matches!(error, OpenError::Full { .. } | OpenError::File { .. }), "{error:?}");
    fs::remove_file(stuff).unwrap();
    SqliteJournal::open(&path).unwrap();
}
