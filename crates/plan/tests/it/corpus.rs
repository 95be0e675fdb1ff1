//! What the fuzzers begin with and what they found, and texts that are made to be too much: each ends soon, in a plan or in a
//! complaint. `cargo fuzz run plan_text` in `crates/plan` looks for more.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use op_plan::{Expression, Mapping, Plan, Reference, Scope};
use serde_json::{Value, json};

use crate::{complaints, read};

/// Far more than any of it takes, on a machine that is busy and without optimisation.
const SOON: Duration = Duration::from_mins(1);

struct Everything;

impl Scope for Everything {
    fn value(&self, _: &Reference) -> Option<Value> {
        Some(json!({ "a": [1, 2.5, "x", null], "b": { "c": true }, "n": 3 }))
    }
}

/// The seeds of a fuzzer.
fn corpus(target: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let entries = fs::read_dir(folder).expect("the corpus is there").map(|entry| entry.expect("an entry"));
    let seeds = entries.map(|entry| {
        let text = fs::read(entry.path()).expect("a file");
        (entry.file_name().to_string_lossy().into_owned(), String::from_utf8_lossy(&text).into_owned())
    });
    seeds.collect()
}

#[track_caller]
fn soon<T>(what: &str, run: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let result = run();
    assert!(began.elapsed() < SOON, "{what} took {:?}", began.elapsed());
    result
}

fn survives_plan(text: &str) {
    let loaded = read(text);
    for diagnostic in &loaded.diagnostics {
        assert!(diagnostic.render(true).len() < 100_000);
    }
    for plan in loaded.plans.values() {
        let text = serde_json::to_string(&**plan).expect("a plan is JSON");
        let again: Plan = serde_json::from_str(&text).expect("and JSON a plan");
        assert_eq!(again.digest(), plan.digest());
    }
}

fn survives_expression(text: &str) {
    if let Ok(expression) = Expression::parse(text) {
        let again = Expression::parse(expression.source()).expect("its own text is an expression");
        assert_eq!(again.references(), expression.references());
        let _ = expression.evaluate(&Everything);
        let _ = expression.evaluate_condition(&Everything);
    }
    if let Ok(mapping) = Mapping::parse(text.into()) {
        let _ = mapping.resolve(&Everything);
        mapping.resolve_known(&Everything);
    }
}

/// A plan with a line on its one phase.
fn phase(line: &str) -> String {
    format!("[[workstacks.p.phases]]\nid = 'a'\ntools = ['file_write']\n{line}\n")
}

#[test]
fn every_plan_of_the_corpus_is_read_or_refused_soon() {
    let seeds = corpus("plan_text");
    assert!(seeds.len() >= 14, "{}", seeds.len());
    for (name, text) in seeds {
        soon(&name, || survives_plan(&text));
    }
}

#[test]
fn every_expression_of_the_corpus_ends_soon() {
    let seeds = corpus("expression");
    assert!(seeds.len() >= 20, "{}", seeds.len());
    for (name, text) in seeds {
        soon(&name, || survives_expression(&text));
    }
}

/// A text where an expression, an argument and a condition can stand.
fn survives_text(text: &str) {
    survives_expression(text);
    survives_plan(&phase(&format!("args = {{ a = '{text}' }}\nagents = ['rust_pro.test']")));
    survives_plan(&phase(&format!("when = '{text}'")));
}

#[test]
fn a_text_of_a_million_letters_is_read() {
    for piece in ["x", "${", "$${", "}}", "\u{1f642}"] {
        soon(piece, || survives_text(&piece.repeat(1_000_000 / piece.len())));
    }
}

#[test]
fn a_text_of_a_million_letters_of_references_is_read() {
    let same = |piece: &str| piece.repeat(1_000_000 / piece.len());
    let others = |reference: fn(usize) -> String| {
        let mut text = String::new();
        for at in 0.. {
            text.push_str(&reference(at));
            if text.len() > 1_000_000 {
                break;
            }
        }
        text
    };
    for text in [
        same("{{a}} "),
        same("${steps.a.output} "),
        others(|at| format!("${{a{at}}}")),
        others(|at| format!("{{{{ steps.a.output.k{at} }}}} ")),
        others(|at| format!("${{a.b[{at}] + input.c{at}}}")),
    ] {
        soon(&text[..20], || survives_text(&text));
    }
}

#[test]
fn a_list_of_a_hundred_thousand_references_is_read() {
    let list = (0..100_000).map(|at| format!("'${{a{at}}}'")).collect::<Vec<_>>().join(", ");
    soon("a list", || {
        survives_plan(&phase(&format!("args = {{ a = [{list}] }}\nagents = ['rust_pro.test']")));
    });
}

#[test]
fn what_is_nested_too_deeply_is_refused_and_breaks_nothing() {
    let deep = 20_000;
    let nested = [
        format!("output = {}1{}", "[".repeat(deep), "]".repeat(deep)),
        format!("output = {}1{}", "{ a = ".repeat(deep), " }".repeat(deep)),
        format!("output{} = 1", ".a".repeat(deep)),
        format!("[workstacks.p{}]", ".a".repeat(deep)),
        format!("[[workstacks.p{}]]", ".a".repeat(deep)),
        format!("output = {}", "[".repeat(deep)),
    ];
    for text in nested {
        soon(&text[..20], || survives_plan(&format!("[workstacks.p]\n{text}\n")));
    }
    for (open, close) in
        [("(", ")"), ("[", "]"), ("{'a': ", "}"), ("!", ""), ("-", ""), ("a.b(", ")"), ("a[", "]")]
    {
        for depth in [100, 390, deep] {
            let text = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            soon(open, || survives_expression(&text));
            soon(open, || survives_expression(&format!("${{{text}}}")));
        }
    }
    let chain = format!("true{}", " ? true : false".repeat(100));
    soon("a chain of choices", || survives_expression(&chain));
}

#[test]
fn an_expression_that_multiplies_its_work_ends_soon() {
    let list = format!("[{}]", vec!["1"; 40].join(", "));
    let mut text = "x".to_owned();
    for depth in 0..4 {
        text = format!("{list}.map(x, {text})");
        soon(&format!("{depth} deep"), || survives_expression(&text));
    }
    let doubled = "'xxxxxxxx'".to_owned() + &" + 'xxxxxxxx'".repeat(150);
    soon("a long text", || survives_expression(&doubled));
    let pattern = format!("'{}'.matches('(a*)*(a*)*(a|a)*$')", "a".repeat(5_000));
    soon("a pattern", || survives_expression(&pattern));
    soon("a large pattern", || survives_expression("'a'.matches('((a{100}){100}){100}')"));
}

#[test]
fn a_long_list_of_an_input_under_nested_loops_fails_soon_with_what_to_do() {
    struct Long(Value);
    impl Scope for Long {
        fn value(&self, _: &Reference) -> Option<Value> {
            Some(self.0.clone())
        }
    }
    let scope = Long((0..100_000).collect());
    let source = json!({ "pairs": "${input.list.map(x, input.list.map(y, [x, y]))}" });
    let mapping = Mapping::parse(source).expect("it parses");
    let error = soon("two loops", || mapping.resolve(&scope)).expect_err("it is too much");
    insta::assert_snapshot!(error, @"`pairs` cannot be resolved: `input.list.map(x, input.list.map(y, [x, y]))` is too much to compute: going over its lists takes more than 5000000 steps; hand it shorter lists, or let an agent do it");
}

#[test]
fn a_text_is_no_list_to_go_over() {
    let text = phase("for_each = 'text'");
    assert!(complaints(&text).contains("`for_each` must be a list"), "{}", complaints(&text));
}

#[test]
fn escapes_that_are_no_letter_are_refused() {
    for escape in ["\\ud800", "\\U00110000", "\\xff\\", "\\u12", "\\q"] {
        let text = format!("[workstacks.p]\ndescription = \"{escape}\"\n");
        assert!(read(&text).has_errors(), "{escape}");
    }
    for escape in ["'\\ud800'", "'\\U00110000'", "'\\x'", "'\\q'"] {
        assert!(Expression::parse(escape).is_err(), "{escape}");
    }
}

#[test]
fn plans_that_include_themselves_are_refused_and_many_that_include_many_are_read_soon() {
    let circle =
        "[[workstacks.p.phases]]\nid = 'a'\nplan = 'q'\n[[workstacks.q.phases]]\nid = 'a'\nplan = 'p'\n";
    assert!(complaints(circle).contains("the plan runs itself"));
    assert!(complaints("[[workstacks.p.phases]]\nid = 'a'\nplan = 'p'\n").contains("the plan runs itself"));
    let mut text = phase("").replace("workstacks.p", "workstacks.p0");
    for depth in 1..=4 {
        for at in 0..8 {
            let below = depth - 1;
            let _ = write!(text, "[[workstacks.p{depth}.phases]]\nid = 'a{at}'\nplan = 'p{below}'\n");
        }
    }
    soon("plans in plans", || survives_plan(&text));
}
