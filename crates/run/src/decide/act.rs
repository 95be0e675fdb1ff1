//! A step begins: through its gate, over its list, to its call.

use op_plan::Scope;
use op_plan::plan::{Action, FailureKind};
use serde_json::{Map, Value};

use super::{Draft, answer, fan, gate, skill};
use crate::answer::{Evidence, Failure};
use crate::event::{Fact, SkipCause, Waiting};
use crate::key::Work;
use crate::run::Run;
use crate::scope::Local;

/// Begins a step that can start: whatever of gate, list and call comes next.
pub(super) fn begin(draft: &mut Draft, step: usize) {
    let plan = draft.plan();
    let state = &draft.run.steps[step];
    let is_vacant = plan.step(step).action.call().is_some() && draft.run.player(step).is_none();
    let came_through = state.gate.as_ref().is_some_and(|gate| !gate.is_shut());
    match (&plan.step(step).gate, &plan.step(step).for_each) {
        _ if is_vacant => {
            draft.record(Fact::StepSkipped { step: draft.step_id(step), cause: SkipCause::Vacant });
        }
        (Some(gate), _) if !came_through => gate::open(draft, step, gate),
        _ if skill::asks(draft, step) => {}
        (_, Some(list)) => fan::fan_out(draft, step, list),
        (_, None) => act(draft, Work::Step(step)),
    }
}

/// Starts an attempt of a call, or fails it when its arguments do not resolve, since no call is made with half of them, or when a
/// skill does not let it be made.
pub(super) fn act(draft: &mut Draft, work: Work) {
    let plan = draft.plan();
    let Some(at) = work.step() else { return };
    let step = plan.step(at);
    if step.action == Action::Pass {
        return pass(draft, at);
    }
    let id = draft.step_id(at);
    let item = match work {
        Work::Item { item, .. } => Some(item),
        Work::Step(_) | Work::Undo { .. } => None,
    };
    let arguments = arguments(&draft.run, work).and_then(|arguments| {
        skill::activate(draft, work, &arguments);
        skill::permit(&draft.run, work, &arguments).map(|()| arguments)
    });
    match arguments {
        Ok(arguments) => {
            let deadline = step.timeout.map(|limit| draft.at.after(limit));
            let attempt = draft.run.trial(work).map_or(0, |trial| trial.attempts) + 1;
            draft.record(Fact::StepStarted { step: id, item, attempt, arguments, deadline });
        }
        Err(failure) => draft.record(match item {
            Some(item) => Fact::ItemFailed { step: id, item, failure, evidence: None },
            None => Fact::StepFailed { step: id, failure, evidence: None },
        }),
    }
}

/// A step that is only a gate answers what came through.
fn pass(draft: &mut Draft, step: usize) {
    let answer = draft.run.steps[step].gate.as_ref().and_then(|gate| gate.answer.clone());
    answer::succeed(draft, step, answer.unwrap_or_default(), hub());
}

/// What is observed where the hub itself did what was asked.
pub(super) fn hub() -> Evidence {
    Evidence { peer: "hub".to_owned(), ..Evidence::default() }
}

/// Arguments of the next attempt. What a person approved is what is called.
fn arguments(run: &Run, work: Work) -> Result<Value, Failure> {
    match work {
        Work::Item { step, item } => {
            let value = run.steps[step].fan.as_ref().and_then(|fan| fan.items.get(item)).cloned();
            let names = [("item", value.unwrap_or_default()), ("index", item.into())];
            resolve(run, work, &Local::new(run, names))
        }
        Work::Step(step) => match approved(run, step, "arguments") {
            Some(arguments) => Ok(arguments),
            None => resolve(run, work, run),
        },
        Work::Undo { .. } => Ok(Value::Null),
    }
}

/// What a person approved of a call.
pub(super) fn approved(run: &Run, step: usize, what: &str) -> Option<Value> {
    match &run.steps[step].gate.as_ref()?.waits_for {
        Waiting::Approval { call, .. } => call.get(what).cloned(),
        Waiting::Delay | Waiting::Signal(_) => None,
    }
}

/// The arguments that the plan gives, over those that the performer is told.
pub(super) fn resolve(run: &Run, work: Work, scope: &dyn Scope) -> Result<Value, Failure> {
    let told = run.player_of(work).map(|player| player.told.clone()).unwrap_or_default();
    let Some(arguments) = work.step().and_then(|step| run.plan.step(step).action.arguments()) else {
        return Ok(Value::Object(Map::new()));
    };
    match arguments.resolve(scope) {
        Ok(Value::Object(given)) if !told.is_empty() => {
            Ok(Value::Object(told.into_iter().chain(given).collect()))
        }
        Ok(given) => Ok(given),
        Err(error) => Err(unresolved(&error)),
    }
}

pub(super) fn unresolved(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(FailureKind::Unresolved, "unresolved", error.to_string())
}
