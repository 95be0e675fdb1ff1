//! A run that waits for a place.

use op_plan::Draft;
use op_run::input::Happening;
use op_run::run::State;
use op_run::{Command, Outside, Refused, outstanding};
use serde_json::json;

use crate::stage::{Stage, draft, millis, pause, phase, resume, retry, step};

fn plan() -> Draft {
    Draft { timeout: Some(millis(50)), ..draft([phase("p", &[], [step("s")])]) }
}

#[test]
fn a_queued_run_begins_when_it_is_admitted() {
    let mut stage = Stage::queue(plan(), None);
    assert_eq!(stage.restart().state(), "pending");
    assert_eq!(outstanding(&stage.run), [Command::Await(Outside::Place("key".to_owned()))]);
    assert_eq!(stage.on(Happening::Admit).calls(), ["s"]);
    let again = Refused::Unfit { state: State::Running, what: "admitted" };
    assert_eq!(stage.refusal(Happening::Admit), again);
    assert_eq!(stage.succeed("s", json!(1)).state(), "completed");
}

#[test]
fn the_limit_of_a_queued_run_counts_from_its_admission() {
    let mut stage = Stage::queue(plan(), None);
    assert!(stage.tick(500).calls().is_empty());
    assert_eq!(stage.on(Happening::Admit).wake(), Some(550));
}

#[test]
fn a_queued_run_can_be_cancelled_and_neither_held_nor_let_go_on() {
    let mut stage = Stage::queue(plan(), None);
    let unfit = |what| Refused::Unfit { state: State::Pending, what };
    assert_eq!(stage.refusal(pause()), unfit("paused"));
    assert_eq!(stage.refusal(resume()), unfit("resumed"));
    stage.cancel(false).expect("a queued run can be cancelled");
    assert_eq!((stage.state(), stage.phase("p")), ("cancelled", "pending"));
}

#[test]
fn a_run_that_is_retried_takes_its_place_in_the_queue_again_and_its_limit_waits_with_it() {
    let mut stage = Stage::queue(plan(), None);
    stage.cancel(false).expect("a queued run can be cancelled");
    stage.pass(1_000).on(retry(None)).restart();
    assert_eq!((stage.state(), stage.calls().len(), stage.wake()), ("pending", 0, None));
    assert_eq!(outstanding(&stage.run), [Command::Await(Outside::Place("key".to_owned()))]);
    assert_eq!(stage.pass(3_000).on(Happening::Admit).calls(), ["s"]);
    assert_eq!(stage.wake(), Some(3_050));
}
