//! What a run is given, against what the plan asks for.

use op_plan::input::InputError;
use serde_json::{Value, json};

use crate::{complaints, plan};

fn text(inputs: &str) -> String {
    format!(
        "[workstacks.p.inputs]\n{inputs}\n[[workstacks.p.phases]]\nid = 'a'\nagents = ['rust_pro.test']\n"
    )
}

fn take(inputs: &str, given: &Value) -> Result<Value, Vec<InputError>> {
    let given = given.as_object().expect("an object").clone();
    plan(&text(inputs)).take(given).map(|inputs| inputs.into_iter().collect::<serde_json::Map<_, _>>().into())
}

#[test]
fn inputs_are_completed_in_the_order_of_the_plan() {
    let inputs = "z = { type = 'integer', default = 3 }\na = { type = 'string' }\no = { type = 'json', required = false }";
    assert_eq!(take(inputs, &json!({ "a": "x" })), Ok(json!({ "z": 3, "a": "x", "o": null })));
    let given = json!({ "a": "x" }).as_object().expect("an object").clone();
    let taken = plan(&text(inputs)).take(given).expect("complete");
    assert_eq!(taken.keys().collect::<Vec<_>>(), ["z", "a", "o"]);
}

#[test]
fn everything_wrong_is_said_at_once() {
    let inputs =
        "n = { type = 'integer' }\nm = { type = 'string', choices = ['a', 'b'] }\npath = { type = 'path' }";
    let errors = take(inputs, &json!({ "n": "x", "m": "c", "paht": "." })).expect_err("four mistakes");
    let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        errors,
        [
            "input `n` must be a whole number, and `\"x\"` is not",
            "input `m` must be one of \"a\", \"b\", and `\"c\"` is not",
            "input `path` (path) is missing",
            "the plan has no input `paht`; did you mean `path`?",
        ]
    );
}

#[test]
fn every_type_takes_its_own_values_and_no_others() {
    for (kind, good, bad) in [
        ("string", json!("x"), json!(1)),
        ("integer", json!(1), json!(1.5)),
        ("number", json!(1.5), json!("1")),
        ("boolean", json!(true), json!("true")),
        ("path", json!("a/b"), json!("")),
        ("list", json!([1]), json!({})),
        ("map", json!({ "a": 1 }), json!([])),
        ("secret", json!("NAME"), json!(1)),
    ] {
        let inputs = format!("x = {{ type = '{kind}' }}");
        assert!(take(&inputs, &json!({ "x": good })).is_ok(), "{kind}");
        assert!(take(&inputs, &json!({ "x": bad })).is_err(), "{kind}");
        assert!(take(&inputs, &json!({ "x": null })).is_err(), "{kind}");
    }
    assert!(take("x = { type = 'json' }", &json!({ "x": null })).is_ok());
}

#[test]
fn text_from_a_command_line_becomes_the_type_of_the_input() {
    for (kind, text, value) in [
        ("string", "3", Some(json!("3"))),
        ("path", "src", Some(json!("src"))),
        ("integer", "3", Some(json!(3))),
        ("integer", "3.5", None),
        ("integer", "x", None),
        ("number", "3.5", Some(json!(3.5))),
        ("boolean", "true", Some(json!(true))),
        ("boolean", "yes", None),
        ("list", "[1, \"a\"]", Some(json!([1, "a"]))),
        ("map", "{\"a\": 1}", Some(json!({ "a": 1 }))),
        ("json", "[1", Some(json!("[1"))),
        ("path", "", None),
    ] {
        let plan = plan(&crate::inputs::text(&format!("x = {{ type = '{kind}' }}")));
        assert_eq!(plan.draft().inputs["x"].read("x", text).ok(), value, "{kind} {text}");
    }
}

#[test]
fn an_error_never_shows_a_secret() {
    let plan = plan(&text("key = { type = 'secret' }"));
    let error = plan.draft().inputs["key"].read("key", "").expect_err("empty");
    assert!(error.to_string().contains("***"));
}

#[test]
fn contradictory_inputs_are_refused_when_the_plan_is_read() {
    for (inputs, message) in [
        ("x = { type = 'integer', default = 'a' }", "the default of `x` must be a whole number"),
        ("x = { type = 'integer', choices = [1, 'a'] }", "a choice of `x` must be a whole number"),
        ("x = { choices = ['a'], default = 'b' }", "the default of `x` is none of its choices"),
        ("x = { choices = [] }", "`x` has no choice at all"),
        ("x = { type = 'secret', default = 'a' }", "the secret `x` has a default"),
        ("x = { required = true, default = 'a' }", "its default is never taken"),
        ("x = { type = 'strnig' }", "did you mean `string`?"),
        ("x = { typ = 'string' }", "did you mean `type`?"),
        ("x = 'path'", "input `x` must be a table"),
        ("steps = {}", "`steps` means something else"),
        ("'a-b' = {}", "expressions could not refer to it"),
        ("true = {}", "expressions could not refer to it"),
    ] {
        let complaint = complaints(&text(inputs));
        assert!(complaint.contains(message), "{inputs}: {complaint}");
    }
}
