//! What happens next.
//!
//! A decision is made on a draft: a cheap copy of the run into which every event is taken the moment it is decided, so that
//! each rule sees the run as it will be. Ties are broken by the order of the plan.

mod act;
mod advance;
mod answer;
mod ask;
mod cause;
mod control;
mod fan;
mod finish;
mod gate;
mod host;
mod limit;
mod machine;
mod retry;
mod rollback;
mod skill;
mod undo;

use std::sync::Arc;

use op_plan::Plan;

use crate::event::{Event, Fact};
use crate::evolve::evolve;
use crate::input::{Happening, Input, Refused, Start};
use crate::key::Work;
use crate::run::{Halt, Run, State};
use crate::time::Timestamp;

pub use rollback::{RolledBack, preview};

/// Says which events become true by an input. The run itself does not change; the events belong into the journal first.
///
/// # Errors
/// When the input makes no sense in this state; then nothing becomes true.
pub fn decide(run: &Run, input: &Input) -> Result<Vec<Event>, Refused> {
    next(run, input).map(|(_, events)| events)
}

/// As [`decide`], with the run as it is once the events are taken in, so that who goes on with it need not take them in again.
///
/// # Errors
/// As [`decide`].
pub fn next(run: &Run, input: &Input) -> Result<(Run, Vec<Event>), Refused> {
    let mut draft = take(run, input)?;
    // Also where the tick is late: nothing begins after a limit that has passed.
    limit::limit(&mut draft);
    advance::advance(&mut draft);
    Ok((draft.run, draft.events))
}

/// As [`next`], but nothing goes on from there: the daemon is going down and only records what it was still told. The first tick
/// after its return catches up.
///
/// # Errors
/// As [`decide`].
pub fn hold(run: &Run, input: &Input) -> Result<(Run, Vec<Event>), Refused> {
    take(run, input).map(|draft| (draft.run, draft.events))
}

fn take(run: &Run, input: &Input) -> Result<Draft, Refused> {
    let mut draft = Draft { run: run.clone(), at: input.at, events: Vec::new() };
    match &input.happening {
        Happening::Start(start) => begin(&mut draft, start)?,
        Happening::Answered { work, attempt, answer } => {
            expect(run, *work, *attempt)?;
            match *work {
                Work::Step(_) | Work::Item { .. } => answer::answered(&mut draft, *work, answer),
                Work::Undo { phase, place } => undo::answered(&mut draft, phase, place, answer),
            }
        }
        Happening::HostCalled { work, attempt, number, performer, arguments } => {
            expect(run, *work, *attempt)?;
            host::called(&mut draft, *work, *number, performer, arguments)?;
        }
        Happening::HostAnswered { work, attempt, number, failure, evidence } => {
            expect(run, *work, *attempt)?;
            host::answered(&mut draft, *work, *number, failure.as_ref(), evidence)?;
        }
        Happening::Tick => {}
        Happening::Cancel { rollback, reason, user } => control::cancel(&mut draft, *rollback, reason, user)?,
        Happening::Admit => control::admit(&mut draft)?,
        Happening::Pause { reason, user } => control::pause(&mut draft, reason, user)?,
        Happening::Resume { user } => control::resume(&mut draft, user)?,
        Happening::Signal { signal, data, user } => ask::signal(&mut draft, signal, data, user)?,
        Happening::Approve(verdict) => ask::approve(&mut draft, verdict)?,
        Happening::Recast { cast, user } => control::recast(&mut draft, cast, user)?,
        Happening::Rollback { to, user } => rollback::rollback(&mut draft, to.as_deref(), user)?,
        Happening::Retry { from, user } => retry::retry(&mut draft, from.as_deref(), user)?,
        Happening::Resolve { accept, user } => control::resolve(&mut draft, *accept, user)?,
    }
    Ok(draft)
}

/// The run as it will be, and the events that make it so.
struct Draft {
    run: Run,
    at: Timestamp,
    events: Vec<Event>,
}

impl Draft {
    fn record(&mut self, fact: Fact) {
        let event = Event { at: self.at, fact };
        evolve(&mut self.run, &event);
        self.events.push(event);
    }

    fn plan(&self) -> Arc<Plan> {
        Arc::clone(&self.run.plan)
    }

    fn phase_id(&self, phase: usize) -> String {
        self.run.plan.phases()[phase].id.clone()
    }

    fn step_id(&self, step: usize) -> String {
        self.run.plan.step(step).id.clone()
    }

    /// Whether new steps may start.
    fn is_open(&self) -> bool {
        self.run.state == State::Running && !self.is_halting()
    }

    /// Whether the run comes to its end: somebody stopped it, or a failure will undo all of it.
    fn is_halting(&self) -> bool {
        let undoes_all = self.run.plan.draft().rollback == op_plan::Rollback::Run;
        self.run.halt.is_some() || undoes_all && (!self.run.failed.is_empty() || self.has_failing_phase())
    }

    fn has_failing_phase(&self) -> bool {
        self.run.closing.iter().any(|phase| {
            self.run.phases[*phase].failed.is_some()
                && !self.run.plan.phases()[*phase].continue_on_failure
                && !machine::has_way_out(&self.run.plan, *phase)
        })
    }

    fn is_cancelled(&self) -> bool {
        matches!(self.run.halt, Some(Halt::Cancelled { .. }))
    }
}

fn begin(draft: &mut Draft, start: &Start) -> Result<(), Refused> {
    if draft.run.state != State::Pending || draft.run.origin.is_some() {
        return Err(Refused::Started);
    }
    let plan = draft.plan();
    if start.cast.len() != plan.step_count() {
        return Err(Refused::Cast { given: start.cast.len(), wanted: plan.step_count() });
    }
    let limit = start.timeout.or(plan.draft().timeout);
    draft.record(Fact::RunStarted {
        plan: plan.id().to_owned(),
        digest: plan.digest().to_owned(),
        cast: start.cast.clone(),
        inputs: start.inputs.clone(),
        user: start.user.clone(),
        labels: start.labels.clone(),
        deadline: limit.map(|limit| draft.at.after(limit)),
        concurrency: start.concurrency.clone(),
        queued: start.queued,
    });
    start.fallbacks.iter().for_each(|fallback| draft.record(Fact::CastFellBack(fallback.clone())));
    Ok(())
}

/// An answer counts only for the attempt that is outstanding.
fn expect(run: &Run, work: Work, attempt: u32) -> Result<(), Refused> {
    let is_outstanding = match work {
        Work::Step(_) | Work::Item { .. } => run.active.contains(&work),
        Work::Undo { .. } => run.undoing.active,
    };
    match run.trial(work).filter(|_| is_outstanding) {
        Some(trial) if trial.attempts == attempt => Ok(()),
        Some(_) | None => Err(Refused::Unexpected),
    }
}
