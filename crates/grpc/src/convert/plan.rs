//! Plans and diagnostics for the wire.

use op_engine::handle::schedule::ScheduleStatus;
use op_engine::handle::suggest::Suggestion;
use op_engine::pattern::Pattern;
use op_plan::drawing::{Mark, Tint};
use op_plan::plan::Missed;
use op_plan::{Casting, Diagnostic, Input, Plan, Severity};
use op_proto::v1 as wire;
use op_run::Run;
use op_run::run::{PhaseState, StepState};
use serde_json::Value;

use super::timestamp;

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

pub(crate) fn cast(name: &str, of: &Casting) -> wire::Cast {
    wire::Cast {
        name: name.to_owned(),
        description: of.description.clone(),
        plan: of.plan.clone().unwrap_or_default(),
        parts: of.parts.clone().into_iter().collect(),
    }
}

pub(crate) fn schedule(of: &ScheduleStatus) -> wire::Schedule {
    let missed = match of.schedule.missed {
        Missed::Skip => "skip",
        Missed::Once => "once",
        Missed::All => "all",
    };
    wire::Schedule {
        plan: of.plan.clone(),
        cron: of.schedule.cron.clone(),
        missed: missed.to_owned(),
        paused: of.paused,
        last: of.last.map(timestamp),
        next: of.next.map(timestamp),
    }
}

pub(crate) fn suggestion(of: Suggestion) -> wire::Suggestion {
    let Suggestion { pattern: Pattern { user, operations, times, last }, plan, toml } = of;
    let times = u32::try_from(times).unwrap_or(u32::MAX);
    wire::Suggestion { user, operations, times, last: Some(timestamp(last)), plan, toml }
}

/// The state of each phase of a run, for a drawing.
pub(crate) fn marks(of: &Run) -> Vec<Mark<'static>> {
    (0..of.plan().phases().len()).map(|at| mark(of, at)).collect()
}

fn mark(of: &Run, phase: usize) -> Mark<'static> {
    let state = of.phase(phase).state;
    let waits = |step: usize| of.step(step).state == StepState::Waiting;
    let tint = match state {
        PhaseState::Pending => Tint::Pending,
        PhaseState::Running if of.plan().steps_of(phase).any(waits) => Tint::Waiting,
        PhaseState::Running | PhaseState::Undoing => Tint::Running,
        PhaseState::Succeeded => Tint::Good,
        PhaseState::Failed => Tint::Bad,
        PhaseState::Tolerated | PhaseState::UndoFailed => Tint::Odd,
        PhaseState::Skipped | PhaseState::Undone => Tint::Gone,
    };
    let word = if tint == Tint::Waiting { StepState::Waiting.word() } else { state.word() };
    Mark { tint, word }
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
