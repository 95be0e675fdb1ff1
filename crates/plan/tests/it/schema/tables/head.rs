//! What every plan can say.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde_json::Value;

use super::Args;
use super::time::Limit;

/// What every plan can say.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Head {
    /// Whether there is such a plan at all; `false` leaves it out. Usually true.
    enabled: Option<bool>,
    /// What the plan does, for people.
    description: Option<String>,
    /// The version of the plan, for people.
    version: Option<String>,
    /// What the plan is filed under, for people.
    category: Option<String>,
    /// Words by which people find the plan.
    tags: Option<Vec<String>>,
    /// What a run must or may be given, by name.
    inputs: Option<BTreeMap<String, Input>>,
    /// How many calls go on at once, at most. Usually 10.
    #[schemars(range(min = 1, max = 10_000))]
    max_parallel: Option<u32>,
    /// How long a run may take before it is stopped. Usually without limit.
    timeout: Option<Limit>,
    /// What is undone when a run fails.
    rollback: Option<Rollback>,
    /// What a run returns: any value, with references such as `${steps.ID.output}`.
    output: Option<Value>,
    /// When runs start by themselves: five cron fields, or a table.
    schedule: Option<When>,
    /// How many runs of the plan go on at once, and what happens to one more.
    concurrency: Option<Concurrency>,
}

/// What is undone when a run fails.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum Rollback {
    /// The phase that failed.
    Phase,
    /// Every phase that completed, in reverse.
    Run,
    /// Nothing.
    None,
}

/// Something that a run is given.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Input {
    /// What values it takes. Usually `string`.
    #[schemars(rename = "type")]
    kind: Option<Kind>,
    /// Whether a run must be given it. Usually true when it has no default.
    required: Option<bool>,
    /// The value when a run is not given it.
    default: Option<Value>,
    /// What it is, for people.
    description: Option<String>,
    /// The only values that it takes.
    #[schemars(length(min = 1))]
    choices: Option<Vec<Value>>,
}

/// What values an input takes.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum Kind {
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// True or false.
    Boolean,
    /// Text that names a file or folder.
    Path,
    /// A list.
    List,
    /// A table.
    Map,
    /// Any value.
    Json,
    /// The name of a credential, whose value never enters journal, log or event.
    Secret,
}

/// When runs start by themselves.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum When {
    /// Minute, hour, day, month and weekday, such as `0 3 * * *` for every night at three.
    Cron(String),
    /// The same with inputs.
    Table(Schedule),
}

/// When runs start by themselves, and what they are given.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Schedule {
    /// Minute, hour, day, month and weekday, such as `0 3 * * *` for every night at three.
    cron: Option<String>,
    /// What each of the runs is given.
    inputs: Option<Args>,
    /// What happens to starts that were missed while nothing ran. Usually `skip`.
    missed: Option<Missed>,
}

/// What happens to starts that were missed.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum Missed {
    /// They are forgotten.
    Skip,
    /// One run stands for all of them.
    Once,
    /// Each is made up for, at most a hundred.
    All,
}

/// How many runs go on at once.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Concurrency {
    /// What runs are counted by, made of inputs, such as `${repo}`. Usually all of the plan are counted together.
    key: Option<Value>,
    /// How many runs with the same key go on at once. Usually 1.
    #[schemars(range(min = 1, max = 10_000))]
    limit: Option<u32>,
    /// What happens to a run when there is no room for it. Usually `queue`.
    on_conflict: Option<OnConflict>,
}

/// What happens to a run when there is no room for it.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum OnConflict {
    /// It waits for its turn.
    Queue,
    /// It does not start.
    Skip,
    /// It takes the place of the oldest one, which is cancelled.
    Cancel,
}
