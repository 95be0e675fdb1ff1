//! What a reference in a plan has for a value at this point of a run.

use op_plan::expression::{PhaseField, RunField, StepField};
use op_plan::input::{InputType, SECRET};
use op_plan::{Reference, Scope};
use serde_json::{Value, json};

use crate::run::{PhaseState, Run, StepState};

impl Scope for Run {
    fn value(&self, reference: &Reference) -> Option<Value> {
        match reference {
            Reference::Variable(name) => self.input(name).or_else(|| self.stored(name)),
            Reference::Input(name) => self.input(name),
            Reference::Step { id, field } => Some(self.step_field(self.plan.find_step(id)?, *field)),
            Reference::Phase { id, field } => Some(self.phase_field(self.plan.find_phase(id)?, *field)),
            Reference::Run(field) => Some(self.run_field(*field)),
        }
    }
}

impl Run {
    /// A secret is handed on by the name of its credential; its value is put in where the call leaves the hub.
    fn input(&self, name: &str) -> Option<Value> {
        let value = self.origin.as_ref()?.inputs.get(name)?;
        match self.plan.draft().inputs.get(name).map(|input| input.kind) {
            Some(InputType::Secret) => Some(json!({ SECRET: value })),
            _ => Some(value.clone()),
        }
    }

    fn stored(&self, variable: &str) -> Option<Value> {
        let step = &self.steps[self.plan.variable(variable)?];
        step.output.clone()
    }

    /// `output` and `error` are null while there is none: a plan asks for them by step to cope with both.
    fn step_field(&self, step: usize, field: StepField) -> Value {
        let step = &self.steps[step];
        match field {
            StepField::Output => step.output.clone().unwrap_or_default(),
            StepField::Status => step.state.word().into(),
            StepField::Attempts => step.trial.attempts.into(),
            StepField::Error => match (&step.trial.failure, &step.skipped) {
                _ if step.state == StepState::Succeeded => Value::Null,
                (Some(failure), _) => failure.message.clone().into(),
                (None, Some(cause)) => cause.to_string().into(),
                (None, None) => Value::Null,
            },
        }
    }

    fn phase_field(&self, phase: usize, field: PhaseField) -> Value {
        let state = self.phases[phase].state;
        match field {
            PhaseField::Status => state.word().into(),
            PhaseField::Success => (state == PhaseState::Succeeded).into(),
        }
    }

    fn run_field(&self, field: RunField) -> Value {
        match field {
            RunField::Id => self.id.as_str().into(),
            RunField::Plan => self.plan.id().into(),
            RunField::StartedAt => match &self.origin {
                Some(origin) => origin.at.to_string().into(),
                None => Value::Null,
            },
        }
    }
}
