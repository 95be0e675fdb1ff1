//! A step over a list: its items begin in order, as many at a time as there is room for.

use op_plan::plan::{FailureKind, Fan};
use serde_json::Value;

use super::{Draft, act, answer};
use crate::answer::Failure;
use crate::event::Fact;
use crate::key::Work;
use crate::run::Run;

/// Most items of a list.
const MAX_ITEMS: usize = 10_000;

/// Resolves the list, unless the step goes on with one.
pub(super) fn fan_out(draft: &mut Draft, step: usize, list: &Fan) {
    let id = draft.step_id(step);
    if let Some(fan) = &draft.run.steps[step].fan {
        let (items, done) = (fan.items.to_vec(), fan.done);
        return draft.record(Fact::StepFanned { step: id, items, done });
    }
    let items = match act::approved(&draft.run, step, "for_each") {
        Some(items) => Ok(items),
        None => list.over.resolve(&draft.run),
    };
    let failure = match items {
        Ok(Value::Array(items)) if items.is_empty() => {
            return answer::succeed(draft, step, Value::Array(items), act::hub());
        }
        Ok(Value::Array(items)) if items.len() <= MAX_ITEMS => {
            return draft.record(Fact::StepFanned { step: id, items, done: 0 });
        }
        Ok(Value::Array(items)) => {
            let message =
                format!("the list has {} items, and a step goes over {MAX_ITEMS} at most", items.len());
            let hint = "cut the list into several, or hand it on whole to an operation that takes lists";
            Failure::new(FailureKind::Unresolved, "list_too_long", message).hint(hint)
        }
        Ok(other) => {
            let shown: String = other.to_string().chars().take(80).collect();
            Failure::new(
                FailureKind::Unresolved,
                "no_list",
                format!("`for_each` is {shown}, which is no list"),
            )
        }
        Err(error) => act::unresolved(&error),
    };
    draft.record(Fact::StepFailed { step: id, failure, evidence: None });
}

/// Starts items as far as there is room.
pub(super) fn start_items(draft: &mut Draft) {
    for step in draft.run.fanned.clone() {
        start_items_of(draft, step);
    }
}

/// Starts items of a step, if it goes over a list.
pub(super) fn start_items_of(draft: &mut Draft, step: usize) {
    let list = &draft.run.plan.step(step).for_each;
    let most = list.as_ref().and_then(|list| list.max_parallel).unwrap_or(usize::MAX).max(1);
    while draft.is_open() && draft.run.has_room() {
        let Some(item) = next(draft, step, most) else { return };
        act::act(draft, Work::Item { step, item });
    }
}

/// The item that begins next, if one may.
fn next(draft: &Draft, step: usize, most: usize) -> Option<usize> {
    let fan = draft.run.steps[step].fan.as_ref().filter(|_| draft.run.fanned.contains(&step))?;
    let is_trying = draft.run.phases[draft.run.plan.phase_of(step)].is_trying();
    (is_trying && fan.has_more() && fan.busy < most).then_some(fan.next)
}

/// Ends steps of whose items nothing is in flight and none can begin.
pub(super) fn settle_lists(draft: &mut Draft) {
    for step in draft.run.fanned.clone() {
        let Some(fan) = draft.run.steps[step].fan.as_ref().filter(|fan| fan.busy == 0) else { continue };
        if fan.done == fan.items.len() {
            let outputs = fan.outputs.iter().map(|output| output.as_deref().cloned().unwrap_or_default());
            let outputs = Value::Array(outputs.collect());
            answer::succeed(draft, step, outputs, act::hub());
        } else if let Some(item) = fan.failed {
            let failure = fan.trials.get(item).and_then(|trial| trial.failure.clone());
            let evidence = fan.trials.get(item).and_then(|trial| trial.evidence.clone());
            let failure = failure.unwrap_or_else(|| halted("it failed"));
            let failure = Failure { message: format!("item {item}: {}", failure.message), ..failure };
            draft.record(Fact::StepFailed { step: draft.step_id(step), failure, evidence });
        } else if draft.is_halting() || !draft.run.phases[draft.run.plan.phase_of(step)].is_trying() {
            let message = format!("it was stopped after {} of {} items", fan.done, fan.items.len());
            draft.record(Fact::StepFailed {
                step: draft.step_id(step),
                failure: halted(&message),
                evidence: None,
            });
        }
    }
}

/// What is left to do of the list that a step goes on with; nothing where it goes on with none.
pub(super) fn rest(run: &Run, step: usize) -> Option<Value> {
    let fan = run.steps[step].fan.as_ref()?;
    let items = fan.items.iter().enumerate().filter(|(item, _)| !fan.is_done(*item));
    Some(items.map(|(_, value)| value.clone()).collect())
}

fn halted(message: &str) -> Failure {
    Failure::new(FailureKind::Cancelled, "halted", message)
}
