//! What a fact about a call changes for the skills that are active in it.

use std::sync::Arc;

use op_plan::skill::Rule;

use super::step::change;
use crate::key::Work;
use crate::run::{ActiveSkill, Owed, Run, Trial};

pub(super) fn activated(run: &mut Run, work: Work, skill: &str, given: usize) {
    if let Work::Item { step, item } = work
        && let Some(fan) = &mut change(run, step).fan
    {
        fan.prepare(item);
    }
    with_trial(run, work, |trial| trial.skills.push_back(ActiveSkill { name: skill.to_owned(), given }));
}

/// An attempt began: it is counted.
pub(super) fn began(run: &mut Run, work: Work) {
    if run.tally.is_idle() {
        return;
    }
    let performer = run.performer(work);
    let Some(arguments) = run.trial(work).map(|trial| Arc::clone(&trial.arguments)) else { return };
    let counted = run.tally.begin(&performer, &arguments);
    with_trial(run, work, |trial| trial.counted = counted);
}

/// A call is about to have succeeded: it pays what is owed, and may owe something itself.
pub(super) fn succeeded(run: &mut Run, work: Work) {
    if run.tally.is_idle() {
        return;
    }
    let Some(trial) = run.trial(work) else { return };
    let (counted, owed) = (Arc::clone(&trial.counted), owes(run, work, trial));
    run.tally.succeed(&counted);
    owed.into_iter().for_each(|owed| run.tally.owe(owed));
}

/// What must follow a call. One that is itself what follows owes nothing.
fn owes(run: &Run, work: Work, trial: &Trial) -> Vec<Owed> {
    let (Some(step), Some(player)) = (work.step(), run.player_of(work)) else { return Vec::new() };
    let is_active = |name: &String| trial.skills.iter().any(|active| active.name == *name);
    let mut owed = Vec::new();
    for of in player.skills.iter().filter(|of| is_active(&of.skill)) {
        for constraint in &of.constraints {
            let Rule::RequireAfter(calls) = &constraint.rule else { continue };
            let matches =
                |pattern: &op_plan::skill::Pattern| pattern.matches(&player.performer, &trial.arguments);
            if matches(&constraint.target) && !calls.iter().any(matches) {
                owed.push(Owed { step, skill: of.skill.clone(), calls: calls.clone() });
            }
        }
    }
    owed
}

pub(super) fn with_trial(run: &mut Run, work: Work, change_trial: impl FnOnce(&mut Trial)) {
    match work {
        Work::Step(step) => change_trial(&mut change(run, step).trial),
        Work::Item { step, item } => {
            if let Some(trial) = change(run, step).fan.as_mut().and_then(|fan| fan.trials.get_mut(item)) {
                change_trial(Arc::make_mut(trial));
            }
        }
        Work::Undo { .. } => {}
    }
}
