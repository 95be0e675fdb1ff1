//! How far schedules are.

use op_engine::ports::journal::AppendError;

use super::Shared;
use crate::samples::{Story, mark, started};

contracts![marks_come_in_the_order_of_the_plans, a_mark_counts_as_set_last, what_is_closed_takes_no_mark,];

async fn marks_come_in_the_order_of_the_plans(journal: Shared) {
    assert_eq!(journal.marks().await.unwrap(), []);
    let all = [
        mark("B", Some(0), false),
        mark("a", None, true),
        mark("a b", Some(1 << 50), true),
        mark("\u{e4}", None, false),
    ];
    for place in [2, 0, 3, 1] {
        journal.mark(all[place].clone()).await.unwrap();
    }
    assert_eq!(journal.marks().await.unwrap(), all);
}

async fn a_mark_counts_as_set_last(journal: Shared) {
    journal.append(Story::new("run").next(vec![started()])).await.unwrap();
    for set in [mark("release", Some(5), true), mark("release", Some(3), false), mark("release", None, true)]
    {
        journal.mark(set.clone()).await.unwrap();
        assert_eq!(journal.marks().await.unwrap(), [set]);
    }
}

async fn what_is_closed_takes_no_mark(journal: Shared) {
    journal.close().await;
    assert_eq!(journal.mark(mark("release", Some(5), false)).await, Err(AppendError::Closed));
}
