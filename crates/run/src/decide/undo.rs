//! Undoing: one phase after the other, in reverse order of their end, each by its undo list from the top.

use op_plan::expression::StepField;
use op_plan::plan::{Action, FailureKind, Undo};
use op_plan::{Mapping, Plan, Reference, Scope};
use serde_json::json;

use super::{Draft, answer, finish};
use crate::answer::{Answer, Evidence, Failure};
use crate::event::{Fact, UNDO_LIMIT};
use crate::key::CallKey;
use crate::run::{Ended, Former, Run};
use crate::scope::Past;
use crate::time::Timestamp;

/// Starts the next undo, or ends the run when there is none left or one failed for good.
pub(super) fn advance(draft: &mut Draft) {
    if let Some(reason) = draft.run.undoing.failed.clone() {
        return draft.record(Fact::RunStuck { reason });
    }
    let is_waiting = draft.run.undoing.trial.due.is_some_and(|due| due > draft.at);
    if draft.run.undoing.active || is_waiting {
        return;
    }
    match draft.run.undoing.visits.front().map(|ended| ended.phase) {
        None => finish::undone(draft),
        Some(phase) if draft.run.undoing.place >= draft.run.plan.phases()[phase].undo_calls() => {
            draft.record(Fact::PhaseUndone { phase: draft.phase_id(phase) });
        }
        Some(_) => start_next(draft),
    }
}

/// Starts the next attempt of the undo whose turn it is.
fn start_next(draft: &mut Draft) {
    let plan = draft.plan();
    let place = draft.run.undoing.place;
    let Some(ended) = draft.run.undoing.visits.front().cloned() else { return };
    let at = ended.phase;
    let phase = draft.phase_id(at);
    let Some(undo) = entry(&plan, at, place) else { return undo_plans(draft, phase, &ended) };
    let scope = Past::new(&draft.run, &ended);
    if let Some(missing) = missing(&scope, &undo.call.arguments) {
        let reason = format!("there is nothing to undo: `{missing}` never came to be");
        return draft.record(Fact::UndoSkipped { phase, place, reason });
    }
    match undo.call.arguments.resolve(&scope) {
        Ok(arguments) => draft.record(Fact::UndoStarted {
            phase,
            place,
            attempt: draft.run.undoing.trial.attempts + 1,
            arguments,
            deadline: Some(deadline(undo, draft.at)),
        }),
        Err(error) => {
            let failure = Failure::new(FailureKind::Unresolved, "unresolved", error.to_string());
            draft.record(Fact::UndoFailed { phase, place, failure, evidence: Evidence::default() });
        }
    }
}

/// Has the runs undone of the plans that a phase ran. They have their own limits.
fn undo_plans(draft: &mut Draft, phase: String, ended: &Ended) {
    let calls: Vec<_> = plan_calls(&draft.run, ended).iter().map(ToString::to_string).collect();
    draft.record(Fact::UndoStarted {
        phase,
        place: 0,
        attempt: draft.run.undoing.trial.attempts + 1,
        arguments: json!({ "calls": calls }),
        deadline: None,
    });
}

/// Calls that ran plans in a visit of a phase, the last ones first.
fn plan_calls(run: &Run, ended: &Ended) -> Vec<CallKey> {
    let steps = run.plan.steps_of(ended.phase).zip(&ended.steps);
    let runs_plan = |at: usize| matches!(run.plan.step(at).action, Action::Plan { .. });
    let calls = steps.filter(|(at, _)| runs_plan(*at)).flat_map(|(at, step)| {
        let id = &run.plan.step(at).id;
        step.calls().flat_map(move |Former { item, visit, attempts }| {
            let step = item.map_or_else(|| id.clone(), |item| format!("{id}[{item}]"));
            (1..=attempts).map(move |attempt| CallKey {
                run: run.id.clone(),
                step: step.clone(),
                visit,
                attempt,
            })
        })
    });
    let mut calls: Vec<_> = calls.collect();
    calls.reverse();
    calls
}

/// The first thing that the arguments of an undo refer to and that never came to be.
fn missing(scope: &dyn Scope, arguments: &Mapping) -> Option<Reference> {
    let is_output =
        |reference: &Reference| matches!(reference, Reference::Step { field: StepField::Output, .. });
    let references = arguments.references().into_iter();
    let mut missing = references.filter(|reference| match scope.value(reference) {
        None => true,
        Some(value) => value.is_null() && is_output(reference),
    });
    missing.next().cloned()
}

pub(super) fn answered(draft: &mut Draft, at: usize, place: usize, answer: &Answer) {
    let phase = draft.phase_id(at);
    let (failure, evidence) = match answer {
        Answer::Succeeded { evidence, .. } => {
            let evidence = evidence.clone();
            return draft.record(Fact::UndoSucceeded { phase, place, evidence });
        }
        Answer::Failed { failure, evidence } => (failure, evidence.clone()),
    };
    let plan = draft.plan();
    let trial = &draft.run.undoing.trial;
    let failure = answer::blame(trial, failure);
    let again = entry(&plan, at, place).and_then(|undo| answer::next(&undo.retry, trial, &failure, draft.at));
    draft.record(match again {
        Some(due) => Fact::UndoRetryScheduled { phase, place, failure, evidence, due },
        None => Fact::UndoFailed { phase, place, failure, evidence },
    });
}

/// When an attempt of an undo must have ended.
fn deadline(undo: &Undo, at: Timestamp) -> Timestamp {
    at.after(undo.timeout.unwrap_or(UNDO_LIMIT))
}

/// The undo entry at this place, if there is one.
fn entry(plan: &Plan, phase: usize, place: usize) -> Option<&Undo> {
    plan.phases()[phase].undo.get(place)
}
