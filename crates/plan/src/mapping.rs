//! Values with references in them, as steps take them for input.
//!
//! A mapping is JSON in which every string may hold `${expression}` or `{{expression}}`. A string that is one whole
//! reference keeps the type of its value; otherwise text is spliced. `$${` stands for a plain `${`; a plain `{{` is
//! written `${'{{'}`.

mod node;
mod scan;

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

use crate::expression::{EvaluateError, Expression, ExpressionError, Reference, Scope};
use node::Node;

/// Deepest nesting of lists and maps that is read.
pub const MAX_DEPTH: usize = 64;

/// JSON with references in it.
#[derive(Clone)]
pub struct Mapping {
    source: Value,
    root: Node,
}

/// A text with expressions in it.
pub(crate) struct Text<'m> {
    /// Where it stands in the mapping.
    pub(crate) place: Vec<Key>,
    /// Whether it is nothing but its one expression.
    pub(crate) is_whole: bool,
    /// Its expressions, each with the place in the text where it begins, in bytes.
    pub(crate) expressions: Vec<(usize, &'m Expression)>,
}

/// Why a value is no mapping.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {error}", Place(place))]
pub struct MappingError {
    /// Where in the value: keys and positions from the outside in.
    pub place: Vec<Key>,
    /// What is wrong; its offset counts bytes from the start of the string at that place.
    #[source]
    pub error: ExpressionError,
}

/// A key of a map or a position in a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A key of a map.
    Name(String),
    /// A position in a list, from 0.
    At(usize),
}

/// Why a mapping has no value now.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ResolveError {
    /// An expression in it has no value.
    #[error("{place} cannot be resolved: {error}")]
    Expression {
        /// Where in the mapping, as `files[0].name`.
        place: String,
        /// The expression.
        expression: String,
        /// Why it has no value.
        #[source]
        error: EvaluateError,
    },
    /// A null has no text to splice.
    #[error("{place} cannot be resolved: `{expression}` is null, which is no text")]
    Null {
        /// Where in the mapping, as `files[0].name`.
        place: String,
        /// The expression.
        expression: String,
    },
}

impl Mapping {
    /// Reads the references in a value.
    ///
    /// # Errors
    /// When an expression in it does not parse, or it is nested deeper than [`MAX_DEPTH`].
    pub fn parse(source: Value) -> Result<Self, MappingError> {
        let root = node::parse(&source, &mut Vec::new())?;
        Ok(Self { source, root })
    }

    /// Takes a value as it is; no reference syntax is read in it.
    pub fn literal(value: Value) -> Self {
        Self { source: escape(&value), root: Node::Literal(value) }
    }

    /// An empty object.
    pub fn empty() -> Self {
        Self::literal(Value::Object(serde_json::Map::new()))
    }

    /// The JSON that [`Self::parse`] makes this mapping of.
    pub fn source(&self) -> &Value {
        &self.source
    }

    /// The texts in it that hold expressions, from front to back.
    pub(crate) fn texts(&self) -> Vec<Text<'_>> {
        let mut found = Vec::new();
        self.root.texts(&mut Vec::new(), &mut found);
        found
    }

    /// What it refers to, from front to back; the same reference may stand several times.
    pub fn references(&self) -> Vec<&Reference> {
        let expressions = self.texts().into_iter().flat_map(|text| text.expressions);
        expressions.flat_map(|(_, expression)| expression.references()).collect()
    }

    /// Whether all of it is one expression, whose value may be of any type.
    pub fn is_expression(&self) -> bool {
        matches!(self.root, Node::Whole(_))
    }

    /// Computes the value.
    ///
    /// # Errors
    /// When an expression has no value, or is null in the middle of a text.
    pub fn resolve(&self, scope: &dyn Scope) -> Result<Value, ResolveError> {
        node::resolve(&self.root, scope, &mut Vec::new())
    }
}

impl Mapping {
    /// The value as far as it is known: an expression that has no value yet stands as it is written.
    pub fn resolve_known(&self, scope: &dyn Scope) -> Value {
        node::resolve_known(&self.root, scope)
    }
}

fn escape(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(scan::escape(text)),
        Value::Array(items) => Value::Array(items.iter().map(escape).collect()),
        Value::Object(entries) => {
            Value::Object(entries.iter().map(|(key, value)| (key.clone(), escape(value))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// Writes keys as `files[0].name`.
struct Place<'a>(&'a [Key]);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("the value");
        }
        f.write_str("`")?;
        for (at, key) in self.0.iter().enumerate() {
            match key {
                Key::At(index) => write!(f, "[{index}]")?,
                Key::Name(name) if at == 0 => f.write_str(name)?,
                Key::Name(name) => write!(f, ".{name}")?,
            }
        }
        f.write_str("`")
    }
}

impl PartialEq for Mapping {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl fmt::Debug for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Mapping").field(&self.source).finish()
    }
}

impl Serialize for Mapping {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.source.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Mapping {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(Value::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
