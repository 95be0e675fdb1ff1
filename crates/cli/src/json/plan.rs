//! Plans, their casts and schedules, and what a run of one would do.

use op_proto::v1::{Cast, Input, PlanSummary, PreviewResponse, PreviewStep, Schedule, Suggestion};
use serde_json::{Value, json};

use super::{at, nested, text};

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

/// A cast.
pub(crate) fn cast(cast: &Cast) -> Value {
    json!({
        "name": cast.name,
        "description": text(&cast.description),
        "plan": text(&cast.plan),
        "parts": cast.parts,
    })
}

/// A schedule.
pub(crate) fn schedule(schedule: &Schedule) -> Value {
    json!({
        "plan": schedule.plan,
        "cron": schedule.cron,
        "missed": schedule.missed,
        "paused": schedule.paused,
        "last": at(schedule.last.as_ref()),
        "next": at(schedule.next.as_ref()),
    })
}

/// A plan for what is done by hand.
pub(crate) fn suggestion(suggestion: &Suggestion) -> Value {
    json!({
        "user": suggestion.user,
        "operations": suggestion.operations,
        "times": suggestion.times,
        "last": at(suggestion.last.as_ref()),
        "plan": suggestion.plan,
        "toml": suggestion.toml,
    })
}

/// What a run would do.
pub(crate) fn preview(preview: &PreviewResponse) -> Value {
    let step = |step: &PreviewStep| {
        json!({
            "phase": step.phase,
            "step": step.step,
            "performers": step.performers,
            "arguments": nested(&step.arguments),
            "waits_for": text(&step.waits_for),
        })
    };
    json!({
        "plan": preview.plan,
        "inputs": nested(&preview.inputs),
        "steps": preview.steps.iter().map(step).collect::<Vec<_>>(),
        "warnings": preview.warnings,
    })
}
