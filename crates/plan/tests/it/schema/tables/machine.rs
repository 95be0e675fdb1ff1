//! `[machines.ID]`.

use schemars::JsonSchema;

use super::Args;
use super::head::Head;
use super::step::{Gates, Wishes};
use super::undo::Undo;

/// A plan of steps, each with a target for success and one for failure.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Machine {
    #[schemars(flatten)]
    head: Head,
    /// What the machine is for: the default of the input `goal`, which every step is told that takes it.
    goal: Option<String>,
    /// The id of the step it begins with. Usually the first one.
    initial: Option<String>,
    /// How many steps a run visits at most, all together. Usually 100.
    #[schemars(range(min = 1, max = 1_000_000))]
    max_visits: Option<u32>,
    /// A line of steps, each `["id", "role", "description"]`.
    pipeline: Option<Vec<Stage>>,
    /// Steps and ends, in any order.
    steps: Option<Vec<State>>,
}

/// A step of a line: id, role and, if you like, description.
#[derive(JsonSchema)]
#[schemars(transparent)]
struct Stage(#[schemars(length(min = 2, max = 3))] Vec<String>);

/// A step, or an end.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum State {
    /// Something is done, and it goes on.
    Step(Box<MachineStep>),
    /// The run is over.
    End(MachineEnd),
}

/// A step of a machine.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct MachineStep {
    /// What others lead to it by.
    id: String,
    /// What people see of it. Usually its id.
    name: Option<String>,
    /// What it is for, for people and for who does it.
    description: Option<String>,
    /// The role that does it.
    role: Option<String>,
    /// The agent that does it, alone or as `agent.operation`.
    agent: Option<String>,
    /// The tool that does it.
    tool: Option<String>,
    /// The plan that it runs.
    plan: Option<String>,
    /// The operation of the agent or role.
    operation: Option<String>,
    /// Arguments, with references. Usually the goal and what was returned last, as far as they are taken.
    args: Option<Args>,
    /// Another word for `args`.
    input_mapping: Option<Args>,
    /// A CEL condition: when it does not hold, the step is passed over.
    when: Option<String>,
    /// How often a run visits it at most. Usually 10.
    #[schemars(range(min = 1, max = 1_000_000))]
    max_visits: Option<u32>,
    /// Calls that undo it.
    rollback: Option<Vec<Undo>>,
    /// The step or end after it succeeded, or a list of ways.
    on_success: Next,
    /// The step or end after it failed and all repeats did, or a list of ways. Usually the run fails.
    on_failure: Option<Next>,
    #[schemars(flatten)]
    wishes: Wishes,
    #[schemars(flatten)]
    gates: Gates,
}

/// Where it goes on.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Next {
    /// The id of a step, `completed` or `failed`.
    Target(String),
    /// Ways with conditions: the first one whose condition holds is taken.
    Ways(#[schemars(length(min = 1))] Vec<Way>),
}

/// A way to another step.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Way {
    /// A CEL condition that must hold for it to be taken; the last way of a list has none.
    when: Option<String>,
    /// The id of a step, `completed` or `failed`.
    to: String,
}

/// An end of a machine.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct MachineEnd {
    /// What steps lead to it by.
    id: String,
    /// The final state that it stands for.
    terminal: Terminal,
    /// What people see of it. Usually its id.
    name: Option<String>,
    /// What it means, for people.
    description: Option<String>,
    /// What a run says that ends here. Usually the description.
    message: Option<String>,
}

/// The final state of a run.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum Terminal {
    /// The run did what its plan says.
    Completed,
    /// It did not.
    Failed,
}
