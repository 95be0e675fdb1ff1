//! Faults against law 2.

use op_run::{Command, Event, Fact, Run, Timestamp};

use super::{catches, count, rewrite};
use crate::decider::{Decider, REAL};
use crate::outstanding::what_is_outstanding_can_be_read_off_the_run as law;

#[test]
fn what_is_outstanding_can_be_read_off_the_run_catches_a_forgotten_deadline() {
    fn evolve(run: &mut Run, event: &Event) {
        let mut event = event.clone();
        if let Fact::StepStarted { deadline, .. } = &mut event.fact {
            *deadline = None;
        }
        op_run::evolve(run, &event);
    }
    catches(law, "as it began", Decider { evolve, ..REAL });
}

#[test]
fn what_is_outstanding_can_be_read_off_the_run_catches_a_call_that_is_lost() {
    catches(
        law,
        "calls, and",
        Decider {
            outstanding: |run| {
                let mut commands = op_run::outstanding(run);
                let calls = commands.iter().filter(|command| matches!(command, Command::Call(_))).count();
                if calls > 1 {
                    commands.remove(0);
                }
                commands
            },
            ..REAL
        },
    );
}

#[test]
fn what_is_outstanding_can_be_read_off_the_run_catches_a_stall() {
    catches(
        law,
        "does not end",
        Decider {
            decide: |run, input| {
                rewrite(run, input, |fact| match fact {
                    Fact::StepStarted { attempt: 2.., .. } => Vec::new(),
                    fact => vec![fact],
                })
            },
            ..REAL
        },
    );
}

#[test]
fn what_is_outstanding_can_be_read_off_the_run_catches_a_memory_beside_the_journal() {
    fn evolve(run: &mut Run, event: &Event) {
        let mut event = event.clone();
        if let Fact::StepSucceeded { output, .. } = &mut event.fact {
            *output = count().into();
        }
        op_run::evolve(run, &event);
    }
    catches(law, "by a restart", Decider { evolve, ..REAL });
}

#[test]
fn what_is_outstanding_can_be_read_off_the_run_catches_a_wake_in_the_past() {
    catches(
        law,
        "left a wake",
        Decider {
            outstanding: |run| {
                let mut commands = op_run::outstanding(run);
                for command in &mut commands {
                    if let Command::Wake(at) = command {
                        *at = Timestamp::from_millis(0);
                    }
                }
                commands
            },
            ..REAL
        },
    );
}

#[test]
fn what_is_outstanding_can_be_read_off_the_run_catches_a_call_after_the_end() {
    catches(
        law,
        "and wants",
        Decider {
            outstanding: |run| match op_run::outstanding(run) {
                commands if commands.is_empty() => vec![Command::Wake(Timestamp::from_millis(u64::MAX))],
                commands => commands,
            },
            ..REAL
        },
    );
}
