use std::os::unix::fs::PermissionsExt;
use std::sync::mpsc::channel;

use op_agent::Kind;
use tempfile::TempDir;

use super::*;

const FIRST: &str = "CREATE TABLE words (word TEXT UNIQUE);";
const SECOND: &str = "ALTER TABLE words ADD COLUMN said INTEGER NOT NULL DEFAULT 7;";

fn at(home: &TempDir, migrations: &'static [&'static str]) -> Database {
    Database::new(Some(home.path()), "words.db", migrations)
}

async fn put(database: &Database, word: &'static str) -> Result<usize, Failure> {
    database.write(move |db| Ok(db.execute("INSERT INTO words (word) VALUES (?1)", [word])?)).await
}

async fn count(database: &Database) -> Result<i64, Failure> {
    database.read(|db| Ok(db.query_row("SELECT count(*) FROM words", (), |row| row.get(0))?)).await
}

#[tokio::test]
async fn what_was_written_is_there_after_the_next_start_and_only_for_its_owner() {
    let home = tempfile::tempdir().unwrap();
    put(&at(&home, &[FIRST]), "a").await.unwrap();
    assert_eq!(count(&at(&home, &[FIRST])).await, Ok(1));
    let mode = std::fs::metadata(home.path().join("words.db")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_file_that_is_only_read_is_made_too() {
    let home = tempfile::tempdir().unwrap();
    let database = at(&home, &[FIRST]);
    assert!(!database.is_open());
    assert_eq!(count(&database).await, Ok(0));
    assert!(database.is_open());
}

#[test]
fn a_session_that_is_over_makes_no_file_and_needs_none() {
    let home = tempfile::tempdir().unwrap();
    for database in [at(&home, &[FIRST]), Database::new(None, "words.db", &[FIRST])] {
        assert_eq!(database.end_session("one", |_| Ok(7)), Ok(0));
    }
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
    at(&home, &[FIRST]).write_blocking(|_| Ok(())).unwrap();
    assert_eq!(at(&home, &[FIRST]).end_session("one", |_| Ok(7)), Ok(7));
    assert_eq!(at(&home, &[FIRST]).end_session("", |_| Ok(7)), Ok(0), "everybody is no session");
}

#[tokio::test]
async fn a_file_of_an_older_version_goes_through_the_migrations_it_has_not_seen() {
    let home = tempfile::tempdir().unwrap();
    put(&at(&home, &[FIRST]), "a").await.unwrap();
    let database = at(&home, &[FIRST, SECOND]);
    let said =
        database.read(|db| Ok(db.query_row("SELECT said FROM words", (), |row| row.get::<_, i64>(0))?));
    assert_eq!(said.await, Ok(7));
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused_and_stays_as_it_is() {
    let home = tempfile::tempdir().unwrap();
    put(&at(&home, &[FIRST, SECOND]), "a").await.unwrap();
    let failure = put(&at(&home, &[FIRST]), "b").await.unwrap_err();
    assert_eq!(failure.reason(), "database_newer");
    assert!(failure.message().contains("version 2, and this one knows 1"), "{failure}");
    assert_eq!(count(&at(&home, &[FIRST, SECOND])).await, Ok(1));
}

#[tokio::test]
async fn a_migration_that_fails_leaves_nothing_behind() {
    let home = tempfile::tempdir().unwrap();
    put(&at(&home, &[FIRST]), "a").await.unwrap();
    let failure =
        count(&at(&home, &[FIRST, "CREATE TABLE more (x); CREATE TABLE words (x);"])).await.unwrap_err();
    assert!(failure.message().contains("already exists"), "{failure}");
    assert_eq!(count(&at(&home, &[FIRST, SECOND])).await, Ok(1));
}

#[tokio::test]
async fn what_failed_in_the_middle_left_nothing_behind() {
    let home = tempfile::tempdir().unwrap();
    let database = at(&home, &[FIRST]);
    let refused = database.write(|db| {
        db.execute("INSERT INTO words (word) VALUES ('a')", ())?;
        Err::<(), _>(Failure::rejected("no", "no").into())
    });
    assert_eq!(refused.await.unwrap_err().reason(), "no");
    assert_eq!(count(&database).await, Ok(0));
    put(&database, "a").await.unwrap();
    assert_eq!(put(&database, "a").await.unwrap_err().reason(), "database_failed");
}

#[tokio::test]
async fn reads_do_not_wait_for_a_write() {
    let home = tempfile::tempdir().unwrap();
    let database = at(&home, &[FIRST]);
    put(&database, "a").await.unwrap();
    let (go, gone) = channel::<()>();
    let mut write = Box::pin(database.write(move |db| {
        db.execute("INSERT INTO words (word) VALUES ('b')", ())?;
        let _ = gone.recv();
        Ok(())
    }));
    assert!(futures::poll!(&mut write).is_pending());
    for _ in 0..64 {
        assert_eq!(count(&database).await, Ok(1));
    }
    go.send(()).unwrap();
    write.await.unwrap();
    assert_eq!(count(&database).await, Ok(2));
}

#[tokio::test]
async fn a_read_sees_one_state_whatever_is_written_meanwhile() {
    let home = tempfile::tempdir().unwrap();
    let database = at(&home, &[FIRST]);
    put(&database, "a").await.unwrap();
    let (begin, mut began) = tokio::sync::mpsc::unbounded_channel::<()>();
    let (go, gone) = channel::<()>();
    let mut read = Box::pin(database.read(move |db| {
        let many = || db.query_row("SELECT count(*) FROM words", (), |row| row.get::<_, i64>(0));
        let first = many()?;
        let _ = begin.send(());
        let _ = gone.recv();
        Ok((first, many()?))
    }));
    tokio::select! {
        _ = &mut read => panic!("it ended"),
        _ = began.recv() => {}
    }
    put(&database, "b").await.unwrap();
    go.send(()).unwrap();
    assert_eq!(read.await, Ok((1, 1)));
    assert_eq!(count(&database).await, Ok(2));
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_interrupted() {
    const ENDLESS: &str =
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n";
    let home = tempfile::tempdir().unwrap();
    let database = at(&home, &[FIRST]);
    let (begin, mut began) = tokio::sync::mpsc::unbounded_channel();
    let (end, mut ended) = tokio::sync::mpsc::unbounded_channel();
    let mut endless = Box::pin(database.read(move |db| {
        let mut statement = db.prepare(ENDLESS)?;
        let mut rows = statement.query(())?;
        let _ = begin.send(());
        let answer = rows.next().map(drop);
        let _ = end.send(answer.as_ref().err().and_then(rusqlite::Error::sqlite_error_code));
        Ok(answer?)
    }));
    tokio::select! {
        _ = &mut endless => panic!("it ended"),
        _ = began.recv() => {}
    }
    drop(endless);
    let code = ended.recv().await.unwrap();
    assert_eq!(code, Some(rusqlite::ErrorCode::OperationInterrupted));
}

#[tokio::test]
async fn without_a_directory_the_setting_is_named() {
    let nowhere = Database::new(None, "words.db", &[FIRST]);
    let failure = count(&nowhere).await.unwrap_err();
    assert_eq!((failure.kind(), failure.reason()), (Kind::Failed, "not_configured"));
    let wire = format!("{failure:?}");
    assert!(wire.contains("`state`"), "{wire}");
    assert_eq!(put(&nowhere, "a").await.unwrap_err().reason(), "not_configured");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named_and_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("words.db");
    std::fs::write(&path, "no database, but more than a hundred bytes of text ".repeat(40)).unwrap();
    let failure = count(&at(&home, &[FIRST])).await.unwrap_err();
    assert_eq!(failure.reason(), "database_corrupt");
    assert!(failure.message().contains("words.db"), "{failure}");
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("no database"));
}
