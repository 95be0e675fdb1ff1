//! The CEL engine behind an expression: compile, read the references off the syntax, run.

mod budget;
mod calls;
mod convert;
mod walk;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use cel::common::ast::{Expr, LiteralValue};
use cel::{Context, Env, IdedExpr};
use serde_json::Value;

use budget::Budget;
pub(super) use budget::MOST;

use super::reference::LAST_OUTPUT;
use super::{Access, EvaluateError, ExpressionError, Reference};

/// Most words and signs an expression may have. It keeps the depth of the syntax tree, which the engine
/// walks recursively, far from the end of a thread's stack.
const MAX_TOKENS: usize = 400;

/// CEL without optional values; it has no function that reads clock, file or chance.
static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib().with_optional_support(false)));

/// A compiled expression.
pub(super) struct Program {
    root: IdedExpr,
    offsets: BTreeMap<u64, usize>,
    /// Whether it counts what it costs.
    is_metered: bool,
}

impl Program {
    pub(super) fn compile(source: &str) -> Result<Self, ExpressionError> {
        if source.trim().is_empty() {
            return Err(error("the expression is empty", 0));
        }
        if let Some(offset) = past_limit(source) {
            return Err(error("the expression is too large: split it into several steps", offset));
        }
        let (mut root, info) =
            ENV.parser().parse_with_source_info(source).map_err(|errors| first(source, &errors))?;
        let mut offsets = BTreeMap::new();
        walk::visit(&root, &mut |node| {
            let start = info.offset_for(node.id).map_or(0, |(start, _)| start as usize);
            offsets.insert(node.id, source.floor_char_boundary(start));
        });
        calls::rewrite(&mut root);
        let is_metered = budget::meter(&mut root);
        Ok(Self { root, offsets, is_metered })
    }

    /// Whether it is nothing but a value and the way into it.
    pub(super) fn is_path(&self) -> bool {
        walk::is_path(&self.root)
    }

    /// What it asks for, each once, in the order of their appearance.
    pub(super) fn accesses(&self, source: &str) -> Result<Vec<Access>, ExpressionError> {
        walk::accesses(&self.root).map_err(|bad| {
            let offset = self.offsets.get(&bad.node).copied().unwrap_or(0).min(source.len());
            ExpressionError { message: bad.message, offset, hint: bad.hint }
        })
    }

    pub(super) fn run(&self, source: &str, values: Vec<(&Reference, Value)>) -> Result<Value, EvaluateError> {
        let mut context = Context::with_env(Arc::clone(&ENV));
        for (name, value) in tree(values) {
            context.add_variable_from_value(name, convert::to_cel(value));
        }
        let budget = self.is_metered.then(|| Budget::of(&mut context));
        let value = cel::Value::resolve(&self.root, &context);
        if budget.is_some_and(|budget| budget.is_spent()) {
            return Err(EvaluateError::TooMuch { expression: source.to_owned() });
        }
        let value = value.map_err(|failure| EvaluateError::Failed {
            expression: source.to_owned(),
            message: failure.to_string().chars().take(300).collect(),
        })?;
        convert::to_json(&value)
            .map_err(|kind| EvaluateError::NotJson { expression: source.to_owned(), kind })
    }

    pub(super) fn literal(&self, source: &str) -> Option<Value> {
        let literal = match &self.root.expr {
            Expr::Literal(LiteralValue::Bytes(_)) => false,
            Expr::Literal(_) => true,
            _ => false,
        };
        literal.then(|| self.run(source, Vec::new()).ok()).flatten()
    }
}

/// Lays values out as CEL sees them: `steps.a.output` is a field of a map of maps. An input can be written in two ways.
fn tree(values: Vec<(&Reference, Value)>) -> serde_json::Map<String, Value> {
    let mut root = serde_json::Map::new();
    for (reference, value) in values {
        let path: Vec<&str> = match reference {
            Reference::Variable(name) => vec![name],
            Reference::Input(name) => {
                insert(&mut root, &["context", "input", name], value.clone());
                vec!["input", name]
            }
            Reference::Step { id, field } => vec!["steps", id, field.word()],
            Reference::Phase { id, field } => vec!["phases", id, field.word()],
            Reference::Run(field) => vec!["run", field.word()],
            Reference::Context(name) => vec!["context", name],
            Reference::LastOutput(role) => vec![LAST_OUTPUT, role.as_deref().unwrap_or_default()],
        };
        insert(&mut root, &path, value);
    }
    root
}

fn insert(root: &mut serde_json::Map<String, Value>, path: &[&str], value: Value) {
    let (last, parents) = path.split_last().expect("every path has a name");
    let parent = parents.iter().fold(root, |map, name| {
        let child = map.entry(*name).or_insert_with(|| Value::Object(serde_json::Map::new()));
        child.as_object_mut().expect("the roots of references are no variables")
    });
    parent.insert((*last).to_owned(), value);
}

/// Where the first word or sign stands that is one too many. Those in quotes count too: where the engine finds a string
/// broken, it reads on in it.
fn past_limit(source: &str) -> Option<usize> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut before = ' ';
    let tokens = source.char_indices().filter(|(_, c)| {
        let begins = !(c.is_whitespace() || is_word(*c) && is_word(before));
        before = *c;
        begins
    });
    tokens.map(|(at, _)| at).nth(MAX_TOKENS)
}

fn error(message: &str, offset: usize) -> ExpressionError {
    ExpressionError { message: message.to_owned(), offset, hint: None }
}

fn first(source: &str, errors: &cel::ParseErrors) -> ExpressionError {
    let Some(first) = errors.errors.first() else { return error("the expression is no CEL", 0) };
    let (line, column) = (first.pos.0.max(1).unsigned_abs(), first.pos.1.max(1).unsigned_abs());
    let above: usize = source.split_inclusive('\n').take(line - 1).map(|line| line.chars().count()).sum();
    // A message counts characters, unlike the places of nodes.
    let offset = source.char_indices().nth(above + column - 1).map_or(source.len(), |(byte, _)| byte);
    error(&plain(&first.msg), offset)
}

/// The parser's message without its list of every token it would have taken.
fn plain(message: &str) -> String {
    let message = message.strip_prefix("Syntax error: ").unwrap_or(message);
    let message = message.split(" expecting ").next().unwrap_or(message);
    if message.contains("'<EOF>'") {
        return "the expression ends too early".to_owned();
    }
    for (theirs, ours) in [
        ("mismatched input ", "unexpected "),
        ("extraneous input ", "unexpected "),
        ("no viable alternative at input ", "unexpected "),
        ("token recognition error at: ", "unexpected "),
    ] {
        if let Some(rest) = message.strip_prefix(theirs) {
            let rest = rest.trim().trim_matches('\'');
            return format!("{ours}`{rest}`");
        }
    }
    message.to_owned()
}
