//! Calls of clients.

use std::time::Duration;

use op_engine::ports::{CallFilter, CallRecord};
use op_plan::Risk;
use op_run::Timestamp;

use super::Shared;

contracts![
    calls_are_told_of_as_they_were_noted,
    the_newest_calls_that_match_are_told_oldest_first,
    what_is_closed_notes_no_more,
];

fn call(id: &str, user: &str, at: u64) -> CallRecord {
    CallRecord {
        id: id.to_owned(),
        at: Timestamp::from_millis(at),
        user: user.to_owned(),
        session: String::new(),
        operation: "file_read".to_owned(),
        outcome: "succeeded".to_owned(),
        reason: String::new(),
        duration: Duration::from_micros(1234),
        risk: None,
    }
}

fn newest(limit: usize) -> CallFilter {
    CallFilter { limit, ..CallFilter::default() }
}

async fn ids(journal: &Shared, filter: CallFilter) -> Vec<String> {
    journal.calls(&filter).await.unwrap().into_iter().map(|call| call.id).collect()
}

async fn calls_are_told_of_as_they_were_noted(journal: Shared) {
    let failed = CallRecord {
        session: "s1".to_owned(),
        outcome: "refused".to_owned(),
        reason: "rate_limited".to_owned(),
        risk: Some(Risk::High),
        ..call("2", "uid:1000", 7)
    };
    for noted in [call("1", "uid:0", 5), failed.clone()] {
        journal.note(noted);
    }
    assert_eq!(journal.calls(&newest(10)).await.unwrap(), [call("1", "uid:0", 5), failed]);
}

async fn the_newest_calls_that_match_are_told_oldest_first(journal: Shared) {
    for (id, user, at) in [("1", "a", 10), ("2", "b", 20), ("3", "a", 30), ("4", "a", 40)] {
        journal.note(call(id, user, at));
    }
    assert_eq!(ids(&journal, newest(2)).await, ["3", "4"]);
    let of = CallFilter { user: Some("a".to_owned()), ..newest(10) };
    assert_eq!(ids(&journal, of.clone()).await, ["1", "3", "4"]);
    let (since, until) = (Some(Timestamp::from_millis(20)), Some(Timestamp::from_millis(40)));
    assert_eq!(ids(&journal, CallFilter { since, until, ..newest(10) }).await, ["2", "3"]);
    assert_eq!(ids(&journal, CallFilter { since, ..of }).await, ["3", "4"]);
}

async fn what_is_closed_notes_no_more(journal: Shared) {
    journal.close().await;
    journal.note(call("1", "a", 10));
}
