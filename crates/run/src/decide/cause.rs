//! What a failure comes from: where nothing that a step reads from was returned, its own failure says little.

use std::collections::BTreeSet;

use op_plan::{Mapping, Reference};

use crate::run::{Run, StepState};

/// The first failure among the steps that a failed step reads from, with what to do about it; none where one of them succeeded.
pub(super) fn cause(run: &Run, step: usize) -> Option<String> {
    let sources = sources(run, step);
    if sources.iter().any(|source| run.steps[*source].state == StepState::Succeeded) {
        return None;
    }
    let has_failed =
        |source: &usize| matches!(run.steps[*source].state, StepState::Failed | StepState::Tolerated);
    let failed = sources.into_iter().filter(has_failed);
    let first = failed.min_by_key(|source| run.steps[*source].ended_at)?;
    let failure = run.steps[first].trial.failure.as_ref()?;
    let hint = if failure.hint.is_empty() { String::new() } else { format!(" ({})", failure.hint) };
    Some(format!("before it, `{}` failed: {}{hint}", run.plan.step(first).id, failure.message))
}

/// Steps that a step reads from.
fn sources(run: &Run, step: usize) -> BTreeSet<usize> {
    let of = run.plan.step(step);
    let list = of.for_each.as_ref().map(|list| &list.over);
    let read = of.action.arguments().into_iter().chain(list).flat_map(Mapping::references);
    read.filter_map(|reference| source(run, reference)).filter(|source| *source != step).collect()
}

fn source(run: &Run, reference: &Reference) -> Option<usize> {
    match reference {
        Reference::Step { id, .. } => run.plan.find_step(id),
        Reference::Variable(name) => run.plan.variable(name),
        Reference::Context(name) => run.plan.find_named(name).or_else(|| run.plan.variable(name)),
        Reference::Input(_) | Reference::Phase { .. } | Reference::Run(_) | Reference::LastOutput(_) => None,
    }
}
