//! What the journal can do to a run.

use std::sync::Arc;

use op_run::{Event, Run, evolve, explain, outstanding};
use proptest::test_runner::TestCaseError;

use crate::decider::REAL;
use crate::runner;
use crate::story::Story;
use crate::teller::{run_id, tell};
use crate::wide;
use crate::world::cases;

/// To take an event in is total: no order of events, and none that is missing or comes twice, makes it panic.
#[test]
fn evolve_takes_any_event_in_any_order() {
    let judged = runner(20, 300).run(&cases(), |case| {
        fold_badly(&tell(REAL, &case));
        Ok::<_, TestCaseError>(())
    });
    judged.expect("every journal can be folded");
}

#[test]
fn evolve_takes_any_event_of_the_wide_world_in_any_order() {
    let judged = runner(39, 300).run(&wide::world::cases(), |case| {
        fold_badly(&wide::teller::tell(REAL, &case));
        Ok::<_, TestCaseError>(())
    });
    judged.expect("every journal can be folded");
}

fn fold_badly(story: &Story) {
    let events: Vec<_> = story.events().collect();
    fold(story, events.iter().rev().copied());
    fold(story, events.iter().flat_map(|event| [*event, *event]));
    fold(story, events.iter().step_by(2).copied());
    fold(story, events.iter().skip(1).step_by(2).chain(&events).copied());
}

fn fold<'a>(story: &Story, events: impl Iterator<Item = &'a Event>) {
    let mut run = Run::new(run_id(), Arc::clone(&story.plan));
    for event in events {
        evolve(&mut run, event);
        outstanding(&run);
        explain(&run, event.at);
    }
}
