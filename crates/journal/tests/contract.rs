//! What every journal holds to, on disk and in memory.

use std::collections::BTreeSet;
use std::sync::Arc;

use op_engine::fakes::MemoryJournal;
use op_engine::ports::journal::{AppendError, EventFilter, Journal, Recorded, RunFilter};
use op_journal::SqliteJournal;
use op_run::run::State;
use op_run::{Event, RunId, Timestamp};
use serde_json::json;

use crate::samples::{PLAN, Story, kept, key, output, phase, plan, started, text};

/// Each function is a contract; both journals are held to it.
macro_rules! contracts {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                let home = tempfile::tempdir().unwrap();
                let journal = super::SqliteJournal::open(&home.path().join("journal.db")).unwrap();
                super::$name(super::Arc::new(journal)).await;
            })*
        }

        mod memory {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::Arc::new(super::MemoryJournal::new())).await;
            })*
        }
    };
}

contracts![
    what_was_appended_is_read_in_order,
    a_part_of_the_events_can_be_read,
    an_entry_that_does_not_follow_is_a_conflict,
    a_refused_entry_leaves_nothing_behind,
    an_entry_that_is_no_entry_is_refused,
    a_run_without_its_plan_is_refused,
    a_plan_is_kept_by_its_digest,
    a_key_starts_one_run,
    a_key_that_is_raced_for_starts_one_run,
    records_tell_the_run_after_its_last_events,
    unfinished_runs_come_oldest_first,
    runs_are_listed_newest_first,
    runs_are_found_by_the_beginning_of_their_name,
    the_last_output_is_found_without_its_attempt,
    output_that_is_told_of_twice_counts_as_told_last,
    audit_takes_the_newest_in_the_order_of_commit,
    audit_filters_by_everything_at_once,
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
    assert_eq!(journal.output(&story.id(), "compile", None).await.unwrap(), None);
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
    let other = plan("other");
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

async fn records_tell_the_run_after_its_last_events(journal: Shared) {
    let mut story = Story::new("run");
    let all = || async { journal.find("run", 1).await.unwrap() };
    journal.append(story.next(vec![started()])).await.unwrap();
    assert_eq!(all().await, [story.record.clone()]);
    story.record.labels.insert("more".to_owned(), String::new());
    story.record.total_phases = 7;
    journal.append(story.next(vec![phase(2)])).await.unwrap();
    assert_eq!(all().await, [story.record.clone()]);
    journal.append(story.end(State::RolledBack, 77)).await.unwrap();
    assert_eq!(all().await, [story.record.clone()]);
    assert_eq!(story.record.ended_at, Some(millis(77)));
}

async fn unfinished_runs_come_oldest_first(journal: Shared) {
    let states = [
        (State::Running, 30),
        (State::Completed, 1),
        (State::Pending, 10),
        (State::Stuck, 2),
        (State::RollingBack, 20),
        (State::Running, 10),
    ];
    for (number, (state, at)) in states.into_iter().enumerate() {
        let mut story = Story::of(&format!("run-{number}"), &PLAN, at);
        journal.append(story.next(vec![started()])).await.unwrap();
        story.record.state = state;
        journal.append(story.next(vec![phase(2)])).await.unwrap();
    }
    let names: Vec<_> =
        journal.unfinished().await.unwrap().into_iter().map(|found| found.id.to_string()).collect();
    assert_eq!(names, ["run-2", "run-5", "run-4", "run-0"]);
}

async fn runs_are_listed_newest_first(journal: Shared) {
    let other = plan("other");
    for (run, plan, at, state) in [
        ("a", &*PLAN, 10, State::Running),
        ("b", &other, 30, State::Failed),
        ("c", &*PLAN, 20, State::Completed),
        ("d", &*PLAN, 20, State::Failed),
    ] {
        let mut story = Story::of(run, plan, at);
        story.record.state = state;
        journal.append(story.next(vec![started()])).await.unwrap();
    }
    for (states, plan, limit, wanted) in [
        (vec![], None, 10, "b d c a"),
        (vec![], None, 2, "b d"),
        (vec![State::Failed], None, 10, "b d"),
        (vec![State::Failed, State::Running], None, 10, "b d a"),
        (vec![], Some("release"), 10, "d c a"),
        (vec![State::Failed], Some("release"), 10, "d"),
        (vec![State::Cancelled], None, 10, ""),
    ] {
        let filter = RunFilter { states, plan: plan.map(str::to_owned), limit };
        let found = journal.list(&filter).await.unwrap();
        let names: Vec<_> = found.iter().map(|found| found.id.as_str()).collect();
        assert_eq!(names.join(" "), wanted, "{filter:?}");
    }
}

async fn runs_are_found_by_the_beginning_of_their_name(journal: Shared) {
    for run in ["abc", "ab", "abd", "b", "a%c", "a\u{10ffff}z"] {
        journal.append(Story::new(run).next(vec![started()])).await.unwrap();
    }
    for (prefix, limit, wanted) in [
        ("ab", 10, vec!["ab", "abc", "abd"]),
        ("ab", 2, vec!["ab", "abc"]),
        ("abc", 10, vec!["abc"]),
        ("abcd", 10, vec![]),
        ("a%", 10, vec!["a%c"]),
        ("a\u{10ffff}", 10, vec!["a\u{10ffff}z"]),
        ("AB", 10, vec![]),
    ] {
        let found = journal.find(prefix, limit).await.unwrap();
        assert_eq!(found.iter().map(|found| found.id.as_str()).collect::<Vec<_>>(), wanted, "{prefix}");
    }
    assert_eq!(journal.find("", 10).await.unwrap().len(), 6);
}

async fn the_last_output_is_found_without_its_attempt(journal: Shared) {
    let mut story = Story::new("run");
    let mut entry = story.next(vec![started()]);
    entry.outputs = vec![kept("compile", 2), kept("compile", 10), kept("compile", 1), kept("compile2", 30)];
    journal.append(entry).await.unwrap();
    let run = story.id();
    for (attempt, wanted) in [(None, Some(10)), (Some(2), Some(2)), (Some(3), None)] {
        let found = journal.output(&run, "compile", attempt).await.unwrap();
        assert_eq!(found, wanted.map(|attempt| kept("compile", attempt)));
    }
    assert_eq!(journal.output(&run, "comp", None).await.unwrap(), None);
    assert_eq!(journal.output(&RunId::new("other"), "compile", None).await.unwrap(), None);
}

async fn output_that_is_told_of_twice_counts_as_told_last(journal: Shared) {
    let mut story = Story::new("run");
    let mut last = kept("compile", 1);
    last.chunks.truncate(1);
    for output in [kept("compile", 1), last.clone()] {
        let mut entry = story.next(vec![started()]);
        entry.outputs = vec![output];
        journal.append(entry).await.unwrap();
    }
    assert_eq!(journal.output(&story.id(), "compile", None).await.unwrap(), Some(last));
}

async fn audit_takes_the_newest_in_the_order_of_commit(journal: Shared) {
    let (mut one, mut two) = (Story::new("one"), Story::new("two").user("bob"));
    journal.append(one.next(vec![started(), phase(50)])).await.unwrap();
    journal.append(two.next(vec![started()])).await.unwrap();
    journal.append(one.next(vec![phase(10)])).await.unwrap();
    let audit = |limit| {
        let filter = EventFilter { limit, ..EventFilter::default() };
        let journal = Arc::clone(&journal);
        async move {
            let found = journal.audit(&filter).await.unwrap();
            found.iter().map(|found| format!("{} {}", found.run, found.recorded.sequence)).collect::<Vec<_>>()
        }
    };
    assert_eq!(audit(10).await, ["one 1", "one 2", "two 1", "one 3"]);
    assert_eq!(audit(2).await, ["two 1", "one 3"]);
}

async fn audit_filters_by_everything_at_once(journal: Shared) {
    let (mut one, mut two) = (Story::new("one"), Story::new("two").user("bob"));
    journal.append(one.next(vec![phase(10), output(20, json!(1)), phase(30)])).await.unwrap();
    journal.append(two.next(vec![phase(15), output(25, json!(2)), phase(35)])).await.unwrap();
    let all = EventFilter { limit: 100, ..EventFilter::default() };
    let kinds = |kinds: &[&str]| kinds.iter().map(|kind| (*kind).to_owned()).collect();
    for (filter, wanted) in [
        (all.clone(), vec![10, 20, 30, 15, 25, 35]),
        (EventFilter { run: Some(RunId::new("two")), ..all.clone() }, vec![15, 25, 35]),
        (EventFilter { user: Some("ada".to_owned()), ..all.clone() }, vec![10, 20, 30]),
        (EventFilter { kinds: kinds(&["step_succeeded"]), ..all.clone() }, vec![20, 25]),
        (
            EventFilter { kinds: kinds(&["step_succeeded", "phase_started"]), limit: 2, ..all.clone() },
            vec![25, 35],
        ),
        (EventFilter { kinds: kinds(&["run_stuck"]), ..all.clone() }, vec![]),
        (EventFilter { since: Some(millis(20)), ..all.clone() }, vec![20, 30, 25, 35]),
        (EventFilter { until: Some(millis(20)), ..all.clone() }, vec![10, 15]),
        (
            EventFilter {
                run: Some(RunId::new("two")),
                kinds: kinds(&["phase_started"]),
                user: Some("bob".to_owned()),
                since: Some(millis(16)),
                until: Some(millis(36)),
                limit: 5,
            },
            vec![35],
        ),
        (EventFilter { run: Some(RunId::new("two")), user: Some("ada".to_owned()), ..all.clone() }, vec![]),
    ] {
        let found = journal.audit(&filter).await.unwrap();
        let instants: Vec<_> = found.iter().map(|found| found.recorded.event.at.as_millis()).collect();
        assert_eq!(instants, wanted, "{filter:?}");
        let users: BTreeSet<_> =
            found.iter().map(|found| (found.run.as_str(), found.user.as_str())).collect();
        assert!(users.is_subset(&BTreeSet::from([("one", "ada"), ("two", "bob")])));
        assert!(found.iter().all(|found| found.plan == "release"));
    }
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
