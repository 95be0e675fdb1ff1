//! Who plays which part, and how that is changed on the way.

use op_plan::plan::FailureKind::Failed;
use op_plan::plan::Gate;
use op_plan::{Draft, Phase, Step};
use op_run::Refused;
use serde_json::json;

use crate::stage::{Stage, draft, machine, millis, pause, phase, recast, step, way};

#[test]
fn a_step_that_nobody_plays_is_skipped_and_what_comes_after_it_goes_on() {
    let steps = [step("a"), Step { after: vec![0], ..step("b") }];
    let mut stage = Stage::start_cast(draft([phase("p", &[], steps)]), &[0, 1]);
    assert_eq!((stage.step("a"), stage.calls()), ("skipped", vec!["b".to_owned()]));
    assert_eq!(stage.succeed("b", json!(1)).state(), "completed");
    assert_eq!(Stage::start_cast(draft([phase("p", &[], [step("a")])]), &[0]).phase("p"), "succeeded");
}

#[test]
fn others_can_play_what_has_not_begun_and_nothing_else() {
    let mut stage = Stage::start(draft([phase("p", &[], [step("a")]), phase("q", &[0], [step("b")])]));
    let begun = |step: &str, state| Refused::Begun { step: step.to_owned(), state };
    assert_eq!(stage.refusal(recast("a", 1)), begun("a", "running"));
    assert_eq!(stage.refusal(recast("c", 1)), Refused::Unknown("c".to_owned()));
    stage.on(recast("b", 1)).succeed("a", json!(1));
    assert_eq!(stage.call("b").performer.to_string(), "player0.play");
    assert_eq!(stage.refusal(recast("a", 1)), begun("a", "succeeded"));
}

#[test]
fn a_step_at_its_gate_and_one_somebody_took_over_have_begun() {
    let waits = Step { gate: Some(Gate::Delay(millis(10))), ..step("a") };
    let mut stage = Stage::start(draft([phase("p", &[], [waits])]));
    assert!(matches!(stage.refusal(recast("a", 1)), Refused::Begun { .. }));
    let mut stage = Stage::start_cast(draft([phase("p", &[], [step("a")])]), &[2]);
    stage.on(pause()).fail("a", Failed);
    assert_eq!((stage.step("a"), stage.kinds()), ("pending", vec!["step_fell_back"]));
    assert!(matches!(stage.refusal(recast("a", 0)), Refused::Begun { .. }));
}

#[test]
fn in_a_machine_others_play_the_later_visits_of_a_step_that_ended() {
    let a = Phase { next: vec![way(true, 1)], ..phase("a", &[], [step("s")]) };
    let b = Phase { next: vec![way(true, 0)], ..phase("b", &[], [step("t")]) };
    let mut stage = Stage::start(machine(100, [a, b]));
    stage.succeed("s", json!(1)).on(recast("s", 1)).restart().succeed("t", json!(1));
    assert_eq!(stage.call("s").performer.to_string(), "player0.play");
}

#[test]
fn nobody_is_cast_in_a_run_that_is_over_or_stopped() {
    let plan = || Draft { ..draft([phase("p", &[], [step("a")]), phase("q", &[0], [step("b")])]) };
    let mut stage = Stage::start(plan());
    stage.cancel(false).expect("it runs");
    assert!(matches!(stage.refusal(recast("b", 1)), Refused::Unfit { .. }));
    assert!(matches!(stage.fail("a", Failed).refusal(recast("b", 1)), Refused::Unfit { .. }));
}
