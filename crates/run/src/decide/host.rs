//! What the performer of a call asks the hub for. It is part of the call: nothing of the run moves by it, and what it did ends
//! with the call.

use op_plan::Performer;

use super::Draft;
use crate::answer::{Evidence, Failure};
use crate::event::{Fact, HostCallEnd, HostCallStart};
use crate::input::Refused;
use crate::key::Work;

/// Something is about to be performed for the call. A call that is asked to stop gets nothing more.
pub(super) fn called(
    draft: &mut Draft,
    work: Work,
    number: u32,
    performer: &Performer,
    arguments: &str,
) -> Result<(), Refused> {
    let (step, item) = place(draft, work)?;
    if draft.run.trial(work).is_some_and(|trial| trial.stopping.is_some()) {
        return Err(Refused::Unexpected);
    }
    let (performer, arguments) = (performer.clone(), arguments.to_owned());
    draft.record(Fact::HostCallStarted(HostCallStart { step, item, number, performer, arguments }));
    Ok(())
}

/// It ended. What it found out is for the performer alone.
pub(super) fn answered(
    draft: &mut Draft,
    work: Work,
    number: u32,
    failure: Option<&Failure>,
    evidence: &Evidence,
) -> Result<(), Refused> {
    let (step, item) = place(draft, work)?;
    let failure = failure.map(|failure| Failure { detail: None, ..failure.clone() });
    let evidence = evidence.clone();
    draft.record(Fact::HostCallEnded(HostCallEnd { step, item, number, failure, evidence }));
    Ok(())
}

/// Where it stands in the plan. An undo asks for nothing: what it would do could not be undone again.
fn place(draft: &Draft, work: Work) -> Result<(String, Option<usize>), Refused> {
    match work {
        Work::Step(step) => Ok((draft.step_id(step), None)),
        Work::Item { step, item } => Ok((draft.step_id(step), Some(item))),
        Work::Undo { .. } => Err(Refused::Unexpected),
    }
}
