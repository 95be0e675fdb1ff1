//! Workstacks that are written from calls are read again without a complaint.

use std::collections::BTreeMap;
use std::sync::Arc;

use op_plan::catalogue::Operations;
use op_plan::plan::Gate;
use op_plan::{Catalogue, Effects, InputType, Operation, Performer, Plan, Risk, Source, load, write};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::catalogue::catalogue;

fn calls(names: &[&str]) -> Vec<Performer> {
    names.iter().map(|name| Performer::parse(name)).collect()
}

/// The plan that a text is, which has no mistake.
fn loaded(text: &str, id: &str, catalogue: &Catalogue) -> Arc<Plan> {
    let source = Source { name: "written.toml".to_owned(), text: text.to_owned() };
    let loaded = load(&[source], catalogue);
    assert_eq!(op_plan::diagnostic::render_all(&loaded.diagnostics, false), "", "{text}");
    Arc::clone(&loaded.plans[id])
}

fn written(names: &[&str]) -> Arc<Plan> {
    let catalogue = catalogue();
    loaded(&write::workstack("p", &calls(names), &catalogue), "p", &catalogue)
}

/// What a plan takes, in its order.
fn inputs(plan: &Plan) -> Vec<(&str, InputType)> {
    plan.draft().inputs.iter().map(|(name, input)| (name.as_str(), input.kind)).collect()
}

#[test]
fn calls_become_phases_in_their_order_that_wait_for_each_other() {
    let text = write::workstack("p", &calls(&["file_read", "rust_pro.test", "file_read"]), &catalogue());
    insta::assert_snapshot!(text);
    let plan = written(&["file_read", "rust_pro.test", "file_read"]);
    let phases: Vec<_> =
        plan.phases().iter().map(|phase| (phase.id.as_str(), phase.depends_on.as_slice())).collect();
    assert_eq!(phases, [("file_read", &[][..]), ("rust_pro_test", &[0]), ("file_read_2", &[1])]);
}

#[test]
fn an_argument_that_must_be_given_is_an_input_and_two_calls_share_none() {
    let path = InputType::Path;
    assert_eq!(inputs(&written(&["file_read", "report"])), [("path", path), ("reviews", InputType::List)]);
    let twice = [("file_read_path", path), ("file_read_2_path", path)];
    assert_eq!(inputs(&written(&["file_read", "file_read"])), twice);
    assert!(inputs(&written(&["rust_pro.test", "rust_pro.clippy"])).is_empty());
}

#[test]
fn what_cannot_be_taken_back_waits_for_a_person() {
    let plan = written(&["file_read", "shredder.shred"]);
    let asks: Vec<_> = (0..2).map(|at| matches!(plan.step(at).gate, Some(Gate::Approval(_)))).collect();
    assert_eq!(asks, [false, true]);
    assert!(plan.is_approved(1));
}

#[test]
fn of_an_agent_that_nobody_knows_yet_it_is_said_that_arguments_may_be_missing() {
    let text = write::workstack("p", &calls(&["context_manager.save", "rust_pro.test"]), &catalogue());
    assert_eq!(text.matches("is not known").count(), 1, "{text}");
    loaded(&text, "p", &catalogue());
}

#[test]
fn what_need_not_be_given_is_named_in_a_comment() {
    let text = write::workstack("p", &calls(&["rust_pro.test", "report"]), &catalogue());
    assert_eq!(text.matches("# It may be given path").count(), 1, "{text}");
}

#[test]
fn an_id_is_made_of_both_ends_and_is_not_taken() {
    let ends = calls(&["file_read", "rust_pro.test", "report"]);
    assert_eq!(write::id(&ends, |_| false), "file_read_to_report");
    let taken = |id: &str| ["file_read_to_report", "file_read_to_report_2"].contains(&id);
    assert_eq!(write::id(&ends, taken), "file_read_to_report_3");
    assert_eq!(write::id(&calls(&["report", "file_read", "report"]), |_| false), "report");
}

/// Names as careless people give them to operations and arguments.
fn name() -> impl Strategy<Value = String> {
    let odd = [
        "run",
        "steps",
        "item",
        "in",
        "for",
        "last_output",
        "size",
        "a-b",
        "a_b",
        "a.b",
        "7",
        "\u{e4}",
        "path",
        "p q",
        "'",
        "\"",
        "\\",
        "${x",
        "{{",
        "x\ny",
    ];
    prop_oneof![prop::sample::select(odd.to_vec()).prop_map(str::to_owned), "[a-z_]{1,6}", "[a-z]{95,130}"]
}

fn schema() -> impl Strategy<Value = Value> {
    let kinds = ["string", "integer", "number", "boolean", "array", "object", "null"];
    let kind = prop_oneof![
        prop::sample::select(kinds.to_vec()).prop_map(|kind| json!({ "type": kind })),
        prop::sample::subsequence(kinds.to_vec(), 1..4).prop_map(|kinds| json!({ "type": kinds })),
        Just(
            json!({ "anyOf": [{ "type": "string" }, { "type": "null" }], "description": "One \"of\"\nboth '''" })
        ),
        Just(json!({ "enum": ["a", 1] })),
        Just(json!({ "$ref": "#/$defs/it" })),
        Just(json!(true)),
    ];
    let properties = prop::collection::btree_map(name(), kind, 0..5);
    (properties, any::<bool>(), prop::collection::vec(name(), 0..2)).prop_map(|(properties, is_closed, more)| {
        let mut required: Vec<_> = properties.keys().cloned().collect();
        if !is_closed {
            required.extend(more);
        }
        json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": !is_closed,
                "$defs": { "it": { "type": "integer" } } })
    })
}

fn operation() -> impl Strategy<Value = Operation> {
    let risk = prop::sample::select(vec![Risk::Low, Risk::High, Risk::Critical]);
    (schema(), risk).prop_map(|(input, risk)| Operation {
        description: String::new(),
        input,
        output: json!({}),
        effects: Effects::Write,
        risk,
        idempotent: false,
        streaming: false,
        undo: None,
        unavailable: None,
    })
}

proptest! {
    #[test]
    fn whatever_the_schemas_say_the_plan_has_no_mistake(
        operations in prop::collection::btree_map(name(), operation(), 1..4),
        agent in prop::sample::select(vec!["tools", "rust-pro"]),
        order in prop::collection::vec(any::<prop::sample::Index>(), 2..=10),
    ) {
        let names: Vec<_> = operations.keys().filter(|name| !name.contains('.')).cloned().collect();
        prop_assume!(!names.is_empty());
        let calls: Vec<_> = order.iter().map(|at| Performer::new(agent, at.get(&names))).collect();
        let agents = BTreeMap::from([
            (agent.to_owned(), operations.into()),
            ("open".to_owned(), Operations::Open),
        ]);
        let catalogue = Catalogue { agents, ..Catalogue::default() };
        let id = write::id(&calls, |_| false);
        let plan = loaded(&write::workstack(&id, &calls, &catalogue), &id, &catalogue);
        let made: Vec<_> = (0..plan.step_count()).filter_map(|at| plan.step(at).action.call()).collect();
        let made: Vec<_> = made.iter().filter_map(|call| call.part.default_performer().cloned()).collect();
        prop_assert_eq!(made, calls);
    }
}
