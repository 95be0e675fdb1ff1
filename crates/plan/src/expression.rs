//! CEL expressions and what they refer to.
//!
//! What an expression refers to is read off its syntax once, when it is parsed; evaluating it asks the [`Scope`] for
//! exactly those values. An expression that is nothing but one reference hands on its value untouched.

mod access;
mod engine;
mod reference;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

pub(crate) use access::Access;
pub(crate) use reference::is_identifier;
pub use reference::{PhaseField, Reference, RunField, StepField};

/// Most characters an expression may have.
pub const MAX_LENGTH: usize = 10_000;

/// Where the values of references come from.
pub trait Scope {
    /// The value a reference has now, `None` when it has none.
    fn value(&self, reference: &Reference) -> Option<Value>;
}

/// A CEL expression that parsed, with its references.
#[derive(Clone)]
pub struct Expression {
    parsed: Arc<Parsed>,
}

struct Parsed {
    source: String,
    references: Vec<Reference>,
    accesses: Vec<Access>,
    body: Body,
}

enum Body {
    /// Nothing but the one reference.
    Reference,
    Program(engine::Program),
}

/// Why a text is no expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExpressionError {
    /// What is wrong.
    pub message: String,
    /// Where, in bytes from the start of the expression; always at a character.
    pub offset: usize,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Why an expression has no value now.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EvaluateError {
    /// Something it refers to has no value.
    #[error("`{0}` has no value")]
    Unresolved(Reference),
    /// CEL could not compute it.
    #[error("`{expression}` cannot be computed: {message}")]
    Failed {
        /// The expression.
        expression: String,
        /// What CEL says.
        message: String,
    },
    /// Its lists are too long for what it does with them.
    #[error(
        "`{expression}` is too much to compute: going over its lists takes more than {} steps; hand it shorter lists, or let an agent do it",
        engine::MOST
    )]
    TooMuch {
        /// The expression.
        expression: String,
    },
    /// The value is nothing that JSON can hold.
    #[error("`{expression}` is {kind}, which is no JSON value")]
    NotJson {
        /// The expression.
        expression: String,
        /// What it is.
        kind: &'static str,
    },
    /// A condition must be true or false.
    #[error("the condition `{expression}` is {value}, neither true nor false")]
    NotBoolean {
        /// The expression.
        expression: String,
        /// What it is, as JSON, cut when long.
        value: String,
    },
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// When the text is too long or nested too deeply, is no CEL, or refers to something that cannot exist in any plan.
    pub fn parse(source: &str) -> Result<Self, ExpressionError> {
        if source.chars().nth(MAX_LENGTH).is_some() {
            let message = format!("an expression has at most {MAX_LENGTH} characters");
            return Err(ExpressionError { message, offset: 0, hint: None });
        }
        let (accesses, body) = if let Some(reference) = Reference::parse(source.trim()) {
            (vec![Access { reference, keys: Vec::new() }], Body::Reference)
        } else {
            let program = engine::Program::compile(source)?;
            (program.accesses(source)?, Body::Program(program))
        };
        let references = access::references(&accesses);
        Ok(Self { parsed: Arc::new(Parsed { source: source.to_owned(), references, accesses, body }) })
    }

    /// The text it was read from.
    pub fn source(&self) -> &str {
        &self.parsed.source
    }

    /// What it refers to, each once, in the order of their appearance.
    pub fn references(&self) -> &[Reference] {
        &self.parsed.references
    }

    /// What it asks for, with the way into each value, in the order of their appearance.
    pub(crate) fn accesses(&self) -> &[Access] {
        &self.parsed.accesses
    }

    /// What it asks for when it is nothing but that.
    pub(crate) fn as_access(&self) -> Option<&Access> {
        let is_path = match &self.parsed.body {
            Body::Reference => true,
            Body::Program(program) => program.is_path(),
        };
        self.parsed.accesses.first().filter(|_| is_path)
    }

    /// Computes its value.
    ///
    /// # Errors
    /// When a reference has no value, CEL refuses the operation, the lists are too long for it, or the result is nothing that
    /// JSON can hold.
    pub fn evaluate(&self, scope: &dyn Scope) -> Result<Value, EvaluateError> {
        let values = self.references().iter().map(|reference| {
            let value = scope.value(reference);
            value.map(|value| (reference, value)).ok_or_else(|| EvaluateError::Unresolved(reference.clone()))
        });
        let mut values = values.collect::<Result<Vec<_>, _>>()?;
        match &self.parsed.body {
            Body::Reference => Ok(values.swap_remove(0).1),
            Body::Program(program) => program.run(self.source(), values),
        }
    }

    /// Computes its value as a condition.
    ///
    /// # Errors
    /// As [`Self::evaluate`], and when the value is neither true nor false: such a condition is never taken as true.
    pub fn evaluate_condition(&self, scope: &dyn Scope) -> Result<bool, EvaluateError> {
        match self.evaluate(scope)? {
            Value::Bool(value) => Ok(value),
            other => Err(EvaluateError::NotBoolean {
                expression: self.source().to_owned(),
                value: other.to_string().chars().take(80).collect(),
            }),
        }
    }

    /// The value of an expression that is nothing but one literal.
    pub(crate) fn as_literal(&self) -> Option<Value> {
        match &self.parsed.body {
            Body::Reference => None,
            Body::Program(program) => program.literal(self.source()),
        }
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.source() == other.source()
    }
}

impl Eq for Expression {}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.source()).finish()
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.source())
    }
}

impl Serialize for Expression {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.source())
    }
}

impl<'de> Deserialize<'de> for Expression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let source = String::deserialize(deserializer)?;
        Self::parse(&source).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
