//! What a plan tells everyone who plays a part in it, whatever the operation.
//!
//! The same steps are played by models, which take any argument; so the operations here take any, too, and use those
//! they know.

use op_agent::Failure;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The arguments that every operation takes beside its own.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(super) struct Brief {
    /// The role that is played: its name, or an object with `name` and `prompt`.
    #[serde(default)]
    role: Value,
    /// The task: a text, or an object with `name` and `description`.
    #[serde(default)]
    task: Value,
    /// What the whole plan is to achieve.
    #[serde(default)]
    goal: Value,
    /// What the step before handed on, in any form.
    #[serde(default)]
    pub(super) input: Value,
    /// Arguments for other players of the same part, and what an operation that takes anything takes.
    #[serde(flatten)]
    pub(super) rest: Map<String, Value>,
}

impl Brief {
    /// The goal in words; the description of the task, or a plain text as input, where there is none.
    pub(super) fn goal(&self) -> Option<String> {
        let task = || text_in(&self.task, &["description"]);
        text_in(&self.goal, &["text", "goal", "description"]).or_else(task).or_else(|| text_of(&self.input))
    }

    /// The name of the role; empty when there is none.
    pub(super) fn role_name(&self) -> String {
        text_in(&self.role, &["name"]).unwrap_or_default()
    }

    /// The prompt of the role; empty when there is none.
    pub(super) fn role_prompt(&self) -> String {
        self.role.get("prompt").and_then(text_of).unwrap_or_default()
    }

    /// The text handed on: the input itself, or what the operations of this agent call their text.
    pub(super) fn text(&self) -> Option<String> {
        text_in(&self.input, &TEXTS)
    }

    /// What the input has under a name.
    pub(super) fn of_input<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.input.get(name).and_then(|value| T::deserialize(value).ok())
    }
}

/// The names under which operations of this agent, and of models, return a text.
const TEXTS: [&str; 6] = ["text", "draft", "summary", "code", "content", "data"];

/// The text under the first of `names` that has one, or the value itself when it is a text.
fn text_in(value: &Value, names: &[&str]) -> Option<String> {
    text_of(value).or_else(|| names.iter().find_map(|name| value.get(name).and_then(text_of)))
}

fn text_of(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned)
}

/// An argument was not given in any of the ways in which it can be.
pub(super) fn missing(name: &str, how: &str) -> Failure {
    Failure::rejected("missing_argument", format!("there is no `{name}`")).hint(how)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn brief(value: Value) -> Brief {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn the_goal_is_found_in_any_of_its_places() {
        for given in [
            json!({ "goal": "a site", "input": "other" }),
            json!({ "goal": { "text": "a site" } }),
            json!({ "task": { "name": "x", "description": "a site" } }),
            json!({ "input": "a site" }),
        ] {
            assert_eq!(brief(given.clone()).goal().as_deref(), Some("a site"), "{given}");
        }
        assert_eq!(brief(json!({ "goal": " ", "input": {} })).goal(), None);
    }

    #[test]
    fn arguments_for_other_players_do_no_harm() {
        let brief = brief(json!({ "temperature": 0.5, "role": { "name": "x" }, "input": { "draft": "d" } }));
        assert_eq!(brief.text().as_deref(), Some("d"));
    }
}
