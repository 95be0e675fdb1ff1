//! A plan as a shape writes it, before it is known to be valid.

use std::time::Duration;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::{Concurrency, Flow, Phase, Schedule};
use crate::input::Input;
use crate::mapping::Mapping;

/// How a plan was written. It governs checking and drawing only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Phases with dependencies, each calling tools and then agents.
    Workstack,
    /// Nodes and edges of a data flow, undone as one transaction.
    Workflow,
    /// Steps with targets for success and failure.
    Machine,
    /// Steps without identities; roles come when it is run.
    Template,
    /// Participants, rounds, consensus.
    Debate,
}

impl Shape {
    /// Every shape, in the order of their declaration.
    pub const ALL: [Self; 5] = [Self::Workstack, Self::Workflow, Self::Machine, Self::Template, Self::Debate];

    /// The word that people write before an id: `workstack_code_review`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Workstack => "workstack",
            Self::Workflow => "workflow",
            Self::Machine => "machine",
            Self::Template => "template",
            Self::Debate => "debate",
        }
    }
}

/// What is undone when a run fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rollback {
    /// The phases that failed; what does not depend on them goes on, and the run fails.
    #[default]
    Phase,
    /// Every phase that began, in reverse order of completion; nothing new starts after the first failure.
    Run,
    /// Nothing.
    None,
}

/// What people say about a plan.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// One sentence.
    pub description: String,
    /// Free text.
    pub version: String,
    /// Free text.
    pub category: String,
    /// Free words.
    pub tags: Vec<String>,
}

/// A plan before it is known to be valid; shapes write it, [`Plan::seal`](super::Plan::seal) checks it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// Unique over all plans.
    pub id: String,
    /// How it was written.
    pub shape: Shape,
    /// For people.
    pub about: About,
    /// What a run must be given.
    pub inputs: IndexMap<String, Input>,
    /// How it goes from phase to phase.
    #[serde(default, skip_serializing_if = "Flow::is_graph")]
    pub flow: Flow,
    /// Its phases, in the order of the file.
    pub phases: Vec<Phase>,
    /// Most steps that run at the same time; at least 1.
    pub max_parallel: usize,
    /// Limit of the whole run.
    pub timeout: Option<Duration>,
    /// What is undone on failure.
    pub rollback: Rollback,
    /// What the run answers when it completed; the output of its last phase otherwise.
    pub output: Option<Mapping>,
    /// Who plays the steps that nobody is cast for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_role: Option<String>,
    /// When it starts by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// How many runs of it go at the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Concurrency>,
}

/// How many steps run at the same time when the plan does not say.
pub const MAX_PARALLEL: usize = 10;

impl Draft {
    /// A plan of these phases without any wishes.
    pub fn new(id: impl Into<String>, shape: Shape, phases: Vec<Phase>) -> Self {
        Self {
            id: id.into(),
            shape,
            about: About::default(),
            inputs: IndexMap::new(),
            flow: Flow::Graph,
            phases,
            max_parallel: MAX_PARALLEL,
            timeout: None,
            rollback: Rollback::default(),
            output: None,
            default_role: None,
            schedule: None,
            concurrency: None,
        }
    }
}
