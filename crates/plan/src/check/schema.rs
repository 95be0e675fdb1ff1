//! As much of JSON Schema as can be held against a value that is not wholly known yet.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use crate::document::{Node, Value};
use crate::mapping::Mapping;

/// How deep references inside a schema are followed; a schema may refer to itself.
const MAX_DEPTH: usize = 16;

/// A schema and the one its `$ref`s point into.
#[derive(Clone, Copy)]
pub(super) struct Schema<'s> {
    root: &'s Json,
    here: &'s Json,
    depth: usize,
}

impl<'s> Schema<'s> {
    pub(super) fn new(root: &'s Json) -> Self {
        Self { root, here: root, depth: 0 }.resolved()
    }

    fn at(self, here: &'s Json) -> Self {
        Self { here, depth: self.depth + 1, ..self }.resolved()
    }

    /// Follows `$ref` as long as there is one.
    fn resolved(self) -> Self {
        let target = self.here.get("$ref").and_then(Json::as_str).and_then(|path| path.strip_prefix('#'));
        match target.and_then(|path| self.root.pointer(path)) {
            Some(here) if self.depth < MAX_DEPTH => Self { here, depth: self.depth + 1, ..self }.resolved(),
            _ => self,
        }
    }

    fn properties(self) -> Option<&'s Map<String, Json>> {
        self.here.get("properties").and_then(Json::as_object)
    }

    /// The names that values may have, unless any name will do.
    pub(super) fn closed_names(self) -> Option<Vec<&'s str>> {
        let is_open = match self.here.get("additionalProperties") {
            None | Some(Json::Bool(false)) => self.here.get("patternProperties").is_some(),
            Some(_) => true,
        };
        let is_combined = ["allOf", "anyOf", "oneOf"].iter().any(|key| self.here.get(key).is_some());
        if is_open || is_combined {
            return None;
        }
        Some(self.properties()?.keys().map(String::as_str).collect())
    }

    pub(super) fn required(self) -> Vec<&'s str> {
        let names = self.here.get("required").and_then(Json::as_array);
        names.into_iter().flatten().filter_map(Json::as_str).collect()
    }

    /// The properties that may be left out.
    pub(super) fn optional(self) -> impl Iterator<Item = &'s str> {
        let required = self.required();
        let names = self.properties().into_iter().flat_map(Map::keys).map(String::as_str);
        names.filter(move |name| !required.contains(name))
    }

    pub(super) fn property(self, name: &str) -> Option<Self> {
        self.properties()?.get(name).map(|schema| self.at(schema))
    }

    /// What is said of a property; nothing where nothing is.
    pub(super) fn description(self, name: &str) -> &'s str {
        let property = self.properties().and_then(|properties| properties.get(name));
        property.and_then(|schema| schema.get("description")).and_then(Json::as_str).unwrap_or_default()
    }

    pub(super) fn item(self) -> Option<Self> {
        self.here.get("items").map(|schema| self.at(schema))
    }

    fn alternatives(self) -> Option<&'s Vec<Json>> {
        ["anyOf", "oneOf"].iter().find_map(|key| self.here.get(key)?.as_array())
    }

    /// The schema itself, or the only one of its alternatives that is not null; `None` when there are several.
    pub(super) fn single(self) -> Option<Self> {
        if self.depth >= MAX_DEPTH {
            return None;
        }
        let Some(schemas) = self.alternatives() else { return Some(self) };
        let is_null = |schema: &Self| schema.here.get("type").and_then(Json::as_str) == Some("null");
        let mut found = schemas.iter().map(|schema| self.at(schema)).filter(|schema| !is_null(schema));
        found.next().filter(|_| found.next().is_none())?.single()
    }

    /// The JSON types that its values can have; `None` when they can have any.
    pub(super) fn types(self) -> Option<BTreeSet<&'s str>> {
        if self.depth >= MAX_DEPTH {
            return None;
        }
        if let Some(schemas) = self.alternatives() {
            let types = schemas.iter().map(|schema| self.at(schema).types());
            return types.collect::<Option<Vec<_>>>().map(|types| types.into_iter().flatten().collect());
        }
        let values = self.here.get("const").map(std::slice::from_ref);
        let values = values.or_else(|| self.here.get("enum").and_then(Json::as_array).map(Vec::as_slice));
        match (self.here.get("type"), values) {
            (Some(Json::String(name)), _) => Some(BTreeSet::from([name.as_str()])),
            (Some(Json::Array(names)), _) => Some(names.iter().filter_map(Json::as_str).collect()),
            (_, Some(values)) => Some(values.iter().map(type_of).collect()),
            (_, None) => None,
        }
    }

    /// What a value must be instead, when it can be nothing of what the schema allows.
    pub(super) fn refuses(self, node: &Node) -> Option<String> {
        if self.depth >= MAX_DEPTH {
            return None;
        }
        if let Some(schemas) = self.alternatives() {
            let refusals: Vec<_> = schemas.iter().map(|schema| self.at(schema).refuses(node)).collect();
            let all: Option<Vec<_>> = refusals.into_iter().collect();
            return all.filter(|all| !all.is_empty()).map(|all| all.join(" or "));
        }
        if is_open(node) {
            return None;
        }
        self.refuses_type(node).or_else(|| self.refuses_value(node))
    }

    fn refuses_type(self, node: &Node) -> Option<String> {
        let types = self.here.get("type")?;
        let types: Vec<_> = types.as_array().map_or_else(|| vec![types], |many| many.iter().collect());
        let types: Vec<_> = types.into_iter().filter_map(Json::as_str).collect();
        let fits = types.iter().any(|name| is_type(&node.value, name));
        (!fits && !types.is_empty())
            .then(|| types.iter().map(|name| phrase(name)).collect::<Vec<_>>().join(" or "))
    }

    fn refuses_value(self, node: &Node) -> Option<String> {
        let one = self.here.get("const").map(std::slice::from_ref);
        let allowed = one.or_else(|| self.here.get("enum").and_then(Json::as_array).map(Vec::as_slice))?;
        let is_plain = Mapping::parse(node.to_json()).is_ok_and(|mapping| mapping.references().is_empty());
        (is_plain && !allowed.contains(&node.to_json())).then(|| {
            let allowed: Vec<_> = allowed.iter().take(12).map(ToString::to_string).collect();
            format!("one of {}", allowed.join(", "))
        })
    }
}

/// Whether a value is one whole expression, so that its type is known only when it runs.
fn is_open(node: &Node) -> bool {
    match &node.value {
        Value::Text(text) => {
            Mapping::parse(Json::from(text.as_str())).map_or(true, |mapping| mapping.is_expression())
        }
        _ => false,
    }
}

fn is_type(value: &Value, name: &str) -> bool {
    match (value, name) {
        (Value::Text(_) | Value::Time(_), "string")
        | (Value::Integer(_), "integer" | "number")
        | (Value::Float(_), "number")
        | (Value::Boolean(_), "boolean")
        | (Value::List(_), "array")
        | (Value::Table(_), "object") => true,
        (Value::Float(number), "integer") => number.fract() == 0.0,
        _ => false,
    }
}

fn type_of(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(number) if number.is_f64() => "number",
        Json::Number(_) => "integer",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    }
}

/// A JSON type, for messages.
pub(super) fn phrase(name: &str) -> &str {
    match name {
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "a table",
        other => other,
    }
}
