//! The one form that every shape is lowered to.

mod retry;
mod seal;

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::catalogue::Performer;
use crate::expression::Expression;
use crate::input::Input;
use crate::mapping::Mapping;

pub use retry::{FailureKind, Retry};
pub use seal::SealError;

/// Most phases a plan may have.
pub const MAX_PHASES: usize = 20_000;

/// How a plan was written. It governs checking and drawing only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Phases with dependencies, each calling tools and then agents.
    Workstack,
}

impl Shape {
    /// The word that people write before an id: `workstack_code_review`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Workstack => "workstack",
        }
    }
}

/// What is undone when a run fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rollback {
    /// The phases that failed; what does not depend on them goes on, and the run fails.
    #[default]
    Phase,
    /// Every phase that began, in reverse order of completion; nothing new starts after the first failure.
    Run,
    /// Nothing.
    None,
}

/// Who performs a step: named by the plan, or left to the cast.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// An operation of an agent.
    Performer(Performer),
    /// A role, with the performer that plays it unless the run's cast says otherwise.
    Role {
        /// The role.
        name: String,
        /// Who plays it by default.
        default: Performer,
    },
}

impl Part {
    /// Who plays the part when the cast says nothing.
    pub fn default_performer(&self) -> &Performer {
        match self {
            Self::Performer(performer) | Self::Role { default: performer, .. } => performer,
        }
    }
}

/// A call of a performer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// Who performs it.
    pub part: Part,
    /// Its arguments; resolves to a JSON object.
    pub arguments: Mapping,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Calls a performer.
    Call(Call),
}

/// The only unit of work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Unique in the plan; has no `/` or `:`.
    pub id: String,
    /// Steps of the same phase, by position in it, that must end well before this one starts.
    pub after: Vec<usize>,
    /// What it does.
    pub action: Action,
    /// When it is tried again.
    pub retry: Retry,
    /// Limit of one attempt.
    pub timeout: Option<Duration>,
    /// Variable that keeps its output.
    pub store_as: Option<String>,
}

/// A call that undoes something a phase did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Undo {
    /// What to call.
    pub call: Call,
    /// Limit of one attempt.
    pub timeout: Option<Duration>,
    /// When it is tried again.
    pub retry: Retry,
}

/// A named group of steps with one set of dependencies; the unit of progress that people watch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// Unique in the plan.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// One sentence for people.
    pub description: String,
    /// Phases, by position in the plan, that must be settled before this one starts.
    pub depends_on: Vec<usize>,
    /// Runs only if this is true; the phase is skipped otherwise, and what depends on it goes on.
    pub when: Option<Expression>,
    /// Limit of the whole phase, repeats included.
    pub timeout: Option<Duration>,
    /// Whether the plan goes on when the phase failed.
    pub continue_on_failure: bool,
    /// Its steps.
    pub steps: Vec<Step>,
    /// What undoes it, in this order.
    pub undo: Vec<Undo>,
}

/// What people say about a plan.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// One sentence.
    pub description: String,
    /// Free text.
    pub version: String,
    /// Free text.
    pub category: String,
    /// Free words.
    pub tags: Vec<String>,
}

/// A plan before it is known to be valid; shapes write it, [`Plan::seal`] checks it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// Unique over all plans.
    pub id: String,
    /// How it was written.
    pub shape: Shape,
    /// For people.
    pub about: About,
    /// What a run must be given.
    pub inputs: IndexMap<String, Input>,
    /// Its phases, in the order of the file.
    pub phases: Vec<Phase>,
    /// Most steps that run at the same time; at least 1.
    pub max_parallel: usize,
    /// Limit of the whole run.
    pub timeout: Option<Duration>,
    /// What is undone on failure.
    pub rollback: Rollback,
    /// What the run answers when it completed; the output of its last phase otherwise.
    pub output: Option<Mapping>,
}

/// A valid plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Draft", into = "Draft")]
pub struct Plan {
    draft: Draft,
    steps: Vec<(usize, usize)>,
    first: Vec<usize>,
    by_id: HashMap<String, usize>,
    phase_by_id: HashMap<String, usize>,
    variables: HashMap<String, usize>,
    dependents: Vec<Vec<usize>>,
    digest: String,
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
        let mut variables = HashMap::new();
        let mut dependents = vec![Vec::new(); draft.phases.len()];
        for (at, phase) in draft.phases.iter().enumerate() {
            first.push(steps.len());
            phase_by_id.insert(phase.id.clone(), at);
            for (place, step) in phase.steps.iter().enumerate() {
                by_id.insert(step.id.clone(), steps.len());
                if let Some(variable) = &step.store_as {
                    variables.insert(variable.clone(), steps.len());
                }
                steps.push((at, place));
            }
            for dependency in &phase.depends_on {
                dependents[*dependency].push(at);
            }
        }
        let text = serde_json::to_vec(&draft).expect("a draft is plain data");
        let digest =
            Sha256::digest(&text).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        Self { draft, steps, first, by_id, phase_by_id, variables, dependents, digest }
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

    /// The step whose output a variable keeps.
    pub fn variable(&self, name: &str) -> Option<usize> {
        self.variables.get(name).copied()
    }

    /// Phases that wait for a phase.
    pub fn dependents_of(&self, phase: usize) -> &[usize] {
        &self.dependents[phase]
    }

    /// Names of the agents that the plan calls when no cast says otherwise.
    pub fn agents(&self) -> BTreeSet<&str> {
        self.calls().map(|call| call.part.default_performer().agent.as_str()).collect()
    }

    /// Every call of the plan: of its steps and of their undo.
    pub fn calls(&self) -> impl Iterator<Item = &Call> {
        self.draft.phases.iter().flat_map(|phase| {
            let done = phase.steps.iter().map(|step| match &step.action {
                Action::Call(call) => call,
            });
            done.chain(phase.undo.iter().map(|undo| &undo.call))
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
