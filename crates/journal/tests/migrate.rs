//! A journal of an earlier version is brought to this one, and loses nothing.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use op_engine::fakes::MemoryJournal;
use op_engine::ports::journal::{EventFilter, Journal, RunFilter};
use op_journal::{OpenError, Options, SqliteJournal};
use op_plan::Performer;
use op_run::run::State;
use op_run::{Event, Fact, RunId, Timestamp};
use rusqlite::Connection;
use serde_json::json;

use crate::samples::{PLAN, Story, again, at, kept, key, mark, output, phase, plan};

/// A file of version 1 with rows, as that version left it.
fn old(folder: &Path) -> PathBuf {
    let path = folder.join("journal.db");
    let db = Connection::open(&path).unwrap();
    for sql in [include_str!("../src/sqlite/schema/0001.sql"), include_str!("version-1.sql")] {
        db.execute_batch(sql).unwrap();
    }
    db.pragma_update(None, "application_id", 0x6f70_6462).unwrap();
    db.pragma_update(None, "user_version", 1).unwrap();
    path
}

/// The first event of a run of those days. Each step had one player.
fn began(millis: u64, performers: &[(&str, &str)]) -> Event {
    let players = performers.iter().map(|(agent, operation)| vec![Performer::new(*agent, *operation).into()]);
    let inputs = [
        ("z", json!([0.1, 1e300, -0.0, u64::MAX, i64::MIN])),
        ("cast", json!([{"agent": "a", "quote": "it's \"so\"\n"}])),
        ("a", json!([null, "ü\u{0}\u{1f980}", {}])),
    ];
    let team = ("team".to_owned(), "a \"quoted\" one".to_owned());
    at(
        millis,
        Fact::RunStarted {
            plan: PLAN.id().to_owned(),
            digest: PLAN.digest().to_owned(),
            cast: players.collect(),
            inputs: IndexMap::from(inputs.map(|(name, value)| (name.to_owned(), value))),
            user: "ada".to_owned(),
            labels: [team].into(),
            deadline: Some(Timestamp::from_millis(u64::MAX)),
            concurrency: None,
            queued: false,
        },
    )
}

/// A step's success of those days.
fn compiled(millis: u64, value: serde_json::Value) -> Event {
    let mut event = output(millis, value);
    if let Fact::StepSucceeded { stored, .. } = &mut event.fact {
        stored.clear();
    }
    event
}

/// What the file holds, told to another journal.
async fn retold() -> MemoryJournal {
    let journal = MemoryJournal::new();
    let quoted = ("team", "a \"quoted\" one");
    let mut first = Story::of("01-first", &PLAN, 1_000).labels(&[quoted, ("it's", "ü\n\\")]);
    let mut entry = first.next(vec![began(1_000, &[("rust_pro", "build")]), phase(1_001)]);
    entry.idempotency = Some(key("k"));
    journal.append(entry).await.unwrap();
    let mut entry = first.next(vec![compiled(1_002, json!({"ok": true, "ratio": 0.1 + 0.2}))]);
    entry.outputs = vec![kept("compile", 1), kept("compile", 2)];
    journal.append(entry).await.unwrap();
    journal.append(first.end(State::Completed, 1_003)).await.unwrap();
    let other = plan("other");
    let mut second = Story::of("02-second", &other, 900).user("bob").labels(&[]);
    let mut entry = second.next(vec![began(900, &[("one", "a"), ("two", "b"), ("three", "c")])]);
    entry.outputs = vec![kept("compile", 1)];
    journal.append(entry).await.unwrap();
    let mut third = Story::of("03-third", &other, 2_000);
    journal.append(third.next(vec![began(2_000, &[])])).await.unwrap();
    journal.append(third.end(State::Stuck, 2_001)).await.unwrap();
    journal
}

/// Everything that a journal knows, as text.
async fn everything(journal: &dyn Journal) -> Vec<String> {
    let mut all = Vec::new();
    let runs = journal.find("", 100).await.unwrap();
    for run in &runs {
        all.push(format!("{:?}", journal.events(&run.id, 1, 100).await.unwrap()));
        all.push(format!("{:?}", journal.plan(&run.digest).await.unwrap().unwrap().draft()));
        for attempt in [1, 2] {
            let kept = journal.output(&run.id, "compile", Some(1), Some(attempt)).await.unwrap();
            all.push(format!("{kept:?}"));
        }
    }
    let every = EventFilter { limit: 100, ..EventFilter::default() };
    all.push(format!("{runs:?}"));
    all.push(format!("{:?}", journal.unfinished().await.unwrap()));
    all.push(format!("{:?}", journal.started_by("k").await.unwrap()));
    all.push(format!("{:?}", journal.audit(&every).await.unwrap()));
    all.push(format!(
        "{:?}",
        journal.audit(&EventFilter { user: Some("bob".to_owned()), ..every }).await.unwrap()
    ));
    for labels in [&[("team", "a \"quoted\" one")][..], &[("it's", "ü\n\\")], &[("team", "none")]] {
        let labels = Story::new("").labels(labels).record.labels;
        let filter = RunFilter { labels, limit: 100, ..RunFilter::default() };
        all.push(format!("{:?}", journal.list(&filter).await.unwrap()));
    }
    all
}

#[tokio::test]
async fn a_journal_of_version_1_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = old(folder.path());
    let wanted = everything(&retold().await).await;
    for _ in 0..2 {
        let journal = SqliteJournal::open(&path).unwrap();
        assert_eq!(everything(&journal).await, wanted);
        assert_eq!(journal.marks().await.unwrap(), []);
        journal.close().await;
    }
    let db = Connection::open(&path).unwrap();
    let verdict: String = db.query_row("PRAGMA integrity_check", (), |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
    assert!(!db.prepare("PRAGMA foreign_key_check").unwrap().exists(()).unwrap());
}

#[tokio::test]
async fn a_journal_of_version_1_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let journal = SqliteJournal::open(&old(folder.path())).unwrap();
    let mut story = Story::of("02-second", &plan("other"), 900).user("bob").labels(&[("new", "one")]);
    story.record.sequence = 1;
    let mut entry = story.next(vec![phase(901)]);
    entry.outputs = vec![again("compile", 2, 1)];
    journal.append(entry).await.unwrap();
    journal.mark(mark("other", Some(5), false)).await.unwrap();
    let run = RunId::new("02-second");
    let kept_now = |visit| journal.output(&run, "compile", visit, None);
    assert_eq!(kept_now(None).await.unwrap(), Some(again("compile", 2, 1)));
    assert_eq!(kept_now(Some(1)).await.unwrap(), Some(kept("compile", 1)));
    let filter = RunFilter { labels: story.record.labels.clone(), limit: 9, ..RunFilter::default() };
    assert_eq!(journal.list(&filter).await.unwrap(), [story.record]);
    assert_eq!(journal.marks().await.unwrap(), [mark("other", Some(5), false)]);
}

#[tokio::test]
async fn a_journal_of_version_1_without_space_stays_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = old(folder.path());
    let small = Options { largest: Some(1), ..Options::default() };
    let error = SqliteJournal::open_with(&path, &small).unwrap_err();
    assert!(matches!(error, OpenError::Full { .. }), "{error:?}");
    let journal = SqliteJournal::open(&path).unwrap();
    assert_eq!(everything(&journal).await, everything(&retold().await).await);
}
