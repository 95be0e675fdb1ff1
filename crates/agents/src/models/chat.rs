//! What a model is told, and what its answer is read as.
//!
//! The system message is the prompt of the role and the skills; the user message is the task, the prompt, and every other argument under its
//! name, texts as they are and anything else as JSON.

use std::fmt::Write;

use op_agent::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

/// What to answer, as whom.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(super) struct Respond {
    /// The role to play.
    #[serde(default, deserialize_with = "named")]
    role: Option<Role>,
    /// The task to do.
    #[serde(default, deserialize_with = "named")]
    task: Option<Task>,
    /// Skills that the hub gives: what the model is to know and to keep to.
    #[serde(default)]
    skills: Vec<Skill>,
    /// What to say to the model beside the task.
    prompt: Option<String>,
    /// The model to ask instead of that of the role and of the settings.
    model: Option<String>,
    /// Whether the answer is a text or one JSON object.
    #[serde(default)]
    pub(super) output: Output,
    /// Whatever else the model is to know, by name.
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// A role, as plans declare it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
struct Role {
    /// Its name.
    name: Option<String>,
    /// Who the model is to be, as the system message.
    prompt: Option<String>,
    /// The model that plays it instead of the configured one.
    model: Option<String>,
    /// How freely it answers.
    temperature: Option<f64>,
    /// How much it answers at most.
    max_tokens: Option<u64>,
    /// Tools that the role may use. A single answer uses none, and the model is not told of them.
    #[expect(dead_code, reason = "part of every role; nothing here can carry out a call for the model")]
    tools: Option<Value>,
}

/// A task.
#[derive(Debug, Default, Deserialize, JsonSchema)]
struct Task {
    /// Its name.
    name: Option<String>,
    /// What is to be done.
    description: Option<String>,
}

/// A skill.
#[derive(Debug, Default, Deserialize, JsonSchema)]
struct Skill {
    /// Its name.
    name: String,
    /// Its markdown.
    text: String,
}

/// An object, or only its name.
#[derive(Deserialize)]
#[serde(untagged)]
enum Named<T> {
    Name(String),
    Whole(T),
}

fn named<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + From<String>,
{
    let given = Option::<Named<T>>::deserialize(from)?;
    Ok(given.map(|given| match given {
        Named::Name(name) => T::from(name),
        Named::Whole(whole) => whole,
    }))
}

impl From<String> for Role {
    fn from(name: String) -> Self {
        Self { name: Some(name), ..Self::default() }
    }
}

impl From<String> for Task {
    fn from(name: String) -> Self {
        Self { name: Some(name), ..Self::default() }
    }
}

/// What an answer is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Output {
    /// A text.
    #[default]
    Text,
    /// One JSON object.
    Json,
}

/// What is said to a model that is to answer with JSON; servers that know `response_format` also ask for these words.
const AS_JSON: &str = "Answer with one JSON object and nothing else.";

impl Respond {
    /// The body of the request; `model` is the one to ask unless the role names its own.
    pub(super) fn request(&self, model: &str) -> Result<Value, Failure> {
        let role = self.role.as_ref();
        let user = self.user();
        if user.is_empty() {
            return Err(Failure::rejected("nothing_asked", "there is nothing to ask the model")
                .hint("give a `task`, a `prompt` or any other argument"));
        }
        let mut messages = Vec::new();
        let system = self.system();
        if !system.is_empty() {
            messages.push(json!({ "role": "system", "content": system }));
        }
        messages.push(json!({ "role": "user", "content": user }));
        let of_role = role.and_then(|role| role.model.as_deref());
        let model = self.model.as_deref().or(of_role).unwrap_or(model);
        let mut body = json!({ "model": model, "messages": messages, "stream": false });
        if let Some(temperature) = role.and_then(|role| role.temperature) {
            body["temperature"] = json!(temperature);
        }
        if let Some(most) = role.and_then(|role| role.max_tokens) {
            body["max_tokens"] = json!(most);
        }
        if self.output == Output::Json {
            body["response_format"] = json!({ "type": "json_object" });
        }
        Ok(body)
    }

    fn system(&self) -> String {
        let role = self.role.as_ref();
        let prompt = role.and_then(|role| role.prompt.clone());
        let name = || role.and_then(|role| role.name.as_deref()).map(|name| format!("You are the {name}."));
        let json = (self.output == Output::Json).then(|| AS_JSON.to_owned());
        let prompt = prompt.filter(|prompt| !prompt.trim().is_empty()).or_else(name);
        let skills =
            self.skills.iter().map(|skill| format!("Skill `{}`:\n\n{}", skill.name, skill.text.trim()));
        prompt.into_iter().chain(skills).chain(json).collect::<Vec<_>>().join("\n\n")
    }

    fn user(&self) -> String {
        let task = self.task.as_ref();
        let name = task.and_then(|task| task.name.as_deref()).map(|name| format!("Task: {name}"));
        let description = task.and_then(|task| task.description.clone());
        let parts = [name, description, self.prompt.clone()].into_iter().flatten();
        let others = self.others.iter().filter(|(_, value)| !value.is_null());
        let others = others.map(|(name, value)| labelled(name, value));
        let parts: Vec<String> = parts.chain(others).filter(|part| !part.trim().is_empty()).collect();
        parts.join("\n\n")
    }
}

fn labelled(name: &str, value: &Value) -> String {
    let mut text = format!("{name}:\n");
    let _ = match value {
        Value::String(value) => write!(text, "{value}"),
        value => write!(text, "{value:#}"),
    };
    text
}

/// The value of an answer: with `Output::Json` the object that the model wrote, else its text and what it cost.
pub(super) fn answer(output: Output, reply: &Value) -> Result<Value, Failure> {
    let choice = &reply["choices"][0];
    let text = choice["message"]["content"].as_str().unwrap_or_default();
    let is_cut = choice["finish_reason"] == "length";
    if text.trim().is_empty() {
        return Err(Failure::failed("no_answer", "the endpoint answered without a text of the model"));
    }
    if output == Output::Json {
        return object(text, is_cut).map(Value::Object);
    }
    let usage = &reply["usage"];
    let mut value = json!({
        "text": text,
        "model": reply["model"],
        "usage": { "prompt_tokens": usage["prompt_tokens"], "completion_tokens": usage["completion_tokens"] },
    });
    if is_cut {
        value["truncated"] = json!(true);
    }
    Ok(value)
}

/// The object that a text is, with or without a fence of markdown around it.
fn object(text: &str, is_cut: bool) -> Result<Map<String, Value>, Failure> {
    let bare = text.trim();
    let fenced = bare.strip_prefix("```").and_then(|inner| inner.strip_suffix("```"));
    let bare = fenced.map_or(bare, |inner| inner.trim_start_matches("json").trim());
    serde_json::from_str(bare).map_err(|error| {
        let hint = if is_cut {
            "the answer was cut off: raise `max_tokens` of the role"
        } else {
            "try again, or ask a model that keeps to JSON"
        };
        let begins: String = text.chars().take(SHOWN).collect();
        Failure::failed("not_json", format!("the answer of the model is no JSON object: {error}"))
            .hint(hint)
            .detail(json!({ "text": begins }))
    })
}

/// How many letters of an answer a failure shows.
const SHOWN: usize = 2000;

#[cfg(test)]
mod tests {
    use super::*;

    fn request(args: Value) -> Value {
        serde_json::from_value::<Respond>(args).unwrap().request("m").unwrap()
    }

    #[test]
    fn role_task_and_arguments_become_a_chat() {
        let body = request(json!({
            "role": { "name": "coder", "prompt": "You code.", "model": "big", "temperature": 0.5, "max_tokens": 9, "tools": ["x"] },
            "task": { "name": "Build", "description": "Build it." },
            "prompt": "Now.",
            "goal": "a site",
            "input": { "pages": 1 },
            "nothing": null,
        }));
        let user = "Task: Build\n\nBuild it.\n\nNow.\n\ngoal:\na site\n\ninput:\n{\n  \"pages\": 1\n}";
        assert_eq!(
            body["messages"],
            json!([{ "role": "system", "content": "You code." }, { "role": "user", "content": user }])
        );
        assert_eq!(
            (&body["model"], &body["temperature"], &body["max_tokens"]),
            (&json!("big"), &json!(0.5), &json!(9))
        );
        assert_eq!(body.get("response_format"), None);
    }

    #[test]
    fn without_a_role_the_configured_model_is_asked_and_json_is_asked_for_in_words_too() {
        let body = request(json!({ "prompt": "x", "output": "json" }));
        assert_eq!((&body["model"], &body["response_format"]["type"]), (&json!("m"), &json!("json_object")));
        assert!(body["messages"][0]["content"].as_str().unwrap().contains("JSON"));
    }

    #[test]
    fn a_role_may_be_only_a_name_and_a_model_that_is_named_is_asked() {
        let body = request(json!({ "role": "coder", "task": "Build", "model": "other" }));
        assert_eq!(body["model"], "other");
        assert_eq!(body["messages"][0]["content"], "You are the coder.");
        assert_eq!(body["messages"][1]["content"], "Task: Build");
    }

    #[test]
    fn skills_stand_in_the_system_message_after_the_prompt_of_the_role() {
        let body = request(json!({
            "role": { "prompt": "You code." },
            "task": "Build",
            "skills": [{ "name": "care", "text": "# Care\n\nBe kind.\n" }, { "name": "haste", "text": "Be quick." }],
        }));
        let system = "You code.\n\nSkill `care`:\n\n# Care\n\nBe kind.\n\nSkill `haste`:\n\nBe quick.";
        assert_eq!(body["messages"][0]["content"], system);
        assert_eq!(body["messages"][1]["content"], "Task: Build");
    }

    #[test]
    fn nothing_to_ask_is_rejected() {
        assert_eq!(Respond::default().request("m").unwrap_err().reason(), "nothing_asked");
    }

    fn reply(text: &str, finish: &str) -> Value {
        json!({ "model": "m-1", "choices": [{ "message": { "content": text }, "finish_reason": finish }], "usage": { "prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5 } })
    }

    #[test]
    fn a_text_comes_with_what_it_cost() {
        let value = answer(Output::Text, &reply("hello", "stop")).unwrap();
        assert_eq!(
            value,
            json!({ "text": "hello", "model": "m-1", "usage": { "prompt_tokens": 3, "completion_tokens": 2 } })
        );
        assert_eq!(answer(Output::Text, &reply("hel", "length")).unwrap()["truncated"], true);
    }

    #[test]
    fn an_object_is_the_value_itself() {
        for text in [r#"{"a": 1}"#, "```json\n{\"a\": 1}\n```", "```\n{\"a\": 1}```"] {
            assert_eq!(answer(Output::Json, &reply(text, "stop")).unwrap(), json!({ "a": 1 }), "{text}");
        }
        for text in ["hello", "[1]", "{\"a\": ", "see {\"a\": 1}"] {
            assert_eq!(
                answer(Output::Json, &reply(text, "length")).unwrap_err().reason(),
                "not_json",
                "{text}"
            );
        }
    }

    #[test]
    fn an_answer_without_a_text_is_a_failure() {
        for reply in [json!({}), json!({ "choices": [] }), reply(" ", "stop")] {
            assert_eq!(answer(Output::Text, &reply).unwrap_err().reason(), "no_answer");
        }
    }
}
