//! What is asked over all runs.

use std::collections::BTreeSet;
use std::sync::Arc;

use op_engine::ports::journal::EventFilter;
use op_run::RunId;
use serde_json::json;

use super::{Shared, millis};
use crate::samples::{Story, output, phase, started};

contracts![audit_takes_the_newest_in_the_order_of_commit, audit_filters_by_everything_at_once,];

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
