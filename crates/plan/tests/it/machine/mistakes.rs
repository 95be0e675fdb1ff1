//! What a machine can be written wrongly as, and how that is told.

use insta::assert_snapshot;

use super::*;

#[test]
fn who_does_a_step_and_what_it_says_twice_is_refused() {
    assert_snapshot!(complaints(
        r#"[machines.p]
goal = "Build ${thing}"
inputs = { goal = {} }
[[machines.p.steps]]
id = "a"
role = "coder"
tool = "file_write"
args = {}
input_mapping = {}
on_success = "b"
[[machines.p.steps]]
id = "b"
tool = "file_raed"
operation = "x"
max_retries = 1
retry = { max = 1 }
on_success = "c"
[[machines.p.steps]]
id = "c"
agent = "rust_pro"
role = "coder"
on_success = "d"
[[machines.p.steps]]
id = "d"
on_success = "e"
operation = "x"
[[machines.p.steps]]
id = "e"
delay = "1m"
args = { x = 1 }
for_each = [1]
accept = "output.ok"
max_retries = 1
timeout = 1
on_success = "f"
[[machines.p.steps]]
id = "f"
plan = "othr"
on_success = "g"
[[machines.p.steps]]
id = "g"
role = "codr"
budget = {}
on_success = "completed"
"#
    ));
}

#[test]
fn targets_that_do_not_exist_are_refused() {
    assert_snapshot!(complaints(
        r#"[machines.p]
initial = "aa"
[[machines.p.steps]]
id = "analyze"
role = "coder"
on_success = "desing"
on_failure = "fail"
[[machines.p.steps]]
id = "design"
role = "designer"
[[machines.p.steps]]
id = "e"
role = "coder"
on_success = 3
on_failure = []
[[machines.p.steps]]
id = "f"
role = "coder"
on_success = [{ to = "analyze" }, { when = "1 == 1", to = "design" }]
on_failure = [{ when = "steps.x.output", to = "design" }, { too = "e" }, "e"]

[machines.q]
initial = "completed"
[[machines.q.steps]]
id = "a"
role = "coder"
on_success = "completed"
"#
    ));
}

#[test]
fn ends_say_what_they_stand_for_and_do_nothing() {
    assert_snapshot!(complaints(
        r#"[[machines.p.steps]]
id = "a"
role = "coder"
on_success = "done"
on_failure = "failed"
message = "x"
[[machines.p.steps]]
id = "done"
terminal = "complete"
[[machines.p.steps]]
id = "failed"
terminal = "completed"
role = "coder"
message = "because of ${steps.a.error}"
[[machines.p.steps]]
id = "completed"
role = "coder"
on_success = "done"
"#
    ));
}

#[test]
fn steps_that_are_never_reached_and_loops_without_an_end_are_refused() {
    assert_snapshot!(complaints(
        r#"[machines.p]
[[machines.p.steps]]
id = "a"
role = "coder"
on_success = "b"
on_failure = "completed"
[[machines.p.steps]]
id = "b"
role = "coder"
on_success = "c"
[[machines.p.steps]]
id = "c"
role = "coder"
on_success = "b"
on_failure = "d"
[[machines.p.steps]]
id = "d"
role = "coder"
on_success = "d"
[[machines.p.steps]]
id = "alone"
role = "coder"
on_success = "a"
[[machines.p.steps]]
id = "gone"
terminal = "failed"
"#
    ));
}

#[test]
fn a_limit_that_no_run_could_keep_is_refused() {
    assert_snapshot!(complaints(
        "[machines.p]\nmax_visits = 2\npipeline = [['a', 'coder'], ['b', 'coder'], ['c', 'coder']]\n"
    ));
}

#[test]
fn references_to_what_no_way_leads_from_are_refused() {
    assert_snapshot!(complaints(
        r#"[machines.p]
[[machines.p.steps]]
id = "a"
role = "coder"
args = { x = "${steps.b.output}", y = "${last_output('tester')}", z = "${steps.a.output}", i = "${goal}" }
on_success = "b"
on_failure = "c"
[[machines.p.steps]]
id = "b"
role = "coder"
store_as = "code"
on_success = [{ when = "steps.c.output", to = "c" }, { to = "c" }]
[[machines.p.steps]]
id = "c"
role = "coder"
args = { x = "${code}", y = "${context['a']}" }
on_success = "completed"
"#
    ));
}

#[test]
fn pipelines_and_machines_without_steps_are_refused() {
    assert_snapshot!(complaints(
        r#"[machines.o]
goal = "x"
[machines.p]
pipeline = [["a"], "b", ["c", "codr", "C"], ["c", "coder", 3], ["completed", "coder"]]
[machines.q]
steps = 3
[machines.r]
steps = [3, { role = "coder" }, { id = "x y", role = "coder", on_success = "completed" }]
step = []
"#
    ));
}

#[test]
fn ids_and_variables_stand_once() {
    assert_snapshot!(complaints(
        r#"[machines.p]
goal = "x"
[[machines.p.steps]]
id = "a"
role = "coder"
store_as = "goal"
delay = 1
signal = "go"
on_success = "a.delay"
[[machines.p.steps]]
id = "a.delay"
role = "coder"
store_as = "x"
on_success = "a"
[[machines.p.steps]]
id = "a"
role = "coder"
output_mapping = { x = "${output}", steps = "${output}" }
on_success = "end"
[[machines.p.steps]]
id = "end"
terminal = "completed"
[[machines.p.steps]]
id = "end"
terminal = "failed"
"#
    ));
}
