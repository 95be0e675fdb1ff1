//! What the stories of the wide world are about.

use std::cell::RefCell;
use std::collections::BTreeSet;

use op_run::Refused;
use proptest::test_runner::TestCaseError;

use super::teller::tell;
use super::world::cases;
use crate::decider::REAL;
use crate::runner;
use crate::story::Act;

/// A law that is held over stories in which nothing happens holds nothing. Here everything does.
#[test]
fn stories_of_the_wide_world_tell_of_every_fact_every_end_and_every_refusal() {
    let facts = RefCell::new(BTreeSet::new());
    let ends = RefCell::new(BTreeSet::new());
    let refusals = RefCell::new(BTreeSet::new());
    let told = runner(30, 1_500).run(&cases(), |case| {
        let story = tell(REAL, &case);
        facts.borrow_mut().extend(story.events().map(|event| event.fact.kind()));
        ends.borrow_mut().insert(story.end().state().word());
        refusals.borrow_mut().extend(story.turns.iter().filter_map(|turn| match &turn.act {
            Act::Heard { decision: Err(refused), .. } => Some(word(refused)),
            Act::Heard { .. } | Act::Restarted => None,
        }));
        Ok::<_, TestCaseError>(())
    });
    told.expect("a story can be told");
    assert_eq!(*ends.borrow(), BTreeSet::from(["completed", "failed", "cancelled", "rolled_back", "stuck"]));
    assert_eq!(*refusals.borrow(), BTreeSet::from(REFUSALS));
    let missing: Vec<_> = FACTS.iter().filter(|fact| !facts.borrow().contains(*fact)).collect();
    assert!(missing.is_empty(), "no story tells of {missing:?}");
}

fn word(refused: &Refused) -> &'static str {
    match refused {
        Refused::Started => "started",
        Refused::Cast { .. } => "cast",
        Refused::Unexpected => "unexpected",
        Refused::State(_) => "state",
        Refused::Cancelling => "cancelling",
        Refused::Unfit { .. } => "unfit",
        Refused::Unknown(_) => "unknown",
        Refused::NotAsked { .. } => "not_asked",
        Refused::OtherQuestion(_) => "other_question",
        Refused::NoSignal { .. } => "no_signal",
        Refused::TooManySignals(_) => "too_many_signals",
        Refused::Begun { .. } => "begun",
        Refused::NothingToUndo => "nothing_to_undo",
        Refused::NothingToRetry => "nothing_to_retry",
    }
}

/// All but those of a start, which plain stories tell of, and of more signals than a story has.
const REFUSALS: [&str; 11] = [
    "begun",
    "cancelling",
    "no_signal",
    "not_asked",
    "nothing_to_retry",
    "nothing_to_undo",
    "other_question",
    "state",
    "unexpected",
    "unfit",
    "unknown",
];

const FACTS: [&str; 41] = [
    "run_started",
    "run_admitted",
    "run_paused",
    "run_resumed",
    "cast_changed",
    "signal_received",
    "phase_started",
    "phase_timed_out",
    "phase_repeated",
    "step_waiting",
    "step_passed",
    "approval_overdue",
    "step_fanned",
    "item_succeeded",
    "item_failed",
    "step_skipped",
    "step_fell_back",
    "step_started",
    "step_stopping",
    "step_succeeded",
    "retry_scheduled",
    "step_failed",
    "phase_succeeded",
    "phase_failed",
    "phase_tolerated",
    "phase_skipped",
    "moved",
    "run_exhausted",
    "cancel_requested",
    "run_timed_out",
    "rollback_requested",
    "run_retried",
    "stuck_resolved",
    "rollback_started",
    "undo_started",
    "undo_skipped",
    "undo_retry_scheduled",
    "undo_failed",
    "phase_undone",
    "run_rolled_back",
    "run_stuck",
];
