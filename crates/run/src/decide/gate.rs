//! The gate of a step: time, a signal, or a person.

use op_plan::plan::{Approval, Gate};
use serde_json::{Value, json};

use super::{Draft, act, ask, fan};
use crate::answer::Failure;
use crate::event::{Fact, Waiting};
use crate::key::Work;
use crate::run::Run;

/// The step waits, unless what it waits for is there already.
pub(super) fn open(draft: &mut Draft, step: usize, gate: &Gate) {
    let plan = draft.plan();
    let id = draft.step_id(step);
    let (waits_for, limit) = match gate {
        Gate::Delay(delay) => (Waiting::Delay, Some(*delay)),
        Gate::Signal(signal) => (Waiting::Signal(signal.clone()), plan.step(step).timeout),
        Gate::Approval(approval) => match question(&draft.run, step, approval) {
            Ok(question) => (question, approval.timeout),
            Err(failure) => return draft.record(Fact::StepFailed { step: id, failure, evidence: None }),
        },
    };
    let deadline = limit.map(|limit| draft.at.after(limit));
    draft.record(Fact::StepWaiting { step: id, waits_for, deadline });
    ask::take_kept(draft, step);
}

/// What a person is asked, with the call as it will be made.
fn question(run: &Run, step: usize, approval: &Approval) -> Result<Waiting, Failure> {
    match approval.message.resolve(run).map_err(|error| act::unresolved(&error))? {
        Value::String(text) => about(run, step, text),
        other => about(run, step, other.to_string()),
    }
}

/// A question about the call of a step.
pub(super) fn about(run: &Run, step: usize, message: String) -> Result<Waiting, Failure> {
    let call = match (&run.plan.step(step).for_each, run.plan.step(step).action.arguments()) {
        (_, None) => Value::Null,
        (Some(list), Some(arguments)) => {
            let items = match fan::rest(run, step) {
                Some(rest) => rest,
                None => list.over.resolve(run).map_err(|error| act::unresolved(&error))?,
            };
            json!({ "performer": performer(run, step), "for_each": items, "each": arguments.source() })
        }
        (None, Some(_)) => {
            json!({ "performer": performer(run, step), "arguments": act::resolve(run, Work::Step(step), run)? })
        }
    };
    let visit = run.steps[step].visit;
    let digest = op_plan::plan::digest(&json!([run.plan.step(step).id, visit, message, call]));
    Ok(Waiting::Approval { message, call, digest })
}

fn performer(run: &Run, step: usize) -> String {
    run.performer(Work::Step(step)).to_string()
}
