//! `store`: what was made, in a file below the roots.

use std::path::PathBuf;

use op_agent::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::bench::Bench;
use super::brief::{Brief, missing};

/// What to store, and where.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Store {
    /// What to store: a text as it is, anything else as JSON. The text of the input, or the input, where it is not given.
    data: Option<Value>,
    /// The file; a relative path starts at the first root. Its folder is made when it is not there.
    path: PathBuf,
    #[serde(flatten)]
    brief: Brief,
}

/// A file that was written.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Stored {
    /// Where it really is.
    path: PathBuf,
    /// Its length.
    bytes: usize,
}

/// Stores what is given, all of it or nothing.
pub(super) fn store(bench: &Bench, args: &Store) -> Result<Stored, Failure> {
    let input = || args.brief.text().map_or_else(|| args.brief.input.clone(), Value::String);
    let data = args.data.clone().filter(|data| !data.is_null()).unwrap_or_else(input);
    let text = match data {
        Value::Null => return Err(missing("data", "give what is to be stored in `data`, or as `input`")),
        Value::String(text) => text,
        value => format!("{value:#}\n"),
    };
    let path = bench.write(&args.path, &text)?;
    Ok(Stored { path, bytes: text.len() })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::super::bench::fixture::bench;
    use super::*;

    #[test]
    fn a_text_is_stored_as_it_is_and_anything_else_as_json() {
        let (directory, bench) = bench();
        let put = |args: Value| store(&bench, &serde_json::from_value(args).unwrap());
        assert_eq!(put(json!({ "path": "out/a.csv", "data": "a\n1\n" })).unwrap().bytes, 4);
        put(json!({ "path": "out/b.csv", "input": { "data": "b\n" } })).unwrap();
        put(json!({ "path": "out/c.json", "input": { "a": [] } })).unwrap();
        let read = |name: &str| fs::read_to_string(directory.path().join("root/out").join(name)).unwrap();
        assert_eq!(
            (read("a.csv"), read("b.csv"), read("c.json")),
            ("a\n1\n".into(), "b\n".into(), "{\n  \"a\": []\n}\n".into())
        );
        assert_eq!(put(json!({ "path": "x" })).unwrap_err().reason(), "missing_argument");
        assert_eq!(put(json!({ "path": "../x", "data": "" })).unwrap_err().reason(), "outside_roots");
    }
}
