//! What can go on, goes on: phases settle, phases open, steps start, the run ends.

use std::collections::BTreeSet;

use op_plan::plan::Loop;

use super::{Draft, act, cause, fan, finish, machine, undo};
use crate::event::{Fact, SkipCause};
use crate::key::Work;
use crate::run::{Run, State};

pub(super) fn advance(draft: &mut Draft) {
    loop {
        let before = draft.events.len();
        match draft.run.state {
            State::Running | State::Waiting | State::Paused => {
                give_up_waiting(draft);
                fan::settle_lists(draft);
                settle_phases(draft);
                machine::travel(draft);
                repeat_calls(draft);
                // What began is carried on before something else begins.
                fan::start_items(draft);
                open_phases(draft);
                start_steps(draft);
                finish::finish(draft);
            }
            State::RollingBack => undo::advance(draft),
            State::Pending
            | State::Completed
            | State::Failed
            | State::Cancelled
            | State::RolledBack
            | State::Stuck => {}
        }
        if draft.events.len() == before {
            return;
        }
    }
}

/// Where nothing starts any more, a call that waits for its next attempt has failed with its last failure, and a step that
/// waits at its gate does not run.
fn give_up_waiting(draft: &mut Draft) {
    if !may_give_up(draft) {
        return;
    }
    let plan = draft.plan();
    for work in hopeless(&draft.run.waiting.iter().map(|(_, work)| *work).collect::<Vec<_>>(), draft) {
        let Some(trial) = draft.run.trial(work) else { continue };
        let failure = trial.failure.clone().expect("a call waits for its next attempt because one failed");
        let evidence = trial.evidence.clone();
        draft.record(match work {
            Work::Item { step, item } => {
                Fact::ItemFailed { step: plan.step(step).id.clone(), item, failure, evidence }
            }
            Work::Step(step) => Fact::StepFailed { step: plan.step(step).id.clone(), failure, evidence },
            Work::Undo { .. } => continue,
        });
    }
    let gated: Vec<_> = draft.run.gated.iter().map(|step| Work::Step(*step)).collect();
    for step in hopeless(&gated, draft).into_iter().filter_map(Work::step) {
        let cause = why_not(&draft.run, step);
        draft.record(Fact::StepSkipped { step: draft.step_id(step), cause });
    }
}

/// Whether there can be something that waits in vain. It spares looking at all that waits.
fn may_give_up(draft: &Draft) -> bool {
    let run = &draft.run;
    let is_busy = |phase: &usize| run.phases[*phase].busy > 0;
    draft.is_halting()
        || run.closing.iter().any(is_busy)
        || run.fanned.iter().any(|step| has_failed(run, *step))
}

/// Whether an item of the list of a step failed for good.
fn has_failed(run: &Run, step: usize) -> bool {
    run.steps[step].fan.as_ref().is_some_and(|fan| fan.failed.is_some())
}

/// Those of which nothing starts any more, in the order of the plan.
fn hopeless(waiting: &[Work], draft: &Draft) -> BTreeSet<Work> {
    if waiting.is_empty() {
        return BTreeSet::new();
    }
    let is_halting = draft.is_halting();
    let run = &draft.run;
    let is_hopeless = |work: &Work| {
        let phase = work.step().map(|step| run.plan.phase_of(step));
        let is_of_list = matches!(work, Work::Item { step, .. } if has_failed(run, *step));
        is_halting || is_of_list || phase.is_some_and(|phase| run.closing.contains(&phase))
    };
    waiting.iter().copied().filter(is_hopeless).collect()
}

/// Why a step that could have started does not.
pub(super) fn why_not(run: &Run, step: usize) -> SkipCause {
    match run.phases[run.plan.phase_of(step)].failed {
        Some(failed) if run.halt.is_none() => SkipCause::Sibling(run.plan.step(failed).id.clone()),
        _ => SkipCause::Halted,
    }
}

/// Ends the phases of which nothing starts any more and nothing is in flight.
fn settle_phases(draft: &mut Draft) {
    let run = &draft.run;
    let phases = if draft.is_halting() { &run.running } else { &run.closing };
    let idle: Vec<_> = phases.iter().copied().filter(|phase| run.phases[*phase].busy == 0).collect();
    for phase in idle {
        settle(draft, phase);
    }
}

fn settle(draft: &mut Draft, phase: usize) {
    let state = &draft.run.phases[phase];
    let plan = draft.plan();
    if state.left == 0 && state.failed.is_none() {
        return succeed(draft, phase);
    }
    let reason = why_failed(&draft.run, phase);
    // Who stops the run does not ask for the rest of it to go on.
    let goes_on = plan.phases()[phase].continue_on_failure || machine::leads_on(draft, phase);
    fail(draft, phase, reason, goes_on);
}

fn fail(draft: &mut Draft, phase: usize, reason: String, goes_on: bool) {
    let phase = draft.phase_id(phase);
    draft.record(if goes_on && draft.run.halt.is_none() {
        Fact::PhaseTolerated { phase, reason }
    } else {
        Fact::PhaseFailed { phase, reason }
    });
}

/// A phase that did what was asked is done, unless it is to be repeated.
fn succeed(draft: &mut Draft, phase: usize) {
    let plan = draft.plan();
    let id = draft.phase_id(phase);
    let Some(Loop { condition, max }) = &plan.phases()[phase].repeat else {
        return draft.record(Fact::PhaseSucceeded { phase: id });
    };
    let state = &draft.run.phases[phase];
    let (visit, rounds) = (state.visit, state.visit - state.first + 1);
    let reason = match condition.evaluate_condition(&draft.run) {
        Ok(false) => return draft.record(Fact::PhaseSucceeded { phase: id }),
        Ok(true) if state.timed_out => "its time limit passed".to_owned(),
        Ok(true) if draft.is_halting() => format!("it was stopped while `{condition}` still held"),
        Ok(true) if rounds < *max => {
            return draft.record(Fact::PhaseRepeated { phase: id, visit: visit + 1 });
        }
        Ok(true) => format!("`{condition}` still holds after {rounds} visits, as many as allowed"),
        Err(error) => format!("whether it is repeated cannot be told: {error}"),
    };
    let goes_on = plan.phases()[phase].continue_on_failure || machine::leads_on(draft, phase);
    fail(draft, phase, reason, goes_on);
}

fn why_failed(run: &Run, phase: usize) -> String {
    let state = &run.phases[phase];
    let failed = state.failed.and_then(|step| Some((step, run.steps[step].trial.failure.as_ref()?)));
    match failed {
        Some((step, failure)) => {
            let cause = cause::cause(run, step).map(|cause| format!("; {cause}")).unwrap_or_default();
            match run.plan.phases()[phase].steps.as_slice() {
                [_] => format!("{}{cause}", failure.message),
                _ => format!("`{}`: {}{cause}", run.plan.step(step).id, failure.message),
            }
        }
        None if state.timed_out => "its time limit passed".to_owned(),
        None => "it was stopped before it was done".to_owned(),
    }
}

/// Opens phases while there is room for their steps, in the order of the plan.
fn open_phases(draft: &mut Draft) {
    let room = draft.plan().draft().max_parallel;
    while draft.is_open() && draft.run.active.len() + draft.run.ready.len() < room {
        let Some(phase) = draft.run.open.get_min().copied() else { return };
        open(draft, phase);
    }
}

fn open(draft: &mut Draft, phase: usize) {
    let plan = draft.plan();
    let id = draft.phase_id(phase);
    if let Some(dependency) = draft.run.phases[phase].blocked {
        let cause = SkipCause::Dependency(draft.phase_id(dependency));
        return draft.record(Fact::PhaseSkipped { phase: id, cause });
    }
    let condition = plan.phases()[phase].when.as_ref().map(|when| when.evaluate_condition(&draft.run));
    match condition {
        Some(Ok(false)) => draft.record(Fact::PhaseSkipped { phase: id, cause: SkipCause::Condition }),
        None | Some(Ok(true)) => {
            let deadline = plan.phases()[phase].timeout.map(|limit| draft.at.after(limit));
            draft.record(Fact::PhaseStarted { phase: id, deadline });
        }
        // A condition that cannot be told is a failure, never true and never false.
        Some(Err(error)) => {
            let reason = format!("its condition cannot be told: {error}");
            draft.record(Fact::PhaseStarted { phase: id, deadline: None });
            let goes_on = plan.phases()[phase].continue_on_failure || machine::leads_on(draft, phase);
            fail(draft, phase, reason, goes_on);
        }
    }
}

/// Starts the next attempts that are due, as far as there is room; the others follow when an answer makes some.
fn repeat_calls(draft: &mut Draft) {
    while draft.is_open() && draft.run.has_room() {
        match draft.run.waiting.get_min().copied() {
            Some((due, work)) if due <= draft.at => act::act(draft, work),
            Some(_) | None => return,
        }
    }
}

fn start_steps(draft: &mut Draft) {
    while draft.is_open() && draft.run.has_room() {
        let Some(step) = draft.run.ready.get_min().copied() else { return };
        act::begin(draft, step);
        fan::start_items_of(draft, step);
    }
}
