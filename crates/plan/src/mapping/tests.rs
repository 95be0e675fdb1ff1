use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;

struct Values(BTreeMap<String, Value>);

impl Scope for Values {
    fn value(&self, reference: &Reference) -> Option<Value> {
        self.0.get(&reference.to_string()).cloned()
    }
}

fn values() -> Values {
    let values = json!({
        "name": "x", "n": 3, "yes": true, "nothing": null, "list": [1, "a"], "map": { "k": 1.5 },
        "steps.a.output": { "items": [{ "id": 7 }] },
    });
    Values(values.as_object().expect("an object").clone().into_iter().collect())
}

fn mapping(source: Value) -> Mapping {
    Mapping::parse(source).expect("it parses")
}

fn resolved(source: Value) -> Value {
    mapping(source).resolve(&values()).expect("it resolves")
}

fn refused(source: Value) -> MappingError {
    Mapping::parse(source).expect_err("it does not parse")
}

#[test]
fn a_whole_reference_keeps_the_type_of_its_value() {
    assert_eq!(resolved(json!("${n}")), json!(3));
    assert_eq!(resolved(json!("{{ list }}")), json!([1, "a"]));
    assert_eq!(resolved(json!("${nothing}")), json!(null));
    assert_eq!(resolved(json!("${steps.a.output.items[0].id}")), json!(7));
    assert_eq!(resolved(json!({ "a": ["${map}", 1, null] })), json!({ "a": [{ "k": 1.5 }, 1, null] }));
}

#[test]
fn other_text_is_spliced() {
    assert_eq!(resolved(json!("a ${name} b")), json!("a x b"));
    assert_eq!(resolved(json!("${name}{{n}}")), json!("x3"));
    assert_eq!(resolved(json!("v=${yes} ${list} ${map}")), json!(r#"v=true [1,"a"] {"k":1.5}"#));
    assert_eq!(resolved(json!("")), json!(""));
}

#[test]
fn braces_and_quotes_in_an_expression_do_not_close_it() {
    assert_eq!(resolved(json!("${ {'a': {'b': n}} }")), json!({ "a": { "b": 3 } }));
    assert_eq!(resolved(json!("{{ {'a': {'b': n}}}}")), json!({ "a": { "b": 3 } }));
    assert_eq!(resolved(json!("${'}' + \"}\" + name}")), json!("}}x"));
    assert_eq!(resolved(json!(r"${'\'}' + name}")), json!("'}x"));
    assert_eq!(resolved(json!(r"${r'\' + name}")), json!(r"\x"));
    assert_eq!(resolved(json!("${'''it's }'''}")), json!("it's }"));
}

#[test]
fn what_is_escaped_is_plain() {
    assert_eq!(resolved(json!("$${n}")), json!("${n}"));
    assert_eq!(resolved(json!("$$${n}")), json!("$${n}"));
    assert_eq!(resolved(json!("${'{{'} n }}")), json!("{{ n }}"));
    assert_eq!(resolved(json!("$n {n} }} $")), json!("$n {n} }} $"));
}

#[test]
fn values_are_not_read_again_for_references() {
    let scope = Values(BTreeMap::from([("a".to_owned(), json!("${b}"))]));
    assert_eq!(mapping(json!("${a} ${a}")).resolve(&scope), Ok(json!("${b} ${b}")));
}

#[test]
fn a_null_in_the_middle_of_a_text_is_an_error() {
    let error = mapping(json!({ "p": "a ${nothing}" })).resolve(&values()).expect_err("null is no text");
    assert_eq!(error.to_string(), "`p` cannot be resolved: `nothing` is null, which is no text");
}

#[test]
fn an_error_names_the_expression_and_its_place() {
    let error =
        mapping(json!({ "args": { "path": ["x", "${gone}"] } })).resolve(&values()).expect_err("no value");
    assert_eq!(error.to_string(), "`args.path[1]` cannot be resolved: `gone` has no value");
}

#[test]
fn a_bad_expression_points_into_its_string() {
    let error = refused(json!({ "a": ["ok", "text ${1 +}"] }));
    assert_eq!(error.place, [Key::Name("a".to_owned()), Key::At(1)]);
    assert_eq!(error.error.offset, 10);
    let error = refused(json!("ä ${n"));
    assert_eq!((error.error.offset, error.error.hint.is_some()), (3, true));
    assert_eq!(refused(json!("${}")).error.message, "the expression is empty");
}

#[test]
fn references_are_listed_from_front_to_back() {
    let mapping = mapping(json!({ "a": "${n} ${name}", "b": ["${steps.a.output}"] }));
    let names: Vec<_> = mapping.references().into_iter().map(ToString::to_string).collect();
    assert_eq!(names, ["n", "name", "steps.a.output"]);
}

#[test]
fn a_mapping_nested_too_deeply_is_refused() {
    let nested = |depth: usize| (0..depth).fold(json!("${n}"), |inner, _| json!([inner]));
    assert!(Mapping::parse(nested(MAX_DEPTH)).is_ok());
    assert!(refused(nested(MAX_DEPTH + 1)).error.message.contains("64"));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[$ {}'\"\\\\abr.+]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z$]{0,4}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "(\\$\\{|\\{\\{|\\}|'|\"|\\\\|n|[ -~]|\\PC){0,40}") {
        if let Ok(mapping) = Mapping::parse(Value::String(text)) {
            let _ = mapping.resolve(&values());
        }
    }

    #[test]
    fn a_literal_resolves_to_itself_also_after_a_round_trip(value in any_json()) {
        let literal = Mapping::literal(value.clone());
        prop_assert_eq!(literal.references().len(), 0);
        prop_assert_eq!(literal.resolve(&values()), Ok(value.clone()));
        let text = serde_json::to_string(&literal).expect("it is JSON");
        let again: Mapping = serde_json::from_str(&text).expect("its source parses");
        prop_assert_eq!(again.resolve(&values()), Ok(value));
        prop_assert_eq!(again, literal);
    }
}
