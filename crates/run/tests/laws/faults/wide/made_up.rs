//! Success that nobody observed.

use op_run::{Event, Evidence, Fact, Input, Refused, Run};
use serde_json::{Map, Value, json};

use super::catches;
use crate::decider::{Decider, REAL};
use crate::faults::rewrite;
use crate::wide::laws::no_success_is_made_up as law;

type Decision = Result<Vec<Event>, Refused>;

fn succeeded(step: String, output: Value) -> Fact {
    Fact::StepSucceeded { step, output, stored: Map::new(), evidence: Evidence::default() }
}

#[test]
fn no_success_is_made_up_catches_an_item_that_failed() {
    fn decide(run: &Run, input: &Input) -> Decision {
        rewrite(run, input, |fact| match fact {
            Fact::ItemFailed { step, item, .. } => {
                vec![Fact::ItemSucceeded { step, item, output: Value::Null, evidence: Evidence::default() }]
            }
            fact => vec![fact],
        })
    }
    catches(law, "which was not observed", Decider { decide, ..REAL });
}

#[test]
fn no_success_is_made_up_catches_a_list_that_is_done_before_its_items_are() {
    fn decide(run: &Run, input: &Input) -> Decision {
        rewrite(run, input, |fact| match &fact {
            Fact::StepFanned { step, .. } => {
                let done = succeeded(step.clone(), json!([]));
                vec![fact, done]
            }
            _ => vec![fact],
        })
    }
    catches(law, "items with", Decider { decide, ..REAL });
}

#[test]
fn no_success_is_made_up_catches_outputs_in_another_order() {
    fn decide(run: &Run, input: &Input) -> Decision {
        rewrite(run, input, |fact| match fact {
            Fact::StepSucceeded { step, output: Value::Array(outputs), .. } => {
                vec![succeeded(step, outputs.into_iter().rev().collect())]
            }
            fact => vec![fact],
        })
    }
    catches(law, "items with", Decider { decide, ..REAL });
}

#[test]
fn no_success_is_made_up_catches_a_person_who_said_no() {
    fn decide(run: &Run, input: &Input) -> Decision {
        rewrite(run, input, |fact| match fact {
            Fact::StepFailed { step, failure, evidence: None } if failure.reason == "not_approved" => {
                let answer = failure.detail.unwrap_or_default();
                vec![Fact::StepPassed { step, answer, user: String::new() }]
            }
            fact => vec![fact],
        })
    }
    catches(law, "came through its gate with", Decider { decide, ..REAL });
}

#[test]
fn no_success_is_made_up_catches_an_answer_that_nobody_gave_at_a_gate() {
    fn decide(run: &Run, input: &Input) -> Decision {
        rewrite(run, input, |fact| match fact {
            Fact::StepSucceeded { step, .. } => vec![succeeded(step, json!("made up"))],
            fact => vec![fact],
        })
    }
    catches(law, "came through", Decider { decide, ..REAL });
}

#[test]
fn no_success_is_made_up_catches_a_phase_whose_step_was_given_up() {
    fn decide(run: &Run, input: &Input) -> Decision {
        rewrite(run, input, |fact| match fact {
            Fact::PhaseFailed { phase, .. } => vec![Fact::PhaseSucceeded { phase }],
            fact => vec![fact],
        })
    }
    catches(law, "without all of its steps", Decider { decide, ..REAL });
}

#[test]
fn no_success_is_made_up_catches_a_machine_that_completes_at_a_bad_end() {
    fn decide(run: &Run, input: &Input) -> Decision {
        rewrite(run, input, |fact| match fact {
            Fact::RunFailed { .. } => vec![Fact::RunCompleted { output: Value::Null }],
            fact => vec![fact],
        })
    }
    catches(law, "the run completed", Decider { decide, ..REAL });
}
