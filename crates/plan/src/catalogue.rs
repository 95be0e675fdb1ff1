//! Which agents, operations and roles a plan can name.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::skill::Skills;

/// The agent whose operations are called by their bare names.
pub const TOOLS: &str = "tools";

/// What agents call the hub itself when they ask it for something: no agent is called so.
pub const HUB: &str = "hub";

/// An operation of an agent: `rust_pro.test`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Performer {
    /// The agent.
    pub agent: String,
    /// Its operation.
    pub operation: String,
}

impl Performer {
    /// Names an operation of an agent.
    pub fn new(agent: impl Into<String>, operation: impl Into<String>) -> Self {
        Self { agent: agent.into(), operation: operation.into() }
    }

    /// Reads `agent.operation`, or an agent alone, whose operation is told elsewhere.
    pub fn parse_agent(text: &str) -> Self {
        let (agent, operation) = text.split_once('.').unwrap_or((text, ""));
        Self::new(agent, operation)
    }

    /// Reads `agent.operation`, or a tool by its bare name.
    pub fn parse(text: &str) -> Self {
        match text.split_once('.') {
            Some((agent, operation)) => Self::new(agent, operation),
            None => Self::new(TOOLS, text),
        }
    }
}

impl fmt::Display for Performer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.agent == TOOLS {
            f.write_str(&self.operation)
        } else {
            write!(f, "{}.{}", self.agent, self.operation)
        }
    }
}

/// What an operation touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effects {
    /// Reads only.
    Read,
    /// Changes this host.
    Write,
    /// Reaches beyond this host.
    External,
}

/// What can go wrong with an operation at worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Nothing is changed.
    Low,
    /// What is changed can be made good.
    Medium,
    /// Others notice.
    High,
    /// It cannot be taken back: it is performed only after a person approved of it.
    Critical,
}

impl Risk {
    /// The risk of an operation that says nothing of it.
    pub fn of(effects: Effects) -> Self {
        match effects {
            Effects::Read => Self::Low,
            Effects::Write | Effects::External => Self::Medium,
        }
    }

    /// The word for people and programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// What is known of an operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// One sentence.
    pub description: String,
    /// JSON Schema of the arguments.
    pub input: serde_json::Value,
    /// JSON Schema of the value.
    pub output: serde_json::Value,
    /// What it touches.
    pub effects: Effects,
    /// What can go wrong at worst.
    pub risk: Risk,
    /// Whether twice equals once.
    pub idempotent: bool,
    /// Whether it sends output while it works.
    pub streaming: bool,
    /// The operation that undoes it.
    pub undo: Option<String>,
    /// Why it cannot work in this set-up.
    pub unavailable: Option<String>,
}

/// Operations by name. Shared, and each by itself: a catalogue is put together for every request that names something, and a
/// list of agents for everybody who looks.
pub type KnownOperations = Arc<BTreeMap<String, Arc<Operation>>>;

/// What is known of the operations of an agent.
#[derive(Debug, Clone, PartialEq)]
pub enum Operations {
    /// All of them.
    Known(KnownOperations),
    /// Nothing before it was connected; a plan may name any.
    Open,
}

impl From<BTreeMap<String, Operation>> for Operations {
    fn from(known: BTreeMap<String, Operation>) -> Self {
        let shared = known.into_iter().map(|(name, operation)| (name, Arc::new(operation)));
        Self::Known(Arc::new(shared.collect()))
    }
}

/// A role: who plays it by default, and what that one is told of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Role {
    /// Who plays it when neither plan nor cast says otherwise.
    pub performer: Performer,
    /// What is told to operations that take an argument `role`.
    #[serde(flatten)]
    pub brief: Brief,
}

/// What a performer is told of the role it plays.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Brief {
    /// One sentence for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The base prompt.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prompt: String,
    /// The model it wants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Between 0 and 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Most tokens of an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// Tools that it may ask for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<String>,
}

/// The agents, roles and skills that a plan can name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Catalogue {
    /// Agents by name.
    pub agents: BTreeMap<String, Operations>,
    /// Roles by name, in the order of their declaration.
    pub roles: IndexMap<String, Role>,
    /// Skills.
    pub skills: Arc<Skills>,
}

impl Catalogue {
    /// What is known of an operation; `None` when it is not known, which is no error for an open agent.
    pub fn operation(&self, performer: &Performer) -> Option<&Operation> {
        match self.agents.get(&performer.agent)? {
            Operations::Known(operations) => operations.get(&performer.operation).map(Arc::as_ref),
            Operations::Open => None,
        }
    }

    /// A role by its name, or by its id `role_NAME`.
    pub fn role(&self, name: &str) -> Option<(&str, &Role)> {
        let found = self.roles.get_key_value(name);
        let found = found.or_else(|| self.roles.get_key_value(name.strip_prefix("role_")?));
        found.map(|(name, role)| (name.as_str(), role))
    }

    /// Whether a plan may name this operation.
    pub fn has(&self, performer: &Performer) -> bool {
        match self.agents.get(&performer.agent) {
            Some(Operations::Known(operations)) => operations.contains_key(&performer.operation),
            Some(Operations::Open) => true,
            None => false,
        }
    }
}
