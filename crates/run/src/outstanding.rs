//! What the world must be doing for a run, read off the run. There is no second record of intent.

use std::sync::Arc;

use op_plan::Plan;
use op_plan::plan::Action;

use crate::command::{Call, Command, Lesson, Outside};
use crate::key::{CallKey, Work};
use crate::run::{ActiveSkill, Origin, Run, State, Trial};
use crate::time::Timestamp;

/// Commands that must be under way. The conductor compares them with what it has under way: what is missing is begun,
/// what is under way and not here has been answered.
pub fn outstanding(run: &Run) -> Vec<Command> {
    let mut commands = Vec::new();
    for work in &run.active {
        if let Some(trial) = run.trial(*work) {
            push(run, *work, trial, &mut commands);
        }
    }
    if let (true, Some(ended)) = (run.undoing.active, run.undoing.visits.front()) {
        let work = Work::Undo { phase: ended.phase, place: run.undoing.place };
        push(run, work, &run.undoing.trial, &mut commands);
    }
    commands.extend(wake(run).map(Command::Wake));
    commands.extend(outside(run).map(Command::Await));
    commands
}

/// When the next limit passes or the next repeat is due. A repeat without room begins with the answer that makes some, and
/// one of a run that is held when it goes on.
fn wake(run: &Run) -> Option<Timestamp> {
    let limit = run.timers.get_min().map(|(at, _)| *at);
    let can_start = run.has_room() && run.state == State::Running;
    let repeat = run.waiting.get_min().map(|(due, _)| *due).filter(|_| can_start);
    limit.into_iter().chain(repeat).chain(run.undoing.trial.due).min()
}

fn outside(run: &Run) -> impl Iterator<Item = Outside> {
    let held = match run.state {
        State::Pending => {
            let key = |origin: &Arc<Origin>| origin.concurrency.clone().unwrap_or_default();
            run.origin.as_ref().map(key).map(Outside::Place)
        }
        State::Paused => Some(Outside::Resume),
        _ => None,
    };
    held.into_iter().chain(run.gated.iter().copied().map(Outside::Gate))
}

fn push(run: &Run, work: Work, trial: &Trial, commands: &mut Vec<Command>) {
    let key = || key(run, work, trial.attempts);
    commands.push(Command::Call(Call {
        key: key(),
        work,
        attempt: trial.attempts,
        performer: run.performer(work),
        plan: child(run, work),
        arguments: trial.arguments.clone(),
        skills: lessons(run, work, trial),
        cache: work.step().and_then(|step| run.plan.step(step).cache),
        timeout: trial.deadline.map(|deadline| deadline.since(trial.began)),
    }));
    commands.extend(trial.stopping.map(|cause| Command::Stop { key: key(), work, cause }));
}

/// The texts of skills that a call is given.
fn lessons(run: &Run, work: Work, trial: &Trial) -> Vec<Lesson> {
    let carried = || run.player_of(work).map(|player| player.skills.iter()).into_iter().flatten();
    let lesson = |active: &ActiveSkill| {
        let of = carried().find(|of| of.skill == active.name)?;
        Some(Lesson { name: of.skill.clone(), text: of.text.clone()? })
    };
    trial.skills.iter().filter(|active| active.given > 0).filter_map(lesson).collect()
}

fn child(run: &Run, work: Work) -> Option<Arc<Plan>> {
    let plan = |action: &Action| match action {
        Action::Plan { plan, .. } => Some(Arc::clone(plan)),
        Action::Call(_) | Action::Pass => None,
    };
    match work {
        Work::Step(step) | Work::Item { step, .. } => plan(&run.plan.step(step).action),
        Work::Undo { phase, .. } => {
            let phase = &run.plan.phases()[phase];
            phase.undoes_plans().then(|| phase.steps.iter().find_map(|step| plan(&step.action)))?
        }
    }
}

fn key(run: &Run, work: Work, attempt: u32) -> CallKey {
    let (step, visit) = match work {
        Work::Step(step) => (run.plan.step(step).id.clone(), run.steps[step].visit),
        Work::Item { step, item } => (format!("{}[{item}]", run.plan.step(step).id), run.steps[step].visit),
        Work::Undo { phase, place } => {
            let visit = run.undoing.visits.front().map_or(1, |ended| ended.visit);
            (format!("undo:{}:{}", run.plan.phases()[phase].id, place + 1), visit)
        }
    };
    CallKey { run: run.id.clone(), step, visit, attempt }
}
