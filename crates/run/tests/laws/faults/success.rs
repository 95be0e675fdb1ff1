//! Faults against law 5.

use op_run::event::SkipCause;
use op_run::{Evidence, Fact};
use serde_json::{Map, Value};

use super::{catches, pending_step, rewrite, started};
use crate::decider::{Decider, REAL};
use crate::success::nothing_claims_success_that_it_did_not_observe as law;

#[test]
fn nothing_claims_success_that_it_did_not_observe_catches_a_failure_told_as_a_success() {
    catches(
        law,
        "was not observed",
        Decider {
            decide: |run, input| {
                rewrite(run, input, |fact| match fact {
                    Fact::StepFailed { step, evidence: Some(evidence), .. } => {
                        vec![Fact::StepSucceeded { step, output: Value::Null, stored: Map::new(), evidence }]
                    }
                    fact => vec![fact],
                })
            },
            ..REAL
        },
    );
}

#[test]
fn nothing_claims_success_that_it_did_not_observe_catches_a_simulated_call() {
    catches(
        law,
        "was not observed",
        Decider {
            decide: |run, input| {
                rewrite(run, input, |fact| match &fact {
                    Fact::StepStarted { step, .. } => {
                        let (step, evidence) = (step.clone(), Evidence::default());
                        vec![
                            fact,
                            Fact::StepSucceeded { step, output: Value::Null, stored: Map::new(), evidence },
                        ]
                    }
                    _ => vec![fact],
                })
            },
            ..REAL
        },
    );
}

#[test]
fn nothing_claims_success_that_it_did_not_observe_catches_a_lost_success() {
    catches(
        law,
        "was lost",
        Decider {
            decide: |run, input| {
                rewrite(run, input, |fact| match fact {
                    Fact::StepSucceeded { .. } => Vec::new(),
                    fact => vec![fact],
                })
            },
            ..REAL
        },
    );
}

#[test]
fn nothing_claims_success_that_it_did_not_observe_catches_a_run_that_completes_with_a_failed_phase() {
    catches(
        law,
        "the run completed with",
        Decider {
            decide: |run, input| {
                rewrite(run, input, |fact| match fact {
                    Fact::RunFailed { .. } => vec![Fact::RunCompleted { output: Value::Null }],
                    fact => vec![fact],
                })
            },
            ..REAL
        },
    );
}

#[test]
fn nothing_claims_success_that_it_did_not_observe_catches_a_phase_that_goes_on_after_a_failure() {
    catches(
        law,
        "goes on though something it depends on",
        Decider {
            decide: |run, input| {
                rewrite(run, input, |fact| match fact {
                    Fact::PhaseSkipped { phase, cause: SkipCause::Dependency(_) } => {
                        vec![Fact::PhaseStarted { phase, deadline: None }]
                    }
                    fact => vec![fact],
                })
            },
            ..REAL
        },
    );
}

#[test]
fn nothing_claims_success_that_it_did_not_observe_catches_a_step_that_starts_too_early() {
    catches(
        law,
        "before what it waits for",
        Decider {
            decide: |run, input| {
                rewrite(run, input, |fact| {
                    let early = pending_step(run, |step| !run.plan().step(step).after.is_empty());
                    match (&fact, early) {
                        (Fact::StepStarted { .. }, Some(early)) => vec![fact, started(run, early)],
                        _ => vec![fact],
                    }
                })
            },
            ..REAL
        },
    );
}

#[test]
fn nothing_claims_success_that_it_did_not_observe_catches_a_tolerance_nobody_asked_for() {
    catches(
        law,
        "tolerates failure: false",
        Decider {
            decide: |run, input| {
                rewrite(run, input, |fact| match fact {
                    Fact::PhaseFailed { phase, reason } => vec![Fact::PhaseTolerated { phase, reason }],
                    fact => vec![fact],
                })
            },
            ..REAL
        },
    );
}

#[test]
fn nothing_claims_success_that_it_did_not_observe_catches_an_undo_that_was_not_done() {
    catches(
        law,
        "were to be undone",
        Decider {
            decide: |run, input| {
                rewrite(run, input, |fact| match &fact {
                    Fact::RollbackStarted { .. } => {
                        vec![fact, Fact::RunRolledBack { reason: "undone".to_owned() }]
                    }
                    _ => vec![fact],
                })
            },
            ..REAL
        },
    );
}
