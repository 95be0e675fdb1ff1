//! A phase: steps with one set of dependencies, and what undoes them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Action, Loop, Step, Transition, Undo};
use crate::expression::Expression;

/// A named group of steps with one set of dependencies; the unit of progress that people watch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// Unique in the plan.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// One sentence for people.
    pub description: String,
    /// Phases, by position in the plan, that must be settled before this one starts.
    pub depends_on: Vec<usize>,
    /// Runs only if this is true; the phase is skipped otherwise, and what depends on it goes on.
    pub when: Option<Expression>,
    /// Limit of the whole phase, repeats included.
    pub timeout: Option<Duration>,
    /// Whether the plan goes on when the phase failed.
    pub continue_on_failure: bool,
    /// How it is repeated once it succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<Loop>,
    /// In a machine, where it goes from here: the first one that holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub next: Vec<Transition>,
    /// In a machine, how often it may be visited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_visits: Option<u32>,
    /// Its steps.
    pub steps: Vec<Step>,
    /// What undoes it, in this order.
    pub undo: Vec<Undo>,
}

impl Phase {
    /// For each of its steps, whether a person approves before it: at its own gate, or at one of the steps it comes after.
    pub(crate) fn approved(&self) -> Vec<bool> {
        let mut next = vec![Vec::new(); self.steps.len()];
        for (at, step) in self.steps.iter().enumerate() {
            let before = step.after.iter().filter(|before| **before < self.steps.len());
            before.for_each(|before| next[*before].push(at));
        }
        let mut approved: Vec<bool> = self.steps.iter().map(Step::asks_person).collect();
        let mut open: Vec<usize> = (0..self.steps.len()).filter(|at| approved[*at]).collect();
        while let Some(at) = open.pop() {
            for later in std::mem::take(&mut next[at]) {
                if !std::mem::replace(&mut approved[later], true) {
                    open.push(later);
                }
            }
        }
        approved
    }

    /// A phase of these steps without any wishes.
    pub fn new(id: impl Into<String>, steps: Vec<Step>) -> Self {
        let id = id.into();
        Self {
            name: id.clone(),
            id,
            description: String::new(),
            depends_on: Vec::new(),
            when: None,
            timeout: None,
            continue_on_failure: false,
            repeat: None,
            next: Vec::new(),
            max_visits: None,
            steps,
            undo: Vec::new(),
        }
    }

    /// Whether undoing it undoes the runs of the plans that it ran: where it says nothing else.
    pub fn undoes_plans(&self) -> bool {
        let runs_plan = |step: &Step| matches!(step.action, Action::Plan { .. });
        self.undo.is_empty() && self.steps.iter().any(runs_plan)
    }

    /// How many calls undo it: as many as its undo list has, or one for all plans that it ran.
    pub fn undo_calls(&self) -> usize {
        if self.undoes_plans() { 1 } else { self.undo.len() }
    }
}
