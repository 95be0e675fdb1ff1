//! What the stories are about.

use std::collections::BTreeSet;

use op_run::Refused;
use proptest::test_runner::TestCaseError;

use crate::decider::REAL;
use crate::runner;
use crate::story::Act;
use crate::teller::tell;
use crate::world::cases;

/// A law that is held over stories in which nothing happens holds nothing. Here everything does.
#[test]
fn stories_tell_of_every_fact_every_end_and_every_refusal() {
    let mut facts = BTreeSet::new();
    let mut ends = BTreeSet::new();
    let mut refusals = BTreeSet::new();
    let mut runner = runner(21, 1_000);
    let seen = std::cell::RefCell::new((&mut facts, &mut ends, &mut refusals));
    let told = runner.run(&cases(), |case| {
        let story = tell(REAL, &case);
        let (facts, ends, refusals) = &mut *seen.borrow_mut();
        facts.extend(story.events().map(|event| event.fact.kind()));
        ends.insert(story.end().state().word());
        refusals.extend(story.turns.iter().filter_map(|turn| match &turn.act {
            Act::Heard { decision: Err(refused), .. } => Some(word(refused)),
            Act::Heard { .. } | Act::Restarted => None,
        }));
        Ok::<_, TestCaseError>(())
    });
    told.expect("a story can be told");
    assert_eq!(ends, BTreeSet::from(["completed", "failed", "cancelled", "rolled_back", "stuck"]));
    assert_eq!(refusals, BTreeSet::from(["started", "unexpected", "state", "cancelling"]));
    assert_eq!(facts, BTreeSet::from(FACTS));
}

fn word(refused: &Refused) -> &'static str {
    match refused {
        Refused::Started => "started",
        Refused::Cast { .. } => "cast",
        Refused::Unexpected => "unexpected",
        Refused::State(_) => "state",
        Refused::Cancelling => "cancelling",
        Refused::Unfit { .. }
        | Refused::Unknown(_)
        | Refused::NotAsked { .. }
        | Refused::OtherQuestion(_)
        | Refused::NoSignal { .. }
        | Refused::TooManySignals(_)
        | Refused::Begun { .. }
        | Refused::NothingToUndo
        | Refused::NothingToRetry => "control",
    }
}

const FACTS: [&str; 27] = [
    "run_started",
    "phase_started",
    "phase_timed_out",
    "step_started",
    "step_stopping",
    "step_succeeded",
    "retry_scheduled",
    "step_failed",
    "phase_succeeded",
    "phase_failed",
    "phase_tolerated",
    "phase_skipped",
    "cancel_requested",
    "run_timed_out",
    "rollback_started",
    "undo_started",
    "undo_stopping",
    "undo_succeeded",
    "undo_skipped",
    "undo_retry_scheduled",
    "undo_failed",
    "phase_undone",
    "run_completed",
    "run_failed",
    "run_cancelled",
    "run_rolled_back",
    "run_stuck",
];
