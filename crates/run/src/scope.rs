//! What a reference in a plan has for a value at this point of a run.

use op_plan::expression::{PhaseField, RunField, StepField};
use op_plan::input::{InputType, SECRET};
use op_plan::{Reference, Scope};
use serde_json::{Value, json};

use crate::run::{Ended, PhaseState, Run, StepState};

impl Scope for Run {
    fn value(&self, reference: &Reference) -> Option<Value> {
        match reference {
            Reference::Variable(name) => self.input(name).or_else(|| self.stored(name)),
            Reference::Input(name) => self.input(name),
            Reference::Step { id, field } => Some(self.step_field(self.plan.find_step(id)?, *field)),
            Reference::Phase { id, field } => Some(self.phase_field(self.plan.find_phase(id)?, *field)),
            Reference::Run(field) => Some(self.run_field(*field)),
            Reference::Context(name) => self.named(name),
            Reference::LastOutput(role) => {
                let said = match role {
                    Some(role) => self.voices.get(role),
                    None => self.said.as_ref(),
                };
                Some(said.map(|said| Value::clone(said)).unwrap_or_default())
            }
        }
    }
}

/// A scope in which some names mean something of their own.
pub(crate) struct Local<'r, const N: usize> {
    run: &'r Run,
    names: [(&'static str, Value); N],
}

impl<'r, const N: usize> Local<'r, N> {
    pub(crate) fn new(run: &'r Run, names: [(&'static str, Value); N]) -> Self {
        Self { run, names }
    }
}

impl<const N: usize> Scope for Local<'_, N> {
    fn value(&self, reference: &Reference) -> Option<Value> {
        let own = match reference {
            Reference::Variable(name) => self.names.iter().find(|(own, _)| own == name),
            _ => None,
        };
        own.map_or_else(|| self.run.value(reference), |(_, value)| Some(value.clone()))
    }
}

/// The run as it was when a visit of a phase ended, as far as the steps of that phase go.
pub(crate) struct Past {
    run: Run,
}

impl Past {
    pub(crate) fn new(run: &Run, ended: &Ended) -> Self {
        let mut run = run.clone();
        for (step, then) in run.plan.steps_of(ended.phase).zip(&ended.steps) {
            run.steps[step] = then.clone();
        }
        Self { run }
    }
}

impl Scope for Past {
    fn value(&self, reference: &Reference) -> Option<Value> {
        self.run.value(reference)
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
        let at = self.plan.variable(variable)?;
        let step = &self.steps[at];
        if self.plan.step(at).store_as.as_deref() == Some(variable) {
            step.output.clone()
        } else {
            step.stored.get(variable).cloned()
        }
    }

    /// What a step returned, by its id or name; null until it did. Else what was stored under the name.
    fn named(&self, name: &str) -> Option<Value> {
        match self.plan.find_named(name) {
            Some(step) => Some(self.steps[step].output.clone().unwrap_or_default()),
            None => self.stored(name).or(Some(Value::Null)),
        }
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
        let visit = self.phases[phase].visit;
        match field {
            PhaseField::Visits if state == PhaseState::Pending => visit.saturating_sub(1).into(),
            PhaseField::Visits => visit.into(),
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
