//! Arguments against what an operation says it takes.

use std::collections::BTreeSet;

use indexmap::IndexSet;
use serde_json::Value as Json;

use super::schema::Schema;
use crate::catalogue::Performer;
use crate::diagnostic::Report;
use crate::document::{Node, Place, Table, Value};

/// Reports arguments that the operation does not know, lacks, or cannot take for their type.
pub(crate) fn check(
    report: &mut Report<'_>,
    args: &Table,
    input: &Json,
    performer: &Performer,
    place: Place,
) {
    check_under("args", report, args, input, performer, place);
}

/// As [`check`], for arguments that stand under another key.
pub(crate) fn check_under(
    key: &str,
    report: &mut Report<'_>,
    args: &Table,
    input: &Json,
    performer: &Performer,
    place: Place,
) {
    let schema = Schema::new(input);
    let known = schema.closed_names();
    for (name, entry) in args {
        match (schema.property(name), &known) {
            (Some(property), _) => check_value(report, &entry.node, property, &format!("argument `{name}`")),
            (None, Some(known)) => {
                let finding = report.error(entry.key, format!("`{performer}` takes no argument `{name}`"));
                finding.meant(name, known.iter().copied());
            }
            (None, None) => {}
        }
    }
    for name in schema.required() {
        if !args.contains_key(name) {
            let finding = report.error(place, format!("`{performer}` needs the argument `{name}`"));
            finding.hint(format!("add `{key} = {{ {name} = ... }}`"));
        }
    }
}

/// Whether an operation can be given an argument of this name.
pub(crate) fn takes(input: &Json, name: &str) -> bool {
    let schema = Schema::new(input);
    schema.closed_names().is_none_or(|names| names.contains(&name))
}

/// Names of arguments.
pub(crate) struct Names<'s> {
    /// All that there are; any name will do when this is `None`.
    pub(crate) known: Option<Vec<&'s str>>,
    /// Those that must be given.
    pub(crate) required: Vec<&'s str>,
}

/// The arguments that an operation takes.
pub(crate) fn names(input: &Json) -> Names<'_> {
    let schema = Schema::new(input);
    Names { known: schema.closed_names(), required: schema.required() }
}

/// An argument that must be given.
pub(crate) struct Needed<'s> {
    pub(crate) name: &'s str,
    /// The JSON types that it can have; `None` when it can have any.
    pub(crate) types: Option<BTreeSet<&'s str>>,
    pub(crate) description: &'s str,
}

/// The arguments that an operation must be given, each once, in the order of its schema.
pub(crate) fn needed(input: &Json) -> Vec<Needed<'_>> {
    let schema = Schema::new(input);
    let names: IndexSet<_> = schema.required().into_iter().collect();
    let needed = names.into_iter().map(|name| Needed {
        name,
        types: schema.property(name).and_then(Schema::types),
        description: schema.description(name),
    });
    needed.collect()
}

/// The arguments that an operation may be given beside those.
pub(crate) fn optional(input: &Json) -> Vec<&str> {
    Schema::new(input).optional().collect()
}

fn check_value(report: &mut Report<'_>, node: &Node, schema: Schema<'_>, what: &str) {
    if let Some(wanted) = schema.refuses(node) {
        let given = if wanted.starts_with("one of") {
            format!("{} is not", node.to_json().to_string().chars().take(60).collect::<String>())
        } else {
            format!("this is {}", node.value.kind())
        };
        report.error(node.place, format!("{what} must be {wanted}, and {given}"));
        return;
    }
    match &node.value {
        Value::List(nodes) => {
            let Some(item) = schema.item() else { return };
            for node in nodes {
                check_value(report, node, item, &format!("an entry of {what}"));
            }
        }
        Value::Table(table) => {
            for (name, entry) in table {
                if let Some(property) = schema.property(name) {
                    check_value(report, &entry.node, property, &format!("`{name}` of {what}"));
                }
            }
        }
        Value::Text(_) | Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Time(_) => {}
    }
}
