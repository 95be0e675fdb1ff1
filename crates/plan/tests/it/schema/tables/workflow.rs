//! `[workflows.ID]`.

use schemars::JsonSchema;

use super::Args;
use super::head::Head;
use super::step::{Gates, Wishes};
use super::undo::Undo;

/// A plan of nodes and edges, undone as one transaction.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Workflow {
    #[schemars(flatten)]
    head: Head,
    /// What is done: each node as soon as its inputs are there.
    nodes: Option<Vec<WorkflowNode>>,
    /// Which output of a node is which input of another.
    edges: Option<Vec<Edge>>,
}

/// A node: it starts when its inputs are there.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct WorkflowNode {
    /// What edges and other nodes refer to it by; `${ID.PORT}` is what it returned.
    id: String,
    /// What people see of it. Usually its id.
    name: Option<String>,
    /// What it is for, for people.
    description: Option<String>,
    /// What it does: a tool, `agent.operation`, or a built-in type such as `cargo_build`, `command`, `http` or `delay`.
    #[schemars(rename = "type")]
    kind: Option<String>,
    /// The role that does it, instead of a type.
    role: Option<String>,
    /// The operation of the role.
    operation: Option<String>,
    /// The plan that it runs, instead of a type.
    plan: Option<String>,
    /// Input ports by name, with references such as `${build.artifact}`.
    inputs: Option<Args>,
    /// Ids of nodes that it waits for beside those that it refers to.
    depends_on: Option<Vec<String>>,
    /// A CEL condition: when it does not hold, the node is skipped.
    when: Option<String>,
    /// Whether the run goes on when it fails. Usually false.
    continue_on_failure: Option<bool>,
    /// Calls that undo it, instead of what undoes its type; `[]` undoes nothing.
    rollback: Option<Vec<Undo>>,
    #[schemars(flatten)]
    wishes: Wishes,
    #[schemars(flatten)]
    gates: Gates,
}

/// An output of a node that is an input of another.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Edge {
    /// Where it comes from: `node.port`, or `node` for all that it returned.
    from: String,
    /// Where it leads: `node.port`.
    to: String,
}
