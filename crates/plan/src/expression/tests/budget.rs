//! What an expression may cost.

use serde_json::{Value, json};

use super::{EvaluateError, evaluate};

fn numbers(many: usize) -> Value {
    (0..many).collect()
}

fn is_too_much(source: &str, values: &Value) -> bool {
    match evaluate(source, values) {
        Err(EvaluateError::TooMuch { expression }) => {
            assert_eq!(expression, source);
            true
        }
        Ok(_) => false,
        Err(other) => panic!("{source}: {other}"),
    }
}

#[test]
fn lists_inside_each_other_are_bounded_by_what_they_multiply_to() {
    let values = |many: usize| json!({ "list": numbers(many) });
    for source in [
        "list.map(x, list.map(y, x + y))",
        "list.map(x, list.filter(y, x == y).size())",
        "list.all(x, list.exists(y, x == y))",
        "list.exists_one(x, list.all(y, x != y))",
        "list.map(x, [1].map(z, list.map(y, y)))",
        "list.filter(x, x in list)",
        "list.map(x, list)",
        "list.map(x, {'all': list}).size()",
        "list.all(x, list == list)",
        "list.all(x, size(string(x)) > 0 && [list, list].size() == 2)",
        "list.map(x, [x, x].map(z, list.size() + z)) + list",
    ] {
        assert!(is_too_much(source, &values(100_000)), "{source}");
        assert!(!is_too_much(source, &values(100)), "{source}");
    }
    assert!(!is_too_much("list.map(x, x + 1).filter(x, x > 3).all(x, x < 1000000)", &values(100_000)));
}

#[test]
fn what_is_too_much_says_what_to_do() {
    let error =
        evaluate("list.map(x, list.map(y, y))", &json!({ "list": numbers(100_000) })).expect_err("too much");
    insta::assert_snapshot!(error, @"`list.map(x, list.map(y, y))` is too much to compute: going over its lists takes more than 5000000 steps; hand it shorter lists, or let an agent do it");
}

#[test]
fn large_items_count_as_much_as_many() {
    let texts = vec!["x".repeat(100_000); 200];
    let objects = vec![json!({ "rows": numbers(1_000) }); 200];
    let values = json!({ "texts": texts, "objects": objects, "map": { "a": texts } });
    assert!(is_too_much("texts.map(x, texts.filter(y, x == y))", &values));
    assert!(is_too_much("objects.map(x, objects.filter(y, x == y))", &values));
    assert!(is_too_much("texts.map(x, map)", &values));
    assert!(!is_too_much("texts.map(x, x.size())", &values));
    assert!(!is_too_much("objects.map(x, x.rows.size())", &values));
}

#[test]
fn nothing_hides_that_it_was_too_much() {
    let values = json!({ "list": numbers(100_000) });
    for source in
        ["list.all(x, list.all(y, true)) || true", "list.exists(x, x == 5 || list.exists(y, y < 0)) ? 1 : 2"]
    {
        assert!(is_too_much(source, &values), "{source}");
    }
}

#[test]
fn counting_changes_no_value() {
    let values = json!({ "list": [3, 1, 2], "items": [{ "n": 1, "of": ["a"] }, { "n": 2 }], "steps['a.b'].output": { "k": ["q"] } });
    for (source, value) in [
        ("list.map(x, x > 1, x * 2)", json!([6, 4])),
        ("items.filter(i, has(i.of)).map(i, i.of[0])", json!(["a"])),
        ("items.map(i, has(i.of) && i['n'] == 1)", json!([true, false])),
        ("items.map(i, {'n': i.n, 'all': list.map(x, x + i.n)})[1].all", json!([5, 3, 4])),
        ("list.map(x, steps['a.b'].output.k[0].contains('q') ? x : 0)", json!([3, 1, 2])),
        ("list.exists_one(x, x == 2) && [true].all(b, b) && ![false].exists(b, b)", json!(true)),
        ("list.map(x, -x).map(x, [x, [x]])[0]", json!([-3, [-3]])),
        ("{'a': 1}.map(k, k + 'b')", json!(["ab"])),
        ("list.map(x, items[list[1]].n + list[[0].map(z, z)[0]])", json!([5, 5, 5])),
    ] {
        assert_eq!(evaluate(source, &values), Ok(value), "{source}");
    }
}
