mod budget;

use std::collections::BTreeMap;

use serde_json::json;

use super::*;

/// A scope that holds what a test puts in it.
struct Values(BTreeMap<String, Value>);

impl Scope for Values {
    fn value(&self, reference: &Reference) -> Option<Value> {
        self.0.get(&reference.to_string()).cloned()
    }
}

fn scope(values: &Value) -> Values {
    let values = values.as_object().expect("an object");
    Values(values.iter().map(|(name, value)| (name.clone(), value.clone())).collect())
}

fn names(source: &str) -> Vec<String> {
    let expression = Expression::parse(source).unwrap_or_else(|error| panic!("{source}: {error}"));
    expression.references().iter().map(ToString::to_string).collect()
}

fn refused(source: &str) -> ExpressionError {
    Expression::parse(source).expect_err(source)
}

fn evaluate(source: &str, values: &Value) -> Result<Value, EvaluateError> {
    Expression::parse(source).unwrap_or_else(|error| panic!("{source}: {error}")).evaluate(&scope(values))
}

#[test]
fn references_are_read_off_the_syntax() {
    assert_eq!(names("path"), ["path"]);
    assert_eq!(names("input.path"), ["input.path"]);
    assert_eq!(names(" steps.build.output "), ["steps.build.output"]);
    assert_eq!(names("steps.build.output.items[0].name"), ["steps.build.output"]);
    assert_eq!(names("steps['a.b'].status == 'failed'"), ["steps['a.b'].status"]);
    assert_eq!(names("steps['a.b'].status"), ["steps['a.b'].status"]);
    assert_eq!(
        names("phases.x.success && run.id != '' && run.started_at != ''"),
        ["phases.x.success", "run.id", "run.started_at"]
    );
    assert_eq!(names("tests.failed == 0 && tests.passed > limit"), ["tests", "limit"]);
    assert_eq!(names("{'a': x}[key] + list[index]"), ["x", "key", "list", "index"]);
    assert_eq!(names("has(tests.failed) ? size(tests.names) : int(other)"), ["tests", "other"]);
    assert_eq!(names("1 + 2"), [""; 0]);
}

#[test]
fn variables_of_a_comprehension_are_no_references() {
    assert_eq!(names("files.filter(f, f.endsWith('.rs') && f != skip)"), ["files", "skip"]);
    assert_eq!(names("files.map(steps, steps.name)"), ["files"]);
    assert_eq!(names("f.map(f, f)"), ["f"]);
}

#[test]
fn a_scope_word_alone_is_refused_with_what_to_write() {
    for source in ["steps", "steps.a", "phases.x", "run", "input", "1 + size(steps)"] {
        assert!(refused(source).hint.expect(source).contains("write"), "{source}");
    }
    assert_eq!(refused("1 + steps[name].output").offset, 4);
    assert!(refused("steps[name].output").message.contains("must name"));
    let error = refused("steps.a.outptu");
    assert!(error.hint.expect("a hint").contains("`steps.ID.output`"), "{}", error.message);
}

#[test]
fn errors_point_at_their_place() {
    assert_eq!(refused("'ä' + )").offset, 7);
    assert_eq!(refused("'ä' + steps").offset, 7);
    assert_eq!(refused("a +").message, "the expression ends too early");
    assert_eq!(refused("a +\n  b c").offset, 8);
    assert_eq!(refused("").message, "the expression is empty");
    assert_eq!(refused("a # b").offset, 2);
}

#[test]
fn json_whole_numbers_compare_with_written_ones() {
    for failed in [json!(0_i64), json!(0_u64)] {
        let value = evaluate("tests.failed == 0", &json!({ "tests": { "failed": failed } }));
        assert_eq!(value, Ok(json!(true)));
    }
    assert!(evaluate("n + 1", &json!({ "n": u64::MAX })).is_err());
    assert_eq!(evaluate("n > 1", &json!({ "n": 1.5 })), Ok(json!(true)));
}

#[test]
fn a_pure_reference_keeps_its_value_exactly() {
    let values = json!({ "big": u64::MAX, "steps.a.output": { "x": [1, null, 2.50] } });
    assert_eq!(evaluate("big", &values), Ok(json!(u64::MAX)));
    assert_eq!(evaluate("steps.a.output", &values), Ok(json!({ "x": [1, null, 2.50] })));
    assert_eq!(evaluate("steps['a'].output", &values), Ok(json!({ "x": [1, null, 2.50] })));
}

#[test]
fn values_come_back_as_json() {
    let values = json!({ "files": ["a.rs", "b.md"], "steps.a.output": { "n": 2 }, "steps.b.output": 3, "input.p": "x" });
    assert_eq!(evaluate("files.filter(f, f.endsWith('.rs'))", &values), Ok(json!(["a.rs"])));
    assert_eq!(evaluate("steps.a.output.n + steps.b.output", &values), Ok(json!(5)));
    assert_eq!(
        evaluate("{'path': input.p, 'n': [1.5, null]}", &values),
        Ok(json!({ "path": "x", "n": [1.5, null] }))
    );
}

#[test]
fn a_missing_value_is_an_error_and_never_null() {
    let missing = Reference::Variable("x".to_owned());
    assert_eq!(evaluate("x", &json!({})), Err(EvaluateError::Unresolved(missing.clone())));
    assert_eq!(evaluate("x == null", &json!({})), Err(EvaluateError::Unresolved(missing)));
    assert_eq!(evaluate("x == null", &json!({ "x": null })), Ok(json!(true)));
}

#[test]
fn what_cel_refuses_is_an_error() {
    assert!(matches!(evaluate("1 / n", &json!({ "n": 0 })), Err(EvaluateError::Failed { .. })));
    assert!(matches!(evaluate("t.missing", &json!({ "t": {} })), Err(EvaluateError::Failed { .. })));
    assert!(matches!(evaluate("0.0 / n", &json!({ "n": 0.0 })), Err(EvaluateError::NotJson { .. })));
    assert!(matches!(evaluate("b'x'", &json!({})), Err(EvaluateError::NotJson { .. })));
    assert!(matches!(evaluate("{1: 1, '1': 2}", &json!({})), Err(EvaluateError::NotJson { .. })));
}

#[test]
fn a_condition_that_is_not_boolean_is_never_true() {
    let condition = |source: &str| {
        Expression::parse(source).expect(source).evaluate_condition(&scope(&json!({ "n": 1 })))
    };
    assert_eq!(condition("n == 1"), Ok(true));
    assert_eq!(condition("n == 2"), Ok(false));
    for source in ["n", "'true'", "null", "[true]"] {
        assert!(matches!(condition(source), Err(EvaluateError::NotBoolean { .. })), "{source}");
    }
}

#[test]
fn expressions_are_bounded() {
    assert!(refused(&"x".repeat(MAX_LENGTH + 1)).message.contains("10000"));
    for piece in ["(", "[", "!", "-", "a.", "a[0]+", "a ? b : ", "{1:", "f(", "a.map(x,"] {
        let source = piece.repeat(9_000 / piece.len());
        assert!(refused(&source).message.contains("too large"), "{piece}");
    }
    let nested =
        |depth: usize| (0..depth).fold("1".to_owned(), |inner, at| format!("[1].map(v{at}, {inner})"));
    assert!(Expression::parse(&nested(3)).is_ok());
    assert!(refused(&nested(4)).message.contains("at most 3"));
}

#[test]
fn the_largest_expressions_allowed_fit_a_small_stack() {
    let deep = |piece: &str, tail: &str| {
        let source = format!("{}{tail}", piece.repeat(398 / tokens(piece)));
        if let Ok(expression) = Expression::parse(&source) {
            let _ = expression.evaluate(&scope(&json!({ "a": { "a": 1 }, "b": true })));
        }
    };
    for (piece, tail) in
        [("1+", "1"), ("!", "b"), ("-", "1"), ("a.", "a"), ("b?b:", "b"), ("(", "1"), ("[", "1")]
    {
        deep(piece, tail);
    }
    deep("b||", "b");
    deep("[0]", "");
}

fn tokens(piece: &str) -> usize {
    piece.chars().count()
}

#[test]
fn an_expression_is_written_as_its_source() {
    let expression = Expression::parse("tests.failed == 0").expect("it parses");
    let text = serde_json::to_string(&expression).expect("it is text");
    assert_eq!(text, "\"tests.failed == 0\"");
    assert_eq!(serde_json::from_str::<Expression>(&text).expect("it parses"), expression);
    assert!(serde_json::from_str::<Expression>("\"steps\"").is_err());
}

#[test]
fn expressions_travel_between_threads() {
    fn travels<T: Send + Sync>() {}
    travels::<Expression>();
}

#[test]
fn a_literal_is_known_without_a_run() {
    assert_eq!(Expression::parse("'x'").expect("it parses").as_literal(), Some(json!("x")));
    assert_eq!(Expression::parse("x").expect("it parses").as_literal(), None);
    assert_eq!(Expression::parse("1 + 1").expect("it parses").as_literal(), None);
}

#[test]
fn an_input_is_the_same_in_both_ways_to_write_it() {
    let values = json!({ "input.n": 2, "context['Count It']": { "n": 3 } });
    assert_eq!(names("context.input.n"), ["input.n"]);
    assert_eq!(evaluate("context.input.n", &values), Ok(json!(2)));
    let sum = "context.input.n + context['input'].n + input.n + context['Count It'].n";
    assert_eq!(evaluate(sum, &values), Ok(json!(9)));
}
