//! What a step of any notation can wish for.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde_json::Value;

use super::time::{Duration, Keeping, Limit};

/// How often a call is repeated.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Repeats {
    /// How often a call that failed is repeated: short for `retry = { max = N }`.
    #[schemars(range(max = 1_000))]
    max_retries: Option<u32>,
    /// How often a call that failed is repeated, how long is waited before, and after which failures.
    retry: Option<Retry>,
}

/// How a call that failed is repeated.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Retry {
    /// How often it is repeated at most, the first call not counted.
    #[schemars(range(max = 1_000))]
    max: u32,
    /// How long is waited before the first repeat.
    delay: Option<Duration>,
    /// By how much the wait grows with each repeat: 1 leaves it, 2 doubles it.
    #[schemars(range(min = 1, max = 100))]
    backoff: Option<f64>,
    /// The longest wait before a repeat.
    max_delay: Option<Duration>,
    /// Kinds of failure after which it is repeated.
    #[schemars(length(min = 1))]
    on: Option<Vec<Failure>>,
}

/// A kind of failure.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum Failure {
    /// Nobody could be called.
    Unavailable,
    /// The link broke, and what became of the call is unknown.
    Lost,
    /// Who was called tried and failed.
    Failed,
    /// Who was called looked and said no.
    Rejected,
    /// A guard did not let the call through.
    Refused,
    /// A time limit passed.
    TimedOut,
    /// Another word for `timed_out`.
    Timeout,
}

/// The list that a step goes over.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Items {
    /// The list that it goes over, such as `${files}`: it is done once for each `item`, and returns a list in that order.
    for_each: Option<ForEach>,
    /// How many items of the list are worked on at once.
    #[schemars(range(min = 1, max = 10_000))]
    max_parallel: Option<u32>,
}

/// A list.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum ForEach {
    /// A whole reference to a list.
    Reference(String),
    /// The list itself.
    List(Vec<Value>),
}

/// What a step can wish for.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Wishes {
    #[schemars(flatten)]
    items: Items,
    #[schemars(flatten)]
    repeats: Repeats,
    /// Skills that the call is given by name, beside those that are active in it by themselves.
    skills: Option<Vec<String>>,
    /// A CEL condition over `output` that an answer must meet to count as success, such as `output.approved`.
    accept: Option<String>,
    /// Variables by name, each made of `output`, such as `{ version = "${output.version}" }`.
    output_mapping: Option<BTreeMap<String, Value>>,
    /// The variable under which others find what it returned.
    store_as: Option<String>,
    /// Whether the run goes on when it fails. Usually false.
    optional: Option<bool>,
    /// How long what it returned stands for calling again with the same arguments; `true` is an hour. Usually not at all.
    cache: Option<Keeping>,
    /// How long it may take.
    timeout: Option<Limit>,
}

/// What is waited for.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Gates {
    /// How long is waited before it starts.
    delay: Option<Duration>,
    /// The signal that it waits for by name.
    signal: Option<String>,
    /// What a person is asked before it starts: a question, or a table.
    approval: Option<Ask>,
}

/// What a person is asked.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Ask {
    /// The question, with references.
    Question(String),
    /// The question with a time to answer it.
    Table(Approval),
}

/// What a person is asked, and how long the answer is waited for.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Approval {
    /// The question, with references.
    message: Value,
    /// How long an answer is waited for. Usually without limit.
    timeout: Option<Limit>,
    /// What happens when nobody answers in time. Usually `reject`.
    on_timeout: Option<OnTimeout>,
}

/// What happens when nobody answers in time.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum OnTimeout {
    /// As if the answer were no.
    Reject,
    /// As if the answer were yes.
    Approve,
    /// The run is parked until somebody answers.
    Park,
}
