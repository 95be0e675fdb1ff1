//! `[templates.ID]`.

use schemars::JsonSchema;
use serde_json::Value;

use super::Args;
use super::head::Head;
use super::step::{Gates, Wishes};
use super::time::Duration;

/// A plan of steps without identities.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Template {
    #[schemars(flatten)]
    head: Head,
    /// Whether there is such a template at all, as `enabled` says too. Usually true.
    active: Option<bool>,
    /// What people see of it, in front of its description.
    name: Option<String>,
    /// The role that plays steps for which nobody is cast.
    default_role: Option<String>,
    /// What is done, in the order of `order`.
    steps: Option<Vec<TemplateStep>>,
}

/// A step of a template.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct TemplateStep {
    /// What it does in a few words: roles are assigned by it, and others refer to it by that.
    name: String,
    /// What others refer to it by too. Usually made of its name.
    id: Option<String>,
    /// What it is for, for people and for who plays it.
    description: Option<String>,
    /// What is special about it. Usually `sequential`.
    step_type: Option<StepType>,
    /// Its place: steps run from the smallest number to the largest. Usually its place in the file.
    order: Option<i64>,
    /// Steps that follow each other with the same group run side by side.
    parallel_group: Option<String>,
    /// When it runs, and for a loop whether again: CEL as text, or a table.
    condition: Option<If>,
    /// How often a loop is visited at most. Usually 10.
    #[schemars(range(min = 1, max = 10_000))]
    max_iterations: Option<u32>,
    /// The plan that it runs.
    plan: Option<String>,
    /// Arguments, with references such as `{{context.input.code}}` or `{{context['Step Name']}}`.
    input_mapping: Option<Args>,
    /// How long is waited before the first repeat of `max_retries`.
    retry_delay: Option<Duration>,
    #[schemars(flatten)]
    wishes: Wishes,
    #[schemars(flatten)]
    gates: Gates,
}

/// What is special about a step.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum StepType {
    /// It runs after the one before it.
    Sequential,
    /// It runs beside the others of its group.
    Parallel,
    /// It runs when its condition holds.
    Conditional,
    /// It runs as long as its condition holds.
    Loop,
    /// It runs another plan.
    SubPlan,
    /// Another word for `sub_plan`.
    SubOrchestration,
    /// It only waits.
    Wait,
}

/// A condition.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum If {
    /// CEL.
    Cel(String),
    /// A comparison.
    Table(Condition),
}

/// A comparison.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Condition {
    /// What is compared: `context.input.NAME`, `context['Step Name'].field`, or `Step Name.field`.
    field: String,
    /// How it is compared.
    operator: Operator,
    /// What it is compared with; `exists` takes none.
    value: Option<Value>,
}

/// How two values are compared.
#[derive(JsonSchema)]
enum Operator {
    /// Greater.
    #[schemars(rename = ">")]
    Greater,
    /// Less.
    #[schemars(rename = "<")]
    Less,
    /// Greater or equal.
    #[schemars(rename = ">=")]
    AtLeast,
    /// Less or equal.
    #[schemars(rename = "<=")]
    AtMost,
    /// Equal.
    #[schemars(rename = "==")]
    Equal,
    /// Equal too.
    #[schemars(rename = "===")]
    Same,
    /// Not equal.
    #[schemars(rename = "!=")]
    Different,
    /// Not equal too.
    #[schemars(rename = "!==")]
    NotSame,
    /// Text in text, or anything in a list.
    #[schemars(rename = "contains")]
    Contains,
    /// There is such a field.
    #[schemars(rename = "exists")]
    Exists,
}
