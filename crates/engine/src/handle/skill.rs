//! What the hub tells of its skills: `skill_list`, `skill_describe` and `skill_NAME`. Reading a skill is no act, so that no agent is
//! asked: these names are answered from the library.
//!
//! | name | takes | answers |
//! | --- | --- | --- |
//! | `skill_list` | nothing | `[{ name, description, priority }]` in order of the names |
//! | `skill_describe` | `name` | all of a skill but its text: what makes it active, its constraints, its resources |
//! | `skill_NAME` | maybe `resource` | `{ name, digest, text }`: its text, or that of a file beside it |

use std::sync::Arc;

use op_plan::Skill;
use op_plan::plan::FailureKind;
use op_run::{Answer, Evidence, Failure};
use serde_json::{Map, Value, json};

use super::Engine;
use crate::names;

/// A question about skills.
#[derive(Debug, Clone, PartialEq)]
pub enum SkillQuestion {
    /// Which there are.
    List,
    /// What one of them is.
    Describe,
    /// What one of them says.
    Read(Arc<Skill>),
}

/// Why a file beside a skill cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the skill `{skill}` has no file `{resource}`{}", if has.is_empty() { String::new() } else { format!("; it has {}", has.join(", ")) })]
pub struct ResourceError {
    /// The skill.
    pub skill: String,
    /// The file that was asked for.
    pub resource: String,
    /// Files that it has.
    pub has: Vec<String>,
}

/// The text of a skill, or of a file beside it by its path from there; of the skill itself when the path is empty.
///
/// # Errors
/// When there is no such file. No path leads out of the directory of a skill: its files were read with it.
pub fn text<'s>(skill: &'s Skill, resource: &str) -> Result<&'s str, ResourceError> {
    if resource.is_empty() {
        return Ok(&skill.body);
    }
    let found = skill.resources.get(resource.strip_prefix("./").unwrap_or(resource));
    found.map(String::as_str).ok_or_else(|| ResourceError {
        skill: skill.name.clone(),
        resource: resource.to_owned(),
        has: skill.resources.keys().cloned().collect(),
    })
}

impl Engine {
    /// Answers a question about skills as an operation would.
    pub fn tell(&self, question: &SkillQuestion, arguments: &Map<String, Value>) -> Answer {
        let evidence = Evidence { peer: "hub".to_owned(), ..Evidence::default() };
        match self.told(question, arguments) {
            Ok(value) => Answer::Succeeded { value, evidence },
            Err(failure) => Answer::Failed { failure, evidence },
        }
    }

    fn told(&self, question: &SkillQuestion, arguments: &Map<String, Value>) -> Result<Value, Failure> {
        let library = self.library();
        match question {
            SkillQuestion::List => {
                taken(arguments, &[])?;
                Ok(library.skills.iter().map(|skill| summary(skill)).collect())
            }
            SkillQuestion::Describe => {
                taken(arguments, &["name"])?;
                let name = argument(arguments, "name")?;
                let name = name.ok_or_else(|| bad("the argument `name` is missing".to_owned()))?;
                let skill = names::skill(name, &library.skills).map_err(|error| {
                    let failure = Failure::new(FailureKind::Rejected, "skill_unknown", error.to_string());
                    failure.hint("`skill_list` tells the skills")
                })?;
                Ok(description(skill))
            }
            SkillQuestion::Read(skill) => {
                taken(arguments, &["resource"])?;
                let resource = argument(arguments, "resource")?.unwrap_or_default();
                let text = text(skill, resource).map_err(|error| bad(error.to_string()))?;
                Ok(json!({ "name": skill.name, "digest": skill.digest, "text": text }))
            }
        }
    }
}

fn summary(skill: &Skill) -> Value {
    json!({ "name": skill.name, "description": skill.description, "priority": skill.priority })
}

fn description(skill: &Skill) -> Value {
    let constraints: Vec<_> = skill.constraints.iter().map(ToString::to_string).collect();
    json!({
        "name": skill.name,
        "description": skill.description,
        "license": skill.license,
        "compatibility": skill.compatibility,
        "metadata": skill.metadata,
        "allowed_tools": skill.allowed_tools,
        "priority": skill.priority,
        "tools": skill.tools,
        "paths": skill.paths,
        "constraints": constraints,
        "resources": skill.resources.keys().collect::<Vec<_>>(),
        "bytes": skill.body.len(),
        "digest": skill.digest,
        "origin": skill.origin,
    })
}

/// Refuses arguments that the question does not take.
fn taken(arguments: &Map<String, Value>, known: &[&str]) -> Result<(), Failure> {
    match arguments.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) if known.is_empty() => Err(bad(format!("it takes no arguments, and `{name}` is given"))),
        Some(name) => Err(bad(format!("it takes `{}`, and `{name}` is given", known.join("`, `")))),
    }
}

fn argument<'a>(arguments: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, Failure> {
    match arguments.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(bad(format!("the argument `{name}` must be text"))),
    }
}

fn bad(message: String) -> Failure {
    Failure::new(FailureKind::Rejected, "bad_arguments", message)
}
