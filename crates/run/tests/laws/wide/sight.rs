//! A naive reading of the facts of a run in which people steer, sharing nothing with the code under test.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use op_plan::Plan;
use op_run::event::{Destination, Retried, SkipCause, Waiting};
use op_run::{Event, Fact, Work};
use serde_json::Value;

/// A call with its performer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Flight {
    pub(crate) attempt: u32,
    pub(crate) visit: u32,
    pub(crate) arguments: Value,
    pub(crate) is_stopping: bool,
}

/// What became of a step in its visit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum End {
    #[default]
    Open,
    Succeeded,
    Failed,
    Vacant,
    Skipped,
}

/// A step in its visit.
#[derive(Debug, Clone, Default)]
pub(crate) struct StepSight {
    pub(crate) visit: u32,
    pub(crate) end: End,
    pub(crate) waits_for: Option<Waiting>,
    pub(crate) passed: Option<Value>,
    pub(crate) items: Option<Vec<Value>>,
    pub(crate) outputs: BTreeMap<usize, Value>,
    pub(crate) has_failed_item: bool,
    /// Attempts begun, by item.
    pub(crate) attempts: BTreeMap<Option<usize>, u32>,
    /// Those whose next attempt comes.
    pub(crate) waiting: BTreeSet<Option<usize>>,
}

/// A phase in its visit.
#[derive(Debug, Clone, Default)]
pub(crate) struct PhaseSight {
    pub(crate) visit: u32,
    pub(crate) first: u32,
    /// The visit of which something is kept.
    pub(crate) goes_on: Option<u32>,
    pub(crate) entries: u32,
    pub(crate) is_running: bool,
    pub(crate) has_timed_out: bool,
    /// How it ended, as the fact says.
    pub(crate) end: Option<&'static str>,
}

/// All of it.
#[derive(Debug, Clone)]
pub(crate) struct Sight {
    pub(crate) plan: Arc<Plan>,
    pub(crate) is_queued: bool,
    pub(crate) is_paused: bool,
    pub(crate) halt: Option<&'static str>,
    pub(crate) is_over: bool,
    pub(crate) flights: BTreeMap<Work, Flight>,
    pub(crate) steps: Vec<StepSight>,
    pub(crate) phases: Vec<PhaseSight>,
    /// Visits that ended and are not undone, in that order.
    pub(crate) ended: Vec<(usize, u32)>,
    /// Visits to undo.
    pub(crate) undoing: Option<Vec<(usize, u32)>>,
    /// Entries of the visit in front that are done.
    pub(crate) places: BTreeSet<usize>,
    pub(crate) undone: BTreeSet<(usize, u32)>,
    pub(crate) undo_attempts: u32,
    pub(crate) is_stuck: bool,
    /// The end that a machine reached.
    pub(crate) reached: Option<bool>,
    pub(crate) moves: u32,
}

impl Sight {
    pub(crate) fn new(plan: &Arc<Plan>) -> Self {
        Self {
            plan: Arc::clone(plan),
            is_queued: false,
            is_paused: false,
            halt: None,
            is_over: false,
            flights: BTreeMap::new(),
            steps: vec![StepSight { visit: 1, ..StepSight::default() }; plan.step_count()],
            phases: vec![PhaseSight { visit: 1, ..PhaseSight::default() }; plan.phases().len()],
            ended: Vec::new(),
            undoing: None,
            places: BTreeSet::new(),
            undone: BTreeSet::new(),
            undo_attempts: 0,
            is_stuck: false,
            reached: None,
            moves: 0,
        }
    }

    pub(crate) fn step_at(&self, id: &str) -> usize {
        self.plan.find_step(id).expect("facts name steps of the plan")
    }

    pub(crate) fn phase_at(&self, id: &str) -> usize {
        self.plan.find_phase(id).expect("facts name phases of the plan")
    }

    /// Whether a step did what was asked, as far as its phase cares.
    pub(crate) fn is_well(&self, step: usize) -> bool {
        match self.steps[step].end {
            End::Succeeded | End::Vacant => true,
            End::Failed => self.plan.step(step).optional,
            End::Open | End::Skipped => false,
        }
    }

    pub(crate) fn calls(&self) -> usize {
        self.flights.keys().filter(|work| work.step().is_some()).count()
    }

    pub(crate) fn gates(&self) -> Vec<usize> {
        let is_shut =
            |step: &usize| self.steps[*step].waits_for.is_some() && self.steps[*step].passed.is_none();
        (0..self.steps.len()).filter(is_shut).filter(|step| self.steps[*step].end == End::Open).collect()
    }

    fn again(&mut self, step: usize, visit: u32) {
        self.steps[step] = StepSight { visit, ..StepSight::default() };
    }

    /// What was done of the list stays.
    fn list_again(&mut self, step: usize, visit: u32) {
        let outputs = std::mem::take(&mut self.steps[step].outputs);
        let items = self.steps[step].items.take();
        self.steps[step] = StepSight { visit, items, outputs, ..StepSight::default() };
    }

    fn phase_again(&mut self, phase: usize, visit: u32) {
        for step in self.plan.clone().steps_of(phase) {
            self.again(step, visit);
        }
        self.phases[phase].visit = visit;
    }

    fn end_step(&mut self, step: &str, end: End) {
        let step = self.step_at(step);
        self.flights.remove(&Work::Step(step));
        self.steps[step].end = end;
        self.steps[step].waiting.clear();
    }

    fn end_phase(&mut self, phase: &str, end: &'static str) {
        let phase = self.phase_at(phase);
        for step in self.plan.clone().steps_of(phase) {
            if self.steps[step].end == End::Open {
                self.steps[step].end = End::Skipped;
            }
        }
        if end == "skipped" {
            self.phases[phase].entries += 1;
        } else {
            self.ended.push((phase, self.phases[phase].visit));
        }
        self.phases[phase].is_running = false;
        self.phases[phase].end = Some(end);
    }

    fn end(&mut self) {
        self.is_over = true;
        self.is_paused = false;
        self.undoing = None;
    }

    /// Takes a fact in.
    pub(crate) fn take(&mut self, event: &Event) {
        match &event.fact {
            Fact::RunStarted { queued, .. } => self.is_queued = *queued,
            Fact::RunAdmitted => self.is_queued = false,
            Fact::RunPaused { .. } => self.is_paused = true,
            Fact::RunResumed { .. } => self.is_paused = false,
            Fact::RunExhausted { .. } => self.halt("exhausted"),
            Fact::CancelRequested { .. } => self.halt("cancelled"),
            Fact::RunTimedOut => self.halt("timed out"),
            Fact::Moved { to, .. } => self.moved(to),
            Fact::RunRetried(retried) => self.retried(retried),
            Fact::PhaseStarted { .. }
            | Fact::PhaseTimedOut { .. }
            | Fact::PhaseRepeated { .. }
            | Fact::PhaseSucceeded { .. }
            | Fact::PhaseFailed { .. }
            | Fact::PhaseTolerated { .. }
            | Fact::PhaseSkipped { .. } => self.take_phase(&event.fact),
            Fact::RunCompleted { .. }
            | Fact::RunFailed { .. }
            | Fact::RunCancelled { .. }
            | Fact::RunRolledBack { .. } => self.end(),
            Fact::RunStuck { .. } => (self.is_stuck, self.is_over) = (true, true),
            fact if fact.step().is_some() => self.take_step(fact),
            fact => self.take_undo(fact),
        }
    }

    fn halt(&mut self, why: &'static str) {
        (self.halt, self.is_paused, self.is_queued) = (Some(why), false, false);
    }

    fn moved(&mut self, to: &Destination) {
        match to {
            Destination::End(end) => self.reached = Some(end.is_success),
            Destination::Phase { phase, visit } => {
                let phase = self.phase_at(phase);
                self.moves += 1;
                self.phase_again(phase, *visit);
                self.phases[phase].end = None;
            }
        }
    }

    fn retried(&mut self, Retried { phases, steps, lists, queued, .. }: &Retried) {
        (self.is_over, self.halt, self.reached, self.moves) = (false, None, None, 0);
        self.is_queued = *queued;
        self.phases.iter_mut().for_each(|phase| phase.entries = 0);
        for phase in phases {
            let at = self.phase_at(phase);
            let visit = match self.phases[at].end {
                None => self.phases[at].visit,
                Some(_) => self.phases[at].visit + 1,
            };
            let is_new = |id: &String| steps.contains(id) && !lists.contains(id);
            let is_whole = self.plan.steps_of(at).all(|step| is_new(&self.plan.step(step).id));
            let last = match self.phases[at].end {
                None | Some("skipped" | "blocked") => self.phases[at].goes_on,
                Some(_) => Some(self.phases[at].visit),
            };
            for step in self.plan.clone().steps_of(at) {
                let id = &self.plan.step(step).id;
                if lists.contains(id) {
                    self.list_again(step, visit);
                } else if steps.contains(id) {
                    self.again(step, visit);
                }
            }
            let goes_on = last.filter(|_| !is_whole);
            self.phases[at] = PhaseSight { visit, goes_on, ..PhaseSight::default() };
        }
    }

    fn take_phase(&mut self, fact: &Fact) {
        let id = fact.phase().expect("it is about a phase");
        let at = self.phase_at(id);
        match fact {
            Fact::PhaseStarted { .. } => {
                let kept = self.phases[at].goes_on.map(|visit| (at, visit));
                self.ended.retain(|ended| Some(*ended) != kept);
                let phase = &mut self.phases[at];
                (phase.is_running, phase.has_timed_out, phase.first) = (true, false, phase.visit);
                phase.entries += 1;
            }
            Fact::PhaseTimedOut { .. } => self.phases[at].has_timed_out = true,
            Fact::PhaseRepeated { visit, .. } => {
                self.ended.push((at, self.phases[at].visit));
                self.phase_again(at, *visit);
            }
            Fact::PhaseSkipped { cause: SkipCause::Condition, .. } => self.end_phase(id, "skipped"),
            Fact::PhaseSkipped { .. } => {
                self.end_phase(id, "skipped");
                self.phases[at].end = Some("blocked");
            }
            Fact::PhaseSucceeded { .. } => self.end_phase(id, "succeeded"),
            Fact::PhaseFailed { .. } => self.end_phase(id, "failed"),
            _ => self.end_phase(id, "tolerated"),
        }
    }

    fn take_step(&mut self, fact: &Fact) {
        let id = fact.step().expect("it is about a step").to_owned();
        let at = self.step_at(&id);
        let work = |item: &Option<usize>| item.map_or(Work::Step(at), |item| Work::Item { step: at, item });
        match fact {
            Fact::StepWaiting { waits_for, .. } => self.steps[at].waits_for = Some(waits_for.clone()),
            Fact::StepPassed { answer, .. } => self.steps[at].passed = Some(answer.clone()),
            Fact::StepFanned { items, .. } => self.steps[at].items = Some(items.clone()),
            Fact::StepStarted { item, attempt, arguments, .. } => {
                let visit = self.steps[at].visit;
                let (attempt, arguments) = (*attempt, arguments.clone());
                self.flights.insert(work(item), Flight { attempt, visit, arguments, is_stopping: false });
                self.steps[at].attempts.insert(*item, attempt);
                self.steps[at].waiting.remove(item);
            }
            Fact::StepStopping { item, .. } => {
                self.flights.entry(work(item)).and_modify(|flight| flight.is_stopping = true);
            }
            Fact::RetryScheduled { item, .. } => {
                self.flights.remove(&work(item));
                self.steps[at].waiting.insert(*item);
            }
            Fact::ItemSucceeded { item, output, .. } => {
                self.flights.remove(&work(&Some(*item)));
                self.steps[at].outputs.insert(*item, output.clone());
            }
            Fact::ItemFailed { item, .. } => {
                self.flights.remove(&work(&Some(*item)));
                self.steps[at].waiting.remove(&Some(*item));
                self.steps[at].has_failed_item = true;
            }
            Fact::StepFellBack { item: Some(item), .. } => {
                self.flights.remove(&work(&Some(*item)));
                self.steps[at].waiting.insert(Some(*item));
            }
            Fact::StepFellBack { .. } => {
                self.flights.remove(&Work::Step(at));
                if matches!(self.steps[at].waits_for, Some(Waiting::Approval { .. })) {
                    (self.steps[at].waits_for, self.steps[at].passed) = (None, None);
                }
            }
            Fact::StepSucceeded { .. } => self.end_step(&id, End::Succeeded),
            Fact::StepFailed { .. } => self.end_step(&id, End::Failed),
            Fact::StepSkipped { cause: SkipCause::Vacant, .. } => self.end_step(&id, End::Vacant),
            Fact::StepSkipped { .. } => self.end_step(&id, End::Skipped),
            _ => {}
        }
    }

    fn take_undo(&mut self, fact: &Fact) {
        let front = self.undoing.as_ref().and_then(|visits| visits.first().copied());
        match fact {
            Fact::RollbackStarted { phases, visits } => {
                self.undoing = Some(self.visits(phases, visits));
                self.places.clear();
                (self.is_over, self.is_paused, self.undo_attempts) = (false, false, 0);
            }
            Fact::UndoStarted { phase, place, attempt, arguments, .. } => {
                let work = Work::Undo { phase: self.phase_at(phase), place: *place };
                let visit = front.map_or(0, |(_, visit)| visit);
                let (attempt, arguments) = (*attempt, arguments.clone());
                self.flights.insert(work, Flight { attempt, visit, arguments, is_stopping: false });
                self.undo_attempts = attempt;
            }
            Fact::UndoStopping { phase, place } => {
                let work = Work::Undo { phase: self.phase_at(phase), place: *place };
                self.flights.entry(work).and_modify(|flight| flight.is_stopping = true);
            }
            Fact::UndoSucceeded { phase, place, .. } | Fact::UndoSkipped { phase, place, .. } => {
                self.flights.remove(&Work::Undo { phase: self.phase_at(phase), place: *place });
                self.places.insert(*place);
                self.undo_attempts = 0;
            }
            Fact::UndoRetryScheduled { phase, place, .. } | Fact::UndoFailed { phase, place, .. } => {
                self.flights.remove(&Work::Undo { phase: self.phase_at(phase), place: *place });
            }
            Fact::StuckResolved { accepted, .. } => {
                (self.is_stuck, self.is_over) = (false, false);
                if *accepted {
                    let next = self.places.last().map_or(0, |place| place + 1);
                    self.places.insert(next);
                    self.undo_attempts = 0;
                }
            }
            Fact::PhaseUndone { .. } => {
                if let Some(front) = front {
                    self.undone.insert(front);
                    self.ended.retain(|ended| *ended != front);
                }
                self.undoing.as_mut().expect("something is undone").remove(0);
                self.places.clear();
                self.undo_attempts = 0;
            }
            _ => {}
        }
    }

    /// The visits that a rollback names.
    pub(crate) fn visits(&self, phases: &[String], visits: &[u32]) -> Vec<(usize, u32)> {
        let visit = |(at, phase): (usize, &String)| {
            let phase = self.phase_at(phase);
            (phase, visits.get(at).copied().unwrap_or(self.phases[phase].visit))
        };
        phases.iter().enumerate().map(visit).collect()
    }
}
