//! Undo that is done wrongly.

use op_run::{Event, Fact, Input, Refused, Run};

use super::catches;
use crate::decider::{Decider, REAL};
use crate::faults::rewrite;
use crate::wide::laws::{nothing_begins_that_should_not, undo_is_done_in_reverse_and_once as law};

type Decision = Result<Vec<Event>, Refused>;

#[test]
fn undo_is_done_in_reverse_and_once_catches_undo_in_forward_order() {
    fn decide(run: &Run, input: &Input) -> Decision {
        rewrite(run, input, |fact| match fact {
            Fact::RollbackStarted { mut phases, mut visits } => {
                phases.reverse();
                visits.reverse();
                vec![Fact::RollbackStarted { phases, visits }]
            }
            fact => vec![fact],
        })
    }
    catches(law, "are undone of", Decider { decide, ..REAL });
}

#[test]
fn undo_is_done_in_reverse_and_once_catches_visits_that_are_taken_for_the_last_one() {
    fn decide(run: &Run, input: &Input) -> Decision {
        rewrite(run, input, |fact| match fact {
            Fact::RollbackStarted { phases, .. } => {
                vec![Fact::RollbackStarted { phases, visits: Vec::new() }]
            }
            fact => vec![fact],
        })
    }
    catches(law, "are undone of", Decider { decide, ..REAL });
}

#[test]
fn undo_is_done_in_reverse_and_once_catches_less_than_was_shown() {
    fn decide(run: &Run, input: &Input) -> Decision {
        rewrite(run, input, |fact| match fact {
            Fact::RollbackStarted { mut phases, mut visits } => {
                phases.truncate(1);
                visits.truncate(1);
                vec![Fact::RollbackStarted { phases, visits }]
            }
            fact => vec![fact],
        })
    }
    catches(law, "was shown, and", Decider { decide, ..REAL });
}

#[test]
fn undo_is_done_in_reverse_and_once_catches_an_entry_that_is_left_out() {
    fn decide(run: &Run, input: &Input) -> Decision {
        rewrite(run, input, |fact| match fact {
            Fact::UndoStarted { phase, place, attempt, arguments, deadline } => {
                vec![Fact::UndoStarted { phase, place: place + 1, attempt, arguments, deadline }]
            }
            fact => vec![fact],
        })
    }
    catches(law, "out of turn", Decider { decide, ..REAL });
}

#[test]
fn undo_is_done_in_reverse_and_once_catches_a_phase_that_is_undone_before_its_list_is() {
    fn decide(run: &Run, input: &Input) -> Decision {
        rewrite(run, input, |fact| match fact {
            Fact::UndoFailed { phase, .. } => vec![Fact::PhaseUndone { phase }],
            fact => vec![fact],
        })
    }
    catches(law, "is undone before all of its undo list is", Decider { decide, ..REAL });
}

#[test]
fn undo_is_done_in_reverse_and_once_catches_an_end_before_all_is_undone() {
    fn decide(run: &Run, input: &Input) -> Decision {
        rewrite(run, input, |fact| match &fact {
            Fact::RollbackStarted { .. } => vec![fact, Fact::RunRolledBack { reason: "undone".to_owned() }],
            _ => vec![fact],
        })
    }
    catches(law, "comes before all is undone", Decider { decide, ..REAL });
}

#[test]
fn nothing_begins_that_should_not_catches_an_attempt_of_an_undo_that_is_made_twice() {
    fn decide(run: &Run, input: &Input) -> Decision {
        rewrite(run, input, |fact| match fact {
            Fact::UndoStarted { phase, place, attempt: 2.., arguments, deadline } => {
                vec![Fact::UndoStarted { phase, place, attempt: 1, arguments, deadline }]
            }
            fact => vec![fact],
        })
    }
    catches(nothing_begins_that_should_not, "has attempt", Decider { decide, ..REAL });
}
