//! Values that a schema allows, and how they are written.

use serde_json::{Map, Value, json};

use super::validator::resolve;

/// Most alternatives that are tried inside a list or table.
const MOST: usize = 12;

/// Some values that a schema allows: every word, both answers, numbers at both ends.
pub(super) fn values(root: &Value, schema: &Value) -> Vec<Value> {
    let of = |schema: &Value| values(root, schema);
    if let Some(reference) = schema["$ref"].as_str() {
        return of(resolve(root, reference));
    }
    for alternatives in ["anyOf", "allOf"] {
        if let Some(schemas) = schema[alternatives].as_array() {
            return schemas.iter().flat_map(of).collect();
        }
    }
    if let Some(words) = schema["enum"].as_array() {
        return words.clone();
    }
    match schema["type"].as_str() {
        Some("boolean") => vec![json!(true), json!(false)],
        Some("string") if schema["pattern"].is_string() => vec![json!("7s")],
        Some("integer" | "number") => {
            let ends = ["minimum", "maximum"].map(|end| schema[end].clone());
            ends.into_iter().filter(|end| !end.is_null()).chain([json!(7)]).collect()
        }
        Some("array") => lists(root, schema),
        Some("object") => tables(root, schema),
        Some(_) | None => vec![json!("zz")],
    }
}

fn lists(root: &Value, schema: &Value) -> Vec<Value> {
    let least = usize::try_from(schema["minItems"].as_u64().unwrap_or(1)).expect("a short list");
    let full = values(root, &schema["items"]).into_iter().take(MOST).map(|item| json!(vec![item; least]));
    full.collect()
}

/// What must be there, and then each other key beside it.
fn tables(root: &Value, schema: &Value) -> Vec<Value> {
    let Some(properties) = schema["properties"].as_object() else {
        let values = values(root, &schema["additionalProperties"]);
        return values.into_iter().take(MOST).map(|value| json!({ "zz": value })).collect();
    };
    let first = |key: &str| values(root, &properties[key]).swap_remove(0);
    let required = schema["required"].as_array().into_iter().flatten();
    let least: Map<_, _> =
        required.filter_map(Value::as_str).map(|key| (key.to_owned(), first(key))).collect();
    let more = properties.keys().filter(|key| !least.contains_key(*key)).map(|key| {
        let mut table = least.clone();
        table.insert(key.clone(), first(key));
        table
    });
    std::iter::once(least.clone()).chain(more).map(Value::Object).collect()
}

/// A value as TOML writes it.
pub(super) fn write(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(write).collect::<Vec<_>>().join(", ")),
        Value::Object(table) => {
            let entry = |(key, value)| format!("{} = {}", json!(key), write(value));
            format!("{{ {} }}", table.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        // Texts are escaped as JSON escapes them.
        other => other.to_string(),
    }
}
