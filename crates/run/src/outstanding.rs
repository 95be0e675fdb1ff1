//! What the world must be doing for a run, read off the run. There is no second record of intent.

use crate::command::{Call, Command};
use crate::key::{CallKey, Work};
use crate::run::{Run, Trial};
use crate::time::Timestamp;

/// Commands that must be under way. The conductor compares them with what it has under way: what is missing is begun,
/// what is under way and not here has been answered.
pub fn outstanding(run: &Run) -> Vec<Command> {
    let mut commands = Vec::new();
    for step in &run.active {
        push(run, Work::Step(*step), &run.steps[*step].trial, &mut commands);
    }
    if let (true, Some(phase)) = (run.undoing.active, run.undoing.phases.front()) {
        let work = Work::Undo { phase: *phase, place: run.undoing.place };
        push(run, work, &run.undoing.trial, &mut commands);
    }
    commands.extend(wake(run).map(Command::Wake));
    commands
}

/// When the next limit passes or the next repeat is due. A repeat without room begins with the answer that makes some.
fn wake(run: &Run) -> Option<Timestamp> {
    let limit = run.timers.get_min().map(|(at, _)| *at);
    let repeat = run.waiting.get_min().map(|(due, _)| *due).filter(|_| run.has_room());
    limit.into_iter().chain(repeat).chain(run.undoing.trial.due).min()
}

fn push(run: &Run, work: Work, trial: &Trial, commands: &mut Vec<Command>) {
    let key = key(run, work, trial.attempts);
    commands.push(Command::Call(Call {
        key: key.clone(),
        work,
        attempt: trial.attempts,
        performer: run.performer(work).clone(),
        arguments: trial.arguments.clone(),
        timeout: trial.deadline.map(|deadline| deadline.since(trial.began)),
    }));
    commands.extend(trial.stopping.map(|cause| Command::Stop { key, work, cause }));
}

fn key(run: &Run, work: Work, attempt: u32) -> CallKey {
    let step = match work {
        Work::Step(step) => run.plan.step(step).id.clone(),
        Work::Undo { phase, place } => format!("undo:{}:{}", run.plan.phases()[phase].id, place + 1),
    };
    CallKey { run: run.id.clone(), step, visit: 1, attempt }
}
