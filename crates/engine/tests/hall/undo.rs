//! Every step fails once, every undo is repeated.

use op_engine::fakes::ScriptedPerform;
use op_plan::plan::FailureKind;
use op_run::run::{PhaseState, State};

use crate::support::{LINE, World, attempt_of, did, fail, step_of};

/// A step fails, and each undo fails as often as it is said.
fn failing(step: &'static str, undos: u32) -> ScriptedPerform {
    ScriptedPerform::default()
        .on("w.step", move |request, _, _| async move {
            if step_of(&request) == step { fail(FailureKind::Failed) } else { did(&request) }
        })
        .on("w.undo", move |request, _, _| async move {
            if attempt_of(&request) <= undos { fail(FailureKind::Unavailable) } else { did(&request) }
        })
}

#[tokio::test(start_paused = true)]
async fn a_run_that_fails_at_any_step_is_undone_in_reverse_order_and_each_undo_is_tried_again() {
    for (at, step) in ["a", "b", "c"].into_iter().enumerate() {
        let world = World::new(LINE, failing(step, 1));
        let run = world.run().await;
        assert_eq!(run.state(), State::RolledBack, "{}", run.reason());
        assert_eq!(run.reason(), format!("`{step}` failed: as scripted"));
        let mut expected: Vec<_> = ["a", "b", "c"][..=at].iter().map(|phase| (*phase).to_owned()).collect();
        for phase in ["a", "b", "c"][..=at].iter().rev() {
            expected.extend([format!("undo:{phase}:1"), format!("undo:{phase}:1")]);
        }
        assert_eq!(world.called(), expected);
        let attempts: Vec<_> = world.perform.asked()[at + 1..].iter().map(attempt_of).collect();
        assert_eq!(attempts, [1, 2].repeat(at + 1));
        assert!((0..=at).all(|phase| run.phase(phase).state == PhaseState::Undone));
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_undo_fails_for_good_is_stuck_and_says_where() {
    let world = World::new(LINE, failing("c", 2));
    let run = world.run().await;
    assert_eq!((run.state(), run.reason()), (State::Stuck, "the undo of `c` failed: as scripted"));
    assert_eq!(world.called(), ["a", "b", "c", "undo:c:1", "undo:c:1"]);
}

#[tokio::test(start_paused = true)]
async fn of_a_run_that_undoes_failed_phases_only_those_are_undone() {
    let plan = LINE.replacen("rollback = 'run'", "rollback = 'phase'", 1);
    let world = World::new(&plan, failing("b", 0));
    assert_eq!(world.run().await.state(), State::Failed);
    assert_eq!(world.called(), ["a", "b", "undo:b:1"]);
    let world = World::new(&plan.replacen("rollback = 'phase'", "rollback = 'none'", 1), failing("b", 0));
    assert_eq!(world.run().await.state(), State::Failed);
    assert_eq!(world.called(), ["a", "b"]);
}
