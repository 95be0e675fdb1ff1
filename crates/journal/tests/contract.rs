//! What every journal holds to, on disk and in memory.

use std::sync::Arc;

use op_engine::ports::journal::{AppendError, EventFilter, Journal, Recorded, RunFilter};
use op_run::{Event, RunId, Timestamp};
use serde_json::json;

use crate::facts::facts;
use crate::samples::{PLAN, Story, kept, key, output, phase, plan, started, text, wide};

/// Each function is a contract; both journals are held to it.
macro_rules! contracts {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                let home = tempfile::tempdir().unwrap();
                let journal = op_journal::SqliteJournal::open(&home.path().join("journal.db")).unwrap();
                super::$name(std::sync::Arc::new(journal)).await;
            })*
        }

        mod memory {
            $(#[tokio::test]
            async fn $name() {
                super::$name(std::sync::Arc::new(op_engine::fakes::MemoryJournal::new())).await;
            })*
        }
    };
}

mod audit;
mod calls;
mod marks;
mod outputs;
mod results;
mod runs;

contracts![
    what_was_appended_is_read_in_order,
    whatever_became_true_reads_back_as_it_was,
    a_part_of_the_events_can_be_read,
    an_entry_that_does_not_follow_is_a_conflict,
    a_refused_entry_leaves_nothing_behind,
    an_entry_that_is_no_entry_is_refused,
    a_run_without_its_plan_is_refused,
    a_plan_is_kept_by_its_digest,
    a_key_starts_one_run,
    a_key_that_is_raced_for_starts_one_run,
    no_limit_below_one_gives_anything,
    callers_at_the_same_time_leave_no_gap,
    what_is_closed_takes_no_more,
];

type Shared = Arc<dyn Journal>;

fn millis(at: u64) -> Timestamp {
    Timestamp::from_millis(at)
}

async fn read(journal: &Shared, run: &str) -> Vec<Event> {
    let found = journal.events(&RunId::new(run), 1, usize::MAX).await.unwrap();
    assert!(found.iter().map(|found| found.sequence).eq(1..=found.len() as u64));
    found.into_iter().map(|found| found.event).collect()
}

async fn what_was_appended_is_read_in_order(journal: Shared) {
    let mut story = Story::new("run");
    let all = [started(), phase(2), output(3, json!({"deep": [1, 2.5, null, "\u{0}\n"]})), text(100_000)];
    journal.append(story.next(all[..2].to_vec())).await.unwrap();
    journal.append(story.next(all[2..].to_vec())).await.unwrap();
    assert_eq!(read(&journal, "run").await, all);
    assert_eq!(read(&journal, "other").await, []);
}

async fn whatever_became_true_reads_back_as_it_was(journal: Shared) {
    let all: Vec<_> = facts().into_iter().map(|fact| Event { at: millis(7), fact }).collect();
    journal.append(Story::new("run").next(all.clone())).await.unwrap();
    assert_eq!(read(&journal, "run").await, all);
    for event in all {
        let kinds = vec![event.fact.kind().to_owned()];
        let filter = EventFilter { kinds, limit: 100, ..EventFilter::default() };
        let found = journal.audit(&filter).await.unwrap();
        assert!(found.iter().any(|found| found.recorded.event == event), "{filter:?}");
    }
}

async fn a_part_of_the_events_can_be_read(journal: Shared) {
    let mut story = Story::new("run");
    journal.append(story.next(vec![started(), phase(2), phase(3), phase(4)])).await.unwrap();
    let part = |from, limit| {
        let journal = Arc::clone(&journal);
        async move { journal.events(&RunId::new("run"), from, limit).await.unwrap() }
    };
    assert_eq!(
        part(2, 2).await,
        [Recorded { sequence: 2, event: phase(2) }, Recorded { sequence: 3, event: phase(3) }]
    );
    assert_eq!(part(0, 1).await, part(1, 1).await);
    assert_eq!(part(4, 10).await.len(), 1);
    assert_eq!(part(5, 10).await, []);
    assert_eq!(part(u64::MAX, 10).await, []);
}

async fn an_entry_that_does_not_follow_is_a_conflict(journal: Shared) {
    let mut story = Story::new("run");
    journal.append(story.next(vec![started(), phase(2)])).await.unwrap();
    let mut late = story.clone();
    late.record.sequence = 1;
    let mut early = story.clone();
    early.record.sequence = 3;
    let mut again = Story::new("run");
    for (other, first) in [(&mut late, 2), (&mut early, 4), (&mut again, 1)] {
        let conflict = AppendError::Conflict { run: story.id(), has: 2, first };
        assert_eq!(journal.append(other.next(vec![phase(9)])).await, Err(conflict));
    }
    journal.append(story.next(vec![phase(3)])).await.unwrap();
    assert_eq!(read(&journal, "run").await.len(), 3);
}

async fn a_refused_entry_leaves_nothing_behind(journal: Shared) {
    let other = plan("other");
    let mut story = Story::of("run", &other, 1);
    let mut entry = story.next(vec![started()]);
    entry.first = 2;
    entry.record.sequence = 2;
    entry.outputs = vec![kept("compile", 1)];
    assert_eq!(journal.append(entry).await, Err(AppendError::Conflict { run: story.id(), has: 0, first: 2 }));
    assert_eq!(read(&journal, "run").await, []);
    assert_eq!(journal.find("", 10).await.unwrap(), []);
    assert_eq!(journal.plan(other.digest()).await.unwrap(), None);
    assert_eq!(journal.output(&story.id(), "compile", None, None).await.unwrap(), None);
}

async fn an_entry_that_is_no_entry_is_refused(journal: Shared) {
    let mut story = Story::new("run");
    let mut empty = story.clone().next(vec![]);
    empty.record.sequence = 0;
    let mut wrong = story.clone().next(vec![started()]);
    wrong.record.sequence = 2;
    for entry in [empty, wrong] {
        assert!(matches!(journal.append(entry).await, Err(AppendError::Broken(_))));
    }
    journal.append(story.next(vec![started()])).await.unwrap();
    let mut late = story.clone().next(vec![phase(2)]);
    late.idempotency = Some(key("late"));
    assert!(matches!(journal.append(late).await, Err(AppendError::Broken(_))));
    assert_eq!(read(&journal, "run").await.len(), 1);
}

async fn a_run_without_its_plan_is_refused(journal: Shared) {
    let mut entry = Story::new("run").next(vec![started()]);
    entry.plan = None;
    let Err(AppendError::Broken(reason)) = journal.append(entry.clone()).await else { panic!("taken") };
    assert!(reason.contains(PLAN.digest()), "{reason}");
    journal.append(Story::new("first").next(vec![started()])).await.unwrap();
    journal.append(entry).await.unwrap();
}

async fn a_plan_is_kept_by_its_digest(journal: Shared) {
    let other = wide("other");
    for (run, plan) in [("one", &*PLAN), ("two", &other), ("three", &other)] {
        journal.append(Story::of(run, plan, 1).next(vec![started()])).await.unwrap();
    }
    assert_eq!(journal.plan(PLAN.digest()).await.unwrap().as_ref(), Some(&*PLAN));
    assert_eq!(journal.plan(other.digest()).await.unwrap(), Some(other));
    assert_eq!(journal.plan("none").await.unwrap(), None);
}

async fn a_key_starts_one_run(journal: Shared) {
    let mut story = Story::new("one");
    let mut entry = story.next(vec![started()]);
    entry.idempotency = Some(key("k"));
    journal.append(entry).await.unwrap();
    journal.append(story.next(vec![phase(2)])).await.unwrap();
    let mut entry = Story::new("two").next(vec![started()]);
    entry.idempotency = Some(key("k"));
    assert_eq!(journal.append(entry).await, Err(AppendError::KeyTaken("k".to_owned())));
    let found = journal.started_by("k").await.unwrap();
    assert_eq!(found, Some((story.record, "digest of k".to_owned())));
    assert_eq!(journal.started_by("other").await.unwrap(), None);
    assert_eq!(read(&journal, "two").await, []);
}

async fn a_key_that_is_raced_for_starts_one_run(journal: Shared) {
    let racers = (0..20).map(|number| {
        let mut entry = Story::new(&format!("run-{number}")).next(vec![started()]);
        entry.idempotency = Some(key("k"));
        journal.append(entry)
    });
    let outcomes = futures::future::join_all(racers).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(
        outcomes.iter().filter(|outcome| **outcome == Err(AppendError::KeyTaken("k".into()))).count(),
        19
    );
    assert_eq!(journal.find("run-", 100).await.unwrap().len(), 1);
}

async fn no_limit_below_one_gives_anything(journal: Shared) {
    journal.append(Story::new("run").next(vec![started()])).await.unwrap();
    assert_eq!(journal.events(&RunId::new("run"), 1, 0).await.unwrap(), []);
    assert_eq!(journal.find("run", 0).await.unwrap(), []);
    assert_eq!(journal.list(&RunFilter::default()).await.unwrap(), []);
    assert_eq!(journal.audit(&EventFilter::default()).await.unwrap(), []);
}

async fn callers_at_the_same_time_leave_no_gap(journal: Shared) {
    let callers = (0..30).map(|number| {
        let journal = Arc::clone(&journal);
        tokio::spawn(async move {
            let mut story = Story::new(&format!("run-{number}"));
            for place in 0..20 {
                let entry = story.next(vec![phase(place), text(10)]);
                journal.append(entry).await.unwrap();
                let found = journal.events(&story.id(), story.record.sequence, 10).await.unwrap();
                assert_eq!(found.len(), 1, "what was answered is read");
            }
        })
    });
    futures::future::try_join_all(callers).await.unwrap();
    for number in 0..30 {
        assert_eq!(read(&journal, &format!("run-{number}")).await.len(), 40);
    }
}

async fn what_is_closed_takes_no_more(journal: Shared) {
    let mut story = Story::new("run");
    journal.append(story.next(vec![started()])).await.unwrap();
    futures::join!(journal.close(), journal.close());
    assert_eq!(journal.append(story.next(vec![phase(2)])).await, Err(AppendError::Closed));
}
