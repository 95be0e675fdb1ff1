//! One event into the run: total, and no choice in it.
//!
//! A fact that names a phase or step that the plan does not have changes nothing but the sequence; a journal that holds one is
//! refused by [`replay`](crate::replay) long before, since its plan has another digest.

mod control;
mod gate;
mod item;
mod machine;
mod phase;
mod skill;
mod step;
mod undo;

use std::sync::Arc;

use imbl::OrdSet;
use serde_json::Value;

use crate::event::{Event, Fact, SkipCause};
use crate::key::Work;
use crate::run::{Halt, Run, State, StepState, Trial};
use crate::time::Timestamp;

/// Takes an event into the run.
pub fn evolve(run: &mut Run, event: &Event) {
    run.sequence += 1;
    let at = event.at;
    match &event.fact {
        Fact::RunStarted { .. } => control::begun(run, at, &event.fact),
        Fact::CastFellBack(_) => {}
        Fact::RunAdmitted | Fact::RunResumed { .. } => control::resumed(run, at),
        Fact::RunPaused { reason, user } => control::paused(run, at, reason, user),
        Fact::CastChanged { cast, .. } => control::recast(run, cast),
        Fact::SignalReceived { signal, data, .. } => run.signals.push_back((signal.clone(), data.clone())),
        Fact::PhaseStarted { phase, deadline } => with_phase(run, phase, |run, phase| {
            phase::started(run, phase, at, *deadline);
        }),
        Fact::PhaseTimedOut { phase } => with_phase(run, phase, phase::timed_out),
        Fact::PhaseRepeated { phase, visit } => {
            with_phase(run, phase, |run, phase| phase::repeated(run, phase, *visit));
        }
        Fact::PhaseSucceeded { phase } => {
            with_phase(run, phase, |run, phase| phase::succeeded(run, phase, at));
        }
        Fact::PhaseFailed { phase, reason } => {
            with_phase(run, phase, |run, phase| phase::failed(run, phase, at, reason));
        }
        Fact::PhaseTolerated { phase, reason } => {
            with_phase(run, phase, |run, phase| phase::tolerated(run, phase, at, reason));
        }
        Fact::PhaseSkipped { phase, cause } => {
            with_phase(run, phase, |run, phase| phase::skipped(run, phase, at, cause));
        }
        Fact::Moved { to, .. } => machine::moved(run, to),
        Fact::RunExhausted { reason } => control::halt(run, Halt::Exhausted(reason.clone())),
        Fact::CancelRequested { rollback, reason, .. } => {
            control::halt(run, Halt::Cancelled { rollback: *rollback, reason: reason.clone() });
        }
        Fact::RunTimedOut => control::halt(run, Halt::TimedOut),
        Fact::RollbackRequested { user, .. } => run.rolled_back_by = Some(user.clone()),
        Fact::RunRetried(retried) => control::retried(run, at, retried),
        Fact::StuckResolved { accepted, .. } => undo::resolved(run, *accepted),
        Fact::RollbackStarted { .. }
        | Fact::UndoStarted { .. }
        | Fact::UndoStopping { .. }
        | Fact::UndoSucceeded { .. }
        | Fact::UndoSkipped { .. }
        | Fact::UndoRetryScheduled { .. }
        | Fact::UndoFailed { .. }
        | Fact::PhaseUndone { .. } => undo(run, event),
        Fact::StepWaiting { .. }
        | Fact::StepPassed { .. }
        | Fact::ApprovalOverdue { .. }
        | Fact::StepFanned { .. }
        | Fact::ItemSucceeded { .. }
        | Fact::ItemFailed { .. }
        | Fact::StepSkipped { .. }
        | Fact::StepFellBack { .. }
        | Fact::SkillActivated(_)
        | Fact::HostCallStarted(_)
        | Fact::HostCallEnded(_)
        | Fact::StepStarted { .. }
        | Fact::StepStopping { .. }
        | Fact::StepSucceeded { .. }
        | Fact::RetryScheduled { .. }
        | Fact::StepFailed { .. } => {
            if let Some(step) = event.fact.step().and_then(|step| run.plan.find_step(step)) {
                of_step(run, step, event);
            }
        }
        Fact::RunCompleted { output } => complete(run, at, output),
        Fact::RunFailed { reason } => end(run, at, State::Failed, reason),
        Fact::RunCancelled { reason } => end(run, at, State::Cancelled, reason),
        Fact::RunRolledBack { reason } => end(run, at, State::RolledBack, reason),
        Fact::RunStuck { reason } => end(run, at, State::Stuck, reason),
    }
}

/// A fact about a step.
fn of_step(run: &mut Run, step: usize, event: &Event) {
    let at = event.at;
    match &event.fact {
        Fact::StepWaiting { waits_for, deadline, .. } => gate::shut(run, step, at, waits_for, *deadline),
        Fact::StepPassed { answer, .. } => gate::passed(run, step, answer),
        Fact::ApprovalOverdue { .. } => gate::overdue(run, step),
        Fact::StepFanned { items, .. } => item::fanned(run, step, at, items),
        Fact::HostCallStarted(of) => {
            let raise = |trial: &mut Trial| trial.asked = trial.asked.max(of.number);
            skill::with_trial(run, work(step, of.item), raise);
        }
        // What it brought is with the performer, and told by what the call brings.
        Fact::HostCallEnded(_) => {}
        Fact::SkillActivated(of) => skill::activated(run, work(step, of.item), &of.skill, of.given),
        Fact::ItemSucceeded { item, output, evidence, .. } => {
            skill::succeeded(run, Work::Item { step, item: *item });
            item::succeeded(run, step, *item, output, evidence);
        }
        Fact::ItemFailed { item, failure, evidence, .. } => {
            item::failed(run, step, *item, failure, evidence.as_ref());
        }
        Fact::StepSkipped { cause, .. } => step::skipped(run, step, at, cause),
        Fact::StepFellBack { item: Some(item), failure, evidence, .. } => {
            item::fell_back(run, step, *item, at, failure, evidence);
        }
        Fact::StepFellBack { item: None, failure, evidence, .. } => {
            step::fell_back(run, step, failure, evidence);
        }
        Fact::StepStarted { item: Some(item), attempt, arguments, deadline, .. } => {
            item::started(run, step, *item, at, *attempt, arguments, *deadline);
            skill::began(run, Work::Item { step, item: *item });
        }
        Fact::StepStarted { item: None, attempt, arguments, deadline, .. } => {
            step::started(run, step, at, *attempt, arguments, *deadline);
            skill::began(run, Work::Step(step));
        }
        Fact::StepStopping { item: Some(item), cause, .. } => item::stopping(run, step, *item, *cause),
        Fact::StepStopping { item: None, cause, .. } => step::stopping(run, step, *cause),
        Fact::StepSucceeded { output, stored, evidence, .. } => {
            skill::succeeded(run, Work::Step(step));
            step::succeeded(run, step, at, output, stored, evidence);
        }
        Fact::RetryScheduled { item: Some(item), failure, evidence, due, .. } => {
            item::retried(run, step, *item, failure, evidence, *due);
        }
        Fact::RetryScheduled { item: None, failure, evidence, due, .. } => {
            step::retried(run, step, failure, evidence, *due);
        }
        Fact::StepFailed { failure, evidence, .. } => {
            step::failed(run, step, at, failure, evidence.as_ref());
        }
        _ => {}
    }
}

/// The call of a step, or of an item of its list.
fn work(step: usize, item: Option<usize>) -> Work {
    item.map_or(Work::Step(step), |item| Work::Item { step, item })
}

/// A fact about the undoing of phases.
fn undo(run: &mut Run, event: &Event) {
    match &event.fact {
        Fact::RollbackStarted { phases, visits } => undo::begun(run, phases, visits),
        Fact::UndoStarted { place, attempt, arguments, deadline, .. } => {
            undo::started(run, event.at, *place, *attempt, arguments, *deadline);
        }
        Fact::UndoStopping { .. } => undo::stopping(run),
        Fact::UndoSucceeded { evidence, .. } => undo::succeeded(run, evidence),
        Fact::UndoSkipped { .. } => undo::skipped(run),
        Fact::UndoRetryScheduled { failure, evidence, due, .. } => {
            undo::retried(run, failure, evidence, *due);
        }
        Fact::UndoFailed { phase, failure, evidence, .. } => undo::failed(run, phase, failure, evidence),
        Fact::PhaseUndone { .. } => undo::undone(run),
        _ => {}
    }
}

fn with_phase(run: &mut Run, id: &str, change: impl FnOnce(&mut Run, usize)) {
    if let Some(phase) = run.plan.find_phase(id) {
        change(run, phase);
    }
}

fn complete(run: &mut Run, at: Timestamp, output: &Value) {
    run.output = Some(output.clone());
    end(run, at, State::Completed, "");
}

fn end(run: &mut Run, at: Timestamp, state: State, reason: &str) {
    run.state = state;
    reason.clone_into(&mut run.reason);
    run.ended_at = Some(at);
    run.paused = None;
    run.timers.clear();
    run.ready.clear();
    run.open.clear();
}

/// Nothing of a phase that runs starts any more.
fn close(run: &mut Run, phase: usize) {
    if run.closing.contains(&phase) {
        return;
    }
    for step in run.plan.steps_of(phase) {
        take_out(&mut run.ready, &step);
    }
    if run.running.contains(&phase) {
        run.closing.insert(phase);
    }
}

/// The steps of a phase that never started do not start any more.
fn skip_pending(run: &mut Run, phase: usize, cause: &SkipCause, at: Timestamp) {
    for step in run.plan.steps_of(phase) {
        if run.steps[step].state == StepState::Pending {
            step::skipped(run, step, at, cause);
        }
    }
}

/// Nobody waits for the attempt of a call any more: neither for its answer nor for the next one.
fn leave_call(run: &mut Run, work: Work) -> bool {
    let (deadline, due) = run.trial(work).map_or((None, None), |trial| (trial.deadline, trial.due));
    if let Some(deadline) = deadline {
        run.timers.remove(&(deadline, crate::run::Timer::Attempt(work)));
    }
    let was_waiting = due.is_some_and(|due| run.waiting.remove(&(due, work)).is_some());
    take_out(&mut run.active, &work) || was_waiting
}

/// Removes something from a set, and tells whether it was there. A set that does not have it is not copied for it.
fn take_out<T: Ord + Clone>(set: &mut OrdSet<T>, what: &T) -> bool {
    set.contains(what) && set.remove(what).is_some()
}

/// What a step returned, under the name of who said it and as the last of all.
fn say(run: &mut Run, step: usize, value: &Value) {
    let plan = Arc::clone(&run.plan);
    let Some(call) = plan.step(step).action.call() else { return };
    let by_cast = || run.player(step).map(|player| player.role.as_ref().unwrap_or(&player.performer.agent));
    let voice = call.part.voice().map(str::to_owned).or_else(|| by_cast().cloned());
    let value = Arc::new(value.clone());
    run.voices.extend(voice.map(|voice| (voice, Arc::clone(&value))));
    run.said = Some(value);
}
