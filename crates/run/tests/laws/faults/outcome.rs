//! Faults against law 8.

use op_plan::plan::FailureKind;
use op_run::{Fact, Failure};

use super::{catches, rewrite};
use crate::decider::{Decider, REAL};
use crate::outcome::outcome_is_data as law;

#[test]
fn outcome_is_data_catches_one_kind_for_all_failures() {
    catches(
        law,
        "failed with",
        Decider {
            decide: |run, input| {
                rewrite(run, input, |fact| match fact {
                    Fact::StepFailed { step, failure, evidence } => {
                        let failure = Failure { kind: FailureKind::Failed, ..failure };
                        vec![Fact::StepFailed { step, failure, evidence }]
                    }
                    fact => vec![fact],
                })
            },
            ..REAL
        },
    );
}

#[test]
fn outcome_is_data_catches_one_retry_too_many() {
    catches(
        law,
        "is repeated for",
        Decider {
            decide: |run, input| {
                rewrite(run, input, |fact| match fact {
                    Fact::StepFailed { step, failure, evidence: Some(evidence) } => {
                        let due = input.at;
                        let at = run.plan().find_step(&step).expect("it is a step of the plan");
                        let was_last = run.step(at).trial.attempts > run.plan().step(at).retry.max;
                        vec![if was_last {
                            Fact::RetryScheduled { step, item: None, failure, evidence, due }
                        } else {
                            Fact::StepFailed { step, failure, evidence: Some(evidence) }
                        }]
                    }
                    fact => vec![fact],
                })
            },
            ..REAL
        },
    );
}

#[test]
fn outcome_is_data_catches_a_rejection_that_is_retried() {
    catches(
        law,
        "is repeated for rejected",
        Decider {
            decide: |run, input| {
                rewrite(run, input, |fact| match fact {
                    Fact::StepFailed { step, failure, evidence: Some(evidence) }
                        if failure.kind == FailureKind::Rejected =>
                    {
                        vec![Fact::RetryScheduled { step, item: None, failure, evidence, due: input.at }]
                    }
                    fact => vec![fact],
                })
            },
            ..REAL
        },
    );
}

#[test]
fn outcome_is_data_catches_a_wait_cut_short() {
    catches(
        law,
        "is due at",
        Decider {
            decide: |run, input| {
                rewrite(run, input, |fact| match fact {
                    Fact::RetryScheduled { step, failure, evidence, .. } => {
                        vec![Fact::RetryScheduled { step, item: None, failure, evidence, due: input.at }]
                    }
                    fact => vec![fact],
                })
            },
            ..REAL
        },
    );
}

#[test]
fn outcome_is_data_catches_a_retry_that_is_forgotten() {
    catches(
        law,
        "is not repeated for",
        Decider {
            decide: |run, input| {
                rewrite(run, input, |fact| match fact {
                    Fact::RetryScheduled { step, failure, evidence, .. } => {
                        vec![Fact::StepFailed { step, failure, evidence: Some(evidence) }]
                    }
                    fact => vec![fact],
                })
            },
            ..REAL
        },
    );
}

#[test]
fn outcome_is_data_catches_a_stop_told_as_the_failure_it_caused() {
    catches(
        law,
        "stopping for Some(Cancelled)",
        Decider {
            decide: |run, input| {
                rewrite(run, input, |fact| match fact {
                    Fact::StepFailed { step, failure, evidence }
                        if failure.kind == FailureKind::Cancelled =>
                    {
                        let failure = Failure { kind: FailureKind::Lost, ..failure };
                        vec![Fact::StepFailed { step, failure, evidence }]
                    }
                    fact => vec![fact],
                })
            },
            ..REAL
        },
    );
}
