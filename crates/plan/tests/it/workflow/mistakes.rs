//! What people read when a workflow is wrong.

use insta::assert_snapshot;

use super::nodes;
use crate::{complaints, read};

#[test]
fn all_mistakes_of_a_workflow_are_shown_in_order() {
    assert_snapshot!(complaints(
        r#"[workflows.p]
rollbak = "run"
rollback = "all"
edges = [
  { from = "a.artefact", to = "b.message" },
  { from = "a.path", to = "b.message" },
  { from = "a.warnings", to = "c.context" },
  { from = "x.path", to = "c.fil" },
  { from = "a.path", to = "c.fil" },
  { from = "a", to = "c" },
  { to = "c.tag", of = 1 },
  3,
]
[workflows.p.inputs]
path = { type = "path" }

[[workflows.p.nodes]]
id = "a"
type = "cargo_biuld"
[[workflows.p.nodes]]
id = "path"
type = "cargo_build"
depends_no = []
inputs = { release = "yes", realease = true }
[[workflows.p.nodes]]
id = "a"
type = "log"
[[workflows.p.nodes]]
id = "b"
type = "log"
depends_on = ["a", "a", "z"]
[[workflows.p.nodes]]
id = "c"
type = "docker_build"
[[workflows.p.nodes]]
name = "no id"
[[workflows.p.nodes]]
id = "d"
type = "log"
role = "reviewer"
[[workflows.p.nodes]]
id = "e"
type = "rust_pro"
[[workflows.p.nodes]]
id = "f"
type = "reviewer"
operation = "test"
[[workflows.p.nodes]]
id = "g"
type = "delay"
inputs = { durtion = 3 }
[[workflows.p.nodes]]
id = "h"
type = "delay"
inputs = { duration = "${path}" }
[[workflows.p.nodes]]
id = "i"
signal = "go"
inputs = { x = 1 }
store_as = "b"
[[workflows.p.nodes]]
id = "j"
plan = "q"
"#
    ));
}

#[test]
fn ends_that_do_not_fit_are_shown_with_both_and_their_types() {
    assert_snapshot!(complaints(
        r#"[workflows.p]
output = "${a.artefact}"
edges = [{ from = "a.warnings", to = "c.context" }, { from = "a.artefact", to = "b.message" }]
[[workflows.p.nodes]]
id = "a"
type = "cargo_build"
[[workflows.p.nodes]]
id = "b"
type = "log"
[[workflows.p.nodes]]
id = "c"
type = "docker_build"
inputs = { tag = "v-${a.artefact}-${b.massage}", build_args = "${a}", file = "${a.artifacts}" }
"#
    ));
}

#[test]
fn nodes_that_wait_for_each_other_are_shown_with_the_whole_path() {
    assert_snapshot!(complaints(
        r#"[[workflows.p.nodes]]
id = "a"
type = "cargo_build"
inputs = { path = "${c.message}" }
[[workflows.p.nodes]]
id = "b"
type = "log"
inputs = { message = "x" }
depends_on = ["a"]
[[workflows.p.nodes]]
id = "c"
type = "log"
[[workflows.p.nodes]]
id = "d"
type = "log"
inputs = { message = "${d.message}" }
[[workflows.p.edges]]
from = "b.message"
to = "c.message"
"#
    ));
}

#[test]
fn what_undoes_a_node_can_be_wrong_too() {
    assert_snapshot!(complaints(
        r#"[[workflows.p.nodes]]
id = "a"
type = "systemd_unit"
for_each = ["x", "y"]
inputs = { unit = "${item}", action = "start" }
[[workflows.p.nodes]]
id = "b"
type = "cargo_build"
rollback = [{}, { tool = "log", agent = "rust_pro" }, { tool = "lgo", operation = "x" }, { agent = "rust_pro.test", operation = "build" }, { agent = "rust_pro" }, "log", { tool = "log", message = "x" }]
[[workflows.p.nodes]]
id = "c"
type = "cargo_build"
rollback = "log"
"#
    ));
}

#[test]
fn a_node_that_may_be_missing_is_a_warning_for_those_that_need_it() {
    let text = nodes(&[
        ("a", "type = 'cargo_build'\nwhen = '1 == 2'"),
        ("b", "type = 'log'\ninputs = { message = '${a.path}' }"),
    ]);
    let loaded = read(&text);
    let found = op_plan::diagnostic::render_all(&loaded.diagnostics, false);
    assert!(found.starts_with("warning: `a` has no value when phase `a` may be skipped"), "{found}");
    assert!(loaded.plans.contains_key("p"));
}

#[test]
fn a_node_that_only_waits_has_nothing_to_do_for_each_item() {
    for waits in ["type = 'delay'\ninputs = { duration = 3 }", "signal = 'go'"] {
        let complaint = complaints(&nodes(&[("a", &format!("{waits}\nfor_each = [1, 2]"))]));
        assert!(
            complaint.contains("node `a` only waits, and has nothing to do for each item"),
            "{complaint}"
        );
    }
}

#[test]
fn ten_thousand_wrong_edges_are_counted_and_a_hundred_shown() {
    let edge = "[[workflows.p.edges]]\nfrom = 'a.nothing'\nto = 'nobody.x'\n";
    let text = nodes(&[("a", "type = 'cargo_build'")]) + &edge.repeat(10_000);
    let loaded = read(&text);
    assert_eq!((loaded.diagnostics.len(), loaded.diagnostics[99].more), (100, 9_900));
}

#[test]
fn a_cycle_of_ten_thousand_nodes_is_shown_short() {
    let node = |at: usize| {
        let before = (at + 9_999) % 10_000;
        format!(
            "[[workflows.p.nodes]]\nid = 'n{at}'\ntype = 'log'\ninputs = {{ message = '${{n{before}.message}}' }}\n"
        )
    };
    let complaint = complaints(&(0..10_000).map(node).collect::<String>());
    assert!(complaint.contains("nodes wait for each other: n0 -> n9999 -> n9998"), "{complaint}");
    assert!(complaint.len() < 10_000);
}

#[test]
fn a_workflow_without_nodes_says_where_they_would_be() {
    let complaint = complaints("[workflows.p]\nmax_parallel = 2\n");
    assert!(complaint.contains("workflow `p` has no nodes, here or in any file below"), "{complaint}");
    assert!(
        complaints("[workflows.p]\nnodes = []\n").contains("has 0 nodes, and a plan has from 1 to 20000")
    );
    assert!(complaints("[workflows.p]\nnodes = [3]\n").contains("a node must be a table"));
}
