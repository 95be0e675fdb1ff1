//! The plans that ship with the program, and the overlay that the source document gives for them.

use op_plan::{Loaded, Performer};
use serde_json::json;

use crate::layers;

const SHIPPED: &str = include_str!("../../../../config/workstacks.toml");

/// The document's registry, byte for byte.
const REGISTRY: &str = r#"# /etc/op-dbus/workstacks.toml

[workstacks.full_stack_feature]
enabled = true
default_timeout = 600

[workstacks.code_review]
enabled = true
parallel_phases = ["security_review", "arch_review", "performance_review"]
"#;

fn clean(texts: &[&str]) -> Loaded {
    let loaded = layers(texts);
    assert_eq!(op_plan::diagnostic::render_all(&loaded.diagnostics, false), "");
    loaded
}

#[test]
fn the_shipped_plans_have_no_mistake_and_no_warning() {
    let loaded = clean(&[SHIPPED]);
    assert_eq!(loaded.plans.keys().collect::<Vec<_>>(), ["code_review", "full_stack_feature"]);
}

#[test]
fn the_registry_of_the_document_loads_as_it_stands_above_them() {
    let (below, above) = (clean(&[SHIPPED]), clean(&[SHIPPED, REGISTRY]));
    assert_eq!(below.plans["code_review"], above.plans["code_review"]);
    let limit = above.plans["full_stack_feature"].phases()[0].timeout;
    assert_eq!(limit, Some(std::time::Duration::from_mins(10)));
}

#[test]
fn the_registry_alone_says_that_there_is_nothing_to_overlay() {
    let loaded = layers(&[REGISTRY]);
    insta::assert_snapshot!(op_plan::diagnostic::render_all(&loaded.diagnostics, false));
}

#[test]
fn the_three_reviews_run_side_by_side_and_the_report_waits_for_all() {
    let plan = &clean(&[SHIPPED]).plans["code_review"];
    let order: Vec<_> =
        plan.phases().iter().map(|phase| (phase.id.as_str(), phase.depends_on.as_slice())).collect();
    assert_eq!(
        order,
        [
            ("security_review", &[][..]),
            ("arch_review", &[]),
            ("performance_review", &[]),
            ("report", &[0, 1, 2])
        ]
    );
    assert!(plan.phases()[..3].iter().all(|phase| phase.continue_on_failure));
    assert_eq!(plan.take(serde_json::Map::new()).expect("nothing is required")["path"], json!("."));
}

#[test]
fn the_feature_has_the_six_phases_of_both_drawings_and_saves_its_context_whatever_fails() {
    let plan = &clean(&[SHIPPED]).plans["full_stack_feature"];
    let ids: Vec<_> = plan.phases().iter().map(|phase| phase.id.as_str()).collect();
    assert_eq!(ids, ["analyze", "design", "implement", "test", "review", "save_context"]);
    let until = plan.find_phase("implement").expect("it is there");
    assert!(plan.phases()[until..5].iter().all(|phase| phase.continue_on_failure));
    let last = plan.step(plan.find_step("save_context").expect("it is there"));
    let last = last.action.call().and_then(|call| call.part.default_performer());
    assert_eq!(last, Some(&Performer::new("context_manager", "save")));
}
