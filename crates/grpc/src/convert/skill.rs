//! Skills for the wire.

use op_plan::Skill;
use op_proto::v1 as wire;

pub(crate) fn summary(of: &Skill) -> wire::SkillSummary {
    wire::SkillSummary { name: of.name.clone(), description: of.description.clone(), priority: of.priority }
}

pub(crate) fn whole(of: &Skill) -> wire::Skill {
    wire::Skill {
        summary: Some(summary(of)),
        license: of.license.clone(),
        compatibility: of.compatibility.clone(),
        metadata: of.metadata.clone().into_iter().collect(),
        allowed_tools: of.allowed_tools.clone(),
        tools: of.tools.iter().map(ToString::to_string).collect(),
        paths: of.paths.iter().map(ToString::to_string).collect(),
        constraints: of.constraints.iter().map(ToString::to_string).collect(),
        resources: of.resources.keys().cloned().collect(),
        digest: of.digest.clone(),
        origin: of.origin.clone(),
    }
}
