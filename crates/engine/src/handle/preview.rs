//! What would happen, without anything happening.

use op_plan::plan::{Action, Gate};
use op_plan::{Mapping, Performer};
use op_run::input::Start;
use op_run::{Refused, Run};
use serde_json::Value;

use super::Engine;
use super::control::ControlError;
use crate::start::{Given, StartError, StartRequest, prepare};

/// A run as it would begin.
#[derive(Debug, Clone, PartialEq)]
pub struct DryRun {
    /// What it would be started with.
    pub start: Start,
    /// The plan.
    pub plan: std::sync::Arc<op_plan::Plan>,
    /// Its steps, in the order of the plan.
    pub steps: Vec<DryStep>,
}

/// A step as it would be.
#[derive(Debug, Clone, PartialEq)]
pub struct DryStep {
    /// Its phase.
    pub phase: String,
    /// The step.
    pub step: String,
    /// Who would play it, and who would take over; nobody for a step that calls nobody.
    pub performers: Vec<Performer>,
    /// What it would hand on, as far as that is known before anything ran.
    pub arguments: Value,
    /// What it would wait for; empty when it would not.
    pub waits_for: String,
}

/// An undo that a rollback would do.
#[derive(Debug, Clone, PartialEq)]
pub struct DryUndo {
    /// The phase.
    pub phase: String,
    /// Which visit of it.
    pub visit: u32,
    /// Who would be called, in this order.
    pub calls: Vec<Performer>,
}

impl Engine {
    /// Resolves everything that can be resolved of a run, and starts nothing.
    ///
    /// # Errors
    /// As starting it would.
    pub fn dry_run(&self, request: &StartRequest) -> Result<DryRun, StartError> {
        let plan = self.find_plan(&request.plan)?;
        let start = prepare(request, &plan, &self.library(), &self.catalogue())?;
        let steps = (0..plan.step_count()).map(|at| {
            let step = plan.step(at);
            let known = |mapping: &Mapping| mapping.resolve_known(&Given(&start.inputs));
            DryStep {
                phase: plan.phases()[plan.phase_of(at)].id.clone(),
                step: step.id.clone(),
                performers: performers(&start, at, &step.action),
                arguments: step.action.arguments().map(known).unwrap_or_default(),
                waits_for: step.gate.as_ref().map(|gate| waits_for(gate, known)).unwrap_or_default(),
            }
        });
        Ok(DryRun { steps: steps.collect(), start, plan })
    }

    /// What rolling a run back would undo, in this order.
    ///
    /// # Errors
    /// As rolling it back would.
    pub async fn preview_rollback(&self, run: &str, to: Option<&str>) -> Result<Vec<DryUndo>, ControlError> {
        let run = self.get(run).await?;
        let refused = |refused: Refused| ControlError::Refused { run: run.id().clone(), refused };
        let visits = op_run::preview(&run, to).map_err(refused)?;
        Ok(visits.into_iter().map(|visit| undo(&run, visit.phase, visit.visit)).collect())
    }
}

fn performers(start: &Start, at: usize, action: &Action) -> Vec<Performer> {
    match action {
        Action::Call(_) => start.cast[at].iter().map(|player| player.performer.clone()).collect(),
        Action::Plan { plan, .. } => vec![Performer::new(op_run::run::PLANS, plan.id())],
        Action::Pass => Vec::new(),
    }
}

fn waits_for(gate: &Gate, known: impl Fn(&Mapping) -> Value) -> String {
    match gate {
        Gate::Delay(delay) => format!("{delay:?}"),
        Gate::Signal(signal) => format!("signal {signal}"),
        Gate::Approval(approval) => match known(&approval.message) {
            Value::String(question) => format!("the approval of a person: {question}"),
            question => format!("the approval of a person: {question}"),
        },
    }
}

fn undo(run: &Run, phase: usize, visit: u32) -> DryUndo {
    let phase = &run.plan().phases()[phase];
    let listed = phase.undo.iter().filter_map(|undo| undo.call.part.default_performer().cloned());
    let plans = phase.undoes_plans().then(|| Performer::new(op_run::run::PLANS, op_run::run::UNDO));
    DryUndo { phase: phase.id.clone(), visit, calls: listed.chain(plans).collect() }
}
