//! The plans that are run.

use std::sync::Arc;

use op_engine::names::Plans;
use op_plan::plan::{Action, Call, Part};
use op_plan::{Draft, Mapping, Performer, Phase, Plan, Rollback, Shape, Step};
use serde_json::{Value, json};

use super::Failed;

/// Ten steps, one after the other.
pub(crate) const CHAIN: &str = "chain";

/// Steps of the chain.
pub(crate) const STEPS: usize = 10;

/// One step, many side by side, one step.
pub(crate) const FAN: &str = "fan";

/// Steps side by side.
pub(crate) const WIDTH: usize = 100;

/// All plans, by id.
pub(crate) fn plans() -> Result<Plans, Failed> {
    let chain = phase("chain", STEPS, |at| at.checked_sub(1).into_iter().collect());
    let alone = |at: usize| if at == 0 { Vec::new() } else { vec![at - 1] };
    let fan =
        [("first", 1), ("wide", WIDTH), ("last", 1)].into_iter().enumerate().map(|(at, (id, width))| {
            let depends_on = alone(at);
            Phase { depends_on, ..phase(id, width, |_| Vec::new()) }
        });
    let drafts = [draft(CHAIN, vec![chain]), draft(FAN, fan.collect())];
    drafts.into_iter().map(|draft| Ok((draft.id.clone(), Arc::new(Plan::seal(draft)?)))).collect()
}

/// About a KiB of JSON.
pub(crate) fn arguments() -> Value {
    let lines: Vec<_> = (0..16)
        .map(|line| format!("{line:02}: a line of a text that somebody has to read, all of it"))
        .collect();
    json!({ "path": "src/lib.rs", "lines": lines })
}

/// Who performs all steps.
pub(crate) fn performer() -> Performer {
    Performer::new("echo", "echo")
}

fn draft(id: &str, phases: Vec<Phase>) -> Draft {
    Draft { max_parallel: WIDTH, rollback: Rollback::None, ..Draft::new(id, Shape::Workstack, phases) }
}

fn phase(id: &str, steps: usize, after: fn(usize) -> Vec<usize>) -> Phase {
    let step = |at: usize| {
        let call = Call { part: Part::Performer(performer()), arguments: Mapping::literal(arguments()) };
        Step { after: after(at), ..Step::new(format!("{id}_{at}"), Action::Call(call)) }
    };
    Phase::new(id, (0..steps).map(step).collect())
}
