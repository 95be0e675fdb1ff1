//! What a run knows of its phases, its steps and its own limits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use imbl::Vector;
use op_plan::cast::Cast;
use op_plan::input::Inputs;
use serde_json::{Map, Value};

use super::state::{PhaseState, StepState};
use super::trial::Trial;
use crate::event::{SkipCause, Waiting};
use crate::key::Work;
use crate::time::Timestamp;

/// A step of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StepRun {
    /// Its state.
    pub state: StepState,
    /// Which visit of it this is, counted from 1; 0 before the first.
    pub visit: u32,
    /// Its call.
    pub trial: Trial,
    /// What it waits for or came through.
    pub gate: Option<Arc<GateRun>>,
    /// Its items, once they are known.
    pub fan: Option<FanRun>,
    /// Its output, that of an earlier visit until there is a new one.
    pub output: Option<Value>,
    /// What it stored beside its output.
    pub stored: Map<String, Value>,
    /// Why it does not run.
    pub skipped: Option<SkipCause>,
    /// Calls of earlier visits that are undone together with this one.
    pub(crate) former: Vector<Former>,
    /// When its first attempt began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    pub(crate) waits: usize,
}

/// A call of an earlier visit, with its attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Former {
    /// The item of the list of its step.
    pub(crate) item: Option<usize>,
    /// Which visit of its step.
    pub(crate) visit: u32,
    /// Attempts begun.
    pub(crate) attempts: u32,
}

impl StepRun {
    /// The step as it is before another visit: what it returned stays readable.
    pub(crate) fn afresh(&self, visit: u32, waits: usize) -> Self {
        Self { visit, waits, output: self.output.clone(), stored: self.stored.clone(), ..Self::default() }
    }

    /// Every call that was made in visits that are undone together, the oldest first.
    pub(crate) fn calls(&self) -> impl Iterator<Item = Former> {
        self.former.iter().copied().chain(self.own_calls())
    }

    /// The calls of this visit, and those of items that are kept.
    pub(crate) fn own_calls(&self) -> impl Iterator<Item = Former> {
        let whole = self.fan.is_none().then_some((None, &self.trial));
        let items = self.fan.iter().flat_map(|fan| fan.trials.iter().enumerate());
        let own = whole.into_iter().chain(items.map(|(item, trial)| (Some(item), &**trial)));
        let own = own.map(|(item, trial)| Former { item, visit: trial.visit, attempts: trial.attempts });
        own.filter(|call| call.attempts > 0)
    }
}

/// The gate of a step.
#[derive(Debug, Clone, PartialEq)]
pub struct GateRun {
    /// What it waits for.
    pub waits_for: Waiting,
    /// When it began to wait.
    pub since: Timestamp,
    /// When the wait ends by itself.
    pub deadline: Option<Timestamp>,
    /// What came through; none while it waits.
    pub answer: Option<Value>,
}

impl GateRun {
    /// Whether the step waits at it.
    pub fn is_shut(&self) -> bool {
        self.answer.is_none()
    }
}

/// The items of a step that goes over a list. What an earlier visit did of it may be kept; then the items that are left begin in
/// their order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FanRun {
    /// The list.
    pub items: Arc<Vec<Value>>,
    /// The call of each item, up to the last one that began; without an attempt where it is still to begin.
    pub trials: Vector<Arc<Trial>>,
    /// The output of each item that is done, as far as there are calls.
    pub outputs: Vector<Option<Arc<Value>>>,
    /// The item that begins next; as many as there are when all began.
    pub(crate) next: usize,
    /// Items that run or wait for their next attempt.
    pub(crate) busy: usize,
    /// Items that succeeded.
    pub(crate) done: usize,
    /// The first item that failed for good.
    pub(crate) failed: Option<usize>,
}

impl FanRun {
    /// Whether an item is left to start.
    pub(crate) fn has_more(&self) -> bool {
        self.failed.is_none() && self.next < self.items.len()
    }

    /// Whether the item did what was asked.
    pub(crate) fn is_done(&self, item: usize) -> bool {
        self.outputs.get(item).is_some_and(Option::is_some)
    }

    /// There is room for what becomes true of an item before its call begins.
    pub(crate) fn prepare(&mut self, item: usize) {
        if item == self.trials.len() {
            self.trials.push_back(Arc::default());
            self.outputs.push_back(None);
        }
    }

    /// An item begins: the next one is the first after it that is not done.
    pub(crate) fn enter(&mut self, item: usize) {
        self.prepare(item);
        self.next = self.next.max(item + 1);
        while self.is_done(self.next) {
            self.next += 1;
        }
    }

    /// The list as it is before another visit that keeps what was done of it.
    pub(crate) fn rest(&self) -> Self {
        let kept = |(item, trial): (usize, &Arc<Trial>)| {
            if self.is_done(item) { Arc::clone(trial) } else { Arc::default() }
        };
        let trials = self.trials.iter().enumerate().map(kept).collect();
        let (outputs, items) = (self.outputs.clone(), Arc::clone(&self.items));
        let next = self.outputs.iter().position(Option::is_none).unwrap_or(self.outputs.len());
        Self { items, trials, outputs, next, done: self.done, ..Self::default() }
    }
}

/// A phase of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PhaseRun {
    /// Its state.
    pub state: PhaseState,
    /// Which visit of it this is, counted from 1; 0 before the first.
    pub visit: u32,
    /// Why it failed or was skipped.
    pub reason: String,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// When it must have ended.
    pub deadline: Option<Timestamp>,
    /// How often a machine came to it since the run was started or retried.
    pub(crate) entries: u32,
    /// The visit with which it began; those after it are repeats.
    pub(crate) first: u32,
    /// Whether its time limit passed.
    pub(crate) timed_out: bool,
    /// The visit that it goes on from, of which something is kept.
    pub(crate) goes_on: Option<u32>,
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

impl PhaseRun {
    /// Whether its steps may start: none failed for good and its time limit has not passed.
    pub(crate) fn is_trying(&self) -> bool {
        self.state == PhaseState::Running && self.failed.is_none() && !self.timed_out
    }
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
    /// It went round more often than allowed.
    Exhausted(String),
}

/// That a run is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pause {
    /// Since when.
    pub(crate) at: Timestamp,
    /// Why; empty when nothing was said.
    pub(crate) reason: String,
    /// Who holds it; empty when it waits for its place.
    pub(crate) user: String,
}

/// A visit of a phase that began and ended, with its steps as they were then: what undoes it refers to them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ended {
    /// Grows from one to the next.
    pub(crate) order: u64,
    pub(crate) phase: usize,
    pub(crate) visit: u32,
    pub(crate) steps: Vector<Arc<StepRun>>,
}

/// How far the undoing of phases is.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Undoing {
    /// Visits still to undo; the first is being undone.
    pub(crate) visits: Vector<Arc<Ended>>,
    /// The entry of its undo list that comes next or is in flight.
    pub(crate) place: usize,
    /// Its call.
    pub(crate) trial: Trial,
    /// Whether its call is with the performer.
    pub(crate) active: bool,
    /// Why an undo failed for good.
    pub(crate) failed: Option<String>,
    /// Whether a person accepted that some of the first visit could not be undone.
    pub(crate) is_accepted: bool,
}

/// A limit that acts when its instant has come. At the same instant the wider limit acts first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// The limit of the whole run.
    Run,
    /// The limit of a phase.
    Phase(usize),
    /// The end of a wait.
    Gate(usize),
    /// The limit of an attempt.
    Attempt(Work),
}

/// What a run was started with.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// Who plays each step, by position.
    pub cast: Cast,
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
    /// How long it may take.
    pub limit: Option<Duration>,
    /// Runs with this key count together.
    pub concurrency: Option<String>,
}
