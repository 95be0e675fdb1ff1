//! What people read when a plan is wrong.

use insta::assert_snapshot;

use crate::{complaints, layers, read};

/// A workstack `p` with the given lines on its one phase `a`.
fn phase(lines: &str) -> String {
    format!("[[workstacks.p.phases]]\nid = \"a\"\n{lines}\n")
}

#[test]
fn all_mistakes_of_a_file_are_shown_in_order() {
    assert_snapshot!(complaints(
        r#"[workstack.x]
[workstacks.p]
descripton = "x"
timeout = "5 minutes"
max_parallel = 0
rollback = "all"
tags = "one"

[workstacks.p.inputs]
path = { type = "path", default = 3 }

[[workstacks.p.phases]]
id = "a"
tools = [{ tool = "file_raed", args = { path = "${pth}" }, store_as = "path" }]
agents = ["rust_pro", "rust_pro.tset", "rust", "file_read", { role = "reviwer" }]
depends_no = []
retry = { max = 2000, backoff = 0.5, on = ["timeot"] }

[[workstacks.p.phases]]
id = "b"
depends_on = ["c"]
when = "tests.failed == "
"#
    ));
}

#[test]
fn references_say_where_their_value_could_come_from() {
    assert_snapshot!(complaints(
        r#"[workstacks.p.inputs]
path = { type = "path" }

[[workstacks.p.phases]]
id = "build"
agents = ["rust_pro.build", { agent = "rust_pro.test", args = { path = "${steps.build.output}" } }]

[[workstacks.p.phases]]
id = "test"
agents = [{ agent = "rust_pro.test", args = { path = "at ${phat} and ${input.pth}" }, store_as = "tests" }]
when = "phases.deploy.success && later == 1 && steps.tset.output == 1"

[[workstacks.p.phases]]
id = "deploy"
tools = [{ tool = "file_write", args = { a = "${test}", b = "${build}", c = "${steps.deploy.output}", d = "${nothing_like_it}" } }]

[[workstacks.p.phases]]
id = "aside"
agents = [{ agent = "rust_pro.test", store_as = "later" }]
depends_on = ["build"]

[[workstacks.p.phases]]
id = "uses"
agents = [{ agent = "sequential_thinking", operation = "think", args = { x = "${tests}" } }]
depends_on = ["aside"]
"#
    ));
}

#[test]
fn a_variable_that_may_be_missing_is_a_warning_and_the_plan_is_kept() {
    let text = r#"[workstacks.p]
output = "${tests}"
[[workstacks.p.phases]]
id = "test"
agents = [{ agent = "rust_pro.test", store_as = "tests" }]
continue_on_failure = true
[[workstacks.p.phases]]
id = "design"
agents = [{ agent = "backend_architect.design", args = { x = "${tests}" }, store_as = "d" }]
when = "tests.failed == 0"
[[workstacks.p.phases]]
id = "last"
tools = [{ tool = "file_write", args = { d = "${d}", t = "${steps.test.output}" } }]
"#;
    assert_snapshot!(complaints(text));
    assert!(read(text).plans.contains_key("p"));
}

#[test]
fn expressions_are_shown_with_a_caret_inside_their_text() {
    assert_snapshot!(complaints(
        r#"[[workstacks.p.phases]]
id = "a"
tools = [
  { tool = "file_write", args = { x = "ok ${1 + } ok", y = ["${steps.a}", '{{ run.id'], z = "${steps[x].output}" } },
]
[[workstacks.p.phases]]
id = "b"
agents = ["rust_pro.test"]
when = "${phases.a.success}"
[[workstacks.p.phases]]
id = "c"
agents = ["rust_pro.test"]
when = "'yes'"
[[workstacks.p.phases]]
id = "d"
agents = ["rust_pro.test"]
when = true
[[workstacks.p.phases]]
id = "e"
agents = ["rust_pro.test"]
when = "phases.a.sucess == \"\u00e4\" +"
"#
    ));
}

#[test]
fn arguments_are_held_against_what_the_operation_takes() {
    assert_snapshot!(complaints(&phase(
        r#"tools = ["file_read", { tool = "report", args = { reviews = [{ name = 3 }, 4], title = "${run.id}" } }]
agents = [
  { agent = "rust_pro.clippy", args = { path = ["x"], lint = [], lints = ["a", 1], mode = "quick", limit = "${run.id} x", level = "x" } },
  { agent = "rust_pro.clippy", args = { path = "x", lints = "${run.id}", mode = "${run.id}", limit = 3, level = true } },
]
rollback = [{ tool = "file_read", args = { pat = "x" } }]"#
    )));
}

#[test]
fn a_secret_can_only_be_handed_on_whole() {
    let text = |tools: &str| {
        format!(
            "[workstacks.p.inputs]\nkey = {{ type = 'secret' }}\n{}",
            phase(&format!("tools = [{tools}]"))
        )
    };
    let good = "{ tool = 'file_write', args = { a = '${key}', b = ['${input.key}', '{{ key }}'] } }";
    assert_eq!(complaints(&text(good)), "");
    for bad in ["Bearer ${key}", "${key + 'x'}", "${[key]}"] {
        let complaint = complaints(&text(&format!("{{ tool = 'file_write', args = {{ a = \"{bad}\" }} }}")));
        assert!(complaint.contains("the secret `key` can only be handed on whole"), "{bad}: {complaint}");
    }
    let condition = complaints(&(text("'file_write'") + "when = \"key == 'x'\"\n"));
    assert!(condition.contains("can only be handed on whole"), "{condition}");
}

#[test]
fn two_of_a_kind_are_shown_with_both_places() {
    assert_snapshot!(complaints(
        r#"[workstacks.p.inputs]
path = {}
[[workstacks.p.phases]]
id = "a"
agents = [{ agent = "rust_pro.test", store_as = "x", max_retries = 1, retry = { max = 1 } }]
[[workstacks.p.phases]]
id = "a"
agents = [{ agent = "rust_pro.test", store_as = "x" }, { agent = "rust_pro.build", store_as = "path" }]
[[workstacks.p.phases]]
id = "b"
agents = [{ agent = "rust_pro.build", store_as = "steps" }, { agent = "rust_pro", operation = "test", store_as = "a b" }]
depends_on = ["a", "a"]
"#
    ));
}

#[test]
fn entries_that_say_too_little_or_too_much_are_refused() {
    assert_snapshot!(complaints(
        r#"[workstacks."p/q"]
phases = []
[workstacks.r]
phases = 3
[[workstacks.p.phases]]
tools = [{ args = {} }, 3, { tool = "rust_pro" }]
agents = [{ operation = "x" }, { agent = "rust_pro.test", operation = "build" }, { agent = "rust_pro", role = "tester" }, "tester.x"]
rollback = [{}, { tool = "file_write", operation = "x" }, { tool = "file_write", agent = "rust_pro" }, "file_write"]
[[workstacks.p.phases]]
id = "b c"
[[workstacks.p.phases]]
id = "d"
tools = ["file_write"]
operation = "test"
args = { x = 1 }
timeout = 0
retry = { delay = "1s", max_delay = "1ms", on = [] }
max_retries = -1
[[workstacks.p.phases]]
id = "e"
agents = ["sequential_thinking"]
retry = { max = 1, on = ["cancelled"] }
"#
    ));
}

#[test]
fn syntax_errors_are_shown_and_spoil_only_their_own_file() {
    let good = phase("agents = [\"rust_pro.test\"]");
    let loaded =
        layers(&[&good, "[workstacks.p\nmax_parallel = \nid = 'x\n", "workstacks.p.max_parallel = 3\n"]);
    assert_snapshot!(op_plan::diagnostic::render_all(&loaded.diagnostics, false));
    assert_eq!(loaded.plans["p"].draft().max_parallel, 3);
}

#[test]
fn a_plan_with_mistakes_is_left_out_and_the_others_are_read() {
    let text = format!("{}[[workstacks.q.phases]]\nid = 'a'\n", phase("agents = [\"rust_pro.test\"]"));
    let loaded = read(&text);
    assert_eq!(loaded.plans.keys().collect::<Vec<_>>(), ["p"]);
    assert!(loaded.has_errors());
}

#[test]
fn a_mistake_in_an_overlay_is_placed_in_the_overlay() {
    let loaded = layers(&[&phase("agents = [\"rust_pro.test\"]"), "[workstacks.p]\ntimeot = 3\n"]);
    assert_eq!(
        (loaded.diagnostics[0].spot.file.as_str(), loaded.diagnostics[0].spot.line),
        ("plans.d/1.toml", 2)
    );
}

#[test]
fn keys_of_later_versions_are_unknown_now() {
    for key in ["budget = {}", "intent = ''"] {
        let complaint = complaints(&phase(&format!("agents = [\"rust_pro.test\"]\n{key}")));
        assert!(complaint.contains("unknown key"), "{key}: {complaint}");
    }
}
