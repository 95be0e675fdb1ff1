//! What an agent is tried with.

use std::str::FromStr;
use std::time::Duration;

use op_proto::agent::v1::{DescribeResponse, Effects, OperationDescription};
use serde_json::Value;

/// How long anything may take that should come at once.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long whoever tries an agent has to send it SIGTERM.
const DRAIN: Duration = Duration::from_mins(2);

/// An operation and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Name of the operation.
    pub operation: String,
    /// Arguments as JSON text; an object.
    pub arguments: String,
}

/// Why a text is not a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a call: write NAME or NAME={{\"argument\": ...}}, with a JSON object")]
pub struct ParseCallError(String);

impl FromStr for Call {
    type Err = ParseCallError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, arguments) = text.split_once('=').unwrap_or((text, "{}"));
        let is_object = serde_json::from_str::<Value>(arguments).is_ok_and(|value| value.is_object());
        if name.is_empty() || !is_object {
            return Err(ParseCallError(text.to_owned()));
        }
        Ok(Self { operation: name.to_owned(), arguments: arguments.to_owned() })
    }
}

/// What an agent is tried with. What is left out is not checked, and the report says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// Called wherever any operation will do, a few dozen times. Without it: a read that takes no argument it must have.
    pub operation: Option<Call>,
    /// Goes on for ten seconds or more unless it is stopped.
    pub slow: Option<Call>,
    /// Writes more than 256 KiB of output and less than 16 MiB, the same each time.
    pub large: Option<Call>,
    /// Changes something, is not idempotent, and answers something else each time it is done.
    pub write: Option<Call>,
    /// Asks the hub for something by a host call.
    pub asks: Option<Call>,
    /// How long anything may take that should come at once.
    pub patience: Duration,
    /// How long to wait for the agent to drain, while somebody sends it SIGTERM; none when nobody will.
    pub drain: Option<Duration>,
}

impl Default for Trial {
    fn default() -> Self {
        Self {
            operation: None,
            slow: None,
            large: None,
            write: None,
            asks: None,
            patience: PATIENCE,
            drain: None,
        }
    }
}

impl Trial {
    /// Also waits two minutes for the agent to drain.
    #[must_use]
    pub fn with_drain(self) -> Self {
        Self { drain: Some(DRAIN), ..self }
    }
}

/// An operation that any agent can be asked for without harm: a read without arguments, one without output before others.
pub(super) fn harmless(agent: &DescribeResponse) -> Option<Call> {
    let fits = |operation: &&OperationDescription| {
        operation.effects() == Effects::Read && operation.unavailable.is_empty() && needs_nothing(operation)
    };
    let chosen = agent.operations.iter().filter(fits).min_by_key(|operation| operation.streaming)?;
    Some(Call { operation: chosen.name.clone(), arguments: "{}".to_owned() })
}

fn needs_nothing(operation: &OperationDescription) -> bool {
    let Ok(schema) = serde_json::from_str::<Value>(&operation.input_schema) else { return false };
    schema.get("required").and_then(Value::as_array).is_none_or(Vec::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_a_name_and_an_object() {
        let call = |operation: &str, arguments: &str| Call {
            operation: operation.into(),
            arguments: arguments.into(),
        };
        assert_eq!("wait".parse(), Ok(call("wait", "{}")));
        assert_eq!(r#"wait={"a": "b=c"}"#.parse(), Ok(call("wait", r#"{"a": "b=c"}"#)));
        for text in ["", "={}", "wait=", "wait=[]", "wait={"] {
            assert!(text.parse::<Call>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_changes_something_needs_arguments_or_is_unavailable_is_not_chosen() {
        let operation =
            |name: &str, effects: Effects, input_schema: &str, streaming: bool| OperationDescription {
                name: name.into(),
                effects: effects.into(),
                input_schema: input_schema.into(),
                streaming,
                ..OperationDescription::default()
            };
        let mut agent = DescribeResponse {
            operations: vec![
                operation("write", Effects::Write, "{}", false),
                operation("needs", Effects::Read, r#"{"required": ["a"]}"#, false),
                operation("streams", Effects::Read, "{}", true),
                OperationDescription {
                    unavailable: "set it".into(),
                    ..operation("unset", Effects::Read, "{}", false)
                },
            ],
            ..DescribeResponse::default()
        };
        let chosen = |agent: &DescribeResponse| harmless(agent).map(|call| call.operation);
        assert_eq!(chosen(&agent).as_deref(), Some("streams"));
        agent.operations.push(operation("look", Effects::Read, r#"{"required": []}"#, false));
        assert_eq!(chosen(&agent).as_deref(), Some("look"));
        agent.operations.truncate(2);
        assert_eq!(chosen(&agent), None);
    }
}
