//! What the journal can do to a run.

use std::sync::Arc;

use op_run::{Event, Run, evolve, outstanding};
use proptest::test_runner::TestCaseError;

use crate::decider::REAL;
use crate::runner;
use crate::story::Story;
use crate::teller::{run_id, tell};
use crate::world::cases;

/// To take an event in is total: no order of events, and none that is missing or comes twice, makes it panic.
#[test]
fn evolve_takes_any_event_in_any_order() {
    let judged = runner(20, 300).run(&cases(), |case| {
        let story = tell(REAL, &case);
        let events: Vec<_> = story.events().collect();
        fold(&story, events.iter().rev().copied());
        fold(&story, events.iter().flat_map(|event| [*event, *event]));
        fold(&story, events.iter().step_by(2).copied());
        fold(&story, events.iter().skip(1).step_by(2).chain(&events).copied());
        Ok::<_, TestCaseError>(())
    });
    judged.expect("every journal can be folded");
}

fn fold<'a>(story: &Story, events: impl Iterator<Item = &'a Event>) {
    let mut run = Run::new(run_id(), Arc::clone(&story.plan));
    for event in events {
        evolve(&mut run, event);
        outstanding(&run);
    }
}
