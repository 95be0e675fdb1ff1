//! Plans and diagnostics for the wire.

use op_plan::{Diagnostic, Input, Plan, Severity};
use op_proto::v1 as wire;
use serde_json::Value;

pub(crate) fn summary(of: &Plan) -> wire::PlanSummary {
    let draft = of.draft();
    wire::PlanSummary {
        id: of.id().to_owned(),
        shape: draft.shape.word().to_owned(),
        description: draft.about.description.clone(),
        inputs: draft.inputs.iter().map(|(name, spec)| input(name, spec)).collect(),
        agents: of.agents().into_iter().map(str::to_owned).collect(),
        phases: u32::try_from(of.phases().len()).unwrap_or(u32::MAX),
        steps: u32::try_from(of.step_count()).unwrap_or(u32::MAX),
        version: draft.about.version.clone(),
        category: draft.about.category.clone(),
        tags: draft.about.tags.clone(),
        digest: of.digest().to_owned(),
    }
}

fn input(name: &str, of: &Input) -> wire::Input {
    let kind = serde_json::to_value(of.kind).ok();
    wire::Input {
        name: name.to_owned(),
        r#type: kind.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned(),
        required: of.required,
        default: of.default.as_ref().map(Value::to_string).unwrap_or_default(),
        description: of.description.clone(),
    }
}

pub(crate) fn diagnostic(of: &Diagnostic) -> wire::Diagnostic {
    wire::Diagnostic {
        severity: match of.severity {
            Severity::Error => "error".to_owned(),
            Severity::Warning => "warning".to_owned(),
        },
        message: of.message.clone(),
        file: of.spot.file.clone(),
        line: u32::try_from(of.spot.line).unwrap_or(u32::MAX),
        column: u32::try_from(of.spot.column).unwrap_or(u32::MAX),
        hint: of.hint.clone().unwrap_or_default(),
        rendered: of.render(false),
    }
}
