//! How a run ends.

use std::sync::Arc;

use op_plan::Rollback;
use op_plan::plan::{Flow, Terminal};
use serde_json::Value;

use super::rollback::{self, RolledBack};
use super::{Draft, skill};
use crate::event::Fact;
use crate::run::{Ended, Halt, PhaseState, Run};

/// Ends the run, or begins to undo it, once nothing is in flight and nothing can start.
pub(super) fn finish(draft: &mut Draft) {
    let run = &draft.run;
    let is_busy = !run.running.is_empty();
    let is_done = match run.plan.draft().flow {
        Flow::Graph => run.settled == run.phases.len(),
        Flow::Machine { .. } => run.position.end.is_some(),
    };
    if is_busy || (!draft.is_halting() && !is_done) {
        return;
    }
    let visits = to_undo(run);
    if visits.is_empty() {
        let end = end(run);
        draft.record(end);
    } else if run.paused.is_none() {
        // Nothing is begun while a person holds the run, and no undo either.
        rollback::begin(draft, &visits);
    }
}

/// Ends a run of which everything is undone that should be.
pub(super) fn undone(draft: &mut Draft) {
    let run = &draft.run;
    let is_whole = match run.halt {
        _ if run.rolled_back_by.is_some() => true,
        Some(Halt::Cancelled { .. }) => true,
        Some(Halt::TimedOut | Halt::Exhausted(_)) | None => run.plan.draft().rollback == Rollback::Run,
    };
    let end = if is_whole { Fact::RunRolledBack { reason: why(run) } } else { end(run) };
    draft.record(end);
}

/// Visits to undo, in reverse order of their end. A visit without an undo list, or in which no call was ever made, has nothing
/// to undo.
fn to_undo(run: &Run) -> Vec<RolledBack> {
    let has_failed =
        run.halt.is_some() || !run.failed.is_empty() || failing_end(run).is_some() || output(run).is_err();
    let is_meant = |ended: &&Arc<Ended>| match (&run.halt, run.plan.draft().rollback) {
        (Some(Halt::Cancelled { rollback, .. }), _) => *rollback,
        (Some(Halt::TimedOut | Halt::Exhausted(_)) | None, Rollback::Run) => has_failed,
        (Some(Halt::TimedOut | Halt::Exhausted(_)) | None, Rollback::Phase) => {
            let phase = &run.phases[ended.phase];
            phase.state == PhaseState::Failed && phase.visit == ended.visit
        }
        (Some(Halt::TimedOut | Halt::Exhausted(_)) | None, Rollback::None) => false,
    };
    let visits = run.ended.iter().rev().filter(is_meant).filter(|ended| rollback::acted(run, ended));
    visits.map(|ended| RolledBack { phase: ended.phase, visit: ended.visit }).collect()
}

/// The end that a machine reached, where it stands for a failure.
fn failing_end(run: &Run) -> Option<&Terminal> {
    run.position.end.as_ref().filter(|end| !end.is_success)
}

fn end(run: &Run) -> Fact {
    match &run.halt {
        Some(Halt::Cancelled { .. }) => Fact::RunCancelled { reason: why(run) },
        Some(Halt::TimedOut | Halt::Exhausted(_)) => Fact::RunFailed { reason: why(run) },
        None if !run.failed.is_empty() || failing_end(run).is_some() => Fact::RunFailed { reason: why(run) },
        None => match output(run) {
            Ok(output) => Fact::RunCompleted { output },
            Err(reason) => Fact::RunFailed { reason },
        },
    }
}

fn why(run: &Run) -> String {
    if let Some(user) = &run.rolled_back_by {
        return format!("{user} wanted it undone");
    }
    match &run.halt {
        Some(Halt::Cancelled { reason, .. }) => reason.clone(),
        Some(Halt::TimedOut) => "the time limit of the run passed".to_owned(),
        Some(Halt::Exhausted(reason)) => reason.clone(),
        None => first_failure(run),
    }
}

fn first_failure(run: &Run) -> String {
    let Some(phase) = run.failed.front() else {
        return match failing_end(run) {
            Some(end) if end.message.is_empty() => format!("it ended in `{}`", end.name),
            Some(end) => end.message.clone(),
            None => output(run).err().unwrap_or_default(),
        };
    };
    let others = match run.failed.len() - 1 {
        0 => String::new(),
        1 => "; one more phase failed".to_owned(),
        many => format!("; {many} more phases failed"),
    };
    let failed = format!("`{}` failed: {}{others}", run.plan.phases()[*phase].id, run.phases[*phase].reason);
    match failing_end(run).filter(|end| !end.message.is_empty()) {
        Some(end) => format!("{}: {failed}", end.message),
        None => failed,
    }
}

/// What the plan says the run answers, unless a skill still demands something of it; when it says nothing, the output of the last step of the plan, or for a machine what
/// was returned last.
fn output(run: &Run) -> Result<Value, String> {
    if let Some(debt) = skill::debt(run) {
        return Err(debt);
    }
    match &run.plan.draft().output {
        Some(output) => {
            output.resolve(run).map_err(|error| format!("the output of the run does not resolve: {error}"))
        }
        None if run.plan.draft().flow.is_graph() => {
            Ok(run.steps.last().and_then(|step| step.output.clone()).unwrap_or_default())
        }
        None => Ok(run.said.as_deref().cloned().unwrap_or_default()),
    }
}
