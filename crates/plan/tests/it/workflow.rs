//! Workflows: nodes and edges of a data flow.

mod mistakes;
mod ports;

use std::sync::Arc;
use std::time::Duration;

use op_plan::plan::{Accept, Action, Gate, Part};
use op_plan::{Phase, Plan, Rollback, Shape, Source};
use serde_json::json;

use crate::{plan, read};

/// The document's sample, as it is given to users.
const DEPLOY: &str = r#"[workflows.deploy_production]
description = "Build, test and deploy"
[workflows.deploy_production.inputs]
version = { type = "string", required = true }

[[workflows.deploy_production.nodes]]
id = "build"
type = "cargo_build"
inputs = { path = ".", release = true }

[[workflows.deploy_production.nodes]]
id = "test"
type = "cargo_test"
inputs = { path = "." }
depends_on = ["build"]

[[workflows.deploy_production.nodes]]
id = "docker_build"
type = "docker_build"
inputs = { tag = "${version}", context = "${build.path}" }
depends_on = ["test"]

[[workflows.deploy_production.nodes]]
id = "push"
type = "docker_push"
inputs = { registry = "ghcr.io", image = "${docker_build.image}" }

[[workflows.deploy_production.nodes]]
id = "deploy"
type = "kubectl_apply"
inputs = { manifest = "k8s/deployment.yaml" }
depends_on = ["push"]
"#;

/// A workflow `p` with something added to its table, to its first node, and to its second one.
fn with(plan: &str, first: &str, second: &str) -> String {
    format!(
        "[workflows.p]\n{plan}\n[[workflows.p.nodes]]\nid = 'a'\ntype = 'cargo_build'\n{first}\n\
         [[workflows.p.nodes]]\nid = 'b'\ntype = 'log'\n{second}\n"
    )
}

/// A workflow of one node.
fn node(lines: &str) -> Phase {
    plan(&format!("[[workflows.p.nodes]]\nid = 'a'\n{lines}\n")).phases()[0].clone()
}

/// A workflow of nodes by id, each with its own lines.
fn nodes(nodes: &[(&str, &str)]) -> String {
    nodes.iter().map(|(id, lines)| format!("[[workflows.p.nodes]]\nid = '{id}'\n{lines}\n")).collect()
}

fn order(plan: &Plan) -> Vec<Vec<usize>> {
    plan.phases().iter().map(|phase| phase.depends_on.clone()).collect()
}

fn arguments(phase: &Phase) -> serde_json::Value {
    phase.steps.last().and_then(|step| step.action.arguments()).expect("a call").source().clone()
}

#[test]
fn the_sample_of_the_document_loads_as_one_transaction() {
    let loaded = read(DEPLOY);
    assert_eq!(op_plan::diagnostic::render_all(&loaded.diagnostics, false), "");
    let plan = &loaded.plans["deploy_production"];
    assert_eq!((plan.draft().shape, plan.draft().rollback), (Shape::Workflow, Rollback::Run));
    assert_eq!(order(plan), [vec![], vec![0], vec![1, 0], vec![2], vec![3]]);
    let undo: Vec<_> = plan.phases().iter().map(|phase| phase.undo.len()).collect();
    assert_eq!(undo, [0, 0, 1, 0, 1]);
}

#[test]
fn a_node_is_undone_by_what_undoes_its_type_unless_it_says_otherwise() {
    let plan = Arc::clone(&read(DEPLOY).plans["deploy_production"]);
    let undo = &plan.phases()[2].undo[0].call;
    assert_eq!(undo.part.default_performer().expect("somebody").to_string(), "docker_remove_image");
    assert_eq!(
        *undo.arguments.source(),
        json!({ "arguments": { "tag": "${version}", "context": "${build.path}" },
            "output": "${steps['docker_build'].output}" })
    );
    assert_eq!(undo.arguments.references().len(), 3);
    let restart = "type = 'systemd_unit'\ninputs = { unit = 'x', action = 'restart' }\n";
    let by = |line: &str| {
        let undo = node(&format!("{restart}{line}")).undo;
        undo.iter()
            .map(|undo| undo.call.part.default_performer().expect("somebody").to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(by(""), ["systemd_unit_restore"]);
    assert_eq!(by("rollback = []"), Vec::<String>::new());
    assert_eq!(
        by(
            "rollback = [{ tool = 'log', args = { message = 'x' } }, { agent = 'rust_pro', operation = 'test' }, { agent = 'rust_pro.build' }]"
        ),
        ["log", "rust_pro.test", "rust_pro.build"]
    );
    let entry =
        node(&format!("{restart}rollback = [{{ tool = 'file_write', timeout = 3, max_retries = 2 }}]"));
    assert_eq!((entry.undo[0].timeout, entry.undo[0].retry.max), (Some(Duration::from_secs(3)), 2));
}

#[test]
fn a_node_waits_for_what_it_names_for_edges_and_for_what_it_refers_to() {
    let log = "type = 'log'\ninputs = { message = 'x' }";
    let text = nodes(&[
        (
            "last",
            "type = 'log'\ninputs = { message = 'of ${first.message} and ${steps.second.output.message}' }",
        ),
        ("first", log),
        ("second", &format!("{log}\ndepends_on = ['first']")),
        ("when", &format!("{log}\nwhen = \"phases.second.success && context['first'].message == 'x'\"")),
        ("edge", "type = 'log'"),
        ("free", log),
    ]);
    let edges = "[[workflows.p.edges]]\nfrom = 'last.message'\nto = 'edge.message'\n";
    let plan = plan(&format!("{text}{edges}"));
    assert_eq!(order(&plan), [vec![1, 2], vec![], vec![1], vec![2, 1], vec![0], vec![]]);
    assert_eq!(arguments(&plan.phases()[4]), json!({ "message": "${last.message}" }));
}

#[test]
fn the_id_of_a_node_names_what_it_returned_even_when_it_stores_it_under_another_name() {
    let names = |lines: &str| node(lines).steps[0].variables().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(names("type = 'cargo_build'"), ["a"]);
    assert_eq!(names("type = 'cargo_build'\nstore_as = 'a'"), ["a"]);
    assert_eq!(names("type = 'cargo_build'\nstore_as = 'x'"), ["x", "a"]);
    assert_eq!(names("type = 'cargo_build'\noutput_mapping = { x = '${output.path}' }"), ["a", "x"]);
    let text = nodes(&[
        ("a", "type = 'cargo_build'\nstore_as = 'x'"),
        ("b", "type = 'log'\ninputs = { message = '${a.path} ${x.path}' }"),
    ]);
    assert_eq!(order(&plan(&text)), [vec![], vec![0]]);
}

#[test]
fn ids_that_no_expression_could_hold_are_reached_by_edges_and_by_steps() {
    for id in ["build-it", "v1.2", "run", "item"] {
        let text = nodes(&[(id, "type = 'cargo_build'"), ("b", "type = 'log'")]);
        let plan = plan(&format!("{text}[[workflows.p.edges]]\nfrom = '{id}.path'\nto = 'b.message'\n"));
        assert_eq!(order(&plan), [vec![], vec![0]], "{id}");
        assert_eq!(
            arguments(&plan.phases()[1]),
            json!({ "message": format!("${{steps['{id}'].output.path}}") })
        );
        assert_eq!(plan.phases()[0].steps[0].store_as, None);
    }
}

#[test]
fn a_type_is_a_tool_an_operation_or_built_in() {
    let performer = |lines: &str| match &node(lines).steps[0].action {
        Action::Call(call) => call.part.default_performer().expect("somebody").to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(performer("type = 'cargo_build'"), "cargo_build");
    assert_eq!(performer("type = 'rust_pro.test'"), "rust_pro.test");
    assert_eq!(performer("type = 'http'\ninputs = { url = 'x' }"), "http_request");
    assert_eq!(performer("type = 'dbus_method'\ninputs = { destination = 'x', path = '/' }"), "dbus_call");
    assert_eq!(performer("role = 'reviewer'"), "backend_architect.review");
    assert_eq!(performer("role = 'reviewer'\noperation = 'analyze'"), "backend_architect.analyze");
    let role = node("role = 'reviewer'").steps[0].action.clone();
    assert!(
        matches!(role, Action::Call(call) if matches!(&call.part, Part::Role { name, .. } if name == "reviewer"))
    );
    let delay = &node("type = 'delay'\ninputs = { duration = '5m' }").steps[0];
    assert_eq!((&delay.gate, &delay.action), (&Some(Gate::Delay(Duration::from_mins(5))), &Action::Pass));
}

#[test]
fn a_node_can_run_another_plan() {
    let child = "[workflows.c.inputs]\nmessage = {}\n[[workflows.c.nodes]]\nid = 'x'\ntype = 'log'\ninputs = { message = '${message}' }\n";
    let text = nodes(&[
        ("a", "plan = 'c'\ninputs = { message = 'm' }"),
        ("b", "type = 'log'\ninputs = { message = '${a.x}' }"),
    ]);
    let plan = plan(&format!("{child}{text}"));
    assert!(matches!(&plan.phases()[0].steps[0].action, Action::Plan { plan, .. } if plan.id() == "c"));
    assert_eq!(arguments(&plan.phases()[0]), json!({ "message": "m" }));
    assert_eq!(order(&plan), [vec![], vec![0]]);
}

#[test]
fn a_node_waits_at_its_gates_one_after_the_other() {
    let signal = node("signal = 'go'\ntimeout = '1h'");
    assert_eq!((signal.steps.len(), &signal.steps[0].gate), (1, &Some(Gate::Signal("go".to_owned()))));
    assert_eq!(
        (signal.steps[0].timeout, &signal.steps[0].action),
        (Some(Duration::from_hours(1)), &Action::Pass)
    );
    let all = node("type = 'cargo_build'\ndelay = 3\nsignal = 'go'\napproval = 'sure?'");
    let ids: Vec<_> = all.steps.iter().map(|step| (step.id.as_str(), step.after.clone())).collect();
    assert_eq!(ids, [("a.delay", vec![]), ("a.signal", vec![0]), ("a", vec![1])]);
    assert!(matches!(all.steps[2].gate, Some(Gate::Approval(_))));
    let refers = nodes(&[
        ("a", "type = 'cargo_build'"),
        ("b", "type = 'log'\ninputs = { message = 'x' }\napproval = 'ship ${a.artifact}?'"),
    ]);
    assert_eq!(order(&plan(&refers)), [vec![], vec![0]]);
}

#[test]
fn every_key_changes_the_plan() {
    let message = "inputs = { message = 'x' }";
    let plain = with("", "", message);
    let digest = plan(&plain).digest().to_owned();
    let on_plan = [
        "description = 'x'",
        "version = '2'",
        "category = 'x'",
        "tags = ['x']",
        "max_parallel = 1",
        "timeout = 5",
        "inputs = { n = { type = 'integer' } }",
        "rollback = 'phase'",
        "rollback = 'none'",
        "output = '${a.path}'",
        "schedule = '0 3 * * *'",
        "concurrency = { limit = 2 }",
    ];
    let on_node = [
        "name = 'x'",
        "description = 'x'",
        "inputs = { release = true }",
        "depends_on = ['b']",
        "when = '1 == 1'",
        "retry = { max = 1, delay = 2 }",
        "max_retries = 1",
        "timeout = 5",
        "continue_on_failure = true",
        "rollback = [{ tool = 'file_write' }]",
        "for_each = [1, 2]",
        "for_each = [1, 2]\nmax_parallel = 1",
        "store_as = 'x'",
        "accept = 'output.warnings == 0'",
        "output_mapping = { x = '${output.path}' }",
        "optional = true",
        "delay = 5",
        "signal = 'x'",
        "approval = 'x'",
        "approval = { message = 'x', timeout = 5 }",
    ];
    let replaced = [
        plain.replace("id = 'a'", "id = 'z'"),
        plain.replace("type = 'cargo_build'", "type = 'cargo_test'"),
        plain.replace("type = 'cargo_build'", "role = 'reviewer'"),
        plain.replace("type = 'cargo_build'", "role = 'reviewer'\noperation = 'analyze'"),
        with("edges = [{ from = 'a.path', to = 'b.message' }]", "", ""),
    ];
    let texts = on_plan.iter().map(|line| with(line, "", message));
    let texts = texts.chain(on_node.iter().map(|line| with("", line, message))).chain(replaced);
    let mut digests: Vec<_> = texts.map(|text| plan(&text).digest().to_owned()).collect();
    let many = digests.len();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), many);
    assert!(!digests.contains(&digest));
    assert!(read(&with("enabled = false", "", "nonsense = 3")).plans.is_empty());
}

#[test]
fn what_a_step_of_any_shape_can_wish_for_a_node_can_too() {
    let phase = node(
        "type = 'cargo_build'\nfor_each = ['x', 'y']\ninputs = { path = '${item}' }\nmax_parallel = 1\naccept = 'output.size() == 2'",
    );
    let step = &phase.steps[0];
    assert_eq!(step.for_each.as_ref().and_then(|fan| fan.max_parallel), Some(1));
    assert!(matches!(&step.accept, Accept::When(when) if when.source() == "output.size() == 2"));
}

#[test]
fn a_later_layer_overlays_a_workflow() {
    let source = |name: &str, text: &str| Source { name: name.to_owned(), text: text.to_owned() };
    let layers = [source("a", DEPLOY), source("b", "[workflows.deploy_production]\nmax_parallel = 3\n")];
    let loaded = op_plan::load(&layers, &crate::catalogue::catalogue());
    assert_eq!(loaded.plans["deploy_production"].draft().max_parallel, 3);
}

#[test]
fn ten_thousand_nodes_with_as_many_edges_are_read() {
    let mut text = "[[workflows.p.nodes]]\nid = 'n0'\ntype = 'log'\ninputs = { message = 'x' }\n".to_owned();
    for at in 1..10_000 {
        let node = format!("[[workflows.p.nodes]]\nid = 'n{at}'\ntype = 'log'\n");
        let input = match at % 2 {
            0 => format!("inputs = {{ message = '${{n{}.message}} ${{n{}.message}}' }}\n", at - 1, at / 2),
            _ => format!("[[workflows.p.edges]]\nfrom = 'n{}.message'\nto = 'n{at}.message'\n", at - 1),
        };
        text.extend([node, input]);
    }
    let plan = plan(&text);
    assert_eq!(
        (plan.step_count(), plan.phases()[9_998].depends_on.as_slice()),
        (10_000, &[9_997, 4_999][..])
    );
}
