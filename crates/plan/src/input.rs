//! What a run must be given, and the check of what it was given.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::diagnostic::nearest;
use crate::plan::Plan;

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

impl InputType {
    /// Every type, in the order of their declaration.
    pub const ALL: [Self; 9] = [
        Self::String,
        Self::Integer,
        Self::Number,
        Self::Boolean,
        Self::Path,
        Self::List,
        Self::Map,
        Self::Json,
        Self::Secret,
    ];

    /// The word for it in a plan.
    pub fn word(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Path => "path",
            Self::List => "list",
            Self::Map => "map",
            Self::Json => "json",
            Self::Secret => "secret",
        }
    }

    /// What a value of it is, for messages.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::String => "text",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::Boolean => "true or false",
            Self::Path => "the path of a file or folder",
            Self::List => "a list",
            Self::Map => "a table",
            Self::Json => "JSON",
            Self::Secret => "the name of a credential",
        }
    }

    /// Whether a value is of this type.
    pub fn accepts(self, value: &Value) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::Path | Self::Secret => {
                value.as_str().is_some_and(|text| !text.is_empty() && !text.contains('\0'))
            }
            Self::List => value.is_array(),
            Self::Map => value.is_object(),
            Self::Json => true,
        }
    }
}

/// What a run must be given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: InputType,
    /// Whether a run must give it. One that is neither required nor has a default is null when it is not given.
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

impl Input {
    /// Reads a value from text as people type it: `path=src`, `limit=3`, `files=["a", "b"]`. `name` is for messages.
    ///
    /// # Errors
    /// When the text is no value of this type.
    pub fn read(&self, name: &str, text: &str) -> Result<Value, InputError> {
        let value = match self.kind {
            InputType::String | InputType::Path | InputType::Secret => Some(Value::from(text)),
            InputType::Json => serde_json::from_str(text).ok().or_else(|| Some(Value::from(text))),
            InputType::Integer
            | InputType::Number
            | InputType::Boolean
            | InputType::List
            | InputType::Map => serde_json::from_str(text.trim()).ok(),
        };
        let value = value.filter(|value| self.kind.accepts(value));
        value.ok_or_else(|| self.refuse(name, &Value::from(text)))
    }

    fn check(&self, name: &str, value: &Value) -> Result<(), InputError> {
        if !self.kind.accepts(value) {
            return Err(self.refuse(name, value));
        }
        if self.choices.is_empty() || self.choices.contains(value) {
            return Ok(());
        }
        let choices: Vec<_> = self.choices.iter().map(ToString::to_string).collect();
        Err(InputError::Choice {
            name: name.to_owned(),
            choices: choices.join(", "),
            value: self.shown(value),
        })
    }

    fn refuse(&self, name: &str, value: &Value) -> InputError {
        InputError::Type { name: name.to_owned(), kind: self.kind.phrase(), value: self.shown(value) }
    }

    /// A value for a message: cut when long, and never that of a secret, which may be the credential itself.
    fn shown(&self, value: &Value) -> String {
        match self.kind {
            InputType::Secret => "***".to_owned(),
            _ => value.to_string().chars().take(80).collect(),
        }
    }
}

impl Plan {
    /// Checks what a run was given and completes it: the inputs of the plan in its order, with defaults.
    ///
    /// # Errors
    /// Everything that is missing, unknown, or of the wrong type or choice.
    pub fn take(&self, mut given: serde_json::Map<String, Value>) -> Result<Inputs, Vec<InputError>> {
        let mut inputs = Inputs::new();
        let mut errors = Vec::new();
        for (name, input) in &self.draft().inputs {
            match (given.remove(name), &input.default) {
                (Some(value), _) => match input.check(name, &value) {
                    Ok(()) => drop(inputs.insert(name.clone(), value)),
                    Err(error) => errors.push(error),
                },
                (None, Some(default)) => drop(inputs.insert(name.clone(), default.clone())),
                (None, None) if input.required => {
                    errors.push(InputError::Missing { name: name.clone(), kind: input.kind.word() });
                }
                (None, None) => drop(inputs.insert(name.clone(), Value::Null)),
            }
        }
        errors.extend(given.into_iter().map(|(name, _)| {
            let known = self.draft().inputs.keys().map(String::as_str);
            InputError::Unknown { nearest: nearest(&name, known).map(str::to_owned), name }
        }));
        if errors.is_empty() { Ok(inputs) } else { Err(errors) }
    }
}
