//! Skills.

use op_proto::v1::{GetSkillResponse, SkillSummary};
use serde_json::{Value, json};

use super::text;

/// A skill in one line.
pub(crate) fn skill_summary(of: &SkillSummary) -> Value {
    json!({ "name": of.name, "description": of.description, "priority": of.priority })
}

/// A skill with a text.
pub(crate) fn skill(of: &GetSkillResponse) -> Value {
    let skill = of.skill.clone().unwrap_or_default();
    let summary = skill.summary.unwrap_or_default();
    json!({
        "name": summary.name,
        "description": summary.description,
        "priority": summary.priority,
        "license": text(&skill.license),
        "compatibility": text(&skill.compatibility),
        "metadata": skill.metadata,
        "allowed_tools": skill.allowed_tools,
        "tools": skill.tools,
        "paths": skill.paths,
        "constraints": skill.constraints,
        "resources": skill.resources,
        "digest": skill.digest,
        "origin": skill.origin,
        "text": of.text,
    })
}
