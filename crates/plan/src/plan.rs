//! The one form that every shape is lowered to.

mod flow;
mod retry;
mod seal;
mod step;
mod trigger;

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::expression::Expression;
use crate::input::Input;
use crate::mapping::Mapping;

pub use flow::{Flow, Loop, Target, Terminal, Transition};
pub use retry::{FailureKind, Retry};
pub use seal::SealError;
pub use step::{Accept, Action, Approval, Call, Fan, Gate, OnTimeout, Part, Step, Undo};
pub use trigger::{Concurrency, Missed, OnConflict, Schedule};

/// Most phases a plan may have.
pub const MAX_PHASES: usize = 20_000;

/// How a plan was written. It governs checking and drawing only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Phases with dependencies, each calling tools and then agents.
    Workstack,
    /// Nodes and edges of a data flow, undone as one transaction.
    Workflow,
    /// Steps with targets for success and failure.
    Machine,
    /// Steps without identities; roles come when it is run.
    Template,
    /// Participants, rounds, consensus.
    Debate,
}

impl Shape {
    /// Every shape, in the order of their declaration.
    pub const ALL: [Self; 5] = [Self::Workstack, Self::Workflow, Self::Machine, Self::Template, Self::Debate];

    /// The word that people write before an id: `workstack_code_review`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Workstack => "workstack",
            Self::Workflow => "workflow",
            Self::Machine => "machine",
            Self::Template => "template",
            Self::Debate => "debate",
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
    /// How it is repeated once it succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<Loop>,
    /// In a machine, where it goes from here: the first one that holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub next: Vec<Transition>,
    /// In a machine, how often it may be visited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_visits: Option<u32>,
    /// Its steps.
    pub steps: Vec<Step>,
    /// What undoes it, in this order.
    pub undo: Vec<Undo>,
}

impl Phase {
    /// A phase of these steps without any wishes.
    pub fn new(id: impl Into<String>, steps: Vec<Step>) -> Self {
        let id = id.into();
        Self {
            name: id.clone(),
            id,
            description: String::new(),
            depends_on: Vec::new(),
            when: None,
            timeout: None,
            continue_on_failure: false,
            repeat: None,
            next: Vec::new(),
            max_visits: None,
            steps,
            undo: Vec::new(),
        }
    }

    /// Whether undoing it undoes the runs of the plans that it ran: where it says nothing else.
    pub fn undoes_plans(&self) -> bool {
        let runs_plan = |step: &Step| matches!(step.action, Action::Plan { .. });
        self.undo.is_empty() && self.steps.iter().any(runs_plan)
    }

    /// How many calls undo it: as many as its undo list has, or one for all plans that it ran.
    pub fn undo_calls(&self) -> usize {
        if self.undoes_plans() { 1 } else { self.undo.len() }
    }
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
    /// How it goes from phase to phase.
    #[serde(default, skip_serializing_if = "Flow::is_graph")]
    pub flow: Flow,
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
    /// Who plays the steps that nobody is cast for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_role: Option<String>,
    /// When it starts by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// How many runs of it go at the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Concurrency>,
}

/// How many steps run at the same time when the plan does not say.
pub const MAX_PARALLEL: usize = 10;

impl Draft {
    /// A plan of these phases without any wishes.
    pub fn new(id: impl Into<String>, shape: Shape, phases: Vec<Phase>) -> Self {
        Self {
            id: id.into(),
            shape,
            about: About::default(),
            inputs: IndexMap::new(),
            flow: Flow::Graph,
            phases,
            max_parallel: MAX_PARALLEL,
            timeout: None,
            rollback: Rollback::default(),
            output: None,
            default_role: None,
            schedule: None,
            concurrency: None,
        }
    }
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
    by_name: HashMap<String, usize>,
    variables: HashMap<String, usize>,
    dependents: Vec<Vec<usize>>,
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
        Self { draft, steps, first, by_id, phase_by_id, by_name, variables, dependents, digest }
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
