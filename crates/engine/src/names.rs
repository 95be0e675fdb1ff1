//! What a name means: a plan, an operation of an agent, a tool, or a question about skills.

use std::collections::BTreeMap;
use std::sync::Arc;

use op_plan::catalogue::{Operations, TOOLS};
use op_plan::plan::Shape;
use op_plan::{Catalogue, Performer, Plan, Skills};

use crate::handle::skill::SkillQuestion;

/// What a name means.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// A plan to run.
    Plan(Arc<Plan>),
    /// An operation to call.
    Operation(Performer),
    /// Something about skills that the hub itself answers.
    Skill(SkillQuestion),
}

/// Why a name means nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// No plan has this id.
    #[error("no plan is called `{name}`{}", did_you_mean(nearest.as_deref()))]
    Plan {
        /// The name that was given.
        name: String,
        /// The nearest plan.
        nearest: Option<String>,
    },
    /// No agent has this name.
    #[error("no agent is called `{name}`{}", did_you_mean(nearest.as_deref()))]
    Agent {
        /// The name that was given.
        name: String,
        /// The nearest agent.
        nearest: Option<String>,
    },
    /// The agent has no such operation.
    #[error("agent `{agent}` has no operation `{operation}`; it has {}", has.join(", "))]
    Operation {
        /// The agent.
        agent: String,
        /// The operation that was given.
        operation: String,
        /// The operations it has.
        has: Vec<String>,
    },
    /// A name of an agent without an operation.
    #[error("the name does not say which operation of agent `{0}` is meant: write `{0}.OPERATION`")]
    Whole(String),
    /// A bare name is that of no plan and of no tool.
    #[error("no plan and no tool is called `{name}`{}", did_you_mean(nearest.as_deref()))]
    Bare {
        /// The name that was given.
        name: String,
        /// The nearest plan or tool.
        nearest: Option<String>,
    },
    /// No skill has this name.
    #[error("no skill is called `{name}`{}", did_you_mean(nearest.as_deref()))]
    Skill {
        /// The name that was given.
        name: String,
        /// The nearest skill.
        nearest: Option<String>,
    },
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map(|nearest| format!("; did you mean `{nearest}`?")).unwrap_or_default()
}

/// The plans that can be run, by id.
pub type Plans = BTreeMap<String, Arc<Plan>>;

/// Finds what a request names: `workstack_ID` (or another shape) a plan of that shape, `agent_ID.OPERATION` or `ID.OPERATION` an operation,
/// `skill_NAME` a skill, `skill_list` and `skill_describe` questions about them, and a bare name a plan if there is one, else a tool.
///
/// # Errors
/// When nothing has this name; the error tells the nearest one.
pub fn resolve(name: &str, plans: &Plans, catalogue: &Catalogue) -> Result<Target, NameError> {
    if let Some(plan) = plans.get(name) {
        return Ok(Target::Plan(Arc::clone(plan)));
    }
    if let Some((shape, id)) = shaped(name) {
        return plan_of(id, shape, plans).map(Target::Plan);
    }
    if let Some(skill) = name.strip_prefix(SKILL).filter(|skill| !skill.contains('.')) {
        return question(skill, &catalogue.skills).map(Target::Skill);
    }
    match name.strip_prefix("agent_") {
        Some(agent) if !agent.contains('.') => Err(whole_agent(agent, catalogue)),
        Some(name) => operation(&Performer::parse(name), catalogue).map(Target::Operation),
        None => {
            let performer = Performer::parse(name);
            if name.contains('.') || catalogue.has(&performer) {
                return operation(&performer, catalogue).map(Target::Operation);
            }
            Err(unknown(name, plans, catalogue))
        }
    }
}

/// What names of skills, and of questions about them, begin with.
const SKILL: &str = "skill_";

fn question(name: &str, skills: &Skills) -> Result<SkillQuestion, NameError> {
    match name {
        "list" => Ok(SkillQuestion::List),
        "describe" => Ok(SkillQuestion::Describe),
        name => skill(name, skills).map(|found| SkillQuestion::Read(Arc::clone(found))),
    }
}

/// A skill by its name, spelled with `-` or `_`.
///
/// # Errors
/// When there is none; the error tells the nearest one.
pub fn skill<'s>(name: &str, skills: &'s Skills) -> Result<&'s Arc<op_plan::Skill>, NameError> {
    let unknown =
        || NameError::Skill { name: name.to_owned(), nearest: skills.nearest(name).map(str::to_owned) };
    skills.get(name).ok_or_else(unknown)
}

/// An agent alone cannot be called.
fn whole_agent(agent: &str, catalogue: &Catalogue) -> NameError {
    if catalogue.agents.contains_key(agent) {
        NameError::Whole(agent.to_owned())
    } else {
        NameError::Agent { name: agent.to_owned(), nearest: nearest(agent, catalogue.agents.keys()) }
    }
}

/// A bare name could have meant a plan or a tool.
fn unknown(name: &str, plans: &Plans, catalogue: &Catalogue) -> NameError {
    let tools = match catalogue.agents.get(TOOLS) {
        Some(Operations::Known(tools)) => Some(tools.keys()),
        Some(Operations::Open) | None => None,
    };
    let nearest = nearest(name, plans.keys().chain(tools.into_iter().flatten()));
    NameError::Bare { name: name.to_owned(), nearest }
}

/// The shape that a name begins with, and the rest of it.
fn shaped(name: &str) -> Option<(Shape, &str)> {
    let of = |shape: Shape| Some((shape, name.strip_prefix(shape.word())?.strip_prefix('_')?));
    Shape::ALL.into_iter().find_map(of).filter(|(_, id)| !id.contains('.'))
}

/// Finds a plan by its id or by `SHAPE_ID`, such as `workstack_code_review`.
///
/// # Errors
/// When there is none; the error tells the nearest one.
pub fn plan(name: &str, plans: &Plans) -> Result<Arc<Plan>, NameError> {
    match plans.get(name) {
        Some(plan) => Ok(Arc::clone(plan)),
        None => match shaped(name) {
            Some((shape, id)) => plan_of(id, shape, plans),
            None => Err(no_plan(name, plans)),
        },
    }
}

/// Checks that the catalogue has an operation.
///
/// # Errors
/// When the agent or the operation does not exist; the error tells what does.
pub fn operation(performer: &Performer, catalogue: &Catalogue) -> Result<Performer, NameError> {
    match catalogue.agents.get(&performer.agent) {
        None => Err(NameError::Agent {
            name: performer.agent.clone(),
            nearest: nearest(&performer.agent, catalogue.agents.keys()),
        }),
        Some(Operations::Known(known)) if !known.contains_key(&performer.operation) => {
            Err(NameError::Operation {
                agent: performer.agent.clone(),
                operation: performer.operation.clone(),
                has: known.keys().cloned().collect(),
            })
        }
        Some(Operations::Known(_) | Operations::Open) => Ok(performer.clone()),
    }
}

fn plan_of(id: &str, shape: Shape, plans: &Plans) -> Result<Arc<Plan>, NameError> {
    let plan = plans.get(id).filter(|plan| plan.draft().shape == shape);
    plan.cloned().ok_or_else(|| no_plan(id, plans))
}

fn no_plan(name: &str, plans: &Plans) -> NameError {
    NameError::Plan { name: name.to_owned(), nearest: nearest(name, plans.keys()) }
}

/// The nearest of some names, if one is near.
pub(crate) fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a String>) -> Option<String> {
    let scored = names.map(|known| (strsim::jaro_winkler(name, known), known));
    let best = scored.max_by(|left, right| left.0.total_cmp(&right.0))?;
    (best.0 > 0.8).then(|| best.1.clone())
}
