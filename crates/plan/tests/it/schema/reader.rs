//! The schema and the reader know the same keys of each table, and each key acts.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use regex::Regex;
use serde_json::{Map, Value};

use super::samples::{SAMPLES, Sample};
use super::values::{values, write};
use super::{closed, schema, validator};
use crate::{complaints, read};

/// Keys of inputs of a node type, and of a table that is none of the user's.
const ELSEWHERE: [&str; 1] = ["duration"];

/// Every key that the reader asks for by name.
fn asked() -> BTreeSet<String> {
    let patterns =
        [r#"fields\s*\.\w+\(\s*"([a-z_]+)""#, r#"fields,\s*"([a-z_]+)""#, r#"\btext\("([a-z_]+)"\)"#];
    let patterns = patterns.map(|pattern| Regex::new(pattern).expect("a pattern"));
    let mut asked = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/shape")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(path).expect("a file");
            let found = patterns.iter().flat_map(|pattern| pattern.captures_iter(&text));
            asked.extend(found.map(|found| found[1].to_owned()));
        }
    }
    asked
}

/// Every key of every table.
fn known() -> BTreeSet<String> {
    closed().into_iter().flat_map(|(_, properties)| properties.into_iter().map(|(key, _)| key)).collect()
}

/// Each table with its sample and its properties.
fn tables() -> Vec<(&'static Sample, Map<String, Value>)> {
    let mut closed: std::collections::BTreeMap<_, _> = closed().into_iter().collect();
    let tables = SAMPLES.iter().map(|sample| {
        let properties = closed.remove(sample.table);
        (sample, properties.unwrap_or_else(|| panic!("{} is no table, or stands twice", sample.table)))
    });
    let tables = tables.collect();
    assert_eq!(closed.keys().collect::<Vec<_>>(), [""; 0], "these have no sample");
    tables
}

/// The keys of a sample without one of them.
fn without(sample: &Sample, key: &str) -> String {
    let is_other = |line: &&str| !line.starts_with(&format!("{key} ="));
    sample.keys.split_inclusive('\n').filter(is_other).collect()
}

/// What comes of a text: its plans, its casts, and whether anything is wrong with it.
fn outcome(text: &str) -> String {
    let loaded = read(text);
    let plans = serde_json::to_string(&loaded.plans).expect("plans are JSON");
    format!("{plans}\n{:?}\n{}", loaded.casts, loaded.diagnostics.len())
}

#[test]
fn every_key_that_the_reader_asks_for_is_in_the_schema() {
    let asked = asked();
    assert!(asked.len() > 90, "{asked:?}");
    let known = known();
    let unknown: Vec<_> =
        asked.difference(&known).map(String::as_str).filter(|key| !ELSEWHERE.contains(key)).collect();
    assert_eq!(unknown, [""; 0]);
    let idle: Vec<_> = known.difference(&asked).map(String::as_str).collect();
    assert_eq!(idle, ["casts", "debates", "machines", "templates", "workflows", "workstacks"]);
}

#[test]
fn every_sample_is_sound_and_valid() {
    let schema = schema();
    for (sample, _) in tables() {
        let text = sample.with(sample.keys);
        assert_eq!(complaints(&text), "", "{text}");
        let value: Value = toml::from_str(&text).expect("it is TOML");
        assert_eq!(validator::violations(&schema, &value), [""; 0], "{text}");
    }
}

#[test]
fn the_reader_takes_the_keys_of_the_schema_in_each_table_and_no_others() {
    let keys: BTreeSet<_> = known().into_iter().chain(asked()).collect();
    for (sample, properties) in tables() {
        for key in &keys {
            if without(sample, key) != sample.keys
                || (sample.table, key.as_str()) == ("MachineStep", "terminal")
            {
                // It is there already; and a step with `terminal` is an end.
                continue;
            }
            let complaint = complaints(&sample.with(&format!("{}{key} = 0\n", sample.keys)));
            let refusals = [
                format!("unknown key `{key}`"),
                format!("`{key}`, and a template has none"),
                format!("`{key}` is said by an end"),
            ];
            let is_refused = refusals.iter().any(|refusal| complaint.contains(refusal));
            assert_eq!(!is_refused, properties.contains_key(key), "{} {key}: {complaint}", sample.table);
        }
    }
}

#[test]
fn every_key_of_every_table_acts() {
    let schema = schema();
    for (sample, properties) in tables() {
        let usual = outcome(&sample.with(sample.keys));
        for (key, property) in properties {
            let others = without(sample, &key);
            let changed = |value: &Value| {
                let text = sample.with(&format!("{others}{key} = {}\n", write(value)));
                outcome(&text) != usual
            };
            assert!(values(&schema, &property).iter().any(changed), "{} {key} changes nothing", sample.table);
        }
    }
}
