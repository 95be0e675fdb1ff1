//! SQL that is put together from values.

use std::sync::LazyLock;

use regex::Regex;
use syn::Macro;

use super::{Risk, text};
use crate::review::Severity;
use crate::source::rust::arguments;

static STATEMENT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?is)^\s*(select\s.*\sfrom\s|insert\s+into\s|update\s+\S+\s+set\s|delete\s+from\s|(?:drop|alter)\s+table\s)")
        .expect("the pattern is fixed and valid")
});

/// `format!("SELECT ... {}", value)`.
pub(super) fn format(mac: &Macro) -> Option<Risk> {
    let name = mac.path.segments.last()?.ident.to_string();
    if !matches!(name.as_str(), "format" | "format_args") {
        return None;
    }
    let statement = arguments(mac).first().and_then(text)?;
    let verb = STATEMENT.captures(&statement)?[1].split_whitespace().next()?.to_ascii_uppercase();
    has_value(&statement).then(|| Risk {
        severity: Severity::Medium,
        rule: "assembled_sql",
        message: "a statement of SQL is put together from values",
        evidence: format!("{verb} in {name}!"),
        suggestion: "bind the values as parameters, and choose names from a fixed list",
    })
}

/// Whether a format text puts a value in: a brace that is not doubled, around anything but the name of a constant.
fn has_value(text: &str) -> bool {
    let text = text.replace("{{", "");
    text.split('{').skip(1).any(|place| {
        let name = place.split(['}', ':']).next().unwrap_or_default();
        let constant = |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_';
        name.is_empty()
            || !name.chars().all(constant)
            || name.starts_with(|letter: char| letter.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{finds, finds_nothing};

    #[test]
    fn statements_with_values_are_found() {
        finds("assembled_sql", "let q = format!(\"SELECT * FROM t WHERE id = {}\", id);");
        finds("assembled_sql", "let q = format!(\"SELECT {COLUMNS} FROM t WHERE id = {0}\", id);");
        finds("assembled_sql", "db.execute(&format!(\"delete from {table}\"));");
        finds("assembled_sql", "run(format!(\"UPDATE t SET a = '{a}'\"));");
        finds("assembled_sql", "println!(\"{}\", format!(\"INSERT INTO t VALUES ({a})\"));");
    }

    #[test]
    fn fixed_statements_and_prose_are_left_alone() {
        finds_nothing("let q = format!(\"SELECT a FROM t\");");
        finds_nothing("let q = format!(\"SELECT {COLUMNS} FROM {TABLE_2} WHERE a = ?\");");
        finds_nothing("let q = format!(\"SELECT '{{}}' FROM t\");");
        finds_nothing("let q = format!(\"select one of {a} and {b}\");");
        finds_nothing("let q = \"SELECT a FROM t WHERE b = ?\"; println!(\"SELECT a FROM {t} \");");
    }
}
