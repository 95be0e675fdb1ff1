//! Records as JSON or CSV, and what is wrong with them as they are.
//!
//! JSON is a list of objects, or one object. CSV has its fields in its first line and commas between them, or semicolons or tabs
//! where the first line has more of those; its values are texts, since nothing in it says that one is a number.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use op_agent::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::bench::Bench;
use super::brief::{Brief, missing};

/// How records are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    /// A list of JSON objects.
    Json,
    /// Lines with separators.
    Csv,
}

/// Records that were read.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Records {
    /// The names of their fields, in the order in which they come.
    pub(super) fields: Vec<String>,
    /// The records.
    pub(super) rows: Vec<Map<String, Value>>,
    /// What is wrong with them.
    pub(super) errors: Vec<RecordError>,
}

/// What is wrong with a record.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct RecordError {
    /// Which record, counted from 1; 0 for all of them together.
    pub(super) record: usize,
    /// Which field; empty when it is the record as a whole.
    pub(super) field: String,
    /// The rule: `syntax`, `not_a_record`, `wrong_length`, `bad_header` or `missing_field`.
    pub(super) rule: &'static str,
    /// What is wrong, for people.
    pub(super) message: String,
}

impl RecordError {
    pub(super) fn new(record: usize, field: &str, rule: &'static str, message: String) -> Self {
        Self { record, field: field.to_owned(), rule, message }
    }
}

/// Data in any of the ways in which it can be given: `data`, a file, or what the step before handed on.
pub(super) fn given(
    bench: &Bench,
    data: Option<&Value>,
    path: Option<&PathBuf>,
    format: Option<Format>,
    brief: &Brief,
) -> Result<Records, Failure> {
    match (data, path) {
        (Some(data), _) if !data.is_null() => Ok(of_value(data, format)),
        (_, Some(path)) => Ok(of_text(&bench.read(path)?, format.or_else(|| by_name(path)))),
        _ => match brief.text() {
            Some(text) => Ok(of_text(&text, format)),
            None if brief.input.is_array() || brief.input.is_object() => {
                Ok(of_value(brief.input.get("data").unwrap_or(&brief.input), format))
            }
            None => Err(missing("data", "give the records in `data`, or a file in `path`")),
        },
    }
}

fn by_name(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()?.to_lowercase().as_str() {
        "json" => Some(Format::Json),
        "csv" | "tsv" => Some(Format::Csv),
        _ => None,
    }
}

fn of_value(data: &Value, format: Option<Format>) -> Records {
    match data {
        Value::String(text) => of_text(text, format),
        value => of_json(value),
    }
}

/// Reads records from a text. Where the format is not said, a text that begins as JSON does is JSON.
fn of_text(text: &str, format: Option<Format>) -> Records {
    let text = text.trim_start_matches('\u{feff}');
    let guess = if text.trim_start().starts_with(['[', '{']) { Format::Json } else { Format::Csv };
    match format.unwrap_or(guess) {
        Format::Csv => of_csv(text),
        Format::Json => match serde_json::from_str(text) {
            Ok(value) => of_json(&value),
            Err(error) => broken(RecordError::new(0, "", "syntax", format!("this is no JSON: {error}"))),
        },
    }
}

fn broken(error: RecordError) -> Records {
    Records { errors: vec![error], ..Records::default() }
}

fn of_json(value: &Value) -> Records {
    let items = match value {
        Value::Array(items) => items.as_slice(),
        Value::Object(_) => std::slice::from_ref(value),
        other => {
            let message = format!("records are a list of objects, and this is {other}");
            return broken(RecordError::new(0, "", "not_a_record", message));
        }
    };
    let mut records = Records::default();
    let mut known = BTreeSet::new();
    for (number, item) in (1..).zip(items) {
        if let Value::Object(row) = item {
            let new = row.keys().filter(|name| known.insert(name.as_str()));
            records.fields.extend(new.cloned());
            records.rows.push(row.clone());
        } else {
            let message = "the record is no object".to_owned();
            records.errors.push(RecordError::new(number, "", "not_a_record", message));
        }
    }
    records
}

fn of_csv(text: &str) -> Records {
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).delimiter(separator(text)).from_reader(text.as_bytes());
    let header = match reader.headers() {
        Ok(header) => header.clone(),
        Err(error) => return broken(RecordError::new(0, "", "syntax", format!("this is no CSV: {error}"))),
    };
    let mut records = Records::default();
    let mut known = BTreeSet::new();
    for name in &header {
        let name = name.trim();
        if name.is_empty() || !known.insert(name) {
            let what = if name.is_empty() { "has no name" } else { "is there twice" };
            records.errors.push(RecordError::new(
                0,
                name,
                "bad_header",
                format!("a field of the first line {what}"),
            ));
        }
        records.fields.push(name.to_owned());
    }
    for (number, row) in (1..).zip(reader.records()) {
        match row {
            Ok(row) => records.add(number, &row),
            Err(error) => records.errors.push(RecordError::new(number, "", "syntax", error.to_string())),
        }
    }
    records
}

/// What separates the fields: whichever the first line has most of.
fn separator(text: &str) -> u8 {
    let first = text.lines().next().unwrap_or_default();
    let count = |separator: u8| first.bytes().filter(|byte| *byte == separator).count();
    // Of equals the last is taken.
    [b'\t', b';', b','].into_iter().max_by_key(|separator| count(*separator)).unwrap_or(b',')
}

impl Records {
    fn add(&mut self, number: usize, row: &csv::StringRecord) {
        if row.len() != self.fields.len() {
            let message =
                format!("the record has {} fields, and the first line {}", row.len(), self.fields.len());
            self.errors.push(RecordError::new(number, "", "wrong_length", message));
        }
        let fields = self.fields.iter().zip(row);
        self.rows.push(fields.map(|(name, value)| (name.clone(), Value::from(value))).collect());
    }

    /// The records as a text, with the given fields in the given order.
    pub(super) fn text(&self, fields: &[String], format: Format) -> Result<String, Failure> {
        let failed = |error: String| Failure::failed("io_error", format!("writing the records: {error}"));
        match format {
            Format::Json => serde_json::to_string_pretty(&self.rows)
                .map(|text| text + "\n")
                .map_err(|error| failed(error.to_string())),
            Format::Csv => self.as_csv(fields).map_err(failed),
        }
    }

    fn as_csv(&self, fields: &[String]) -> Result<String, String> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(fields).map_err(|error| error.to_string())?;
        for row in &self.rows {
            let cells = fields.iter().map(|name| row.get(name).map_or_else(String::new, cell));
            writer.write_record(cells).map_err(|error| error.to_string())?;
        }
        let bytes = writer.into_inner().map_err(|error| error.to_string())?;
        String::from_utf8(bytes).map_err(|error| error.to_string())
    }
}

/// A value as a cell: a text as it is, nothing for null, anything else as JSON.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn errors(records: &Records) -> Vec<(usize, &'static str)> {
        records.errors.iter().map(|error| (error.record, error.rule)).collect()
    }

    #[test]
    fn csv_is_read_with_quotes_line_breaks_and_other_separators() {
        let records = of_text("\u{feff}name,note\n\"Doe, J.\",\"two\nlines and \"\"quotes\"\"\"\n", None);
        assert_eq!(records.fields, ["name", "note"]);
        assert_eq!(json!(records.rows), json!([{ "name": "Doe, J.", "note": "two\nlines and \"quotes\"" }]));
        assert_eq!(json!(of_text("a;b\n1,5;2\n", None).rows), json!([{ "a": "1,5", "b": "2" }]));
        assert_eq!(json!(of_text("a\tb\n1\t2\n", None).rows), json!([{ "a": "1", "b": "2" }]));
    }

    #[test]
    fn records_of_other_lengths_and_bad_headers_are_named() {
        let records = of_text("a,a,\n1,2\n1,2,3\n", Some(Format::Csv));
        assert_eq!(errors(&records), [(0, "bad_header"), (0, "bad_header"), (1, "wrong_length")]);
        assert_eq!(records.rows.len(), 2);
    }

    #[test]
    fn json_is_a_list_of_objects_or_one() {
        assert_eq!(json!(of_text(r#" {"a": 1}"#, None).rows), json!([{ "a": 1 }]));
        let records = of_text(r#"[{"b": 1, "a": null}, 5, {"c": []}]"#, None);
        assert_eq!((errors(&records), records.rows.len()), (vec![(2, "not_a_record")], 2));
        assert_eq!(records.fields, ["a", "b", "c"]);
        assert_eq!(errors(&of_text("[{", None)), [(0, "syntax")]);
        assert_eq!(errors(&of_text("5", Some(Format::Json))), [(0, "not_a_record")]);
    }

    #[test]
    fn records_survive_the_way_through_csv() {
        let records = of_text(r#"[{"a": "x,\"y\"", "b": [1], "c": null, "d": 2.5}]"#, None);
        let text = records.text(&records.fields, Format::Csv).unwrap();
        assert_eq!(text, "a,b,c,d\n\"x,\"\"y\"\"\",[1],,2.5\n");
        assert_eq!(
            json!(of_text(&text, None).rows),
            json!([{ "a": "x,\"y\"", "b": "[1]", "c": "", "d": "2.5" }])
        );
    }
}
