//! Faults against law 9.

use op_run::{Event, Fact, Run};

use super::{catches, pending_step, rewrite, started};
use crate::control::cancel_pause_timeout_and_undo_are_one_design as law;
use crate::decider::{Decider, REAL};

#[test]
fn cancel_pause_timeout_and_undo_are_one_design_catches_a_call_that_is_never_stopped() {
    catches(
        law,
        "is stopping for None",
        Decider {
            decide: |run, input| {
                rewrite(run, input, |fact| match fact {
                    Fact::StepStopping { .. } => Vec::new(),
                    fact => vec![fact],
                })
            },
            ..REAL
        },
    );
}

#[test]
fn cancel_pause_timeout_and_undo_are_one_design_catches_a_call_that_is_stopped_twice() {
    catches(
        law,
        "is asked to stop",
        Decider {
            decide: |run, input| {
                rewrite(run, input, |fact| match fact {
                    Fact::StepStopping { .. } => vec![fact.clone(), fact],
                    fact => vec![fact],
                })
            },
            ..REAL
        },
    );
}

#[test]
fn cancel_pause_timeout_and_undo_are_one_design_catches_a_start_after_the_cancel() {
    catches(
        law,
        "starts though Some(Cancelled",
        Decider {
            decide: |run, input| {
                rewrite(run, input, |fact| match (&fact, pending_step(run, |_| true)) {
                    (Fact::CancelRequested { .. }, Some(step)) => vec![fact, started(run, step)],
                    _ => vec![fact],
                })
            },
            ..REAL
        },
    );
}

#[test]
fn cancel_pause_timeout_and_undo_are_one_design_catches_more_steps_than_max_parallel() {
    catches(
        law,
        "at a time",
        Decider {
            decide: |run, input| {
                rewrite(run, input, |fact| {
                    let more = pending_step(run, |step| run.plan().step(step).after.is_empty());
                    match (&fact, more) {
                        (Fact::StepSucceeded { .. }, Some(more)) => vec![started(run, more), fact],
                        _ => vec![fact],
                    }
                })
            },
            ..REAL
        },
    );
}

#[test]
fn cancel_pause_timeout_and_undo_are_one_design_catches_a_limit_that_is_forgotten() {
    fn evolve(run: &mut Run, event: &Event) {
        let mut event = event.clone();
        if let Fact::PhaseStarted { deadline, .. } = &mut event.fact {
            *deadline = None;
        }
        op_run::evolve(run, &event);
    }
    catches(law, "the limit of phase", Decider { evolve, ..REAL });
}

#[test]
fn cancel_pause_timeout_and_undo_are_one_design_catches_an_end_that_does_not_await_its_calls() {
    catches(
        law,
        "while calls are in flight",
        Decider {
            decide: |run, input| {
                rewrite(run, input, |fact| match &fact {
                    Fact::CancelRequested { reason, .. } => {
                        let reason = reason.clone();
                        vec![fact, Fact::RunCancelled { reason }]
                    }
                    _ => vec![fact],
                })
            },
            ..REAL
        },
    );
}

#[test]
fn cancel_pause_timeout_and_undo_are_one_design_catches_undo_while_calls_run() {
    catches(
        law,
        "undo begins while calls are in flight",
        Decider {
            decide: |run, input| {
                rewrite(run, input, |fact| match &fact {
                    Fact::CancelRequested { .. } => {
                        vec![
                            fact,
                            Fact::RollbackStarted { phases: vec!["p0".to_owned()], visits: Vec::new() },
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
fn cancel_pause_timeout_and_undo_are_one_design_catches_undo_in_forward_order() {
    catches(
        law,
        "are undone, not",
        Decider {
            decide: |run, input| {
                rewrite(run, input, |fact| match fact {
                    Fact::RollbackStarted { phases, visits } => {
                        vec![Fact::RollbackStarted { phases: phases.into_iter().rev().collect(), visits }]
                    }
                    fact => vec![fact],
                })
            },
            ..REAL
        },
    );
}

#[test]
fn cancel_pause_timeout_and_undo_are_one_design_catches_undo_of_what_was_never_done() {
    catches(
        law,
        "are undone, not",
        Decider {
            decide: |run, input| {
                rewrite(run, input, |fact| match fact {
                    Fact::RollbackStarted { .. } => {
                        let all = run.plan().phases().iter().map(|phase| phase.id.clone());
                        vec![Fact::RollbackStarted { phases: all.collect(), visits: Vec::new() }]
                    }
                    fact => vec![fact],
                })
            },
            ..REAL
        },
    );
}

#[test]
fn cancel_pause_timeout_and_undo_are_one_design_catches_undo_that_is_left_out() {
    catches(
        law,
        "without undoing anything",
        Decider {
            decide: |run, input| {
                rewrite(run, input, |fact| match fact {
                    Fact::RollbackStarted { .. } => vec![Fact::RunFailed { reason: "it failed".to_owned() }],
                    fact => vec![fact],
                })
            },
            ..REAL
        },
    );
}

#[test]
fn cancel_pause_timeout_and_undo_are_one_design_catches_an_undo_that_is_done_twice() {
    catches(
        law,
        "is undone, and",
        Decider {
            decide: |run, input| {
                rewrite(run, input, |fact| match &fact {
                    Fact::UndoSucceeded { phase, place, .. } => {
                        let (phase, place) = (phase.clone(), *place);
                        let arguments = serde_json::Value::Null;
                        vec![fact, Fact::UndoStarted { phase, place, attempt: 1, arguments, deadline: None }]
                    }
                    _ => vec![fact],
                })
            },
            ..REAL
        },
    );
}

#[test]
fn cancel_pause_timeout_and_undo_are_one_design_catches_a_failed_undo_that_is_shrugged_off() {
    catches(
        law,
        "RolledBack after",
        Decider {
            decide: |run, input| {
                rewrite(run, input, |fact| match fact {
                    Fact::RunStuck { reason } => vec![Fact::RunRolledBack { reason }],
                    fact => vec![fact],
                })
            },
            ..REAL
        },
    );
}
