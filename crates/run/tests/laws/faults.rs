//! Deciders that are broken in one way, and the laws that notice.

mod commit;
mod control;
mod keys;
mod outcome;
mod outstanding;
mod success;
mod wide;

use std::cell::Cell;

use op_run::run::{PhaseState, StepState};
use op_run::{Event, Fact, Input, Refused, Run};
use proptest::strategy::{Strategy as _, ValueTree as _};
use serde_json::Value;

use crate::decider::Decider;
use crate::law::Law;
use crate::runner;
use crate::teller::tell;
use crate::world::cases;

/// Stories within which a law must have caught a planted fault.
const CHANCES: u32 = 1_500;

/// Holds a law to notice a fault, and to notice it for what it is: `complaint` stands in what it says.
fn catches(law: Law, complaint: &str, fault: Decider) {
    let mut runner = runner(0, CHANCES);
    let caught = (0..CHANCES).any(|_| {
        let case = cases().new_tree(&mut runner).expect("cases are never rejected").current();
        law(&tell(fault, &case)).is_err_and(|violation| violation.to_string().contains(complaint))
    });
    assert!(caught, "{CHANCES} stories went by and nobody said `{complaint}`");
}

type Decision = Result<Vec<Event>, Refused>;

/// Decides, and puts other facts in the place of each.
fn rewrite(run: &Run, input: &Input, change: impl FnMut(Fact) -> Vec<Fact>) -> Decision {
    let facts = op_run::decide(run, input)?.into_iter().map(|event| event.fact);
    Ok(facts.flat_map(change).map(|fact| Event { at: input.at, fact }).collect())
}

/// A step of a running phase that did not start.
fn pending_step(run: &Run, which: impl Fn(usize) -> bool) -> Option<usize> {
    let is_pending = |step: &usize| {
        run.step(*step).state == StepState::Pending
            && run.phase(run.plan().phase_of(*step)).state == PhaseState::Running
    };
    (0..run.plan().step_count()).filter(is_pending).find(|step| which(*step))
}

fn started(run: &Run, step: usize) -> Fact {
    let step = run.plan().step(step).id.clone();
    Fact::StepStarted { step, item: None, attempt: 1, arguments: Value::Null, deadline: None }
}

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

/// Counts, so that a fault can depend on what it must not know.
fn count() -> u64 {
    COUNT.with(|count| {
        count.set(count.get() + 1);
        count.get()
    })
}
