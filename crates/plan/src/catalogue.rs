//! Which agents, operations and roles a plan can name.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The agent whose operations are called by their bare names.
pub const TOOLS: &str = "tools";

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
    /// Whether twice equals once.
    pub idempotent: bool,
    /// Whether it sends output while it works.
    pub streaming: bool,
    /// The operation that undoes it.
    pub undo: Option<String>,
    /// Why it cannot work in this set-up.
    pub unavailable: Option<String>,
}

/// What is known of the operations of an agent.
#[derive(Debug, Clone, PartialEq)]
pub enum Operations {
    /// All of them.
    Known(BTreeMap<String, Operation>),
    /// Nothing before it was connected; a plan may name any.
    Open,
}

/// The agents and roles that a plan can name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Catalogue {
    /// Agents by name.
    pub agents: BTreeMap<String, Operations>,
    /// Roles by name, with who plays them by default.
    pub roles: BTreeMap<String, Performer>,
}

impl Catalogue {
    /// What is known of an operation; `None` when it is not known, which is no error for an open agent.
    pub fn operation(&self, performer: &Performer) -> Option<&Operation> {
        match self.agents.get(&performer.agent)? {
            Operations::Known(operations) => operations.get(&performer.operation),
            Operations::Open => None,
        }
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
