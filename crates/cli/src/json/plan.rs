//! Plans.

use op_proto::v1::{Input, PlanSummary};
use serde_json::{Value, json};

use super::{nested, text};

/// A plan in one line.
pub(crate) fn plan(plan: &PlanSummary) -> Value {
    json!({
        "id": plan.id,
        "shape": plan.shape,
        "description": text(&plan.description),
        "inputs": plan.inputs.iter().map(input).collect::<Vec<_>>(),
        "agents": plan.agents,
        "phases": plan.phases,
        "steps": plan.steps,
        "version": text(&plan.version),
        "category": text(&plan.category),
        "tags": plan.tags,
        "digest": plan.digest,
    })
}

fn input(input: &Input) -> Value {
    json!({
        "name": input.name,
        "type": input.r#type,
        "required": input.required,
        "default": nested(&input.default),
        "description": text(&input.description),
    })
}
