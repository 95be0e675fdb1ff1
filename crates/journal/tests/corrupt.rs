//! Files that are not what was written: refused or told of, never repaired in silence, never a panic.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use op_engine::ports::journal::{EventFilter, Journal, ReadError, RunFilter};
use op_journal::{OpenError, Options, SqliteJournal};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::samples::{PLAN, Story, kept, started, text};

/// A journal with a few hundred events that was closed in peace.
async fn written() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let journal = SqliteJournal::open(&path).unwrap();
    for number in 0..20 {
        let mut story = Story::new(&format!("run-{number}"));
        for _ in 0..5 {
            let mut entry = story.next(vec![started(), text(600)]);
            entry.outputs = vec![kept("compile", 1)];
            journal.append(entry).await.unwrap();
        }
    }
    journal.close().await;
    (folder, path)
}

fn refused(path: &Path) -> OpenError {
    let before = fs::read(path).unwrap();
    let error = SqliteJournal::open(path).unwrap_err();
    assert!(fs::read(path).unwrap() == before, "the file stays as it is");
    error
}

#[tokio::test]
async fn garbage_is_refused() {
    let (_folder, path) = written().await;
    fs::write(&path, "no database at all, however long it may be".repeat(4096)).unwrap();
    let error = refused(&path);
    assert!(matches!(error, OpenError::Corrupt { .. }), "{error}");
    assert!(error.to_string().contains("not a database"), "{error}");
    assert!(error.hint().contains("backup"));
}

#[tokio::test]
async fn a_file_that_was_cut_off_is_refused() {
    let (_folder, path) = written().await;
    let whole = fs::read(&path).unwrap();
    for length in [0, 1, 99, 100, 512, 4095, 4096, 8192, whole.len() / 2, whole.len() - 4096, whole.len() - 1]
    {
        fs::write(&path, &whole[..length]).unwrap();
        let error = refused(&path);
        assert!(matches!(error, OpenError::Corrupt { .. }), "{length}: {error}");
    }
    fs::write(&path, whole).unwrap();
    SqliteJournal::open(&path).unwrap();
}

#[tokio::test]
async fn a_log_without_its_file_is_refused() {
    let (_folder, path) = written().await;
    fs::rename(&path, path.with_extension("db-wal")).unwrap();
    let error = SqliteJournal::open(&path).unwrap_err();
    assert!(error.to_string().contains("its log is still there"), "{error}");
}

#[tokio::test]
async fn a_page_that_was_overwritten_is_never_taken_for_what_was_written() {
    let (_folder, path) = written().await;
    let whole = fs::read(&path).unwrap();
    let pages = whole.len() / 4096;
    assert!(pages > 30, "{pages}");
    for page in 1..pages as u64 {
        fs::write(&path, &whole).unwrap();
        OpenOptions::new().write(true).open(&path).unwrap().write_all_at(&[0xa5; 64], page * 4096).unwrap();
        let error = refused(&path);
        assert!(matches!(error, OpenError::Corrupt { .. }), "page {page}: {error}");
    }
}

#[tokio::test]
async fn what_breaks_while_it_is_not_checked_is_told_when_it_is_read() {
    let (_folder, path) = written().await;
    let whole = fs::read(&path).unwrap();
    let labels = Story::new("").record.labels;
    let labelled = RunFilter { labels, limit: 10_000, ..RunFilter::default() };
    let mut told = 0;
    for page in 1..(whole.len() / 4096) as u64 {
        fs::write(&path, &whole).unwrap();
        OpenOptions::new().write(true).open(&path).unwrap().write_all_at(&[0xa5; 64], page * 4096).unwrap();
        let Ok(journal) = SqliteJournal::open_with(&path, &Options { checked: 0, ..Options::default() })
        else {
            told += 1;
            continue;
        };
        let outcomes = [
            journal.audit(&EventFilter { limit: 10_000, ..EventFilter::default() }).await.map(|_| ()),
            journal.list(&RunFilter { limit: 10_000, ..RunFilter::default() }).await.map(|_| ()),
            journal.find("run", 10_000).await.map(|_| ()),
            journal.plan(PLAN.digest()).await.map(|_| ()),
            journal.marks().await.map(|_| ()),
            journal.list(&labelled).await.map(|_| ()),
        ];
        told += usize::from(outcomes.iter().any(|outcome| matches!(outcome, Err(ReadError::Corrupt(_)))));
    }
    assert!(told * 4096 * 2 > whole.len(), "{told}: the rest is in indexes that nothing here asks for");
}

#[tokio::test]
async fn rows_that_nobody_wrote_are_told_of() {
    let (_folder, path) = written().await;
    for (change, reason) in [
        ("DELETE FROM events WHERE run = 'run-3' AND sequence = 4", "event 4 of run run-3 is missing"),
        ("UPDATE events SET json = '{' WHERE run = 'run-3' AND sequence = 4", "event 4 of run run-3: EOF"),
        (
            "UPDATE events SET json = '{\"at\":1,\"kind\":\"no\"}' WHERE run = 'run-3' AND sequence = 4",
            "unknown variant",
        ),
    ] {
        let whole = fs::read(&path).unwrap();
        Connection::open(&path).unwrap().execute_batch(change).unwrap();
        let journal = SqliteJournal::open(&path).unwrap();
        let Err(ReadError::Corrupt(told)) = journal.events(&op_run::RunId::new("run-3"), 1, 100).await else {
            panic!("{change} was not seen")
        };
        assert!(told.contains(reason), "{told}");
        journal.close().await;
        fs::write(&path, whole).unwrap();
    }
    Connection::open(&path)
        .unwrap()
        .execute_batch("UPDATE runs SET state = 'odd' WHERE id = 'run-1'")
        .unwrap();
    Connection::open(&path)
        .unwrap()
        .execute_batch("UPDATE plans SET json = replace(json, 'release', 'other')")
        .unwrap();
    let journal = SqliteJournal::open(&path).unwrap();
    let Err(ReadError::Corrupt(told)) = journal.find("run-1", 1).await else {
        panic!("an odd state was taken")
    };
    assert!(told.contains("state of a run: unknown variant `odd`"), "{told}");
    let Err(ReadError::Corrupt(told)) = journal.plan(PLAN.digest()).await else {
        panic!("another plan was taken")
    };
    assert!(told.contains("has the digest"), "{told}");
}

#[tokio::test]
async fn a_journal_of_a_later_version_is_left_alone() {
    let (_folder, path) = written().await;
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = refused(&path);
    assert!(
        error.to_string().ends_with("has version 99, and this program knows versions up to 4"),
        "{error}"
    );
    assert!(error.hint().contains("newer op-dbus"));
}

#[tokio::test]
async fn a_database_of_another_program_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE mine (a)").unwrap();
    let error = refused(&path);
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
}

#[tokio::test]
async fn a_path_that_cannot_be_a_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    for path in [folder.path().join("file/journal.db"), folder.path().to_owned(), PathBuf::from("/")] {
        let error = SqliteJournal::open(&path).unwrap_err();
        assert!(matches!(error, OpenError::File { .. } | OpenError::Sqlite { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_crash_while_it_was_made_is_no_obstacle() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    fs::write(folder.path().join("journal.db-new"), "half a file").unwrap();
    let journal = SqliteJournal::open(&path).unwrap();
    journal.append(Story::new("run").next(vec![started()])).await.unwrap();
    assert!(!folder.path().join("journal.db-new").exists());
}
