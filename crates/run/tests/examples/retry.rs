//! What is tried again, when and how often.

use std::collections::BTreeSet;

use op_plan::plan::FailureKind::{
    self, Cancelled, Failed, Lost, Refused, Rejected, TimedOut, Unavailable, Unresolved,
};
use op_plan::{Draft, Retry, Rollback, Step};
use op_run::Fact;
use serde_json::json;

use crate::stage::{Stage, draft, phase, retries, step};

fn one(retry: Retry) -> Stage {
    Stage::start(draft([phase("p", &[], [Step { retry, ..step("s") }])]))
}

#[test]
fn waits_grow_by_the_backoff_up_to_the_longest() {
    let mut stage = one(retries(3));
    let mut now = 0;
    for wait in [100, 200, 300] {
        stage.fail("s", Failed);
        assert_eq!((stage.step("s"), stage.wake()), ("waiting", Some(now + wait)));
        now += wait;
        stage.tick(now - 1);
        assert!(stage.calls().is_empty());
        stage.tick(now);
        assert_eq!(stage.calls(), ["s"]);
    }
    assert_eq!(stage.call("s").key.to_string(), "run/s/1/4");
    assert_eq!(stage.fail("s", Failed).state(), "failed");
}

#[test]
fn by_default_only_what_the_performer_could_not_do_is_tried_again() {
    let again = |kind: &FailureKind| one(retries(1)).fail("s", *kind).step("s") == "waiting";
    let kinds = FailureKind::ALL.into_iter().filter(again);
    assert_eq!(kinds.collect::<Vec<_>>(), [Unavailable, Lost, Failed, TimedOut]);
    for kind in [Rejected, Refused, Cancelled, Unresolved] {
        assert_eq!(one(retries(1)).fail("s", kind).state(), "failed");
    }
}

#[test]
fn a_plan_says_which_kinds_are_tried_again() {
    let retry = Retry { on: BTreeSet::from([Rejected]), ..retries(1) };
    assert_eq!(one(retry.clone()).fail("s", Rejected).step("s"), "waiting");
    assert_eq!(one(retry).fail("s", Lost).step("s"), "failed");
}

#[test]
fn a_repeat_that_is_due_waits_for_room_and_wakes_nobody_until_then() {
    let steps = [Step { retry: retries(1), ..step("a1") }, step("a2")];
    let mut stage = Stage::start(Draft { max_parallel: 1, ..draft([phase("a", &[], steps)]) });
    stage.fail("a1", Failed);
    assert_eq!((stage.calls(), stage.wake()), (vec!["a2".to_owned()], None));
    stage.tick(500);
    assert_eq!(stage.calls(), ["a2"]);
    stage.succeed("a2", json!(1));
    assert_eq!((stage.calls(), stage.call("a1").attempt), (vec!["a1".to_owned()], 2));
}

#[test]
fn a_repeat_is_given_up_with_its_last_failure_when_a_step_beside_it_failed() {
    let steps = [Step { retry: retries(1), ..step("a1") }, step("a2")];
    let mut stage = Stage::start(draft([phase("a", &[], steps)]));
    stage.fail("a1", Lost).fail("a2", Rejected);
    assert_eq!(stage.state(), "failed");
    let given_up = stage.last().find_map(|fact| match fact {
        Fact::StepFailed { step, failure, evidence } if step == "a1" => {
            Some((failure.kind, evidence.is_some()))
        }
        _ => None,
    });
    assert_eq!(given_up, Some((Lost, true)));
}

#[test]
fn a_failure_that_undoes_the_whole_run_gives_up_every_repeat_and_starts_nothing() {
    let waits = phase("a", &[], [Step { retry: retries(1), ..step("a1") }]);
    let fails = phase("b", &[], [step("b1")]);
    let plan = draft([waits, fails, phase("c", &[0], [step("c1")])]);
    let mut stage = Stage::start(Draft { rollback: Rollback::Run, ..plan });
    stage.fail("a1", Failed).fail("b1", Failed);
    assert_eq!((stage.phase("a"), stage.phase("c"), stage.state()), ("failed", "pending", "failed"));
}
