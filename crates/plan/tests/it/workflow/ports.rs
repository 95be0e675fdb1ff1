//! What comes out of one node against what goes into another.

use super::nodes;
use crate::complaints;

#[test]
fn ports_are_held_against_what_operations_say() {
    let build = ("a", "type = 'cargo_build'");
    let complaint = |other: &str| {
        complaints(&nodes(&[
            build,
            ("fan", "type = 'cargo_build'\nfor_each = [1]"),
            ("apply", "type = 'kubectl_apply'\ninputs = { manifest = 'x' }"),
            ("b", other),
        ]))
    };
    for fine in [
        "type = 'log'\ninputs = { message = '${a.path}' }",
        "type = 'log'\ninputs = { message = '${a.warnings} warnings' }",
        "type = 'log'\ninputs = { message = '${fan[0].path}' }",
        "type = 'log'\ninputs = { message = '${a.artifacts[0]}' }",
        "type = 'log'\ninputs = { message = '${string(a.warnings)}' }",
        "type = 'log'\ninputs = { message = '${apply.previous[0].anything}' }",
        "type = 'log'\ninputs = { message = '${apply.applied[0].name}' }",
        "type = 'cargo_build'\ninputs = { features = '${a.artifacts}', package = '${a.path}' }",
        "type = 'sequential_thinking.think'\ninputs = { x = '${a.warnings}' }",
        "type = 'rust_pro.clippy'\ninputs = { limit = '${a.warnings}', level = '${a.warnings}', lints = ['${a.path}'] }",
    ] {
        assert_eq!(complaint(fine), "", "{fine}");
    }
    for (wrong, why) in [
        (
            "type = 'log'\ninputs = { message = '${a.warnings}' }",
            "`a.warnings` is a whole number, and `b.message` takes text",
        ),
        (
            "type = 'log'\ninputs = { message = '{{steps.a.output.warnings}}' }",
            "`steps.a.output.warnings` is a whole number",
        ),
        ("type = 'log'\ninputs = { message = '${a}' }", "`a` is a table, and `b.message` takes text"),
        ("type = 'log'\ninputs = { message = '${fan}' }", "`fan` is a list, and `b.message` takes text"),
        ("type = 'log'\ninputs = { message = '${fan.path}' }", "`fan` has no `path`"),
        (
            "type = 'log'\ninputs = { message = '${apply.applied[0].nam}' }",
            "`apply.applied[...]` has no `nam`",
        ),
        ("type = 'log'\ninputs = { message = '${a.path.x}' }", "`a.path` has no `x`"),
        (
            "type = 'rust_pro.clippy'\ninputs = { lints = ['x', '${a.warnings}'] }",
            "`a.warnings` is a whole number, and `b.lints[1]` takes text",
        ),
        (
            "type = 'log'\ninputs = { message = 'x' }\nwhen = 'a.faild == 0'",
            "node `a` has no output port `faild`",
        ),
        ("type = 'cargo_build'\nfor_each = '${a.artifact_s}'", "node `a` has no output port `artifact_s`"),
    ] {
        let complaint = complaint(wrong);
        assert!(complaint.contains(why), "{wrong}: {complaint}");
    }
}

#[test]
fn inputs_of_the_plan_and_of_a_child_are_ports_too() {
    let child = "[workflows.c.inputs]\nn = { type = 'integer' }\n[[workflows.c.nodes]]\nid = 'x'\ntype = 'cargo_build'\n";
    let text = |inputs: &str| {
        format!(
            "{child}[workflows.p.inputs]\nt = {{ type = 'list' }}\ni = {{ type = 'number' }}\n{}",
            nodes(&[("a", inputs)])
        )
    };
    assert_eq!(complaints(&text("plan = 'c'\ninputs = { n = '${i}' }")), "");
    let complaint = complaints(&text("plan = 'c'\ninputs = { n = '${t}' }"));
    assert!(complaint.contains("`t` is a list, and `a.n` takes a whole number"), "{complaint}");
    let complaint = complaints(&text("type = 'log'\ninputs = { message = '${input.t}' }"));
    assert!(complaint.contains("`input.t` is a list, and `a.message` takes text"), "{complaint}");
}
