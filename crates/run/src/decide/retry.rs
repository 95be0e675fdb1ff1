//! Going on from a step, after the run had ended, keeping what succeeded.

use std::collections::BTreeSet;

use op_plan::plan::Flow;

use super::Draft;
use super::control::unfit;
use crate::event::{Fact, Retried, SkipCause};
use crate::input::Refused;
use crate::run::{FanRun, PhaseState, Run, State, StepState};

pub(super) fn retry(draft: &mut Draft, from: Option<&str>, user: &str) -> Result<(), Refused> {
    match draft.run.state {
        State::Completed | State::Failed | State::Cancelled | State::RolledBack => {}
        _ => return Err(unfit(draft, "retried")),
    }
    let again = match from {
        None => failed(&draft.run)?,
        Some(name) => named(&draft.run, name)?,
    };
    let plan = draft.plan();
    let again = if plan.draft().flow.is_graph() { with_dependents(&draft.run, again) } else { again };
    let origin = draft.run.origin.as_ref();
    let limit = origin.and_then(|origin| origin.limit);
    let lists = again.steps.iter().filter(|step| goes_on(&draft.run, **step, &again));
    draft.record(Fact::RunRetried(Retried {
        lists: lists.map(|step| draft.step_id(*step)).collect(),
        phases: again.phases.iter().map(|phase| draft.phase_id(*phase)).collect(),
        steps: again.steps.iter().map(|step| draft.step_id(*step)).collect(),
        deadline: limit.map(|limit| draft.at.after(limit)),
        // Its place was free since it ended.
        queued: origin.is_some_and(|origin| origin.concurrency.is_some()),
        user: user.to_owned(),
    }));
    Ok(())
}

/// Whether a step goes on with its list: some of it is done, some is left, and nothing that it waits for runs again or is undone.
fn goes_on(run: &Run, step: usize, again: &Again) -> bool {
    let plan = &run.plan;
    let phase = plan.phase_of(step);
    let first = plan.steps_of(phase).start;
    let is_there = match run.phases[phase].state {
        PhaseState::Pending | PhaseState::Failed | PhaseState::Tolerated | PhaseState::Skipped => true,
        PhaseState::Running
        | PhaseState::Succeeded
        | PhaseState::Undoing
        | PhaseState::Undone
        | PhaseState::UndoFailed => false,
    };
    let is_begun = |fan: &FanRun| fan.done > 0 && fan.done < fan.items.len();
    is_there
        && run.steps[step].fan.as_ref().is_some_and(is_begun)
        && !plan.step(step).after.iter().any(|place| again.steps.contains(&(first + place)))
        && !plan.phases()[phase].depends_on.iter().any(|on| again.phases.contains(on))
}

/// What runs again.
#[derive(Default)]
struct Again {
    phases: BTreeSet<usize>,
    steps: BTreeSet<usize>,
}

/// What did not succeed: in a machine the phase it ended in, else every phase that failed, with what of it failed.
fn failed(run: &Run) -> Result<Again, Refused> {
    let mut again = Again::default();
    match run.plan.draft().flow {
        Flow::Graph => {
            let phases = 0..run.plan.phases().len();
            phases.filter(|phase| !has_gone_well(run, *phase)).for_each(|phase| again.add_failed(run, phase));
        }
        Flow::Machine { .. } if run.state == State::Completed => {}
        // It stood at the end of a phase: it leaves it.
        Flow::Machine { .. } if run.position.at.is_some_and(|at| has_gone_well(run, at)) => {
            return Ok(again);
        }
        Flow::Machine { initial, .. } => again.add_failed(run, run.position.last.unwrap_or(initial)),
    }
    if again.phases.is_empty() { Err(Refused::NothingToRetry) } else { Ok(again) }
}

fn has_gone_well(run: &Run, phase: usize) -> bool {
    match run.phases[phase].state {
        PhaseState::Succeeded | PhaseState::Tolerated => true,
        PhaseState::Skipped => {
            run.plan.steps_of(phase).all(|step| run.steps[step].skipped == Some(SkipCause::Condition))
        }
        PhaseState::Pending
        | PhaseState::Running
        | PhaseState::Failed
        | PhaseState::Undoing
        | PhaseState::Undone
        | PhaseState::UndoFailed => false,
    }
}

/// A step or phase by its name, with the steps of its phase that follow it.
fn named(run: &Run, name: &str) -> Result<Again, Refused> {
    let plan = &run.plan;
    let mut again = Again::default();
    if let Some(phase) = plan.find_phase(name) {
        again.phases.insert(phase);
        again.steps.extend(plan.steps_of(phase));
        return Ok(again);
    }
    let step = plan.find_named(name).ok_or_else(|| Refused::Unknown(name.to_owned()))?;
    again.add(run, plan.phase_of(step));
    again.steps.extend(followers(run, step));
    Ok(again)
}

/// A step, and those of its phase that wait for it, at once or through others.
fn followers(run: &Run, step: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::from([step]);
    let mut open = vec![step];
    while let Some(at) = open.pop() {
        open.extend(run.followers[at].iter().filter(|follower| found.insert(**follower)));
    }
    found
}

impl Again {
    /// A phase that did not do what was asked. Where all of its steps did, it takes all of them to come to something else.
    fn add_failed(&mut self, run: &Run, phase: usize) {
        self.add(run, phase);
        let mut steps = run.plan.steps_of(phase);
        if !steps.any(|step| self.steps.contains(&step)) {
            self.steps.extend(run.plan.steps_of(phase));
        }
    }

    /// A phase with those of its steps that did not succeed; all of them when it was undone.
    fn add(&mut self, run: &Run, phase: usize) {
        let is_kept = |step: &usize| match run.steps[*step].state {
            StepState::Succeeded => true,
            StepState::Tolerated => run.plan.step(*step).optional,
            StepState::Skipped => run.steps[*step].skipped == Some(SkipCause::Vacant),
            _ => false,
        };
        self.phases.insert(phase);
        self.steps.extend(run.plan.steps_of(phase).filter(|step| !is_kept(step)));
    }
}

/// What waits for what runs again, runs again as well, and so does all that did not go well.
fn with_dependents(run: &Run, mut again: Again) -> Again {
    let mut open: Vec<_> = again.phases.iter().copied().collect();
    while let Some(phase) = open.pop() {
        for dependent in run.plan.dependents_of(phase) {
            if again.phases.insert(*dependent) {
                open.push(*dependent);
            }
            again.steps.extend(run.plan.steps_of(*dependent));
        }
    }
    let phases = 0..run.plan.phases().len();
    let rest = phases.filter(|phase| !has_gone_well(run, *phase) && !again.phases.contains(phase));
    rest.collect::<Vec<_>>().into_iter().for_each(|phase| again.add_failed(run, phase));
    again
}
