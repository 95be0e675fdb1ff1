//! How a run ends.

use op_plan::Rollback;
use serde_json::Value;

use super::Draft;
use crate::event::Fact;
use crate::run::{Halt, Run};

/// Ends the run, or begins to undo it, once nothing is in flight and nothing can start.
pub(super) fn finish(draft: &mut Draft) {
    let run = &draft.run;
    let is_busy = !run.running.is_empty();
    let is_done = run.settled == run.phases.len();
    if is_busy || (draft.is_open() && !is_done) {
        return;
    }
    let phases = to_undo(run);
    if phases.is_empty() {
        let end = end(run);
        draft.record(end);
    } else {
        let phases = phases.into_iter().map(|phase| draft.phase_id(phase)).collect();
        draft.record(Fact::RollbackStarted { phases });
    }
}

/// Ends a run of which everything is undone that should be.
pub(super) fn undone(draft: &mut Draft) {
    let run = &draft.run;
    let is_whole = match run.halt {
        Some(Halt::Cancelled { .. }) => true,
        Some(Halt::TimedOut) | None => run.plan.draft().rollback == Rollback::Run,
    };
    let end = if is_whole { Fact::RunRolledBack { reason: why(run) } } else { end(run) };
    draft.record(end);
}

/// Phases to undo, in reverse order of their end. A phase without an undo list, or of which no call was ever made, has nothing
/// to undo.
fn to_undo(run: &Run) -> Vec<usize> {
    let all = || run.ended.iter().rev().copied().collect();
    let failed = || run.failed.iter().rev().copied().collect();
    let has_failed = run.halt.is_some() || !run.failed.is_empty() || output(run).is_err();
    let phases: Vec<usize> = match (&run.halt, run.plan.draft().rollback) {
        (Some(Halt::Cancelled { rollback: true, .. }), _) => all(),
        (Some(Halt::TimedOut) | None, Rollback::Run) if has_failed => all(),
        (Some(Halt::TimedOut) | None, Rollback::Phase) => failed(),
        (Some(Halt::Cancelled { rollback: false, .. }), _)
        | (Some(Halt::TimedOut) | None, Rollback::Run | Rollback::None) => Vec::new(),
    };
    let acted = |phase| run.plan.steps_of(phase).any(|step| run.steps[step].trial.attempts > 0);
    phases.into_iter().filter(|phase| !run.plan.phases()[*phase].undo.is_empty() && acted(*phase)).collect()
}

fn end(run: &Run) -> Fact {
    match &run.halt {
        Some(Halt::Cancelled { .. }) => Fact::RunCancelled { reason: why(run) },
        Some(Halt::TimedOut) => Fact::RunFailed { reason: why(run) },
        None if !run.failed.is_empty() => Fact::RunFailed { reason: why(run) },
        None => match output(run) {
            Ok(output) => Fact::RunCompleted { output },
            Err(reason) => Fact::RunFailed { reason },
        },
    }
}

fn why(run: &Run) -> String {
    match &run.halt {
        Some(Halt::Cancelled { reason, .. }) => reason.clone(),
        Some(Halt::TimedOut) => "the time limit of the run passed".to_owned(),
        None => first_failure(run),
    }
}

fn first_failure(run: &Run) -> String {
    let Some(phase) = run.failed.front() else { return output(run).err().unwrap_or_default() };
    let others = match run.failed.len() - 1 {
        0 => String::new(),
        1 => "; one more phase failed".to_owned(),
        many => format!("; {many} more phases failed"),
    };
    format!("`{}` failed: {}{others}", run.plan.phases()[*phase].id, run.phases[*phase].reason)
}

/// What the plan says the run answers; the output of its last step when it says nothing.
fn output(run: &Run) -> Result<Value, String> {
    match &run.plan.draft().output {
        Some(output) => {
            output.resolve(run).map_err(|error| format!("the output of the run does not resolve: {error}"))
        }
        None => Ok(run.steps.last().and_then(|step| step.output.clone()).unwrap_or_default()),
    }
}
