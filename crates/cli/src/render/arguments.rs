//! The arguments of an operation, read off their JSON Schema.

use serde_json::{Map, Value};

/// How deep a type is told: what lies deeper is an object or an array.
const DEEPEST: usize = 4;

/// One argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Argument {
    /// Its name.
    pub(crate) name: String,
    /// What it takes, such as `integer` or `one|two`.
    pub(crate) kind: String,
    /// Whether it must be given.
    pub(crate) required: bool,
    /// What it is for.
    pub(crate) about: String,
}

/// The arguments that a schema names, those that must be given first.
pub(crate) fn arguments(schema: &str) -> Vec<Argument> {
    let schema: Value = serde_json::from_str(schema).unwrap_or_default();
    let is_required =
        |name: &str| schema["required"].as_array().is_some_and(|names| names.iter().any(|one| one == name));
    let properties = schema["properties"].as_object().into_iter().flatten();
    let mut arguments: Vec<_> = properties
        .map(|(name, of)| Argument {
            name: name.clone(),
            kind: kind(of, &schema, DEEPEST),
            required: is_required(name),
            about: about(of, &schema),
        })
        .collect();
    arguments.sort_by_key(|argument| !argument.required);
    arguments
}

/// The sentence about a property; what it points to may have one too.
fn about(of: &Value, schema: &Value) -> String {
    let own = of["description"].as_str().or_else(|| pointed(of, schema)?["description"].as_str());
    own.unwrap_or_default().to_owned()
}

/// What a value of a schema is, in a word.
fn kind(of: &Value, schema: &Value, deep: usize) -> String {
    let within = |of: &Value| if deep == 0 { "any".to_owned() } else { kind(of, schema, deep - 1) };
    if let Some(target) = pointed(of, schema) {
        return within(target);
    }
    let choices = ["oneOf", "anyOf"].into_iter().find_map(|key| of[key].as_array());
    if let Some(choices) = choices {
        return either(choices.iter().map(within));
    }
    if let Some(words) = of["enum"].as_array() {
        return either(words.iter().map(word));
    }
    if let Some(one) = of.get("const") {
        return word(one);
    }
    match &of["type"] {
        Value::String(name) if name == "array" => format!("array of {}", within(&of["items"])),
        Value::String(name) => name.clone(),
        Value::Array(names) => {
            let one = |name: &Value| within(&Value::Object(typed(of, name)));
            either(names.iter().map(one))
        }
        _ => "any".to_owned(),
    }
}

/// A schema with one of its types.
fn typed(of: &Value, name: &Value) -> Map<String, Value> {
    let mut one = of.as_object().cloned().unwrap_or_default();
    one.insert("type".to_owned(), name.clone());
    one
}

/// One of several, once each. That nothing can be given too is said by the brackets.
fn either(kinds: impl Iterator<Item = String>) -> String {
    let mut told: Vec<String> = Vec::new();
    for kind in kinds.filter(|kind| kind != "null") {
        if !told.contains(&kind) {
            told.push(kind);
        }
    }
    told.join("|")
}

fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What a reference within the schema points to.
fn pointed<'a>(of: &Value, schema: &'a Value) -> Option<&'a Value> {
    schema.pointer(of["$ref"].as_str()?.strip_prefix('#')?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_are_read_with_what_they_take_and_the_required_ones_first() {
        let schema = json!({
            "properties": {
                "count": { "type": ["integer", "null"] },
                "files": { "type": "array", "items": { "type": "string" } },
                "level": { "anyOf": [{ "$ref": "#/$defs/Level" }, { "type": "null" }], "description": "How loud." },
                "path": { "type": "string", "description": "Where." },
                "tool": { "$ref": "#/$defs/Tool" },
                "anything": true,
            },
            "required": ["path"],
            "$defs": {
                "Level": { "enum": ["warn", "error"] },
                "Tool": { "oneOf": [{ "const": "ruff" }, { "const": "black" }], "description": "What formats." },
            },
        });
        let told: Vec<_> = arguments(&schema.to_string())
            .into_iter()
            .map(|one| (one.name, one.kind, one.required, one.about))
            .collect();
        let one = |name: &str, kind: &str, required, about: &str| {
            (name.into(), kind.into(), required, about.into())
        };
        assert_eq!(
            told,
            [
                one("path", "string", true, "Where."),
                one("anything", "any", false, ""),
                one("count", "integer", false, ""),
                one("files", "array of string", false, ""),
                one("level", "warn|error", false, "How loud."),
                one("tool", "ruff|black", false, "What formats."),
            ]
        );
    }

    #[test]
    fn a_schema_that_is_none_or_points_to_itself_ends() {
        assert!(arguments("").is_empty());
        let own = json!({ "properties": { "a": { "$ref": "#/properties/a" } } });
        assert_eq!(arguments(&own.to_string())[0].kind, "any");
    }
}
