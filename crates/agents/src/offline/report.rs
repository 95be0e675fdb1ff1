//! `report`: the given values as markdown that people read.
//!
//! Each value becomes a chapter under its name; an object a list of its fields, a list of objects one line for each, a text what it
//! is. Nothing is left out but what is empty.

use std::fmt::Write;

use op_agent::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::bench::Bench;
use super::brief::{Brief, missing};

/// How it is done, in one sentence.
const METHOD: &str = "layout: each given value as a chapter of markdown";

/// How many levels of a value are laid out; what is deeper stands there as JSON.
const LEVELS: usize = 4;

/// What to report.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct ReportOf {
    /// What the report is called; the goal where it is not given.
    title: Option<String>,
    /// What to report, as any other argument by its name, and the input.
    #[serde(flatten)]
    brief: Brief,
}

/// A report.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Report {
    /// Its text, in markdown.
    text: String,
    /// The values that it tells of.
    chapters: Vec<String>,
    /// How it was done.
    method: &'static str,
}

/// Lays values out as a report.
pub(super) fn report(_: &Bench, args: &ReportOf) -> Result<Report, Failure> {
    let title = args.title.clone().or_else(|| args.brief.goal()).unwrap_or_else(|| "Report".to_owned());
    let mut text = format!("# {}\n", title.lines().next().unwrap_or_default().trim());
    let mut chapters = Vec::new();
    let input = input(&args.brief.input);
    for (name, value) in args.brief.rest.iter().map(|(name, value)| (name.as_str(), value)).chain(input) {
        if is_empty(value) {
            continue;
        }
        let _ = write!(text, "\n## {}\n\n", words(name));
        laid_out(&mut text, value, 0);
        chapters.push(name.to_owned());
    }
    if chapters.is_empty() {
        return Err(missing("input", "give what is to be reported, each value under its name"));
    }
    Ok(Report { text, chapters, method: METHOD })
}

/// The fields of an input that is an object, else the input itself.
fn input(value: &Value) -> Vec<(&str, &Value)> {
    match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.as_str(), value)).collect(),
        value => vec![("input", value)],
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A name such as `long_function` as words.
fn words(name: &str) -> String {
    let name = name.replace(['_', '-'], " ");
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn laid_out(text: &mut String, value: &Value, level: usize) {
    let _ = match value {
        Value::Object(fields) if level < LEVELS => return fields_of(text, fields, level),
        Value::Array(items) if level < LEVELS => {
            return items.iter().for_each(|item| item_of(text, item, level));
        }
        Value::String(said) if level == 0 => writeln!(text, "{}", said.trim()),
        value => writeln!(text, "{}", on_a_line(value)),
    };
}

fn fields_of(text: &mut String, fields: &Map<String, Value>, level: usize) {
    let indent = "  ".repeat(level);
    for (name, value) in fields.iter().filter(|(_, value)| !is_empty(value)) {
        let _ = write!(text, "{indent}- {}:", words(name));
        below(text, value, level);
    }
}

fn item_of(text: &mut String, item: &Value, level: usize) {
    let _ = write!(text, "{}-", "  ".repeat(level));
    match item {
        Value::Object(fields) if fields.values().all(is_plain) => {
            let fields = fields.iter().filter(|(_, value)| !is_empty(value));
            let fields: Vec<String> =
                fields.map(|(name, value)| format!("{name} {}", on_a_line(value))).collect();
            let _ = writeln!(text, " {}", fields.join(", "));
        }
        item => below(text, item, level),
    }
}

/// A value behind what names it: on the same line when it is plain, else below it.
fn below(text: &mut String, value: &Value, level: usize) {
    if is_plain(value) || level + 1 >= LEVELS {
        let _ = writeln!(text, " {}", on_a_line(value));
    } else {
        text.push('\n');
        laid_out(text, value, level + 1);
    }
}

fn is_plain(value: &Value) -> bool {
    !matches!(value, Value::Object(_) | Value::Array(_))
}

fn on_a_line(value: &Value) -> String {
    match value {
        Value::String(text) => text.split_whitespace().collect::<Vec<_>>().join(" "),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::bench::fixture::bench;
    use super::*;

    fn text(args: Value) -> String {
        report(&bench().1, &serde_json::from_value(args).unwrap()).unwrap().text
    }

    #[test]
    fn each_value_is_a_chapter() {
        let shown = text(json!({
            "title": "Review", "role": { "name": "x" }, "findings": [{ "line": 1, "rule": "a" }, { "line": 2, "rule": "b" }],
            "metrics": { "code_lines": 5, "by": { "kind": [1, 2] }, "none": null }, "empty": [], "note": "All\nwell.",
        }));
        let expected = "# Review\n\n## Findings\n\n- line 1, rule a\n- line 2, rule b\n\n## Metrics\n\n- By:\n  - Kind:\n    - 1\n    - 2\n- Code lines: 5\n\n## Note\n\nAll\nwell.\n";
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_report_of_nothing_is_none() {
        let args = serde_json::from_value(json!({ "title": "T", "nothing": [] })).unwrap();
        assert_eq!(report(&bench().1, &args).unwrap_err().reason(), "missing_argument");
    }

    #[test]
    fn what_the_step_before_handed_on_is_told_too() {
        let shown = text(json!({ "goal": "Check it", "input": { "approved": true }, "draft": "x" }));
        assert_eq!(shown, "# Check it\n\n## Draft\n\nx\n\n## Approved\n\ntrue\n");
        assert_eq!(text(json!({ "title": "T", "input": "plain" })), "# T\n\n## Input\n\nplain\n");
    }
}
