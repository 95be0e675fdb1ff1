//! Values with references in them, as steps take them for input.
//!
//! A mapping is JSON in which every string may hold `${expression}` or `{{expression}}`. A string that is one whole
//! reference keeps the type of its value; otherwise text is spliced. `$${` stands for a plain `${`; a plain `{{` is
//! written `${'{{'}`.

mod scan;

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

use crate::expression::{EvaluateError, Expression, ExpressionError, Reference, Scope};

/// Deepest nesting of lists and maps that is read.
pub const MAX_DEPTH: usize = 64;

/// JSON with references in it.
#[derive(Clone)]
pub struct Mapping {
    source: Value,
    root: Node,
}

#[derive(Clone)]
enum Node {
    Literal(Value),
    Whole(Expression),
    Text(Vec<Piece>),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

#[derive(Clone)]
enum Piece {
    Plain(String),
    Spliced(Expression),
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
        let root = parse(&source, &mut Vec::new())?;
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

    /// The expressions in it with their places, from front to back.
    pub fn expressions(&self) -> Vec<(Vec<Key>, &Expression)> {
        let mut found = Vec::new();
        self.root.expressions(&mut Vec::new(), &mut found);
        found
    }

    /// What it refers to, from front to back; the same reference may stand several times.
    pub fn references(&self) -> Vec<&Reference> {
        self.expressions().into_iter().flat_map(|(_, expression)| expression.references()).collect()
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
        resolve(&self.root, scope, &mut Vec::new())
    }
}

impl Node {
    fn expressions<'a>(&'a self, place: &mut Vec<Key>, found: &mut Vec<(Vec<Key>, &'a Expression)>) {
        match self {
            Self::Literal(_) => {}
            Self::Whole(expression) => found.push((place.clone(), expression)),
            Self::Text(pieces) => found.extend(pieces.iter().filter_map(|piece| match piece {
                Piece::Plain(_) => None,
                Piece::Spliced(expression) => Some((place.clone(), expression)),
            })),
            Self::List(nodes) => {
                for (at, node) in nodes.iter().enumerate() {
                    within(place, Key::At(at), |place| node.expressions(place, found));
                }
            }
            Self::Map(nodes) => {
                for (key, node) in nodes {
                    within(place, Key::Name(key.clone()), |place| node.expressions(place, found));
                }
            }
        }
    }
}

fn parse(value: &Value, place: &mut Vec<Key>) -> Result<Node, MappingError> {
    let failed = |error, place: &[Key]| MappingError { place: place.to_vec(), error };
    match value {
        Value::String(text) => parse_text(text).map_err(|error| failed(error, place)),
        Value::Array(_) | Value::Object(_) if place.len() == MAX_DEPTH => {
            let message = format!("lists and maps are nested at most {MAX_DEPTH} deep");
            Err(failed(ExpressionError { message, offset: 0, hint: None }, place))
        }
        Value::Array(items) => {
            let nodes = items
                .iter()
                .enumerate()
                .map(|(at, item)| within(place, Key::At(at), |place| parse(item, place)));
            nodes.collect::<Result<_, _>>().map(Node::List)
        }
        Value::Object(entries) => {
            let nodes = entries.iter().map(|(key, item)| {
                let node = within(place, Key::Name(key.clone()), |place| parse(item, place))?;
                Ok((key.clone(), node))
            });
            nodes.collect::<Result<_, _>>().map(Node::Map)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(Node::Literal(value.clone())),
    }
}

fn parse_text(text: &str) -> Result<Node, ExpressionError> {
    let mut pieces = Vec::new();
    for piece in scan::pieces(text)? {
        pieces.push(match piece {
            scan::Piece::Plain(text) => Piece::Plain(text),
            scan::Piece::Source { text: source, offset } => {
                let parsed = Expression::parse(source);
                Piece::Spliced(
                    parsed.map_err(|error| ExpressionError { offset: error.offset + offset, ..error })?,
                )
            }
        });
    }
    Ok(match (pieces.pop(), pieces.is_empty()) {
        (None, _) => Node::Literal(Value::String(String::new())),
        (Some(Piece::Plain(text)), true) => Node::Literal(Value::String(text)),
        (Some(Piece::Spliced(expression)), true) => Node::Whole(expression),
        (Some(last), false) => {
            pieces.push(last);
            Node::Text(pieces)
        }
    })
}

fn within<T>(place: &mut Vec<Key>, key: Key, inner: impl FnOnce(&mut Vec<Key>) -> T) -> T {
    place.push(key);
    let result = inner(place);
    place.pop();
    result
}

fn resolve(node: &Node, scope: &dyn Scope, place: &mut Vec<Key>) -> Result<Value, ResolveError> {
    match node {
        Node::Literal(value) => Ok(value.clone()),
        Node::Whole(expression) => evaluate(expression, scope, place),
        Node::Text(pieces) => splice(pieces, scope, place).map(Value::String),
        Node::List(nodes) => {
            let items = nodes
                .iter()
                .enumerate()
                .map(|(at, node)| within(place, Key::At(at), |place| resolve(node, scope, place)));
            items.collect::<Result<_, _>>().map(Value::Array)
        }
        Node::Map(nodes) => {
            let entries = nodes.iter().map(|(key, node)| {
                let value = within(place, Key::Name(key.clone()), |place| resolve(node, scope, place))?;
                Ok((key.clone(), value))
            });
            entries.collect::<Result<_, _>>().map(Value::Object)
        }
    }
}

fn splice(pieces: &[Piece], scope: &dyn Scope, place: &[Key]) -> Result<String, ResolveError> {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Plain(plain) => text.push_str(plain),
            Piece::Spliced(expression) => match evaluate(expression, scope, place)? {
                Value::Null => {
                    let expression = expression.source().to_owned();
                    return Err(ResolveError::Null { place: Place(place).to_string(), expression });
                }
                Value::String(value) => text.push_str(&value),
                value @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                    text.push_str(&value.to_string());
                }
            },
        }
    }
    Ok(text)
}

fn evaluate(expression: &Expression, scope: &dyn Scope, place: &[Key]) -> Result<Value, ResolveError> {
    expression.evaluate(scope).map_err(|error| ResolveError::Expression {
        place: Place(place).to_string(),
        expression: expression.source().to_owned(),
        error,
    })
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
