//! Checks values against a schema, as far as ours goes: a word of a schema that is not known here is refused.

use serde_json::{Map, Value};

/// Words that say nothing about values.
const NOTES: [&str; 5] = ["$schema", "definitions", "description", "title", "x-taplo"];

/// What is wrong with a value, each with where.
pub(super) fn violations(schema: &Value, value: &Value) -> Vec<String> {
    let mut validator = Validator { root: schema, found: Vec::new() };
    validator.check(schema, value, "");
    validator.found
}

/// The schema that a reference names.
pub(super) fn resolve<'s>(root: &'s Value, reference: &str) -> &'s Value {
    let pointer = reference.strip_prefix('#').expect("references stay inside");
    root.pointer(pointer).expect("it is defined")
}

struct Validator<'s> {
    root: &'s Value,
    found: Vec<String>,
}

impl Validator<'_> {
    fn check(&mut self, schema: &Value, value: &Value, at: &str) {
        let Value::Object(schema) = schema else {
            assert_eq!(*schema, Value::Bool(true), "a schema is a table, or allows everything");
            return;
        };
        for (word, says) in schema.iter().filter(|(word, _)| !NOTES.contains(&word.as_str())) {
            self.word(schema, word, says, value, at);
        }
    }

    fn word(&mut self, schema: &Map<String, Value>, word: &str, says: &Value, value: &Value, at: &str) {
        let length = value.as_array().map(|list| list.len() as u64);
        let is_wrong = match word {
            "$ref" => return self.check(resolve(self.root, text(says)), value, at),
            "allOf" => return list(says).iter().for_each(|schema| self.check(schema, value, at)),
            "properties" | "required" | "additionalProperties" => return self.keys(schema, word, value, at),
            "items" => return self.items(says, value, at),
            "anyOf" => return self.any(list(says), value, at),
            "type" => {
                let is_wrong = !is(text(says), value);
                (is_wrong, format!("no {}", text(says)))
            }
            "enum" => (!list(says).contains(value), "none of the words".to_owned()),
            "pattern" => (!matches(text(says), value), "another form".to_owned()),
            "minimum" => (value.as_f64() < says.as_f64() && value.is_number(), "too small".to_owned()),
            "maximum" => (value.as_f64() > says.as_f64() && value.is_number(), "too large".to_owned()),
            "minItems" => (length < says.as_u64() && length.is_some(), "too short".to_owned()),
            "maxItems" => (length > says.as_u64() && length.is_some(), "too long".to_owned()),
            other => panic!("the schema says `{other}`, which is not known here"),
        };
        if let (true, what) = is_wrong {
            self.found.push(format!("{at}: {what}"));
        }
    }

    fn keys(&mut self, schema: &Map<String, Value>, word: &str, value: &Value, at: &str) {
        let Value::Object(table) = value else { return };
        if word == "required" {
            let missing = list(&schema["required"]).iter().map(text).filter(|key| !table.contains_key(*key));
            self.found.extend(missing.map(|key| format!("{at}: no `{key}`")));
            return;
        }
        for (key, value) in table {
            let at = join(at, key);
            let known = schema.get("properties").and_then(|known| known.get(key));
            match (word, known, schema.get("additionalProperties")) {
                ("properties", Some(known), _) => self.check(known, value, &at),
                ("additionalProperties", None, Some(Value::Bool(false))) => {
                    self.found.push(format!("{at}: unknown key"));
                }
                ("additionalProperties", None, Some(other)) => self.check(other, value, &at),
                _ => {}
            }
        }
    }

    fn items(&mut self, schema: &Value, value: &Value, at: &str) {
        for (number, item) in value.as_array().into_iter().flatten().enumerate() {
            self.check(schema, item, &join(at, &number.to_string()));
        }
    }

    /// One of the alternatives has to fit.
    fn any(&mut self, schemas: &[Value], value: &Value, at: &str) {
        let tried: Vec<_> = schemas
            .iter()
            .map(|schema| {
                let mut tried = Validator { root: self.root, found: Vec::new() };
                tried.check(schema, value, at);
                tried.found
            })
            .collect();
        if tried.iter().all(|found| !found.is_empty()) {
            self.found.push(format!("{at}: nothing fits"));
        }
    }
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        other => panic!("`{other}` is no type of ours"),
    }
}

fn matches(pattern: &str, value: &Value) -> bool {
    let pattern = regex::Regex::new(pattern).expect("it is a pattern");
    value.as_str().is_none_or(|text| pattern.is_match(text))
}

fn join(at: &str, key: &str) -> String {
    if at.is_empty() { key.to_owned() } else { format!("{at}.{key}") }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}
