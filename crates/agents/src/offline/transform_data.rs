//! `transform_data`: records with fewer fields, other names, or in the other format.
//!
//! Fields are chosen by the names that they have in the data, and then renamed. A name that no record has is refused, so that nothing
//! is lost by a slip.

use std::collections::BTreeMap;
use std::path::PathBuf;

use op_agent::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::bench::Bench;
use super::brief::Brief;
use super::records::{self, Format, Records};

/// How it is done, in one sentence.
const METHOD: &str =
    "plain rules: fields are kept and renamed, and the records written in the format asked for";

/// What to make of which records.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct TransformData {
    /// The records: a text, or a list of objects; those of the input where neither they nor a path are given.
    data: Option<Value>,
    /// A file with the records; a relative path starts at the first root.
    path: Option<PathBuf>,
    /// How they are written; by the name of the file, or the first letter, where it is not said.
    format: Option<Format>,
    /// New names by old ones.
    rename: Option<BTreeMap<String, String>>,
    /// The fields to keep, in this order, by their old names; all where it is not given.
    keep: Option<Vec<String>>,
    /// The format of the result; JSON where it is not said.
    to: Option<Format>,
    #[serde(flatten)]
    brief: Brief,
}

/// Records that were transformed.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Transformed {
    /// The records as a text.
    data: String,
    /// How many there are.
    records: usize,
    /// The names of their fields.
    fields: Vec<String>,
    /// The format of the text.
    format: Format,
    /// How it was done.
    method: &'static str,
}

/// Transforms records.
pub(super) fn transform_data(bench: &Bench, args: &TransformData) -> Result<Transformed, Failure> {
    let records = records::given(bench, args.data.as_ref(), args.path.as_ref(), args.format, &args.brief)?;
    if let Some(first) = records.errors.first() {
        let message = format!(
            "the data has {} errors; record {}: {}",
            records.errors.len(),
            first.record,
            first.message
        );
        return Err(Failure::rejected("invalid_data", message)
            .hint("`validate_data` names all of them")
            .detail(json!({ "errors": records.errors.iter().take(100).collect::<Vec<_>>() })));
    }
    let kept = args.keep.as_ref().unwrap_or(&records.fields);
    let renamed = args.rename.clone().unwrap_or_default();
    known(&records, kept.iter().chain(renamed.keys()))?;
    let fields: Vec<String> = kept.iter().map(|name| renamed.get(name).unwrap_or(name).clone()).collect();
    different(&fields)?;
    let rows = records.rows.iter().map(|row| transformed(row, kept, &fields)).collect();
    let records = Records { fields, rows, errors: Vec::new() };
    let format = args.to.unwrap_or(Format::Json);
    let data = records.text(&records.fields, format)?;
    Ok(Transformed { data, records: records.rows.len(), fields: records.fields, format, method: METHOD })
}

/// Whether each of the names is that of a field.
fn known<'a>(records: &Records, mut names: impl Iterator<Item = &'a String>) -> Result<(), Failure> {
    match names.find(|name| !records.fields.contains(name)) {
        None => Ok(()),
        Some(name) => Err(Failure::rejected("unknown_field", format!("no record has a field `{name}`"))
            .hint(format!("the fields are {}", records.fields.join(", ")))),
    }
}

/// Whether no two fields would have the same name.
fn different(fields: &[String]) -> Result<(), Failure> {
    match fields.iter().enumerate().find(|(at, name)| fields[..*at].contains(name)) {
        None => Ok(()),
        Some((_, name)) => {
            Err(Failure::rejected("duplicate_field", format!("two fields would be named `{name}`"))
                .hint("rename or keep only one of them"))
        }
    }
}

fn transformed(row: &Map<String, Value>, kept: &[String], fields: &[String]) -> Map<String, Value> {
    let fields = kept.iter().zip(fields);
    fields.filter_map(|(old, new)| row.get(old).map(|value| (new.clone(), value.clone()))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::bench::fixture::bench;
    use super::*;

    fn transform(args: Value) -> Result<Transformed, Failure> {
        transform_data(&bench().1, &serde_json::from_value(args).unwrap())
    }

    #[test]
    fn fields_are_kept_in_order_and_renamed() {
        let args = json!({
            "data": "id,name,age\n1,\"Doe, J.\",5\n", "format": "csv",
            "keep": ["name", "id"], "rename": { "name": "who" }, "to": "csv",
        });
        let made = transform(args).unwrap();
        assert_eq!((made.data.as_str(), made.records), ("who,id\n\"Doe, J.\",1\n", 1));
    }

    #[test]
    fn csv_becomes_json_and_back() {
        let made = transform(json!({ "input": "a,b\n1,x\n" })).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&made.data).unwrap(), json!([{ "a": "1", "b": "x" }]));
        let args = json!({ "input": serde_json::to_value(made).unwrap(), "to": "csv" });
        assert_eq!(transform(args).unwrap().data, "a,b\n1,x\n");
    }

    #[test]
    fn slips_are_refused() {
        for (args, reason) in [
            (json!({ "data": [{ "a": 1 }], "keep": ["b"] }), "unknown_field"),
            (json!({ "data": [{ "a": 1 }], "rename": { "b": "c" } }), "unknown_field"),
            (json!({ "data": [{ "a": 1, "b": 2 }], "rename": { "b": "a" } }), "duplicate_field"),
            (json!({ "data": "[{", "format": "json" }), "invalid_data"),
            (json!({ "data": "a,b\n1\n" }), "invalid_data"),
        ] {
            assert_eq!(transform(args.clone()).unwrap_err().reason(), reason, "{args}");
        }
    }
}
