//! The state of a run: a fold over its events, and nothing else.
//!
//! Collections are persistent ([`imbl`]), so that [`decide`](crate::decide()) can evolve a draft of the run at the cost of what it
//! touches, whatever the size of the plan.

mod record;
mod state;
mod tally;
mod trial;

use std::sync::Arc;

use imbl::{HashMap, OrdSet, Vector};
use op_plan::plan::{Action, Flow, Part, Terminal};
use op_plan::{Performer, Plan, Player};
use serde_json::Value;

use crate::key::{RunId, Work};
use crate::time::Timestamp;

pub(crate) use record::{Ended, Former, Pause, Timer, Undoing};
pub use record::{FanRun, GateRun, Halt, Origin, PhaseRun, StepRun};
pub use state::{PhaseState, State, StepState};
pub(crate) use tally::{Owed, Tally};
pub use trial::{ActiveSkill, Trial};

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
    /// Phases that can begin: their dependencies are settled, or the way leads there.
    pub(crate) open: OrdSet<usize>,
    /// Phases that run.
    pub(crate) running: OrdSet<usize>,
    /// Phases that run and of which nothing starts any more.
    pub(crate) closing: OrdSet<usize>,
    /// Steps that can start.
    pub(crate) ready: OrdSet<usize>,
    /// Steps that wait at their gate.
    pub(crate) gated: OrdSet<usize>,
    /// Steps that go over a list and have not ended.
    pub(crate) fanned: OrdSet<usize>,
    /// Calls that are with their performers.
    pub(crate) active: OrdSet<Work>,
    /// Calls that wait for their next attempt, by when it is due.
    pub(crate) waiting: OrdSet<(Timestamp, Work)>,
    pub(crate) timers: OrdSet<(Timestamp, Timer)>,
    /// Visits of phases that began and ended, in that order, and are not undone.
    pub(crate) ended: Vector<Arc<Ended>>,
    /// Phases that failed, in the order of their end.
    pub(crate) failed: Vector<usize>,
    /// Phases that ended or were skipped.
    pub(crate) settled: usize,
    /// Where a machine is.
    pub(crate) position: Position,
    /// Signals that nobody took.
    pub(crate) signals: Vector<(String, Value)>,
    /// What each role or agent returned last.
    pub(crate) voices: HashMap<String, Arc<Value>>,
    /// What was returned last of all.
    pub(crate) said: Option<Arc<Value>>,
    /// For each step, those of its phase that wait for it; as often as they name it.
    pub(crate) followers: Arc<Vec<Vec<usize>>>,
    /// What skills have it count.
    pub(crate) tally: Tally,
    /// Who holds it, or that it waits for its place.
    pub(crate) paused: Option<Arc<Pause>>,
    pub(crate) halt: Option<Halt>,
    pub(crate) undoing: Undoing,
    /// Who asked, after the end, for what was done to be undone.
    pub(crate) rolled_back_by: Option<String>,
    pub(crate) output: Option<Value>,
    pub(crate) reason: String,
    pub(crate) ended_at: Option<Timestamp>,
}

/// Where a machine is.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Position {
    /// Visits of all phases together.
    pub(crate) visits: u32,
    /// The phase that ended and was not left yet.
    pub(crate) at: Option<usize>,
    /// The phase that began last; after an undo, the one that was undone last.
    pub(crate) last: Option<usize>,
    /// The phase that was left last, and whether by a way for success.
    pub(crate) came: Option<(usize, bool)>,
    /// The end that was reached.
    pub(crate) end: Option<Terminal>,
}

impl Run {
    /// A run that nothing happened to yet.
    pub fn new(id: RunId, plan: Arc<Plan>) -> Self {
        let phases = plan.phases().iter().map(|phase| {
            Arc::new(PhaseRun {
                visit: 1,
                waits: phase.depends_on.len(),
                left: phase.steps.len(),
                ..PhaseRun::default()
            })
        });
        let steps = plan.phases().iter().flat_map(|phase| &phase.steps);
        let steps =
            steps.map(|step| Arc::new(StepRun { visit: 1, waits: step.after.len(), ..StepRun::default() }));
        let open: OrdSet<usize> = match plan.draft().flow {
            Flow::Machine { initial, .. } => OrdSet::unit(initial),
            Flow::Graph => {
                let phases = plan.phases().iter().enumerate();
                phases.filter(|(_, phase)| phase.depends_on.is_empty()).map(|(at, _)| at).collect()
            }
        };
        Self {
            phases: phases.collect(),
            steps: steps.collect(),
            open,
            id,
            origin: None,
            state: State::Pending,
            sequence: 0,
            running: OrdSet::new(),
            closing: OrdSet::new(),
            ready: OrdSet::new(),
            gated: OrdSet::new(),
            fanned: OrdSet::new(),
            active: OrdSet::new(),
            waiting: OrdSet::new(),
            timers: OrdSet::new(),
            ended: Vector::new(),
            failed: Vector::new(),
            settled: 0,
            position: Position::default(),
            signals: Vector::new(),
            voices: HashMap::new(),
            said: None,
            tally: Tally::default(),
            paused: None,
            halt: None,
            undoing: Undoing::default(),
            followers: Arc::new(followers(&plan)),
            rolled_back_by: None,
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

    /// Its state. That a run only waits is read off what it waits for.
    pub fn state(&self) -> State {
        let waits = !self.gated.is_empty() || !self.waiting.is_empty();
        let is_idle = self.active.is_empty() && self.ready.is_empty();
        match self.state {
            State::Running if waits && is_idle && self.halt.is_none() => State::Waiting,
            state => state,
        }
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
        self.ended.iter().map(|ended| ended.phase)
    }

    /// Steps that wait at their gate.
    pub fn gated_steps(&self) -> impl Iterator<Item = usize> {
        self.gated.iter().copied()
    }

    /// Calls that wait for their next attempt, by when it is due.
    pub fn due_calls(&self) -> impl Iterator<Item = (Timestamp, Work)> {
        self.waiting.iter().copied()
    }

    /// Since when a person holds it, or it waits for its place.
    pub fn paused_at(&self) -> Option<Timestamp> {
        self.paused.as_ref().map(|pause| pause.at)
    }

    /// The end that a machine reached.
    pub fn reached(&self) -> Option<&Terminal> {
        self.position.end.as_ref()
    }

    /// The call of a step or of an item of it.
    pub fn trial(&self, work: Work) -> Option<&Trial> {
        match work {
            Work::Step(step) => Some(&self.steps.get(step)?.trial),
            Work::Item { step, item } => {
                self.steps.get(step)?.fan.as_ref()?.trials.get(item).map(|trial| &**trial)
            }
            Work::Undo { phase, place } => {
                let is_current = self.undoing.visits.front().is_some_and(|ended| ended.phase == phase);
                (is_current && self.undoing.place == place).then_some(&self.undoing.trial)
            }
        }
    }

    /// Who has a step now; `None` when nobody plays it or it calls nobody.
    pub fn player(&self, step: usize) -> Option<&Player> {
        self.player_of(Work::Step(step))
    }

    /// Who has the call of a step, or of an item of it.
    pub(crate) fn player_of(&self, work: Work) -> Option<&Player> {
        let players = self.origin.as_ref()?.cast.get(work.step()?)?;
        players.get(self.trial(work).map_or(0, |trial| trial.turn))
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
        match &self.paused {
            Some(pause) if self.state == State::Paused => &pause.reason,
            _ => &self.reason,
        }
    }

    /// When it ended.
    pub fn ended_at(&self) -> Option<Timestamp> {
        self.ended_at
    }

    /// Whether one more step may run beside those that do.
    pub(crate) fn has_room(&self) -> bool {
        self.active.len() < self.plan.draft().max_parallel
    }

    /// Who performs a call: by the cast for steps, by the plan for undo and for plans inside plans.
    pub(crate) fn performer(&self, work: Work) -> Performer {
        let part = match work {
            Work::Step(step) | Work::Item { step, .. } => match &self.plan.step(step).action {
                Action::Call(call) => {
                    return self
                        .player_of(work)
                        .map_or_else(|| nobody(&call.part), |player| player.performer.clone());
                }
                Action::Plan { plan, .. } => return Performer::new(PLANS, plan.id()),
                Action::Pass => &Part::Open,
            },
            Work::Undo { phase, place } => match self.plan.phases()[phase].undo.get(place) {
                Some(undo) => &undo.call.part,
                None => return Performer::new(PLANS, UNDO),
            },
        };
        nobody(part)
    }
}

/// For each step, those of its phase that wait for it.
fn followers(plan: &Plan) -> Vec<Vec<usize>> {
    let mut followers = vec![Vec::new(); plan.step_count()];
    for step in 0..plan.step_count() {
        let first = plan.steps_of(plan.phase_of(step)).start;
        plan.step(step).after.iter().for_each(|place| followers[first + place].push(step));
    }
    followers
}

/// What stands for the agent where a step runs another plan.
pub const PLANS: &str = "plan";

/// What stands for the operation where the runs of such plans are undone.
pub const UNDO: &str = "undo";

/// Who performs what nobody is cast for.
fn nobody(part: &Part) -> Performer {
    part.default_performer().cloned().unwrap_or_else(|| Performer::new("", ""))
}
