//! How a run goes from phase to phase. Two ways suffice: along dependencies, or along targets.

use serde::{Deserialize, Serialize};

use crate::expression::Expression;

/// How a run goes from phase to phase.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// A phase starts when those it depends on are settled.
    #[default]
    Graph,
    /// One phase at a time, from target to target; loops are allowed and bounded.
    Machine {
        /// The first phase, by position.
        initial: usize,
        /// Most visits of all phases together.
        max_visits: u32,
    },
}

impl Flow {
    /// Whether phases wait for each other.
    pub fn is_graph(&self) -> bool {
        *self == Self::Graph
    }
}

/// A way out of a phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// Whether it is for a phase that did what was asked, or for one that did not.
    pub on_success: bool,
    /// It is taken only if this is true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Expression>,
    /// Where it leads.
    pub to: Target,
}

/// Where a way leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// To a phase, by position.
    Phase(usize),
    /// To the end of the run.
    End(Terminal),
}

/// A named end of a run, and the state it stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terminal {
    /// Its name.
    pub name: String,
    /// Whether the run did what its plan says; it failed otherwise.
    pub is_success: bool,
    /// Why, in one sentence; empty when there is nothing to say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// How a phase is repeated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loop {
    /// As long as this is true after it succeeded.
    pub condition: Expression,
    /// Most visits; the phase fails when the condition still holds then.
    pub max: u32,
}
