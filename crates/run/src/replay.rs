//! A run from its journal.

use std::sync::Arc;

use op_plan::Plan;

use crate::event::{Event, Fact};
use crate::evolve::evolve;
use crate::key::RunId;
use crate::run::Run;

/// Why events are not those of a run of this plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The first event of a run says how it began.
    #[error("the first event does not say how the run began")]
    Headless,
    /// The run belongs to another plan.
    #[error("the run was started with plan {0}, not with this one")]
    Plan(String),
    /// The cast in the journal does not fit the plan.
    #[error("the cast names {given} performers and the plan has {wanted} steps")]
    Cast {
        /// How many the journal has.
        given: usize,
        /// How many the plan needs.
        wanted: usize,
    },
}

/// Folds the events of a run from the first one on.
///
/// # Errors
/// When the events do not begin with the start of a run of this plan.
pub fn replay<'a>(
    id: RunId,
    plan: Arc<Plan>,
    events: impl IntoIterator<Item = &'a Event>,
) -> Result<Run, ReplayError> {
    let mut events = events.into_iter();
    let first = events.next().ok_or(ReplayError::Headless)?;
    let Fact::RunStarted { digest, cast, .. } = &first.fact else { return Err(ReplayError::Headless) };
    if digest != plan.digest() {
        return Err(ReplayError::Plan(digest.clone()));
    }
    if cast.len() != plan.step_count() {
        return Err(ReplayError::Cast { given: cast.len(), wanted: plan.step_count() });
    }
    let mut run = Run::new(id, plan);
    evolve(&mut run, first);
    events.for_each(|event| evolve(&mut run, event));
    Ok(run)
}
