//! The state of a run: a fold over its events, and nothing else.
//!
//! Collections are persistent ([`imbl`]), so that [`decide`](crate::decide()) can evolve a draft of the run at the cost of what it
//! touches, whatever the size of the plan.

mod record;
mod state;
mod trial;

use std::sync::Arc;

use imbl::{OrdSet, Vector};
use op_plan::plan::Action;
use op_plan::{Performer, Plan};
use serde_json::Value;

use crate::key::{RunId, Work};
use crate::time::Timestamp;

pub use record::{Halt, Origin, PhaseRun, StepRun};
pub(crate) use record::{Timer, Undoing};
pub use state::{PhaseState, State, StepState};
pub use trial::Trial;

/// One execution of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    pub(crate) id: RunId,
    pub(crate) plan: Arc<Plan>,
    pub(crate) origin: Option<Arc<Origin>>,
    pub(crate) state: State,
    pub(crate) sequence: u64,
    pub(crate) phases: Vector<Arc<PhaseRun>>,
    pub(crate) steps: Vector<Arc<StepRun>>,
    /// Phases whose dependencies are settled and that have not begun.
    pub(crate) open: OrdSet<usize>,
    /// Phases that run.
    pub(crate) running: OrdSet<usize>,
    /// Phases that run and of which nothing starts any more.
    pub(crate) closing: OrdSet<usize>,
    /// Steps that can start.
    pub(crate) ready: OrdSet<usize>,
    /// Steps whose call is with the performer.
    pub(crate) active: OrdSet<usize>,
    /// Steps that wait for their next attempt, by when it is due.
    pub(crate) waiting: OrdSet<(Timestamp, usize)>,
    pub(crate) timers: OrdSet<(Timestamp, Timer)>,
    /// Phases that began and ended, in that order.
    pub(crate) ended: Vector<usize>,
    /// Phases that failed, in the order of their end.
    pub(crate) failed: Vector<usize>,
    /// Phases that ended or were skipped.
    pub(crate) settled: usize,
    pub(crate) halt: Option<Halt>,
    pub(crate) undoing: Undoing,
    pub(crate) output: Option<Value>,
    pub(crate) reason: String,
    pub(crate) ended_at: Option<Timestamp>,
}

impl Run {
    /// A run that nothing happened to yet.
    pub fn new(id: RunId, plan: Arc<Plan>) -> Self {
        let phases = plan.phases().iter().map(|phase| {
            Arc::new(PhaseRun {
                waits: phase.depends_on.len(),
                left: phase.steps.len(),
                ..PhaseRun::default()
            })
        });
        let steps = plan.phases().iter().flat_map(|phase| &phase.steps);
        let steps = steps.map(|step| Arc::new(StepRun { waits: step.after.len(), ..StepRun::default() }));
        let open = plan.phases().iter().enumerate().filter(|(_, phase)| phase.depends_on.is_empty());
        Self {
            phases: phases.collect(),
            steps: steps.collect(),
            open: open.map(|(at, _)| at).collect(),
            id,
            origin: None,
            state: State::Pending,
            sequence: 0,
            running: OrdSet::new(),
            closing: OrdSet::new(),
            ready: OrdSet::new(),
            active: OrdSet::new(),
            waiting: OrdSet::new(),
            timers: OrdSet::new(),
            ended: Vector::new(),
            failed: Vector::new(),
            settled: 0,
            halt: None,
            undoing: Undoing::default(),
            output: None,
            reason: String::new(),
            ended_at: None,
            plan,
        }
    }

    /// Its name.
    pub fn id(&self) -> &RunId {
        &self.id
    }

    /// The plan it executes.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// What it was started with; absent before it was.
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_deref()
    }

    /// Its state.
    pub fn state(&self) -> State {
        self.state
    }

    /// Number of events taken in; the sequence of the last one.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// A phase by its position.
    pub fn phase(&self, phase: usize) -> &PhaseRun {
        &self.phases[phase]
    }

    /// A step by its position.
    pub fn step(&self, step: usize) -> &StepRun {
        &self.steps[step]
    }

    /// Phases that ended or were skipped.
    pub fn settled_phases(&self) -> usize {
        self.settled
    }

    /// Phases that began and ended, in the order of their end.
    pub fn ended_phases(&self) -> impl Iterator<Item = usize> {
        self.ended.iter().copied()
    }

    /// Why nothing new starts, if it is so.
    pub fn halt(&self) -> Option<&Halt> {
        self.halt.as_ref()
    }

    /// What it answered; absent before it completed.
    pub fn output(&self) -> Option<&Value> {
        self.output.as_ref()
    }

    /// Why it is in its state; empty when there is nothing to say.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// When it ended.
    pub fn ended_at(&self) -> Option<Timestamp> {
        self.ended_at
    }

    /// Whether one more step may run beside those that do.
    pub(crate) fn has_room(&self) -> bool {
        self.active.len() < self.plan.draft().max_parallel
    }

    /// Who performs a call: by the cast for steps, by the plan for undo.
    pub(crate) fn performer(&self, work: Work) -> &Performer {
        match work {
            Work::Step(step) => {
                let Action::Call(call) = &self.plan.step(step).action;
                let cast = self.origin.as_ref().and_then(|origin| origin.cast.get(step));
                cast.unwrap_or(call.part.default_performer())
            }
            Work::Undo { phase, place } => {
                self.plan.phases()[phase].undo[place].call.part.default_performer()
            }
        }
    }
}
