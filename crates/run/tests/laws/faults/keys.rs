//! Faults against law 10.

use op_run::{Command, Fact};

use super::{catches, count, rewrite};
use crate::decider::{Decider, REAL};
use crate::keys::effects_carry_a_key as law;

#[test]
fn effects_carry_a_key_catches_an_attempt_number_that_is_used_twice() {
    catches(
        law,
        "and a call of",
        Decider {
            decide: |run, input| {
                rewrite(run, input, |fact| match fact {
                    Fact::StepStarted { step, arguments, deadline, .. } => {
                        vec![Fact::StepStarted { step, item: None, attempt: 1, arguments, deadline }]
                    }
                    fact => vec![fact],
                })
            },
            ..REAL
        },
    );
}

#[test]
fn effects_carry_a_key_catches_one_that_changes_over_a_restart() {
    catches(
        law,
        "after a restart",
        Decider {
            outstanding: |run| {
                let mut commands = op_run::outstanding(run);
                for command in &mut commands {
                    if let Command::Call(call) = command {
                        call.key.visit = u32::try_from(count()).unwrap_or_default();
                    }
                }
                commands
            },
            ..REAL
        },
    );
}

#[test]
fn effects_carry_a_key_catches_one_that_two_steps_share() {
    catches(
        law,
        "and a call of",
        Decider {
            outstanding: |run| {
                let mut commands = op_run::outstanding(run);
                for command in &mut commands {
                    if let Command::Call(call) = command {
                        call.key.step.truncate(1);
                    }
                }
                commands
            },
            ..REAL
        },
    );
}
