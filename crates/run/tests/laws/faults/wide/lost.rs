//! What is outstanding and is lost.

use op_run::{Command, Fact, Outside, Run};

use super::catches;
use crate::decider::{Decider, REAL};
use crate::faults::rewrite;
use crate::keys::keys_are_used_once;
use crate::wide::laws::nothing_outstanding_is_lost as law;

fn without(run: &Run, is_lost: impl Fn(&Command) -> bool) -> Vec<Command> {
    let mut commands = op_run::outstanding(run);
    commands.retain(|command| !is_lost(command));
    commands
}

#[test]
fn nothing_outstanding_is_lost_catches_a_gate_nobody_listens_at() {
    let outstanding = |run: &Run| without(run, |command| matches!(command, Command::Await(Outside::Gate(_))));
    catches(law, "can come", Decider { outstanding, ..REAL });
}

#[test]
fn nothing_outstanding_is_lost_catches_a_queued_run_that_is_forgotten() {
    let outstanding =
        |run: &Run| without(run, |command| matches!(command, Command::Await(Outside::Place(_))));
    catches(law, "and wants []", Decider { outstanding, ..REAL });
}

#[test]
fn nothing_outstanding_is_lost_catches_a_held_run_nobody_can_let_go_on() {
    let outstanding = |run: &Run| without(run, |command| matches!(command, Command::Await(Outside::Resume)));
    catches(law, "can come", Decider { outstanding, ..REAL });
}

#[test]
fn nothing_outstanding_is_lost_catches_an_item_that_is_not_called() {
    let outstanding = |run: &Run| {
        let is_call = |command: &&Command| matches!(command, Command::Call(_));
        let is_alone = op_run::outstanding(run).iter().filter(is_call).count() < 2;
        let is_item = |command: &Command| {
            matches!(command, Command::Call(call) if call.key.step.ends_with("[1]")) && !is_alone
        };
        without(run, is_item)
    };
    catches(law, "are outstanding, and", Decider { outstanding, ..REAL });
}

#[test]
fn nothing_outstanding_is_lost_catches_a_call_that_runs_on_after_a_halt() {
    let decide = |run: &Run, input: &op_run::Input| {
        rewrite(run, input, |fact| match fact {
            Fact::StepStopping { .. } => Vec::new(),
            fact => vec![fact],
        })
    };
    catches(law, "runs on after a halt", Decider { decide, ..REAL });
}

#[test]
fn nothing_outstanding_is_lost_catches_a_list_that_does_not_end() {
    let decide = |run: &Run, input: &op_run::Input| {
        rewrite(run, input, |fact| match fact {
            Fact::StepStarted { item: Some(1..), .. } => Vec::new(),
            fact => vec![fact],
        })
    };
    catches(law, "does not end", Decider { decide, ..REAL });
}

#[test]
fn keys_are_used_once_catches_visits_that_share_a_key() {
    let outstanding = |run: &Run| {
        let mut commands = op_run::outstanding(run);
        for command in &mut commands {
            if let Command::Call(call) = command {
                call.key.visit = 1;
            }
        }
        commands
    };
    catches(keys_are_used_once, "names", Decider { outstanding, ..REAL });
}

#[test]
fn keys_are_used_once_catches_items_that_share_a_key() {
    let outstanding = |run: &Run| {
        let mut commands = op_run::outstanding(run);
        for command in &mut commands {
            if let Command::Call(call) = command {
                let end = call.key.step.find('[').unwrap_or(call.key.step.len());
                call.key.step.truncate(end);
            }
        }
        commands
    };
    catches(keys_are_used_once, "names", Decider { outstanding, ..REAL });
}
