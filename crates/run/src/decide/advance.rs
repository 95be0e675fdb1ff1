//! What can go on, goes on: phases settle, phases open, steps start, the run ends.

use std::collections::BTreeSet;

use op_plan::plan::{Action, FailureKind};

use super::{Draft, finish, undo};
use crate::answer::Failure;
use crate::event::{Fact, SkipCause};
use crate::run::{Run, State, StepState};

pub(super) fn advance(draft: &mut Draft) {
    loop {
        let before = draft.events.len();
        match draft.run.state {
            State::Running => {
                give_up_waiting(draft);
                settle_phases(draft);
                repeat_steps(draft);
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

/// Where nothing starts any more, a step that waits for its next attempt has failed with its last failure.
fn give_up_waiting(draft: &mut Draft) {
    for step in hopeless(draft) {
        let trial = &draft.run.steps[step].trial;
        let failure = trial.failure.clone().expect("a step waits for its next attempt because one failed");
        let evidence = trial.evidence.clone();
        draft.record(Fact::StepFailed { step: draft.step_id(step), failure, evidence });
    }
}

/// Steps whose next attempt will never be, in the order of the plan.
fn hopeless(draft: &Draft) -> BTreeSet<usize> {
    let run = &draft.run;
    let is_waiting = |step: &usize| run.steps[*step].state == StepState::Waiting;
    if draft.is_open() {
        run.closing.iter().flat_map(|phase| run.plan.steps_of(*phase)).filter(is_waiting).collect()
    } else {
        run.waiting.iter().map(|(_, step)| *step).collect()
    }
}

/// Ends the phases of which nothing starts any more and nothing is in flight.
fn settle_phases(draft: &mut Draft) {
    let run = &draft.run;
    let phases = if draft.is_open() { &run.closing } else { &run.running };
    let idle: Vec<_> = phases.iter().copied().filter(|phase| run.phases[*phase].busy == 0).collect();
    for phase in idle {
        settle(draft, phase);
    }
}

fn settle(draft: &mut Draft, phase: usize) {
    let state = &draft.run.phases[phase];
    let id = draft.phase_id(phase);
    if state.left == 0 && state.failed.is_none() {
        return draft.record(Fact::PhaseSucceeded { phase: id });
    }
    let reason = why_failed(&draft.run, phase);
    // Who stops the run does not ask for the rest of it to go on.
    if draft.plan().phases()[phase].continue_on_failure && draft.run.halt.is_none() {
        draft.record(Fact::PhaseTolerated { phase: id, reason });
    } else {
        draft.record(Fact::PhaseFailed { phase: id, reason });
    }
}

fn why_failed(run: &Run, phase: usize) -> String {
    let state = &run.phases[phase];
    let failed = state.failed.and_then(|step| Some((step, run.steps[step].trial.failure.as_ref()?)));
    match failed {
        Some((step, failure)) if run.plan.phases()[phase].steps.len() > 1 => {
            format!("`{}`: {}", run.plan.step(step).id, failure.message)
        }
        Some((_, failure)) => failure.message.clone(),
        None if state.timed_out => "its time limit passed".to_owned(),
        None => SkipCause::Halted.to_string(),
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
            draft.record(Fact::PhaseStarted { phase: id.clone(), deadline: None });
            draft.record(if plan.phases()[phase].continue_on_failure {
                Fact::PhaseTolerated { phase: id, reason }
            } else {
                Fact::PhaseFailed { phase: id, reason }
            });
        }
    }
}

/// Starts the next attempts that are due, as far as there is room; the others follow when an answer makes some.
fn repeat_steps(draft: &mut Draft) {
    while draft.is_open() && draft.run.has_room() {
        match draft.run.waiting.get_min().copied() {
            Some((due, step)) if due <= draft.at => {
                let attempt = draft.run.steps[step].trial.attempts + 1;
                start(draft, step, attempt);
            }
            Some(_) | None => return,
        }
    }
}

fn start_steps(draft: &mut Draft) {
    while draft.is_open() && draft.run.has_room() {
        let Some(step) = draft.run.ready.get_min().copied() else { return };
        start(draft, step, 1);
    }
}

/// Starts an attempt of a step, or fails the step when its arguments do not resolve: no call is made with half of them.
fn start(draft: &mut Draft, step: usize, attempt: u32) {
    let plan = draft.plan();
    let Action::Call(call) = &plan.step(step).action;
    let id = draft.step_id(step);
    match call.arguments.resolve(&draft.run) {
        Ok(arguments) => {
            let deadline = plan.step(step).timeout.map(|limit| draft.at.after(limit));
            draft.record(Fact::StepStarted { step: id, attempt, arguments, deadline });
        }
        Err(error) => {
            let failure = Failure::new(FailureKind::Unresolved, "unresolved", error.to_string());
            draft.record(Fact::StepFailed { step: id, failure, evidence: None });
        }
    }
}
