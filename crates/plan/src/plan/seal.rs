//! The last gate: what must hold before a draft is a plan.

use std::collections::BTreeSet;

use super::{Draft, Flow, MAX_PHASES, Phase, Target, Transition};

/// Why a draft is not a plan. Shapes find these first and say where; this is the last gate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// A plan without phases does nothing.
    #[error("the plan has no phases")]
    Empty,
    /// A plan this large is refused.
    #[error("the plan has {0} phases, more than {MAX_PHASES}")]
    TooLarge(usize),
    /// A phase without steps does nothing.
    #[error("phase `{0}` has no steps")]
    EmptyPhase(String),
    /// An id stands twice.
    #[error("the id `{0}` stands twice")]
    Duplicate(String),
    /// An id cannot be part of a call's key.
    #[error("the id `{0}` is empty or has a `/` or `:` in it")]
    Id(String),
    /// A position points nowhere.
    #[error("`{0}` depends on something that does not exist")]
    Dangling(String),
    /// A machine begins or goes on at a phase that does not exist, or a phase of it waits for another.
    #[error("`{0}` leads to a phase that does not exist, or waits where only targets count")]
    Astray(String),
    /// Phases or steps wait for each other.
    #[error("`{0}` waits for itself")]
    Cycle(String),
}

/// Checks everything that a plan promises.
pub(super) fn check(draft: &Draft) -> Result<(), SealError> {
    check_size(draft)?;
    check_ids(draft)?;
    check_ways(draft)?;
    check_order(draft.phases.iter().map(|phase| (phase.id.as_str(), phase.depends_on.as_slice())))?;
    for phase in &draft.phases {
        check_order(phase.steps.iter().map(|step| (step.id.as_str(), step.after.as_slice())))?;
    }
    Ok(())
}

fn check_size(draft: &Draft) -> Result<(), SealError> {
    match draft.phases.len() {
        0 => return Err(SealError::Empty),
        many if many > MAX_PHASES => return Err(SealError::TooLarge(many)),
        _ => {}
    }
    match draft.phases.iter().find(|phase| phase.steps.is_empty()) {
        Some(phase) => Err(SealError::EmptyPhase(phase.id.clone())),
        None => Ok(()),
    }
}

/// A machine goes along targets alone, a graph along dependencies alone.
fn check_ways(draft: &Draft) -> Result<(), SealError> {
    let initial = match draft.flow {
        Flow::Graph => None,
        Flow::Machine { initial, .. } => Some(initial),
    };
    if initial.is_some_and(|initial| initial >= draft.phases.len()) {
        return Err(SealError::Astray(draft.id.clone()));
    }
    let is_lost = |way: &Transition| matches!(way.to, Target::Phase(to) if to >= draft.phases.len());
    let is_astray = |phase: &&Phase| {
        if initial.is_none() {
            !phase.next.is_empty()
        } else {
            !phase.depends_on.is_empty() || phase.next.iter().any(is_lost)
        }
    };
    match draft.phases.iter().find(is_astray) {
        Some(phase) => Err(SealError::Astray(phase.id.clone())),
        None => Ok(()),
    }
}

fn check_ids(draft: &Draft) -> Result<(), SealError> {
    let mut phases = BTreeSet::new();
    let mut steps = BTreeSet::new();
    let ids = draft.phases.iter().flat_map(|phase| {
        let steps = phase.steps.iter().map(|step| (false, &step.id));
        std::iter::once((true, &phase.id)).chain(steps)
    });
    for (is_phase, id) in ids {
        if id.is_empty() || id.contains(['/', ':']) {
            return Err(SealError::Id(id.clone()));
        }
        if !(if is_phase { &mut phases } else { &mut steps }).insert(id.as_str()) {
            return Err(SealError::Duplicate(id.clone()));
        }
    }
    Ok(())
}

/// Kahn's algorithm: takes away what waits for nothing until nothing is left, or a cycle is.
fn check_order<'a>(nodes: impl Iterator<Item = (&'a str, &'a [usize])>) -> Result<(), SealError> {
    let nodes: Vec<_> = nodes.collect();
    let mut waits = Vec::with_capacity(nodes.len());
    let mut dependents = vec![Vec::new(); nodes.len()];
    for (at, (id, dependencies)) in nodes.iter().enumerate() {
        for dependency in *dependencies {
            dependents.get_mut(*dependency).ok_or_else(|| SealError::Dangling((*id).to_owned()))?.push(at);
        }
        waits.push(dependencies.len());
    }
    let mut free: Vec<_> = (0..nodes.len()).filter(|at| waits[*at] == 0).collect();
    while let Some(at) = free.pop() {
        for dependent in &dependents[at] {
            waits[*dependent] -= 1;
            if waits[*dependent] == 0 {
                free.push(*dependent);
            }
        }
    }
    match waits.iter().position(|waits| *waits > 0) {
        Some(at) => Err(SealError::Cycle(nodes[at].0.to_owned())),
        None => Ok(()),
    }
}
