//! Values with references in them, and conditions.

use std::collections::HashSet;

use serde_json::Value as Json;

use super::{Lowering, Use, User};
use crate::diagnostic::Report;
use crate::document::{Node, Place, Value};
use crate::expression::{Access, Expression, ExpressionError, Reference};
use crate::mapping::{Key, Mapping};

impl Lowering<'_, '_, '_> {
    /// A value with references.
    pub(crate) fn mapping(&mut self, node: &Node, by: User) -> Option<Mapping> {
        match Mapping::parse(node.to_json()) {
            Ok(mapping) => {
                for text in mapping.texts() {
                    let written = Written::new(self.report, find(node, &text.place));
                    // One that stands many times in a text is one use of what it refers to.
                    let mut seen = HashSet::new();
                    for (offset, expression) in text.expressions {
                        if seen.insert(expression.source()) {
                            self.used(expression, written, offset, by, text.is_whole);
                        }
                    }
                }
                Some(mapping)
            }
            Err(error) => {
                if !self.refuse_texts(node) {
                    self.refuse(find(node, &error.place), &error.error);
                }
                None
            }
        }
    }

    /// Reports references in a text that is taken as it is; `hint` says where they can stand.
    pub(crate) fn check_plain(&mut self, text: &str, place: Place, what: &str, hint: &str) {
        if text.contains("${") || text.contains("{{") {
            self.report.error(place, format!("{what} is plain text, without references")).hint(hint);
        }
    }

    /// The condition `when`.
    pub(crate) fn condition(&mut self, node: &Node, by: User) -> Option<Expression> {
        self.condition_of("when", node, by)
    }

    /// A condition under a key.
    pub(crate) fn condition_of(&mut self, key: &str, node: &Node, by: User) -> Option<Expression> {
        let Value::Text(text) = &node.value else {
            let message = format!("`{key}` must be a condition as text, and this is {}", node.value.kind());
            self.report
                .error(node.place, message)
                .hint(format!("write it like `{key} = \"tests.failed == 0\"`"));
            return None;
        };
        let expression = match Expression::parse(text) {
            Ok(expression) => expression,
            Err(error) if text.trim_start().starts_with(['$', '{']) => {
                let hint = Some("write the expression alone, without `${` and `}`".to_owned());
                self.refuse(node, &ExpressionError { hint, ..error });
                return None;
            }
            Err(error) => {
                self.refuse(node, &error);
                return None;
            }
        };
        match expression.as_literal() {
            None | Some(Json::Bool(_)) => {}
            Some(value) => {
                let message = format!("the condition is always {value}, neither true nor false");
                self.report
                    .error(node.place, message)
                    .hint("compare it: a condition that is not boolean is an error");
            }
        }
        self.used(&expression, Written::new(self.report, node), 0, by, false);
        Some(expression)
    }

    /// Notes what an expression refers to, which begins at an offset of a text. Is it all of the text, its value may be handed on.
    fn used(&mut self, expression: &Expression, written: Written, offset: usize, by: User, is_all: bool) {
        let is_handed_on = is_all && !matches!(by, User::When(_) | User::Next(_));
        for access in expression.accesses() {
            let reference = &access.reference;
            if matches!(reference, Reference::Variable(name) if self.locals.contains(&name.as_str())) {
                continue;
            }
            let place = reference_place(written, offset, expression.source(), access);
            let is_whole = is_handed_on && expression.source().trim() == reference.to_string();
            let Access { reference, keys } = access.clone();
            self.uses.push(Use { reference, keys, place, by, is_whole });
        }
    }

    /// Reports every text of a value that is wrong by itself; false when there is none.
    fn refuse_texts(&mut self, node: &Node) -> bool {
        match &node.value {
            Value::Text(text) => {
                let error = Mapping::parse(Json::from(text.as_str())).err();
                error.map(|error| self.refuse(node, &error.error)).is_some()
            }
            Value::List(nodes) => nodes.iter().fold(false, |found, node| self.refuse_texts(node) | found),
            Value::Table(table) => {
                table.values().fold(false, |found, entry| self.refuse_texts(&entry.node) | found)
            }
            Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Time(_) => false,
        }
    }

    fn refuse(&mut self, node: &Node, error: &ExpressionError) {
        let place = Written::new(self.report, node).part(error.offset, 1);
        let finding = self.report.error(place, error.message.clone());
        if let Some(hint) = &error.hint {
            finding.hint(hint.clone());
        }
    }
}

/// A text, and where it begins in its file.
#[derive(Clone, Copy)]
struct Written {
    place: Place,
    /// Where it begins and how long it is; unknown when it is no text, or when escapes make it differ from what stands there.
    text: Option<(usize, usize)>,
}

impl Written {
    /// Looks for the text of a value. It is done once for all of its references: each of them would cost as much.
    fn new(report: &Report<'_>, node: &Node) -> Self {
        let text = match &node.value {
            Value::Text(text) => {
                let at = report.text(node.place).find(text.as_str());
                at.map(|at| (node.place.start + at, text.len()))
            }
            Value::List(_)
            | Value::Table(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Time(_) => None,
        };
        Self { place: node.place, text }
    }

    /// A place inside of it, or the whole of it.
    fn part(self, offset: usize, length: usize) -> Place {
        self.text.map_or(self.place, |(start, most)| {
            let start = start + offset.min(most);
            Place { start, end: start + length, ..self.place }
        })
    }
}

/// Where a reference stands, or its expression when it is written in another way than usual.
fn reference_place(written: Written, offset: usize, source: &str, access: &Access) -> Place {
    let offset = offset + source.len() - source.trim_start().len();
    let source = source.trim();
    let reference = access.reference.to_string();
    // The way into the value tells two uses of one reference apart.
    match find_word(source, &access.to_string()).or_else(|| find_word(source, &reference)) {
        Some(at) => written.part(offset + at, reference.len()),
        None => written.part(offset, source.len()),
    }
}

/// The value at some keys, or the last one on the way there.
pub(super) fn find<'n>(node: &'n Node, keys: &[Key]) -> &'n Node {
    keys.iter().fold(node, |node, key| match (&node.value, key) {
        (Value::List(nodes), Key::At(at)) => nodes.get(*at).unwrap_or(node),
        (Value::Table(table), Key::Name(name)) => table.get(name).map_or(node, |entry| &entry.node),
        _ => node,
    })
}

/// Where a name stands in an expression by itself and not as part of a longer one.
fn find_word(source: &str, word: &str) -> Option<usize> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
    source.match_indices(word).map(|(at, _)| at).find(|at| {
        let follows = source[at + word.len()..].chars().next();
        !source[..*at].ends_with(is_part) && !follows.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}
