//! What begins and should not.

use op_run::{Event, Fact, Input, Refused, Run};
use serde_json::Value;

use super::catches;
use crate::decider::{Decider, REAL};
use crate::faults::rewrite;
use crate::wide::laws::nothing_begins_that_should_not as law;

type Decision = Result<Vec<Event>, Refused>;

/// Does not take some facts in.
fn deaf(run: &mut Run, event: &Event, is_unheard: impl Fn(&Fact) -> bool) {
    let nothing = Fact::ApprovalOverdue { step: String::new() };
    let fact = if is_unheard(&event.fact) { nothing } else { event.fact.clone() };
    op_run::evolve(run, &Event { at: event.at, fact });
}

#[test]
fn nothing_begins_that_should_not_catches_a_start_while_the_run_is_held() {
    let evolve =
        |run: &mut Run, event: &Event| deaf(run, event, |fact| matches!(fact, Fact::RunPaused { .. }));
    catches(law, "begins while the run is held", Decider { evolve, ..REAL });
}

#[test]
fn nothing_begins_that_should_not_catches_a_start_before_the_run_is_admitted() {
    fn evolve(run: &mut Run, event: &Event) {
        let mut event = event.clone();
        if let Fact::RunStarted { queued, .. } = &mut event.fact {
            *queued = false;
        }
        op_run::evolve(run, &event);
    }
    catches(law, "begins while the run is held", Decider { evolve, ..REAL });
}

#[test]
fn nothing_begins_that_should_not_catches_an_item_that_was_done_before() {
    fn evolve(run: &mut Run, event: &Event) {
        let mut event = event.clone();
        if let Fact::RunRetried(retried) = &mut event.fact {
            retried.lists.clear();
        }
        op_run::evolve(run, &event);
    }
    catches(law, "and it is done", Decider { evolve, ..REAL });
}

#[test]
fn nothing_begins_that_should_not_catches_a_start_after_a_cancel() {
    let evolve =
        |run: &mut Run, event: &Event| deaf(run, event, |fact| matches!(fact, Fact::CancelRequested { .. }));
    catches(law, "begins after the run was", Decider { evolve, ..REAL });
}

#[test]
fn nothing_begins_that_should_not_catches_a_gate_that_is_walked_past() {
    fn decide(run: &Run, input: &Input) -> Decision {
        rewrite(run, input, |fact| match fact {
            Fact::StepWaiting { step, .. } => {
                vec![Fact::StepStarted {
                    step,
                    item: None,
                    attempt: 1,
                    arguments: Value::Null,
                    deadline: None,
                }]
            }
            fact => vec![fact],
        })
    }
    catches(law, "begins before its gate is open", Decider { decide, ..REAL });
}

#[test]
fn nothing_begins_that_should_not_catches_another_call_than_was_approved() {
    fn decide(run: &Run, input: &Input) -> Decision {
        rewrite(run, input, |fact| match fact {
            Fact::StepStarted { step, item, attempt, deadline, .. } => {
                vec![Fact::StepStarted { step, item, attempt, arguments: Value::Bool(true), deadline }]
            }
            fact => vec![fact],
        })
    }
    catches(law, "was approved", Decider { decide, ..REAL });
}

#[test]
fn nothing_begins_that_should_not_catches_one_item_too_many() {
    fn decide(run: &Run, input: &Input) -> Decision {
        rewrite(run, input, |fact| match &fact {
            Fact::StepStarted { step, item: Some(item), arguments, .. } => {
                let (step, arguments) = (step.clone(), arguments.clone());
                let next = Some(item + 1);
                vec![fact, Fact::StepStarted { step, item: next, attempt: 1, arguments, deadline: None }]
            }
            _ => vec![fact],
        })
    }
    catches(law, "] is one more than", Decider { decide, ..REAL });
}

#[test]
fn nothing_begins_that_should_not_catches_a_wrong_number_of_an_attempt() {
    fn decide(run: &Run, input: &Input) -> Decision {
        rewrite(run, input, |fact| match fact {
            Fact::StepStarted { step, item, attempt, arguments, deadline } => {
                vec![Fact::StepStarted { step, item, attempt: attempt + 1, arguments, deadline }]
            }
            fact => vec![fact],
        })
    }
    catches(law, "has attempt", Decider { decide, ..REAL });
}
