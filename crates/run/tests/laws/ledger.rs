//! An independent reading of the facts of a run: naive, slow, and sharing nothing with the code under test.

use std::sync::Arc;

use op_plan::{Phase, Plan, Rollback};
use op_run::event::{SkipCause, StopCause};
use op_run::{Event, Evidence, Fact, Failure, Timestamp, Work};
use serde_json::Value;

/// A call with its performer.
#[derive(Debug, Clone)]
pub(crate) struct Flight {
    pub(crate) attempt: u32,
    pub(crate) began: Timestamp,
    pub(crate) deadline: Option<Timestamp>,
    pub(crate) arguments: Value,
    pub(crate) stopping: Option<StopCause>,
}

/// What became of a step or of an undo.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum End {
    #[default]
    Open,
    Succeeded,
    Failed,
    Skipped,
}

/// The calls of a step or of an undo.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log {
    pub(crate) attempts: u32,
    pub(crate) flight: Option<Flight>,
    pub(crate) due: Option<Timestamp>,
    pub(crate) last: Option<(Failure, Evidence)>,
    pub(crate) end: End,
}

impl Log {
    fn start(&mut self, at: Timestamp, attempt: u32, arguments: &Value, deadline: Option<Timestamp>) {
        self.attempts = attempt;
        self.due = None;
        let arguments = arguments.clone();
        self.flight = Some(Flight { attempt, began: at, deadline, arguments, stopping: None });
    }

    fn stop(&mut self, cause: StopCause) {
        if let Some(flight) = &mut self.flight {
            flight.stopping = Some(cause);
        }
    }

    fn retry(&mut self, failure: &Failure, evidence: &Evidence, due: Timestamp) {
        self.flight = None;
        self.last = Some((failure.clone(), evidence.clone()));
        self.due = Some(due);
    }

    fn close(&mut self, end: End) {
        self.flight = None;
        self.due = None;
        self.end = end;
    }
}

/// What became of a phase.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum PhaseEnd {
    #[default]
    Pending,
    Running,
    Succeeded,
    Failed,
    Tolerated,
    Unwanted,
    Blocked,
}

impl PhaseEnd {
    /// Whether what depends on the phase may start.
    pub(crate) fn lets_go_on(self) -> bool {
        matches!(self, Self::Succeeded | Self::Tolerated | Self::Unwanted)
    }
}

/// A phase.
#[derive(Debug, Clone, Default)]
pub(crate) struct PhaseLog {
    pub(crate) end: PhaseEnd,
    pub(crate) deadline: Option<Timestamp>,
    pub(crate) timed_out: bool,
}

/// Why nothing starts any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Halted {
    Cancelled { rollback: bool },
    TimedOut,
}

/// How the run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunEnd {
    Completed,
    Failed,
    Cancelled,
    RolledBack,
    Stuck,
}

/// All of it.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    pub(crate) plan: Arc<Plan>,
    pub(crate) deadline: Option<Timestamp>,
    pub(crate) steps: Vec<Log>,
    pub(crate) phases: Vec<PhaseLog>,
    /// Phases that began and ended, in the order of their end.
    pub(crate) ended: Vec<usize>,
    pub(crate) halted: Option<Halted>,
    /// Phases to undo, in the order of their undoing; absent before that begins.
    pub(crate) rollback: Option<Vec<usize>>,
    pub(crate) undo: Vec<Vec<Log>>,
    pub(crate) undone: Vec<usize>,
    pub(crate) end: Option<RunEnd>,
}

impl Ledger {
    pub(crate) fn new(plan: &Arc<Plan>) -> Self {
        Self {
            plan: Arc::clone(plan),
            deadline: None,
            steps: vec![Log::default(); plan.step_count()],
            phases: vec![PhaseLog::default(); plan.phases().len()],
            ended: Vec::new(),
            halted: None,
            rollback: None,
            undo: plan.phases().iter().map(|phase| vec![Log::default(); phase.undo.len()]).collect(),
            undone: Vec::new(),
            end: None,
        }
    }

    pub(crate) fn step_at(&self, id: &str) -> usize {
        self.plan.find_step(id).expect("facts name steps of the plan")
    }

    pub(crate) fn phase_at(&self, id: &str) -> usize {
        self.plan.find_phase(id).expect("facts name phases of the plan")
    }

    pub(crate) fn log(&self, work: Work) -> &Log {
        match work {
            Work::Step(step) | Work::Item { step, .. } => &self.steps[step],
            Work::Undo { phase, place } => &self.undo[phase][place],
        }
    }

    /// Every call that is with its performer.
    pub(crate) fn flights(&self) -> Vec<(Work, &Flight)> {
        let steps = self.steps.iter().enumerate().map(|(step, log)| (Work::Step(step), log));
        let undo = self.undo.iter().enumerate().flat_map(|(phase, logs)| {
            logs.iter().enumerate().map(move |(place, log)| (Work::Undo { phase, place }, log))
        });
        steps.chain(undo).filter_map(|(work, log)| Some((work, log.flight.as_ref()?))).collect()
    }

    pub(crate) fn steps_in_flight(&self) -> usize {
        self.steps.iter().filter(|log| log.flight.is_some()).count()
    }

    /// Whether a failure is known for which the whole run is undone, so that nothing new starts.
    pub(crate) fn undoes_all(&self) -> bool {
        let plan = &self.plan;
        let has_failed = |phase| plan.steps_of(phase).any(|step| self.steps[step].end == End::Failed);
        let fails = |(at, phase): (usize, &Phase)| {
            self.phases[at].end == PhaseEnd::Failed || (has_failed(at) && !phase.continue_on_failure)
        };
        plan.draft().rollback == Rollback::Run && plan.phases().iter().enumerate().any(fails)
    }

    /// Whether a step of the phase failed for good, or its time limit passed.
    pub(crate) fn gave_up(&self, phase: usize) -> bool {
        let failed = self.plan.steps_of(phase).any(|step| self.steps[step].end == End::Failed);
        failed || self.phases[phase].timed_out
    }

    /// The call that a fact is about.
    pub(crate) fn work_of(&self, fact: &Fact) -> Option<Work> {
        match fact {
            Fact::StepStarted { step, .. }
            | Fact::StepStopping { step, .. }
            | Fact::StepSucceeded { step, .. }
            | Fact::RetryScheduled { step, .. }
            | Fact::StepFailed { step, .. } => Some(Work::Step(self.step_at(step))),
            Fact::UndoStarted { phase, place, .. }
            | Fact::UndoStopping { phase, place }
            | Fact::UndoSucceeded { phase, place, .. }
            | Fact::UndoSkipped { phase, place, .. }
            | Fact::UndoRetryScheduled { phase, place, .. }
            | Fact::UndoFailed { phase, place, .. } => {
                Some(Work::Undo { phase: self.phase_at(phase), place: *place })
            }
            _ => None,
        }
    }

    /// Takes a fact in.
    pub(crate) fn take(&mut self, event: &Event) {
        if let Some(work) = self.work_of(&event.fact) {
            let log = match work {
                Work::Step(step) | Work::Item { step, .. } => &mut self.steps[step],
                Work::Undo { phase, place } => &mut self.undo[phase][place],
            };
            take_call(log, event);
        } else {
            self.take_rest(event);
        }
    }

    fn take_rest(&mut self, event: &Event) {
        match &event.fact {
            Fact::RunStarted { deadline, .. } => self.deadline = *deadline,
            Fact::PhaseStarted { phase, deadline } => {
                let phase = self.phase_at(phase);
                self.phases[phase].end = PhaseEnd::Running;
                self.phases[phase].deadline = *deadline;
            }
            Fact::PhaseTimedOut { phase } => {
                let phase = self.phase_at(phase);
                self.phases[phase].timed_out = true;
            }
            Fact::PhaseSucceeded { phase } => self.end_phase(phase, PhaseEnd::Succeeded),
            Fact::PhaseFailed { phase, .. } => self.end_phase(phase, PhaseEnd::Failed),
            Fact::PhaseTolerated { phase, .. } => self.end_phase(phase, PhaseEnd::Tolerated),
            Fact::PhaseSkipped { phase, cause } => {
                let phase = self.phase_at(phase);
                self.phases[phase].end =
                    if *cause == SkipCause::Condition { PhaseEnd::Unwanted } else { PhaseEnd::Blocked };
            }
            Fact::CancelRequested { rollback, .. } => {
                self.halted = Some(Halted::Cancelled { rollback: *rollback });
            }
            Fact::RunTimedOut => self.halted = Some(Halted::TimedOut),
            Fact::RollbackStarted { phases, .. } => {
                self.rollback = Some(phases.iter().map(|phase| self.phase_at(phase)).collect());
            }
            Fact::PhaseUndone { phase } => self.undone.push(self.phase_at(phase)),
            Fact::RunCompleted { .. } => self.end = Some(RunEnd::Completed),
            Fact::RunFailed { .. } => self.end = Some(RunEnd::Failed),
            Fact::RunCancelled { .. } => self.end = Some(RunEnd::Cancelled),
            Fact::RunRolledBack { .. } => self.end = Some(RunEnd::RolledBack),
            Fact::RunStuck { .. } => self.end = Some(RunEnd::Stuck),
            _ => unreachable!("facts about calls are taken before"),
        }
    }

    fn end_phase(&mut self, phase: &str, end: PhaseEnd) {
        let phase = self.phase_at(phase);
        self.phases[phase].end = end;
        self.ended.push(phase);
    }
}

fn take_call(log: &mut Log, event: &Event) {
    match &event.fact {
        Fact::StepStarted { attempt, arguments, deadline, .. }
        | Fact::UndoStarted { attempt, arguments, deadline, .. } => {
            log.start(event.at, *attempt, arguments, *deadline);
        }
        Fact::StepStopping { cause, .. } => log.stop(*cause),
        Fact::UndoStopping { .. } => log.stop(StopCause::TimedOut),
        Fact::StepSucceeded { .. } | Fact::UndoSucceeded { .. } => log.close(End::Succeeded),
        Fact::StepFailed { .. } | Fact::UndoFailed { .. } => log.close(End::Failed),
        Fact::UndoSkipped { .. } => log.close(End::Skipped),
        Fact::RetryScheduled { failure, evidence, due, .. }
        | Fact::UndoRetryScheduled { failure, evidence, due, .. } => log.retry(failure, evidence, *due),
        _ => unreachable!("only facts about calls have work"),
    }
}
