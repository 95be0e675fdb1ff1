//! Ports: where values come out of an operation and go into one, with the types that schemas give them.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value as Json;

use super::schema::{Schema, phrase};
use crate::input::InputType;
use crate::mapping::Key;

/// JSON types that a value can have; any, when nothing is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Types<'s>(Option<BTreeSet<&'s str>>);

/// A name that a value does not have.
pub(crate) struct Missing<'s> {
    /// How many names before it are there.
    pub(crate) depth: usize,
    /// The names that are there instead.
    pub(crate) known: Vec<&'s str>,
    /// What the value is that lacks it.
    pub(crate) of: Types<'s>,
}

impl Types<'_> {
    /// Whether a value of these types can be one of others.
    pub(crate) fn fit(&self, others: &Types<'_>) -> bool {
        let (Some(own), Some(others)) = (&self.0, &others.0) else { return true };
        let is_number = |name: &str| matches!(name, "integer" | "number");
        own.iter().any(|own| others.iter().any(|other| own == other || is_number(own) && is_number(other)))
    }

    /// The types of an input of a plan.
    pub(crate) fn of_input(kind: InputType) -> Self {
        let name = match kind {
            InputType::String | InputType::Path => "string",
            InputType::Integer => "integer",
            InputType::Number => "number",
            InputType::Boolean => "boolean",
            InputType::List => "array",
            InputType::Map => "object",
            InputType::Json | InputType::Secret => return Self(None),
        };
        Self(Some(BTreeSet::from([name])))
    }

    /// The type of a list.
    pub(crate) fn list() -> Self {
        Self::of_input(InputType::List)
    }
}

impl fmt::Display for Types<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(names) = &self.0 else { return f.write_str("anything") };
        let names: Vec<_> = names.iter().map(|name| phrase(name)).collect();
        f.write_str(&names.join(" or "))
    }
}

/// The types of what stands at some keys of what an operation answers.
pub(crate) fn output<'s>(schema: &'s Json, keys: &[Option<String>]) -> Result<Types<'s>, Missing<'s>> {
    let mut here = Schema::new(schema);
    for (depth, key) in keys.iter().enumerate() {
        let Some(single) = here.single() else { return Ok(Types(None)) };
        let inside = match key {
            Some(name) => single.property(name),
            None => single.item(),
        };
        here = match (inside, key) {
            (Some(inside), _) => inside,
            (None, Some(_)) if lacks_names(single) => {
                let known = single.closed_names().unwrap_or_default();
                return Err(Missing { depth, known, of: Types(here.types()) });
            }
            (None, _) => return Ok(Types(None)),
        };
    }
    Ok(Types(here.types()))
}

/// Whether a value has no names but those that are known, or none at all.
fn lacks_names(schema: Schema<'_>) -> bool {
    let is_plain = schema.types().is_some_and(|types| !types.contains("object"));
    is_plain || schema.closed_names().is_some()
}

/// The types of what stands at some keys of what an operation takes.
pub(crate) fn input<'s>(schema: &'s Json, keys: &[Key]) -> Types<'s> {
    let mut here = Schema::new(schema);
    for key in keys {
        let single = here.single();
        let inside = single.and_then(|single| match key {
            Key::Name(name) => single.property(name),
            Key::At(_) => single.item(),
        });
        let Some(inside) = inside else { return Types(None) };
        here = inside;
    }
    Types(here.types())
}
