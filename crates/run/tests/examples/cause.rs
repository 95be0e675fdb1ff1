//! Why a run failed, where what failed last is not why.

use op_plan::plan::FailureKind::{Failed, Rejected};
use op_plan::plan::{Accept, Fan};
use op_plan::{Draft, Step};
use op_run::Failure;
use serde_json::{Value, json};

use crate::stage::{Stage, draft, expression, mapping, phase, step, step_with};

/// Two that may fail are weighed by a third, which needs something to weigh.
fn debate() -> Draft {
    let optional = |id| Step { optional: true, ..step(id) };
    let positions = json!({ "positions": ["${steps.ada.output}", "${steps.bob.output}"], "of": "${run.id}" });
    let weigh = Step { accept: Accept::When(expression("output > 0")), ..step_with("weigh", positions) };
    draft([phase("argue", &[], [optional("ada"), optional("bob")]), phase("weigh", &[0], [weigh])])
}

fn no_model() -> Failure {
    Failure::new(Rejected, "no_model", "no model is configured").hint("set `model`")
}

#[test]
fn a_step_that_reads_only_what_failed_fails_for_the_first_of_it_and_says_what_to_do() {
    let mut stage = Stage::start(debate());
    stage.pass(5).fail_as("bob", no_model()).pass(9).fail("ada", Failed).succeed("weigh", json!(0));
    let expected = "`weigh` failed: its answer does not meet `output > 0`; \
        before it, `bob` failed: no model is configured (set `model`)";
    assert_eq!((stage.state(), stage.run.reason()), ("failed", expected));
    assert_eq!(stage.restart().run.reason(), expected);
}

#[test]
fn a_step_that_reads_something_that_succeeded_fails_for_its_own_reason() {
    let mut stage = Stage::start(debate());
    stage.fail_as("bob", no_model()).succeed("ada", json!(1)).succeed("weigh", json!(0));
    assert_eq!(stage.run.reason(), "`weigh` failed: its answer does not meet `output > 0`");
}

#[test]
fn a_list_that_is_made_of_what_failed_is_no_list_for_that_reason() {
    let fan = Fan { over: mapping(json!("${made}")), max_parallel: None };
    let made = Step { optional: true, store_as: Some("made".to_owned()), ..step("make") };
    let each = Step { for_each: Some(fan), ..step("each") };
    let mut stage = Stage::start(draft([phase("a", &[], [made]), phase("b", &[0], [each])]));
    stage.fail("make", Failed);
    assert!(
        stage.run.reason().ends_with("; before it, `make` failed: it was failed"),
        "{}",
        stage.run.reason()
    );
    assert_eq!(stage.output("each").unwrap_or(Value::Null), Value::Null);
}
