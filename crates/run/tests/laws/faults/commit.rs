//! Faults against law 1.

use op_run::input::Happening;
use op_run::{Event, Refused, Run};

use super::{catches, count};
use crate::commit::decide_commit_act;
use crate::decider::{Decider, REAL};

#[test]
fn decide_commit_act_catches_a_stale_answer_that_is_taken() {
    catches(
        decide_commit_act,
        "should be Refused",
        Decider {
            decide: |run, input| match op_run::decide(run, input) {
                Err(Refused::Unexpected) => Ok(Vec::new()),
                decision => decision,
            },
            ..REAL
        },
    );
}

#[test]
fn decide_commit_act_catches_a_decision_that_depends_on_a_hidden_count() {
    catches(
        decide_commit_act,
        "and then as",
        Decider {
            decide: |run, input| {
                let mut events = op_run::decide(run, input)?;
                events.truncate(if count().is_multiple_of(7) { 1 } else { usize::MAX });
                Ok(events)
            },
            ..REAL
        },
    );
}

#[test]
fn decide_commit_act_catches_a_change_without_an_event() {
    fn evolve(run: &mut Run, event: &Event) {
        op_run::evolve(run, event);
        if count().is_multiple_of(5) {
            op_run::evolve(run, event);
        }
    }
    catches(decide_commit_act, "changed more than its events say", Decider { evolve, ..REAL });
}

#[test]
fn decide_commit_act_catches_work_that_is_left_for_later() {
    catches(
        decide_commit_act,
        "a tick after it found",
        Decider {
            decide: |run, input| {
                let mut events = op_run::decide(run, input)?;
                events.truncate(if input.happening == Happening::Tick { 1 } else { usize::MAX });
                Ok(events)
            },
            ..REAL
        },
    );
}
