//! The state of a run: a fold over its events, and nothing else.
//!
//! Collections are persistent ([`imbl`]), so that [`decide`](crate::decide) can evolve a draft of the run at the cost of what it
//! touches, whatever the size of the plan.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use imbl::{OrdSet, Vector};
use op_plan::input::Inputs;
use op_plan::{Performer, Plan};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer::{Evidence, Failure};
use crate::event::{SkipCause, StopCause};
use crate::key::{RunId, Work};
use crate::time::Timestamp;

/// State of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Accepted, nothing started.
    #[default]
    Pending,
    /// Steps run or can run.
    Running,
    /// Undoes what was done.
    RollingBack,
    /// Did what its plan says.
    Completed,
    /// A phase failed.
    Failed,
    /// Stopped by a person.
    Cancelled,
    /// Undone.
    RolledBack,
    /// An undo failed; a person must resolve it.
    Stuck,
}

impl State {
    /// Whether nothing happens any more.
    pub fn is_over(self) -> bool {
        match self {
            Self::Pending | Self::Running | Self::RollingBack => false,
            Self::Completed | Self::Failed | Self::Cancelled | Self::RolledBack | Self::Stuck => true,
        }
    }

    /// The word for people and programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::RollingBack => "rolling_back",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::RolledBack => "rolled_back",
            Self::Stuck => "stuck",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// State of a step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StepState {
    /// Not started.
    #[default]
    Pending,
    /// Its call is with the performer.
    Running,
    /// Waits for its next attempt.
    Waiting,
    /// Did what was asked.
    Succeeded,
    /// Failed for good.
    Failed,
    /// Failed, and its phase goes on all the same.
    Tolerated,
    /// Not run.
    Skipped,
    /// Its phase is being undone.
    Undoing,
    /// Its phase is undone.
    Undone,
    /// The undo of its phase failed.
    UndoFailed,
}

impl StepState {
    /// The word for people and programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Tolerated => "tolerated",
            Self::Skipped => "skipped",
            Self::Undoing => "undoing",
            Self::Undone => "undone",
            Self::UndoFailed => "undo_failed",
        }
    }
}

/// State of a phase.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PhaseState {
    /// Not started.
    #[default]
    Pending,
    /// Its steps run.
    Running,
    /// All its steps succeeded.
    Succeeded,
    /// A step failed.
    Failed,
    /// A step failed, and what depends on the phase goes on.
    Tolerated,
    /// Not run.
    Skipped,
    /// Being undone.
    Undoing,
    /// Undone.
    Undone,
    /// Its undo failed.
    UndoFailed,
}

impl PhaseState {
    /// The word for people and programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Tolerated => "tolerated",
            Self::Skipped => "skipped",
            Self::Undoing => "undoing",
            Self::Undone => "undone",
            Self::UndoFailed => "undo_failed",
        }
    }
}

/// A call that is made again and again until it succeeds or is given up: of a step, or of an undo.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trial {
    /// Attempts begun.
    pub attempts: u32,
    /// Arguments of the attempt in flight.
    pub arguments: Arc<Value>,
    /// When the attempt in flight began.
    pub began: Timestamp,
    /// When the attempt in flight must have ended.
    pub deadline: Option<Timestamp>,
    /// Why the attempt in flight is asked to stop.
    pub stopping: Option<StopCause>,
    /// When the next attempt begins.
    pub due: Option<Timestamp>,
    /// Why the last attempt failed.
    pub failure: Option<Failure>,
    /// What was observed of the last attempt that ended.
    pub evidence: Option<Evidence>,
}

impl Trial {
    pub(crate) fn begin(
        &mut self,
        at: Timestamp,
        attempt: u32,
        arguments: &Value,
        deadline: Option<Timestamp>,
    ) {
        self.attempts = attempt;
        self.arguments = Arc::new(arguments.clone());
        self.began = at;
        self.deadline = deadline;
        self.stopping = None;
        self.due = None;
    }

    /// Arguments can be large and are not needed any more.
    pub(crate) fn end(&mut self, failure: Option<&Failure>, evidence: Option<&Evidence>) {
        self.arguments = Arc::default();
        self.deadline = None;
        self.stopping = None;
        self.failure = failure.cloned();
        self.evidence = evidence.cloned();
    }
}

/// A step of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StepRun {
    /// Its state.
    pub state: StepState,
    /// Its call.
    pub trial: Trial,
    /// Its output.
    pub output: Option<Value>,
    /// Why it does not run.
    pub skipped: Option<SkipCause>,
    /// When its first attempt began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    pub(crate) waits: usize,
}

/// A phase of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PhaseRun {
    /// Its state.
    pub state: PhaseState,
    /// Why it failed or was skipped.
    pub reason: String,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// When it must have ended.
    pub deadline: Option<Timestamp>,
    /// Whether its time limit passed.
    pub(crate) timed_out: bool,
    /// The step whose failure fails it.
    pub(crate) failed: Option<usize>,
    /// The dependency whose failure skips it.
    pub(crate) blocked: Option<usize>,
    /// Dependencies that are not settled.
    pub(crate) waits: usize,
    /// Steps that are not settled.
    pub(crate) left: usize,
    /// Steps that run or wait for their next attempt.
    pub(crate) busy: usize,
}

/// Why nothing new starts in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Halt {
    /// Somebody stopped it.
    Cancelled {
        /// Whether what was done is undone.
        rollback: bool,
        /// Why.
        reason: String,
    },
    /// Its time limit passed.
    TimedOut,
}

/// How far the undoing of phases is.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Undoing {
    /// Phases still to undo; the first is being undone.
    pub(crate) phases: Vector<usize>,
    /// The entry of its undo list that comes next or is in flight.
    pub(crate) place: usize,
    /// Its call.
    pub(crate) trial: Trial,
    /// Whether its call is with the performer.
    pub(crate) active: bool,
    /// Why an undo failed for good.
    pub(crate) failed: Option<String>,
}

/// When the run must look at the time, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// The limit of the whole run.
    Run,
    /// The limit of a phase.
    Phase(usize),
    /// The limit of an attempt.
    Attempt(Work),
    /// The next attempt.
    Retry(Work),
}

/// What a run was started with.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// Who performs each step, by position.
    pub cast: Vec<Performer>,
    /// Complete inputs.
    pub inputs: Inputs,
    /// Who started it.
    pub user: String,
    /// Free labels.
    pub labels: BTreeMap<String, String>,
    /// When.
    pub at: Timestamp,
    /// When it must have ended.
    pub deadline: Option<Timestamp>,
}

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
    /// Steps that can start.
    pub(crate) ready: OrdSet<usize>,
    /// Steps whose call is with the performer.
    pub(crate) active: OrdSet<usize>,
    /// Steps that wait for their next attempt.
    pub(crate) waiting: OrdSet<usize>,
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

    /// Who performs a call: by the cast for steps, by the plan for undo.
    pub(crate) fn performer(&self, work: Work) -> &Performer {
        match (work, &self.origin) {
            (Work::Step(step), Some(origin)) => &origin.cast[step],
            (Work::Step(step), None) => {
                let op_plan::plan::Action::Call(call) = &self.plan.step(step).action;
                call.part.default_performer()
            }
            (Work::Undo { phase, place }, _) => {
                self.plan.phases()[phase].undo[place].call.part.default_performer()
            }
        }
    }
}
