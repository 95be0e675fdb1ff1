//! What undoes a phase, a step or a node.

use schemars::JsonSchema;

use super::Args;
use super::step::Repeats;
use super::time::Limit;

/// A call that undoes something.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Undo {
    /// The tool that is called.
    tool: Option<String>,
    /// The agent that is called, alone or as `agent.operation`.
    agent: Option<String>,
    /// The role that is called.
    role: Option<String>,
    /// The operation of the agent or role.
    operation: Option<String>,
    /// Arguments of the call, with references.
    args: Option<Args>,
    #[schemars(flatten)]
    repeats: Repeats,
    /// How long the call may take.
    timeout: Option<Limit>,
}
