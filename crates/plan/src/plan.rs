//! The one form that every shape is lowered to.

mod draft;
mod flow;
mod phase;
mod retry;
mod seal;
mod step;
mod trigger;

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use draft::{About, Draft, MAX_PARALLEL, Rollback, Shape};
pub use flow::{Flow, Loop, Target, Terminal, Transition};
pub use phase::Phase;
pub use retry::{FailureKind, Retry};
pub use seal::SealError;
pub use step::{Accept, Action, Approval, Call, Fan, Gate, OnTimeout, Part, Step, Undo};
pub use trigger::{Concurrency, Missed, OnConflict, Schedule};

/// Most phases a plan may have.
pub const MAX_PHASES: usize = 20_000;

/// A valid plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Draft", into = "Draft")]
pub struct Plan {
    draft: Draft,
    steps: Vec<(usize, usize)>,
    first: Vec<usize>,
    by_id: HashMap<String, usize>,
    phase_by_id: HashMap<String, usize>,
    by_name: HashMap<String, usize>,
    variables: HashMap<String, usize>,
    dependents: Vec<Vec<usize>>,
    /// For each step, whether a person approves before it.
    approved: Vec<bool>,
    digest: String,
}

/// SHA-256 of plain data as JSON, in hexadecimal.
pub fn digest(data: &impl Serialize) -> String {
    let text = serde_json::to_vec(data).expect("plain data has a JSON form");
    Sha256::digest(&text).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

impl Plan {
    /// Checks a draft and makes it a plan.
    ///
    /// # Errors
    /// When an id is unusable or stands twice, a dependency points nowhere or closes a cycle, or there is nothing to do.
    pub fn seal(mut draft: Draft) -> Result<Self, SealError> {
        draft.max_parallel = draft.max_parallel.max(1);
        seal::check(&draft)?;
        Ok(Self::index(draft))
    }

    fn index(draft: Draft) -> Self {
        let mut steps = Vec::new();
        let mut first = Vec::new();
        let mut by_id = HashMap::new();
        let mut phase_by_id = HashMap::new();
        let mut by_name = HashMap::new();
        let mut variables = HashMap::new();
        let approved = draft.phases.iter().flat_map(Phase::approved).collect();
        let mut dependents = vec![Vec::new(); draft.phases.len()];
        for (at, phase) in draft.phases.iter().enumerate() {
            first.push(steps.len());
            phase_by_id.insert(phase.id.clone(), at);
            for (place, step) in phase.steps.iter().enumerate() {
                by_id.insert(step.id.clone(), steps.len());
                if phase.steps.len() == 1 {
                    by_name.entry(phase.name.clone()).or_insert(steps.len());
                }
                for variable in step.variables() {
                    variables.insert(variable.to_owned(), steps.len());
                }
                steps.push((at, place));
            }
            for dependency in &phase.depends_on {
                dependents[*dependency].push(at);
            }
        }
        let digest = digest(&draft);
        Self { draft, steps, first, by_id, phase_by_id, by_name, variables, dependents, approved, digest }
    }

    /// Its id, unique over all plans.
    pub fn id(&self) -> &str {
        &self.draft.id
    }

    /// Everything that was written.
    pub fn draft(&self) -> &Draft {
        &self.draft
    }

    /// SHA-256 of the lowered plan, in hexadecimal: two plans that do the same have the same digest.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Its phases, in the order of the file.
    pub fn phases(&self) -> &[Phase] {
        &self.draft.phases
    }

    /// Number of steps in all phases.
    pub fn step_count(&self) -> usize {
        self.steps.len()
    }

    /// The step at a position counted over all phases.
    pub fn step(&self, step: usize) -> &Step {
        let (phase, place) = self.steps[step];
        &self.draft.phases[phase].steps[place]
    }

    /// Whether a person approves before a step begins, at its gate or at one before it in its phase.
    pub fn is_approved(&self, step: usize) -> bool {
        self.approved[step]
    }

    /// The phase that a step belongs to.
    pub fn phase_of(&self, step: usize) -> usize {
        self.steps[step].0
    }

    /// Positions of the steps of a phase, counted over all phases.
    pub fn steps_of(&self, phase: usize) -> std::ops::Range<usize> {
        let first = self.first[phase];
        first..first + self.draft.phases[phase].steps.len()
    }

    /// Position of a step by its id.
    pub fn find_step(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// Position of a phase by its id.
    pub fn find_phase(&self, id: &str) -> Option<usize> {
        self.phase_by_id.get(id).copied()
    }

    /// The step that stores a variable.
    pub fn variable(&self, name: &str) -> Option<usize> {
        self.variables.get(name).copied()
    }

    /// Phases that wait for a phase.
    pub fn dependents_of(&self, phase: usize) -> &[usize] {
        &self.dependents[phase]
    }

    /// Position of a step by its id, by the name people read, or by that of its phase.
    pub fn find_named(&self, name: &str) -> Option<usize> {
        self.find_step(name).or_else(|| self.by_name.get(name).copied())
    }

    /// Names of the agents that the plan and its children call when no cast says otherwise.
    pub fn agents(&self) -> BTreeSet<&str> {
        let own = self.calls().filter_map(|call| call.part.default_performer());
        let own = own.map(|performer| performer.agent.as_str());
        own.chain(self.children().flat_map(|child| child.agents())).collect()
    }

    /// Every call of the plan: of its steps and of their undo.
    pub fn calls(&self) -> impl Iterator<Item = &Call> {
        self.draft.phases.iter().flat_map(|phase| {
            let done = phase.steps.iter().filter_map(|step| step.action.call());
            done.chain(phase.undo.iter().map(|undo| &undo.call))
        })
    }

    /// Plans that steps of this one run.
    pub fn children(&self) -> impl Iterator<Item = &Plan> {
        let steps = self.draft.phases.iter().flat_map(|phase| &phase.steps);
        steps.filter_map(|step| match &step.action {
            Action::Plan { plan, .. } => Some(plan.as_ref()),
            Action::Call(_) | Action::Pass => None,
        })
    }
}

impl TryFrom<Draft> for Plan {
    type Error = SealError;

    fn try_from(draft: Draft) -> Result<Self, Self::Error> {
        Self::seal(draft)
    }
}

impl From<Plan> for Draft {
    fn from(plan: Plan) -> Self {
        plan.draft
    }
}
