//! What an event costs.

use op_plan::Draft;
use serde_json::json;

use crate::stage::{Stage, draft, phase, step};

/// Phases and steps that an event does not touch are shared between the run before it and the run after it. So its cost does
/// not grow with the plan.
#[test]
fn an_event_copies_only_what_it_changes() {
    let phases = (0..5_000_usize).map(|at| {
        let depends_on: Vec<_> = at.checked_sub(10).into_iter().collect();
        phase(&format!("p{at}"), &depends_on, [step(&format!("s{at}"))])
    });
    let mut stage = Stage::start(Draft { max_parallel: 4, ..draft(phases) });
    let before = stage.run.clone();
    stage.succeed("s0", json!(1));
    let after = &stage.run;
    let other_phases = (0..5_000).filter(|at| !std::ptr::eq(before.phase(*at), after.phase(*at)));
    let other_steps = (0..5_000).filter(|at| !std::ptr::eq(before.step(*at), after.step(*at)));
    assert_eq!(other_phases.collect::<Vec<_>>(), [0, 4, 10]);
    assert_eq!(other_steps.collect::<Vec<_>>(), [0, 4]);
}
