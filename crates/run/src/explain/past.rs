//! What happened to a run, and what that led to.

use op_plan::plan::{Target, Transition};

use super::words::{ago, condition, names};
use crate::answer::Kept;
use crate::event::SkipCause;
use crate::run::{PhaseState, Run, Trial};
use crate::time::Timestamp;

/// Most sentences about what was kept.
const MOST: usize = 12;

/// What a machine did last, and why it went there.
pub(super) fn way(run: &Run) -> Option<String> {
    let (from, has_succeeded) = run.position.came?;
    let id = |phase: usize| run.plan.phases()[phase].id.as_str();
    let how = if has_succeeded { "succeeded" } else { "did not succeed" };
    let leads = |way: &&Transition| match (&way.to, &run.position.end) {
        (Target::End(to), Some(end)) => to == end,
        (Target::Phase(to), None) => run.position.last == Some(*to),
        (Target::End(_), None) | (Target::Phase(_), Some(_)) => false,
    };
    let mut ways = run.plan.phases()[from].next.iter().filter(|way| way.on_success == has_succeeded);
    let found = ways.find(leads);
    let because = found.and_then(|way| way.when.as_ref());
    let because = because.map(|when| format!(" and {} holds", condition(run, when))).unwrap_or_default();
    let told = match (&run.position.end, run.position.last) {
        (Some(end), _) => format!("It ended in `{}`, because `{}` {how}{because}.", end.name, id(from)),
        (None, Some(to)) => {
            let visit = run.phases[to].visit;
            format!(
                "It went from `{}` to `{}` (visit {visit}), because `{}` {how}{because}.",
                id(from),
                id(to),
                id(from)
            )
        }
        (None, None) => return None,
    };
    Some(told)
}

/// Conditions that were false, and loops whose condition held.
pub(super) fn conditions(run: &Run) -> Vec<String> {
    let phases = run.plan.phases().iter().enumerate();
    let told = phases.filter_map(|(at, phase)| {
        let state = &run.phases[at];
        let was_false =
            state.state == PhaseState::Skipped && state.reason == SkipCause::Condition.to_string();
        match (&phase.when, &phase.repeat) {
            (Some(when), _) if was_false => {
                Some(format!("Phase `{}` did not run: {} was false.", phase.id, condition(run, when)))
            }
            (_, Some(repeat)) if state.state == PhaseState::Running && state.visit > state.first => {
                let (round, max) = (state.visit - state.first + 1, repeat.max);
                let held = condition(run, &repeat.condition);
                Some(format!(
                    "Phase `{}` is in round {round} of at most {max}, because {held} held.",
                    phase.id
                ))
            }
            _ => None,
        }
    });
    told.collect()
}

/// What failed first, and what did not run because of it.
pub(super) fn failures(run: &Run) -> Vec<String> {
    let mut told: Vec<_> = run.closing.iter().filter_map(|phase| failing(run, *phase)).collect();
    let Some(first) = run.failed.front().copied() else { return told };
    let phase = &run.plan.phases()[first];
    told.push(format!("Phase `{}` failed first: {}.", phase.id, run.phases[first].reason));
    if let Some(step) = run.phases[first].failed {
        let step = &run.plan.step(step).id;
        told.push(format!("To see what it said: `op-dbus output {} {step}`.", run.id()));
    }
    let others = run.failed.iter().skip(1).map(|phase| run.plan.phases()[*phase].id.as_str());
    let others = names(others);
    if !others.is_empty() {
        told.push(format!("After it failed {others}."));
    }
    let blocked = (0..run.phases.len()).filter(|phase| is_blocked_by(run, *phase, first));
    let blocked = names(blocked.map(|phase| run.plan.phases()[phase].id.as_str()));
    if !blocked.is_empty() {
        told.push(format!("Because of it did not run: {blocked}."));
    }
    told
}

/// A phase that will fail once its calls have answered.
fn failing(run: &Run, phase: usize) -> Option<String> {
    let step = run.phases[phase].failed?;
    let failure = run.steps[step].trial.failure.as_ref()?;
    let (phase, step) = (&run.plan.phases()[phase].id, &run.plan.step(step).id);
    Some(format!(
        "Phase `{phase}` ends once its other calls have answered, because `{step}` failed: {failure}."
    ))
}

/// Whether a phase was skipped for the failure of another one, at once or through others.
fn is_blocked_by(run: &Run, phase: usize, failed: usize) -> bool {
    let mut at = phase;
    while run.phases[at].state == PhaseState::Skipped {
        match run.phases[at].blocked {
            Some(on) if on == failed => return true,
            Some(on) => at = on,
            None => return false,
        }
    }
    false
}

/// What was undone, or could not be.
pub(super) fn undone(run: &Run) -> Vec<String> {
    let of = |state: PhaseState| {
        let phases = run.plan.phases().iter().enumerate();
        let found = phases.filter(move |(at, _)| run.phases[*at].state == state);
        names(found.map(|(_, phase)| phase.id.as_str()))
    };
    let told = [("Undone", of(PhaseState::Undone)), ("Could not be undone", of(PhaseState::UndoFailed))];
    told.into_iter()
        .filter(|(_, phases)| !phases.is_empty())
        .map(|(what, phases)| format!("{what}: {phases}."))
        .collect()
}

/// Steps for which nobody was called, and whose call it was instead.
pub(super) fn kept(run: &Run, now: Timestamp) -> Vec<String> {
    let mut told: Vec<_> = (0..run.steps.len()).filter_map(|step| taken(run, step, now)).collect();
    let more = told.len().saturating_sub(MOST);
    told.truncate(MOST);
    told.extend((more > 0).then(|| format!("So it was for {more} more.")));
    told
}

fn taken(run: &Run, step: usize, now: Timestamp) -> Option<String> {
    let state = &run.steps[step];
    let id = &run.plan.step(step).id;
    if let Some(fan) = &state.fan {
        let items = fan.trials.iter().filter(|trial| source(trial).is_some()).count();
        let told =
            format!("Nobody was called for {items} items of `{id}`: what earlier calls returned was kept.");
        return (items > 0).then_some(told);
    }
    let Kept { run, at } = source(&state.trial)?;
    Some(format!(
        "Nobody was called for `{id}`: it has what was kept of run {run}, whose call returned at {}.",
        ago(*at, now)
    ))
}

fn source(trial: &Trial) -> Option<&Kept> {
    trial.evidence.as_ref().and_then(|evidence| evidence.kept.as_deref())
}
