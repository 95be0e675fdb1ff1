//! `[workstacks.ID]`.

use schemars::JsonSchema;

use super::Args;
use super::head::Head;
use super::step::{Gates, Items, Repeats, Wishes};
use super::time::Limit;
use super::undo::Undo;

/// A plan of phases.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Workstack {
    #[schemars(flatten)]
    head: Head,
    /// What is done, in this order unless `depends_on` says otherwise.
    phases: Option<Vec<Phase>>,
    /// The limit of phases that state none.
    default_timeout: Option<Limit>,
    /// Ids of phases that run side by side.
    parallel_phases: Option<Vec<String>>,
}

/// A phase: its tools run in order, then the plan, then its agents.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Phase {
    /// What others refer to it by.
    id: String,
    /// What people see of it. Usually its id.
    name: Option<String>,
    /// What it is for, for people.
    description: Option<String>,
    /// Tools that it calls, one after the other.
    tools: Option<Vec<Tool>>,
    /// Agents and roles that it calls after the tools.
    agents: Option<Vec<Agent>>,
    /// The plan that it runs after the tools and before the agents.
    plan: Option<String>,
    /// The operation of agents that name none.
    operation: Option<String>,
    /// Arguments of agents, below those of their own, or inputs of the plan.
    args: Option<Args>,
    /// Skills of calls that name none.
    skills: Option<Vec<String>>,
    /// Whether the agents run side by side. Usually false.
    parallel: Option<bool>,
    /// Ids of phases that it waits for: absent is the one before it, `[]` none.
    depends_on: Option<Vec<String>>,
    /// A CEL condition: when it does not hold, the phase is skipped.
    when: Option<String>,
    /// Does the phase again, as long as a condition holds.
    repeat: Option<Repeat>,
    /// How long it may take.
    timeout: Option<Limit>,
    /// Whether the run goes on when it fails. Usually false.
    continue_on_failure: Option<bool>,
    /// Calls that undo it.
    rollback: Option<Vec<Undo>>,
    #[schemars(flatten)]
    items: Items,
    #[schemars(flatten)]
    repeats: Repeats,
    #[schemars(flatten)]
    gates: Gates,
}

/// How long a phase is done again.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Repeat {
    /// A CEL condition, asked after it succeeded: as long as it holds, the phase is done again.
    #[schemars(rename = "while")]
    condition: String,
    /// How often it is done at most, the first time included. Usually 10.
    #[schemars(range(min = 2, max = 10_000))]
    max: Option<u32>,
}

/// A call of a tool.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Tool {
    /// The tool alone.
    Name(String),
    /// The tool with arguments and wishes.
    Table(Box<ToolCall>),
}

/// A call of a tool.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct ToolCall {
    /// The tool that is called.
    tool: String,
    /// Arguments of the call, with references.
    args: Option<Args>,
    #[schemars(flatten)]
    wishes: Wishes,
    #[schemars(flatten)]
    gates: Gates,
}

/// A call of an agent or a role.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Agent {
    /// `agent`, or `agent.operation`.
    Name(String),
    /// Who is called, with arguments and wishes.
    Table(Box<AgentCall>),
}

/// A call of an agent or a role.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct AgentCall {
    /// The agent that is called, alone or as `agent.operation`.
    agent: Option<String>,
    /// The role that is called instead of an agent.
    role: Option<String>,
    /// The operation of the agent or role.
    operation: Option<String>,
    /// Roles and agents that take over one after the other when it fails.
    #[schemars(length(min = 1))]
    fallback: Option<Vec<String>>,
    /// Arguments of the call, with references.
    args: Option<Args>,
    #[schemars(flatten)]
    wishes: Wishes,
    #[schemars(flatten)]
    gates: Gates,
}
