//! `roles.toml`: who plays what, and how.

use indexmap::IndexMap;
use op_plan::catalogue::Brief;
use op_plan::{Performer, Role};
use serde::Deserialize;

/// `roles.toml` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RolesFile {
    /// Roles by name.
    #[serde(default)]
    pub(crate) roles: IndexMap<String, WrittenRole>,
}

/// A role as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct WrittenRole {
    performer: Option<String>,
    description: String,
    prompt: String,
    model: Option<String>,
    temperature: Option<f64>,
    max_tokens: Option<u32>,
    tools: Vec<String>,
}

impl From<WrittenRole> for Role {
    fn from(of: WrittenRole) -> Self {
        let WrittenRole { performer, description, prompt, model, temperature, max_tokens, tools } = of;
        Self {
            performer: Performer::parse_agent(performer.as_deref().unwrap_or(USUAL_PERFORMER)),
            brief: Brief { description, prompt, model, temperature, max_tokens, tools },
        }
    }
}

/// Who plays a role that does not say.
const USUAL_PERFORMER: &str = "models.respond";
