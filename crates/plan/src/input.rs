//! What a run must be given, and the check of what it was given.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The one key of the table that stands for a secret in the arguments of a call: `{"$secret": "NAME"}`.
pub const SECRET: &str = "$secret";

/// Type of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputType {
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
    /// Any JSON value.
    Json,
    /// The name of a credential; its value never enters journal, log or event.
    Secret,
}

/// What a run must be given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: InputType,
    /// Whether a run must give it.
    pub required: bool,
    /// Taken when a run does not give it.
    pub default: Option<Value>,
    /// One sentence for people.
    pub description: String,
    /// The only values allowed; empty allows all.
    pub choices: Vec<Value>,
}

/// What is wrong with the inputs of a run; one entry for each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// A required input is missing.
    #[error("input `{name}` ({kind}) is missing")]
    Missing {
        /// The input.
        name: String,
        /// Its type.
        kind: &'static str,
    },
    /// No input has this name.
    #[error("the plan has no input `{name}`{}", nearest.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    Unknown {
        /// The name that was given.
        name: String,
        /// The nearest one that exists.
        nearest: Option<String>,
    },
    /// The value has another type.
    #[error("input `{name}` must be {kind}, and `{value}` is not")]
    Type {
        /// The input.
        name: String,
        /// Its type.
        kind: &'static str,
        /// What was given, as JSON.
        value: String,
    },
    /// The value is none of the choices.
    #[error("input `{name}` must be one of {choices}, and `{value}` is not")]
    Choice {
        /// The input.
        name: String,
        /// What is allowed.
        choices: String,
        /// What was given, as JSON.
        value: String,
    },
}

/// Inputs as a run takes them, complete with defaults, in the order of the plan.
pub type Inputs = IndexMap<String, Value>;
