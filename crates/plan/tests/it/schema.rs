//! The schema that editors check files of plans with is what the reader takes, key by key.
//! `UPDATE_SCHEMA=1 cargo test -p op-plan --test it schema` writes it anew.

mod reader;
mod samples;
#[expect(dead_code, reason = "the tables are there for their shape alone")]
mod tables;
mod validator;
mod values;

use std::path::{Path, PathBuf};
use std::{env, fs};

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

fn config() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config")
}

/// The schema of the tables.
fn schema() -> Value {
    let mut settings = SchemaSettings::draft07();
    settings.transforms.insert(0, Box::new(RecursiveTransform(plain)));
    SchemaGenerator::new(settings).into_root_schema_for::<tables::Plans>().to_value()
}

/// Every closed table by its name.
fn closed() -> Vec<(String, Map<String, Value>)> {
    let schema = schema();
    let definitions = schema["definitions"].as_object().expect("definitions").clone();
    let all = definitions.into_iter().chain([("Plans".to_owned(), schema)]);
    let closed = all.filter(|(_, table)| table["additionalProperties"] == json!(false));
    closed.map(|(name, table)| (name, table["properties"].as_object().expect("properties").clone())).collect()
}

/// What the tables mean in TOML, in words that editors know.
fn plain(schema: &mut Schema) {
    let Some(schema) = schema.as_object_mut() else { return };
    schema.remove("format");
    // A table that is made of others is closed too.
    if let Some(closed) = schema.remove("unevaluatedProperties") {
        schema.insert("additionalProperties".to_owned(), closed);
    }
    drop_null(schema);
    enumerate(schema);
}

/// There is no null: a key that may be missing is not one that may be null.
fn drop_null(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(kinds)) = schema.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if let [kind] = kinds.as_slice() {
            let kind = kind.clone();
            schema.insert("type".to_owned(), kind);
        }
    }
    let Some(Value::Array(any)) = schema.get_mut("anyOf") else { return };
    any.retain(|schema| *schema != json!({ "type": "null" }));
    if let [Value::Object(only)] = any.as_slice() {
        let only = only.clone();
        schema.remove("anyOf");
        for (key, value) in only {
            schema.entry(key).or_insert(value);
        }
    }
}

/// Words are an `enum`, with what each means where Taplo looks for it.
fn enumerate(schema: &mut Map<String, Value>) {
    let Some(Value::Array(words)) = schema.get("oneOf") else { return };
    let of = |key: &str| words.iter().map(|word| word.get(key).cloned()).collect::<Option<Vec<_>>>();
    if let (Some(words), Some(docs)) = (of("const"), of("description")) {
        schema.remove("oneOf");
        schema.insert("type".to_owned(), "string".into());
        schema.insert("enum".to_owned(), words.into());
        schema.insert("x-taplo".to_owned(), json!({ "docs": { "enumValues": docs } }));
    }
}

#[test]
fn the_committed_schema_is_what_the_tables_say() {
    let (path, fresh) = (config().join("plans.schema.json"), schema());
    if env::var_os("UPDATE_SCHEMA").is_some() {
        let text = serde_json::to_string_pretty(&fresh).expect("it is JSON");
        fs::write(&path, text + "\n").expect("writes the schema");
    }
    let committed = fs::read_to_string(&path).expect("the schema is there");
    let committed: Value = serde_json::from_str(&committed).expect("it is JSON");
    assert!(committed == fresh, "config/plans.schema.json is stale: UPDATE_SCHEMA=1 writes it anew");
}

#[test]
fn every_key_is_told_in_a_sentence() {
    for (table, properties) in closed() {
        for (key, property) in properties {
            let description = property["description"].as_str().unwrap_or_default();
            assert!(description.ends_with('.') && description.len() > 10, "{table}.{key}: `{description}`");
        }
    }
}

/// Every file of plans that ships.
fn shipped() -> Vec<PathBuf> {
    let folder = fs::read_dir(config().join("plans.d")).expect("the folder is there");
    let files = folder.map(|entry| entry.expect("an entry").path());
    files.chain([config().join("workstacks.toml")]).collect()
}

#[test]
fn every_shipped_file_of_plans_is_valid_and_names_the_schema() {
    let schema = schema();
    for path in shipped() {
        let text = fs::read_to_string(&path).expect("a file");
        let value: Value = toml::from_str(&text).expect("it is TOML");
        assert_eq!(validator::violations(&schema, &value), [""; 0], "{}", path.display());
        let named = text.lines().next().and_then(|line| line.strip_prefix("#:schema "));
        let named = path.parent().expect("a folder").join(named.expect("it names its schema first"));
        assert!(named.ends_with("plans.schema.json") && named.is_file(), "{}", named.display());
    }
}

#[test]
fn mistakes_are_shown_by_the_schema_too() {
    let schema = schema();
    for (text, violation) in [
        ("[workstack.p]", "workstack: unknown key"),
        ("[workstacks.p]\ntimeot = 3", "workstacks.p.timeot: unknown key"),
        ("[workstacks.p]\nrollback = 'all'", "workstacks.p.rollback: none of the words"),
        ("[workstacks.p]\ntimeout = '5 minutes'", "workstacks.p.timeout: nothing fits"),
        ("[workstacks.p]\nmax_parallel = 0", "workstacks.p.max_parallel: too small"),
        ("[[workstacks.p.phases]]\nname = 'a'", "workstacks.p.phases.0: no `id`"),
        ("[machines.p]\npipeline = [['a']]", "machines.p.pipeline.0: too short"),
        ("[templates.p]\nactive = 'no'", "templates.p.active: no boolean"),
    ] {
        let value: Value = toml::from_str(text).expect("it is TOML");
        assert_eq!(validator::violations(&schema, &value), [violation], "{text}");
    }
}

#[test]
fn durations_are_those_that_are_read() {
    let schema = json!({ "$ref": "#/definitions/Duration", "definitions": schema()["definitions"] });
    for text in [
        "250ms",
        "30s",
        "10m",
        "1h30m",
        "1d2h3m4s5ms",
        "1d5ms",
        "90",
        " 5s ",
        "PT10M",
        "PT0.5S",
        "P1DT1S",
        "P1D",
        "P2W",
        "",
        "s",
        "-5s",
        "5x",
        "1m1h",
        "1s1s",
        "1.5h",
        "P",
        "PT5",
        "P5",
        "PT.5S",
        "PT1.S",
        "P1M",
    ] {
        let fits = validator::violations(&schema, &json!(text)).is_empty();
        assert_eq!(fits, op_plan::duration::parse(text).is_ok(), "{text}");
    }
}
