//! `condition = { field, operator, value }`, turned into CEL.
//!
//! A field is a reference with a path behind it (`context.input.score`, `context['Analyze Code'].issues[0]`, with or without
//! `{{ }}` around it), or begins with the name of a step (`Analyze Code.severity`). A value is compared as it is: text is
//! never taken for a number, so `===` is `==`. A value that is one whole reference stands for what it refers to.

use serde_json::Value as Json;

use super::names::Names;
use crate::document::{Fields, Node, Place, Value};
use crate::expression::{Expression, Reference};
use crate::mapping::Mapping;
use crate::shape::Lowering;

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    /// As CEL writes it.
    Compare(&'static str),
    Contains,
    Exists,
}

const OPERATORS: [(&str, Operator); 10] = [
    (">", Operator::Compare(">")),
    ("<", Operator::Compare("<")),
    (">=", Operator::Compare(">=")),
    ("<=", Operator::Compare("<=")),
    ("==", Operator::Compare("==")),
    ("===", Operator::Compare("==")),
    ("!=", Operator::Compare("!=")),
    ("!==", Operator::Compare("!=")),
    ("contains", Operator::Contains),
    ("exists", Operator::Exists),
];

/// A condition as CEL, in the place of what it was made of; text is CEL already.
pub(super) fn to_cel(ctx: &mut Lowering<'_, '_, '_>, node: &Node, names: &Names) -> Option<Node> {
    let Value::Table(table) = &node.value else { return Some(node.clone()) };
    let mut fields = Fields::new(table);
    let field = fields.placed("field", ctx.report);
    let operator = ctx.word(&mut fields, "operator", &OPERATORS);
    let value = fields.node("value");
    for key in ["field", "operator"] {
        if fields.node(key).is_none() {
            let finding = ctx.report.error(node.place, format!("the condition has no `{key}`"));
            finding.hint(
                "write `{ field = \"context.input.score\", operator = \">=\", value = 0.8 }`, or CEL as text",
            );
        }
    }
    let ((field, place), operator) = (field?, operator?);
    if let (Operator::Exists, Some(value)) = (operator, value) {
        ctx.report.error(value.place, "`exists` takes no value").hint("leave `value` out");
    }
    if operator != Operator::Exists && value.is_none() {
        let finding = ctx.report.error(node.place, "the condition has no `value`");
        finding.hint("add what the field is compared with, or use the operator `exists`");
    }
    fields.close("`condition`", ctx.report);
    let field = Field::read(ctx, field, place, names)?;
    let cel = match operator {
        Operator::Exists => field.exists(),
        Operator::Compare(operator) => format!("{} {operator} {}", field.cel(), literal(ctx, value?)?),
        Operator::Contains => contains(&field.cel(), &literal(ctx, value?)?, &value?.value),
    };
    Some(Node { place, value: Value::Text(cel) })
}

/// Text contains text; a list contains anything.
fn contains(field: &str, value: &str, given: &Value) -> String {
    match given {
        Value::Text(_) => {
            format!("(type({field}) == type('') ? {field}.contains({value}) : {value} in {field})")
        }
        _ => format!("{value} in {field}"),
    }
}

/// A value as CEL writes it.
fn literal(ctx: &mut Lowering<'_, '_, '_>, node: &Node) -> Option<String> {
    let Value::Text(text) = &node.value else { return plain(ctx, node) };
    let mapping = match Mapping::parse(Json::from(text.as_str())) {
        Ok(mapping) => mapping,
        Err(error) => {
            ctx.report.error(node.place, error.error.message);
            return None;
        }
    };
    let texts = mapping.texts();
    match texts.first().map(|text| (text.is_whole, text.expressions.as_slice())) {
        None => Some(quote(text)),
        Some((true, [(_, expression)])) => Some(format!("({})", expression.source())),
        Some(_) => {
            let finding =
                ctx.report.error(node.place, "a field is compared with plain text or one whole reference");
            finding.hint("write the condition as CEL text instead of a table");
            None
        }
    }
}

fn plain(ctx: &mut Lowering<'_, '_, '_>, node: &Node) -> Option<String> {
    match &node.value {
        Value::Integer(_) | Value::Boolean(_) => Some(node.to_json().to_string()),
        Value::Float(number) => Some(format!("{number:?}")),
        Value::Text(text) | Value::Time(text) => Some(quote(text)),
        Value::List(nodes) => {
            let items = nodes.iter().map(|node| plain(ctx, node)).collect::<Option<Vec<_>>>()?;
            Some(format!("[{}]", items.join(", ")))
        }
        Value::Table(_) => {
            let finding = ctx.report.error(node.place, "a field cannot be compared with a table");
            finding.hint("compare the parts of it, with CEL as text");
            None
        }
    }
}

/// JSON writes text as CEL reads it.
fn quote(text: &str) -> String {
    Json::from(text).to_string()
}

/// A reference and the path behind it.
struct Field {
    reference: Reference,
    path: Vec<Key>,
}

enum Key {
    Name(String),
    At(u64),
}

impl Field {
    fn read(ctx: &mut Lowering<'_, '_, '_>, text: &str, place: Place, names: &Names) -> Option<Self> {
        let text = unwrapped(text.trim());
        let (root, path) = match names.begin(text) {
            Some((name, rest)) => (Some(Reference::Context(name.to_owned())), keys(rest)),
            None => split(text),
        };
        if let (Some(reference), Some(path)) = (root, path) {
            return Some(Self { reference, path });
        }
        let finding = ctx.report.error(place, format!("`{text}` is no field"));
        finding.hint("write `context.input.NAME`, `context['Step Name'].NAME`, `Step Name.NAME`, or the condition as CEL text");
        None
    }

    fn cel(&self) -> String {
        self.path.iter().fold(self.reference.to_string(), |cel, key| match key {
            Key::Name(name) => format!("{cel}[{}]", quote(name)),
            Key::At(at) => format!("{cel}[{at}]"),
        })
    }

    /// Whether each part of the way is there, and what it ends at is not null.
    fn exists(&self) -> String {
        let mut parts = Vec::new();
        let mut cel = self.reference.to_string();
        for key in &self.path {
            parts.push(format!("{cel} != null"));
            let (is_there, next) = match key {
                Key::Name(name) => {
                    let name = quote(name);
                    (format!("{name} in {cel}"), format!("{cel}[{name}]"))
                }
                Key::At(at) => (format!("size({cel}) > {at}"), format!("{cel}[{at}]")),
            };
            parts.push(is_there);
            cel = next;
        }
        parts.push(format!("{cel} != null"));
        parts.join(" && ")
    }
}

/// A field without `{{ }}` or `${ }` around it.
fn unwrapped(text: &str) -> &str {
    let inner = |open, close| text.strip_prefix(open).and_then(|text: &str| text.strip_suffix(close));
    inner("{{", "}}").or_else(|| inner("${", "}")).map_or(text, str::trim)
}

/// The longest beginning that is one reference, and the path behind it.
fn split(text: &str) -> (Option<Reference>, Option<Vec<Key>>) {
    let ends = text.char_indices().filter(|(_, c)| matches!(c, '.' | '[')).map(|(at, _)| at);
    let ends: Vec<_> = ends.chain([text.len()]).collect();
    let found = ends.into_iter().rev().find_map(|end| Some((whole(&text[..end])?, &text[end..])));
    found.map_or((None, None), |(reference, rest)| (Some(reference), keys(rest)))
}

/// The reference that a text is, and nothing else.
fn whole(text: &str) -> Option<Reference> {
    let expression = Expression::parse(text).ok()?;
    let [reference] = expression.references() else { return None };
    let is_whole = expression.source() == reference.to_string()
        || matches!(reference, Reference::Input(name) if text == format!("context.input.{name}"))
        || text.replace('"', "'") == reference.to_string();
    is_whole.then(|| reference.clone())
}

/// A path like `.issues[0]['a b']`.
fn keys(mut rest: &str) -> Option<Vec<Key>> {
    let mut path = Vec::new();
    while !rest.is_empty() {
        let (key, after) = if let Some(text) = rest.strip_prefix('.') {
            let end = text.find(['.', '[']).unwrap_or(text.len());
            (Key::Name(text[..end].to_owned()), &text[end..])
        } else {
            let (inner, after) = rest.strip_prefix('[')?.split_once(']')?;
            let name = inner.trim_matches(['\'', '"']);
            (inner.parse().map_or_else(|_| Key::Name(name.to_owned()), Key::At), after)
        };
        if matches!(&key, Key::Name(name) if name.is_empty()) {
            return None;
        }
        path.push(key);
        rest = after;
    }
    Some(path)
}
