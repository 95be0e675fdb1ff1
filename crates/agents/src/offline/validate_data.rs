//! `validate_data`: whether records can be read, and have what is required of them.

use std::path::PathBuf;

use op_agent::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::bench::Bench;
use super::brief::Brief;
use super::records::{self, Format, RecordError};

/// How it is done, in one sentence.
const METHOD: &str = "plain rules: the records are parsed, and each is held against the required fields";

/// How many errors one answer lists.
const MOST: usize = 1000;

/// What to validate, by what.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct ValidateData {
    /// The records: a text, or a list of objects; those of the input where neither they nor a path are given.
    data: Option<Value>,
    /// A file with the records; a relative path starts at the first root.
    path: Option<PathBuf>,
    /// How they are written; by the name of the file, or the first letter, where it is not said.
    format: Option<Format>,
    /// Fields that each record must have, not empty.
    required: Option<Vec<String>>,
    #[serde(flatten)]
    brief: Brief,
}

/// Whether records are as they should be.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Validation {
    /// Whether nothing is wrong with them.
    approved: bool,
    /// How many could be read.
    records: usize,
    /// The names of their fields.
    fields: Vec<String>,
    /// What is wrong, by record; the first 1000.
    errors: Vec<RecordError>,
    /// How much is wrong, listed or not.
    error_count: usize,
    /// How it was done.
    method: &'static str,
}

/// Validates records.
pub(super) fn validate_data(bench: &Bench, args: &ValidateData) -> Result<Validation, Failure> {
    let records = records::given(bench, args.data.as_ref(), args.path.as_ref(), args.format, &args.brief)?;
    let mut errors = records.errors;
    let required = args.required.as_deref().unwrap_or_default();
    for (number, row) in (1..).zip(&records.rows) {
        errors.extend(required.iter().filter_map(|name| missing(number, row, name)));
    }
    errors.sort_by_key(|error| error.record);
    let error_count = errors.len();
    errors.truncate(MOST);
    Ok(Validation {
        approved: error_count == 0,
        records: records.rows.len(),
        fields: records.fields,
        errors,
        error_count,
        method: METHOD,
    })
}

fn missing(number: usize, row: &Map<String, Value>, name: &str) -> Option<RecordError> {
    let what = match row.get(name) {
        None => "is not there",
        Some(Value::Null) => "is null",
        Some(Value::String(text)) if text.trim().is_empty() => "is empty",
        Some(_) => return None,
    };
    Some(RecordError::new(number, name, "missing_field", format!("the required field `{name}` {what}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::bench::fixture::bench;
    use super::*;

    fn validated(args: Value) -> Result<Validation, Failure> {
        let (directory, bench) = bench();
        std::fs::write(directory.path().join("root/a.csv"), "id,name\n1,x\n2, \n").unwrap();
        validate_data(&bench, &serde_json::from_value(args).unwrap())
    }

    #[test]
    fn what_is_required_and_not_there_is_named_by_record_and_field() {
        let found = validated(json!({ "path": "a.csv", "required": ["id", "name"] })).unwrap();
        assert_eq!((found.approved, found.records, found.error_count), (false, 2, 1));
        assert_eq!((found.errors[0].record, found.errors[0].field.as_str()), (2, "name"));
        let data = json!([{ "id": 0 }, { "id": null }, {}]);
        assert_eq!(validated(json!({ "data": data, "required": ["id"] })).unwrap().error_count, 2);
    }

    #[test]
    fn good_records_are_approved_wherever_they_come_from() {
        for args in [
            json!({ "path": "a.csv", "required": ["id"] }),
            json!({ "data": "[{\"a\": 1}]", "format": "json" }),
            json!({ "input": "a,b\n1,2\n" }),
            json!({ "input": { "data": "a,b\n1,2\n" } }),
            json!({ "input": [{ "a": 1 }] }),
        ] {
            assert!(validated(args.clone()).unwrap().approved, "{args}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_an_error_of_the_data_and_no_failure() {
        let found = validated(json!({ "data": "[{", "format": "json" })).unwrap();
        assert_eq!((found.approved, found.errors[0].rule), (false, "syntax"));
        assert_eq!(validated(json!({})).unwrap_err().reason(), "missing_argument");
    }
}
