//! Who plays which part of a run. It is decided once, when the run starts.

mod stage;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::catalogue::{Catalogue, Performer};
use crate::plan::{Action, Part, Plan, Step};
use crate::skill::Carried;
use stage::Stage;

pub use table::Cast;

/// The role that plays what nobody is cast for, where it exists.
pub const GENERAL: &str = "general_worker";

/// What a cast writes where nobody plays a part.
pub const NOBODY: &str = "none";

/// Who plays a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Player {
    /// Who performs its calls.
    #[serde(flatten)]
    pub performer: Performer,
    /// The role it plays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Arguments that are added to those of the plan: the role and the task, for operations that ask for them.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub told: Map<String, Value>,
    /// Skills that can be active in its calls, in the order in which they stand there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skills: Vec<Carried>,
}

impl From<Performer> for Player {
    fn from(performer: Performer) -> Self {
        Self { performer, role: None, told: Map::new(), skills: Vec::new() }
    }
}

/// A named set of assignments: `[casts.NAME]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Casting {
    /// One sentence for people.
    pub description: String,
    /// The plan that it is for; any otherwise.
    pub plan: Option<String>,
    /// Step or role to role, agent or `agent.operation`.
    pub parts: BTreeMap<String, String>,
}

/// A step that is played by somebody else than was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fallback {
    /// The step.
    pub step: String,
    /// Why and by whom, in one sentence.
    pub message: String,
}

/// A frozen cast.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Assigned {
    /// Who plays each step.
    pub cast: Cast,
    /// Steps that fell back.
    pub fallbacks: Vec<Fallback>,
}

/// Why a run has no cast.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CastError<E> {
    /// The plan has no such part.
    #[error("the plan has no step or role `{part}`")]
    Part {
        /// What was given.
        part: String,
    },
    /// Nobody can play the step.
    #[error(
        "nobody plays step `{step}`: no role is cast for it, there is no role `general_worker`, and no role is declared at all"
    )]
    Nobody {
        /// The step.
        step: String,
    },
    /// A role does not say what its agent is to do.
    #[error("role `{role}` cannot play step `{step}`: it names agent `{agent}` without an operation")]
    Operation {
        /// The step.
        step: String,
        /// The role.
        role: String,
        /// Its agent.
        agent: String,
    },
    /// An agent is cast without saying what it is to do, and the plan does not say it either.
    #[error("agent `{agent}` cannot play step `{step}` without an operation: write `{agent}.OPERATION`")]
    Agent {
        /// The step.
        step: String,
        /// The agent.
        agent: String,
    },
    /// Neither a role nor an agent has this name.
    #[error("`{word}`, which is cast for step `{step}`, is neither a role nor an agent{}", nearest.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    Unknown {
        /// The step.
        step: String,
        /// What was given.
        word: String,
        /// The nearest name that exists.
        nearest: Option<String>,
    },
    /// Somebody who is cast does not exist.
    #[error(transparent)]
    Performer(E),
}

/// Freezes a cast. `words` are assignments, the first ones first; `check` says whether a performer exists.
///
/// # Errors
/// When a step cannot be played, or by nobody that exists.
pub fn assign<E>(
    plan: &Plan,
    catalogue: &Catalogue,
    words: &[&BTreeMap<String, String>],
    check: impl Fn(&Performer) -> Result<(), E>,
) -> Result<Assigned, CastError<E>> {
    let mut stage = Stage::new(plan, catalogue, words, check);
    let cast = (0..plan.step_count()).map(|at| stage.players(at)).collect::<Result<_, _>>()?;
    Ok(Assigned { cast, fallbacks: stage.fallbacks })
}

/// Freezes who plays the steps that some assignments are about, and those alone.
///
/// # Errors
/// As [`assign`].
pub fn assign_some<E>(
    plan: &Plan,
    catalogue: &Catalogue,
    words: &BTreeMap<String, String>,
    check: impl Fn(&Performer) -> Result<(), E>,
) -> Result<BTreeMap<String, Vec<Player>>, CastError<E>> {
    let all = [words];
    let mut stage = Stage::new(plan, catalogue, &all, check);
    let is_meant = |at: &usize| {
        let roles = played(plan.step(*at)).flat_map(Part::roles).map(str::to_owned);
        let mut known = names(plan, *at).into_iter().chain(roles);
        known.any(|known| words.keys().any(|part| same(&known, part)))
    };
    let steps = (0..plan.step_count()).filter(|at| plan.step(*at).action.call().is_some()).filter(is_meant);
    steps.map(|at| Ok((plan.step(at).id.clone(), stage.players(at)?))).collect()
}

/// The first assignment of a part that the plan does not have.
pub fn unknown<'w>(plan: &Plan, words: &'w BTreeMap<String, String>) -> Option<&'w String> {
    let known = parts(plan);
    words.keys().find(|part| !has(&known, part))
}

/// Whether a part is one of those of a plan, as [`parts`] lists them.
pub fn has(known: &[String], part: &str) -> bool {
    known.iter().any(|known| same(known, part))
}

/// Ids and names of roles mean the same: `role_reviewer` and `reviewer`.
fn same(known: &str, given: &str) -> bool {
    known == given || given.strip_prefix("role_") == Some(known)
}

/// Every name that a cast can assign: ids and names of steps, and roles.
pub fn parts(plan: &Plan) -> Vec<String> {
    let mut parts = Vec::new();
    for at in (0..plan.step_count()).filter(|at| plan.step(*at).action.call().is_some()) {
        parts.extend(names(plan, at));
        parts.extend(played(plan.step(at)).flat_map(Part::roles).map(str::to_owned));
    }
    let mut seen = BTreeSet::new();
    parts.retain(|part| seen.insert(part.clone()));
    parts
}

/// Names of a step: its id, and that of its phase for people when it is the only one.
fn names(plan: &Plan, at: usize) -> Vec<String> {
    let phase = &plan.phases()[plan.phase_of(at)];
    let mut names = vec![plan.step(at).id.clone()];
    names.extend((phase.steps.len() == 1).then(|| phase.name.clone()));
    names
}

/// The part of a step, and those that take over from it.
fn played(step: &Step) -> impl Iterator<Item = &Part> {
    step.action.call().map(|call| &call.part).into_iter().chain(&step.fallback)
}

/// Who plays the steps of a plan when nothing is said; open parts are played by nobody.
pub fn usual(plan: &Plan) -> Cast {
    let step = |at| {
        let step: &Step = plan.step(at);
        match &step.action {
            Action::Call(_) => {
                played(step).filter_map(Part::default_performer).cloned().map(Player::from).collect()
            }
            Action::Plan { .. } | Action::Pass => Vec::new(),
        }
    };
    (0..plan.step_count()).map(step).collect()
}
