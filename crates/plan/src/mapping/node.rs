//! A mapping as a tree: read once, resolved many times.

use serde_json::Value;

use super::{Key, MAX_DEPTH, MappingError, Place, ResolveError, Text, scan};
use crate::expression::{Expression, ExpressionError, Scope};

#[derive(Clone)]
pub(super) enum Node {
    Literal(Value),
    /// Nothing but one expression, between its marks.
    Whole(Expression),
    Text(Vec<Piece>),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

#[derive(Clone)]
pub(super) enum Piece {
    Plain(String),
    /// An expression, and where it begins in the text.
    Spliced(Expression, usize),
}

impl Node {
    /// Every text that holds expressions, from front to back.
    pub(super) fn texts<'a>(&'a self, place: &mut Vec<Key>, found: &mut Vec<Text<'a>>) {
        match self {
            Self::Literal(_) => {}
            Self::Whole(expression) => {
                let expressions = vec![(scan::OPEN, expression)];
                found.push(Text { place: place.clone(), is_whole: true, expressions });
            }
            Self::Text(pieces) => {
                let expressions = pieces.iter().filter_map(|piece| match piece {
                    Piece::Plain(_) => None,
                    Piece::Spliced(expression, offset) => Some((*offset, expression)),
                });
                let expressions = expressions.collect();
                found.push(Text { place: place.clone(), is_whole: false, expressions });
            }
            Self::List(nodes) => {
                for (at, node) in nodes.iter().enumerate() {
                    within(place, Key::At(at), |place| node.texts(place, found));
                }
            }
            Self::Map(nodes) => {
                for (key, node) in nodes {
                    within(place, Key::Name(key.clone()), |place| node.texts(place, found));
                }
            }
        }
    }
}

/// Reads the references in a value at a place.
pub(super) fn parse(value: &Value, place: &mut Vec<Key>) -> Result<Node, MappingError> {
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
                let parsed =
                    parsed.map_err(|error| ExpressionError { offset: error.offset + offset, ..error })?;
                Piece::Spliced(parsed, offset)
            }
        });
    }
    Ok(match (pieces.pop(), pieces.is_empty()) {
        (None, _) => Node::Literal(Value::String(String::new())),
        (Some(Piece::Plain(text)), true) => Node::Literal(Value::String(text)),
        (Some(Piece::Spliced(expression, _)), true) => Node::Whole(expression),
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

/// Computes the value of a part at a place.
pub(super) fn resolve(node: &Node, scope: &dyn Scope, place: &mut Vec<Key>) -> Result<Value, ResolveError> {
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

/// Computes what has a value, and leaves the rest as it is written.
pub(super) fn resolve_known(node: &Node, scope: &dyn Scope) -> Value {
    let written = |expression: &Expression| format!("${{{}}}", expression.source());
    match node {
        Node::Literal(value) => value.clone(),
        Node::Whole(expression) => expression.evaluate(scope).unwrap_or_else(|_| written(expression).into()),
        Node::Text(pieces) => {
            let pieces = pieces.iter().map(|piece| match piece {
                Piece::Plain(plain) => plain.clone(),
                Piece::Spliced(expression, _) => match expression.evaluate(scope) {
                    Ok(Value::String(text)) => text,
                    Ok(Value::Null) | Err(_) => written(expression),
                    Ok(value) => value.to_string(),
                },
            });
            Value::String(pieces.collect())
        }
        Node::List(nodes) => nodes.iter().map(|node| resolve_known(node, scope)).collect(),
        Node::Map(nodes) => {
            nodes.iter().map(|(key, node)| (key.clone(), resolve_known(node, scope))).collect()
        }
    }
}

fn splice(pieces: &[Piece], scope: &dyn Scope, place: &[Key]) -> Result<String, ResolveError> {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Plain(plain) => text.push_str(plain),
            Piece::Spliced(expression, _) => match evaluate(expression, scope, place)? {
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
