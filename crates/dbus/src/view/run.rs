//! What a run shows.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use op_engine::ports::RunRecord;
use op_plan::Plan;
use op_plan::plan::Flow;
use op_run::run::{PhaseState, State, StepState};
use op_run::{Run, RunId, Timestamp};

use super::{Properties, lock, micros_or_none};
use crate::fault::ending;

/// Steps of progress that are worth telling.
const GRAIN: f64 = 100.0;

/// A run as it stands on the bus.
#[derive(Debug)]
pub(crate) struct RunView {
    /// Its id.
    pub(crate) id: RunId,
    /// Its plan.
    pub(crate) plan: Arc<Plan>,
    /// Who started it, in the words of the journal.
    pub(crate) user: String,
    /// Free labels.
    pub(crate) labels: BTreeMap<String, String>,
    /// When it was started.
    pub(crate) started: Timestamp,
    facts: Mutex<Facts>,
}

/// What changes of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Facts {
    /// Its state.
    pub(crate) state: State,
    /// Why it is in its state; may be empty.
    pub(crate) reason: String,
    /// Its phases, in the order of its plan.
    pub(crate) phases: Vec<Phase>,
    /// Between 0 and 1; never falls until the run is retried.
    pub(crate) progress: f64,
    /// When it may end if it goes on as it did.
    pub(crate) expected: Option<Timestamp>,
    /// When it ended.
    pub(crate) ended: Option<Timestamp>,
    /// Sequence of its last event.
    pub(crate) sequence: u64,
}

/// A phase of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Phase {
    /// Its state.
    pub(crate) state: PhaseState,
    /// Which visit of it this is.
    pub(crate) visit: u32,
    /// The part of its steps that are settled.
    pub(crate) progress: f64,
    /// When it began.
    pub(crate) started: Option<Timestamp>,
    /// When it ended.
    pub(crate) ended: Option<Timestamp>,
}

impl RunView {
    /// The view of a run that was started.
    pub(crate) fn new(run: &Run) -> Self {
        let record = RunRecord::of(run);
        Self {
            id: record.id,
            plan: Arc::clone(run.plan()),
            user: record.user,
            labels: record.labels,
            started: record.started_at,
            facts: Mutex::new(Facts::of(run, 0.0)),
        }
    }

    /// Takes a run in as it is now.
    pub(crate) fn take(&self, run: &Run) {
        let mut facts = lock(&self.facts);
        // A run that goes on after its end begins to count anew.
        let least = if facts.state.is_over() && !run.state().is_over() { 0.0 } else { facts.progress };
        *facts = Facts::of(run, least);
    }

    /// What changes of it, as it is now.
    pub(crate) fn facts(&self) -> Facts {
        lock(&self.facts).clone()
    }

    /// The user's number; the highest there is for somebody without one.
    pub(crate) fn uid(&self) -> u32 {
        self.user.strip_prefix("uid:").and_then(|user| user.parse().ok()).unwrap_or(u32::MAX)
    }

    /// Whether its progress can be told: a machine may go round as often as it likes.
    pub(crate) fn has_progress(&self) -> bool {
        matches!(self.plan.draft().flow, Flow::Graph)
    }

    /// Phases that run, by id.
    pub(crate) fn current(&self, facts: &Facts) -> Vec<String> {
        let is_current = |phase: &Phase| matches!(phase.state, PhaseState::Running | PhaseState::Undoing);
        let phases = self.plan.phases().iter().zip(&facts.phases);
        phases.filter(|(_, phase)| is_current(phase)).map(|(of, _)| of.id.clone()).collect()
    }

    /// What `PropertiesChanged` tells of it, but for its progress.
    pub(crate) fn properties(&self, facts: &Facts) -> Properties {
        Properties::from([
            ("State", facts.state.word().into()),
            ("StateReason", facts.state_reason().into()),
            ("Result", facts.result().into()),
            ("Error", facts.error().into()),
            ("CurrentPhases", self.current(facts).into()),
            ("FinishTimestamp", micros_or_none(facts.ended).into()),
        ])
    }

    /// What `PropertiesChanged` tells of its progress.
    pub(crate) fn progress(&self, facts: &Facts) -> Properties {
        if !self.has_progress() {
            return Properties::new();
        }
        Properties::from([
            ("Progress", facts.progress.into()),
            ("ExpectedEndTimestamp", micros_or_none(facts.expected).into()),
        ])
    }

    /// A phase in one line: id, name, state, progress, start, finish.
    pub(crate) fn phases(&self, facts: &Facts) -> Vec<(String, String, String, f64, u64, u64)> {
        let phases = self.plan.phases().iter().zip(&facts.phases);
        let line = |(of, phase): (&op_plan::Phase, &Phase)| {
            let (started, ended) = (micros_or_none(phase.started), micros_or_none(phase.ended));
            (of.id.clone(), of.name.clone(), phase.state.word().to_owned(), phase.progress, started, ended)
        };
        phases.map(line).collect()
    }
}

impl Facts {
    fn of(run: &Run, least: f64) -> Self {
        let phases: Vec<_> = (0..run.plan().phases().len()).map(|at| Phase::of(run, at)).collect();
        let settled = (0..run.plan().step_count()).filter(|step| is_settled(run.step(*step).state)).count();
        let progress = match run.state() {
            State::Completed => 1.0,
            _ => part(settled, run.plan().step_count()).max(least),
        };
        Self {
            state: run.state(),
            reason: run.reason().to_owned(),
            phases,
            progress,
            expected: expected(run, progress),
            ended: run.ended_at(),
            sequence: run.sequence(),
        }
    }

    /// State and reason, which never belong to different moments.
    pub(crate) fn state_reason(&self) -> (String, String) {
        (self.state.word().to_owned(), self.reason.clone())
    }

    /// How it ended; empty before.
    pub(crate) fn result(&self) -> &'static str {
        if self.state.is_over() { self.state.word() } else { "" }
    }

    /// Name and sentence of the error of a run that ended otherwise than its plan says; empty for any other.
    pub(crate) fn error(&self) -> (String, String) {
        let name = match self.state {
            State::Failed => "RunFailed",
            State::Cancelled => "RunCancelled",
            State::RolledBack => "RunRolledBack",
            State::Stuck => "RunStuck",
            State::Pending
            | State::Running
            | State::Waiting
            | State::Paused
            | State::RollingBack
            | State::Completed => return (String::new(), String::new()),
        };
        (ending(name), self.reason.clone())
    }
}

impl Phase {
    fn of(run: &Run, at: usize) -> Self {
        let (phase, steps) = (run.phase(at), run.plan().steps_of(at));
        let all = steps.len();
        let settled = steps.filter(|step| is_settled(run.step(*step).state)).count();
        Self {
            state: phase.state,
            visit: phase.visit,
            progress: part(settled, all),
            started: phase.started_at,
            ended: phase.ended_at,
        }
    }
}

fn is_settled(state: StepState) -> bool {
    match state {
        StepState::Pending | StepState::Running | StepState::Waiting | StepState::Undoing => false,
        StepState::Succeeded
        | StepState::Failed
        | StepState::Tolerated
        | StepState::Skipped
        | StepState::Undone
        | StepState::UndoFailed => true,
    }
}

/// A part of a whole, in steps that are worth telling.
fn part(some: usize, all: usize) -> f64 {
    let count = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    if all == 0 { 0.0 } else { (count(some) / count(all) * GRAIN).floor() / GRAIN }
}

/// When a run that is under way ends if the rest takes as long as the part that is done.
fn expected(run: &Run, progress: f64) -> Option<Timestamp> {
    let origin = run.origin()?;
    if run.state() != State::Running || progress <= 0.0 || !matches!(run.plan().draft().flow, Flow::Graph) {
        return None;
    }
    let last = (0..run.plan().step_count()).filter_map(|step| run.step(step).ended_at).max()?;
    let taken = last.since(origin.at);
    Some(origin.at.after(taken.div_f64(progress)))
}
