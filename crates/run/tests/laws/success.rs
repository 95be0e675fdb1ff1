//! Law 5: nothing claims success that it did not observe.

use op_plan::plan::FailureKind;
use op_run::event::SkipCause;
use op_run::run::{PhaseState, State};
use op_run::{Answer, Event, Fact, Work};

use crate::law::{Verdict, Violation, ensure, walk};
use crate::ledger::{End, Ledger, PhaseEnd, RunEnd};
use crate::story::{Story, Turn};

pub(crate) fn nothing_claims_success_that_it_did_not_observe(story: &Story) -> Verdict {
    let mut ledger = Ledger::new(&story.plan);
    walk(story, on_event, |_, after, turn| {
        ledger = after.clone();
        keeps_what_it_observed(after, turn)
    })?;
    reports_what_happened(&ledger, story)
}

fn on_event(ledger: &Ledger, turn: &Turn, event: &Event) -> Verdict {
    match &event.fact {
        Fact::StepSucceeded { .. } | Fact::UndoSucceeded { .. } => was_observed(ledger, turn, event),
        Fact::StepStarted { step, .. } => may_start(ledger, ledger.step_at(step)),
        Fact::PhaseStarted { phase, .. } => is_let_go_on(ledger, ledger.phase_at(phase)),
        Fact::PhaseSkipped { phase, cause } => is_rightly_skipped(ledger, ledger.phase_at(phase), cause),
        Fact::PhaseSucceeded { phase } => {
            let all = has_all(ledger, ledger.phase_at(phase));
            ensure(all, || format!("{phase} succeeded without all of its steps"))
        }
        Fact::PhaseTolerated { phase, .. } => fails_rightly(ledger, ledger.phase_at(phase), true),
        Fact::PhaseFailed { phase, .. } => fails_rightly(ledger, ledger.phase_at(phase), false),
        Fact::RunCompleted { .. } => may_complete(ledger),
        Fact::RunRolledBack { .. } => {
            let wanted = ledger.rollback.as_deref();
            ensure(wanted == Some(&ledger.undone), || {
                format!("{wanted:?} were to be undone, and {:?} are", ledger.undone)
            })
        }
        Fact::RunStuck { .. } => {
            let failed = ledger.undo.iter().flatten().any(|log| log.end == End::Failed);
            ensure(failed, || "the run is stuck and no undo failed".to_owned())
        }
        _ => Ok(()),
    }
}

/// The turn took in exactly this success.
fn was_observed(ledger: &Ledger, turn: &Turn, event: &Event) -> Verdict {
    let work = ledger.work_of(&event.fact);
    let flight = work.and_then(|work| ledger.log(work).flight.as_ref());
    let observed = match (turn.answer(), &event.fact) {
        (Some((of, attempt, Answer::Succeeded { value, evidence: seen })), fact) => {
            let is_same = match fact {
                Fact::StepSucceeded { output, evidence, .. } => output == value && evidence == seen,
                Fact::UndoSucceeded { evidence, .. } => evidence == seen,
                _ => false,
            };
            is_same && work == Some(of) && flight.is_some_and(|flight| flight.attempt == attempt)
        }
        _ => false,
    };
    ensure(observed, || format!("{:?} was not observed", event.fact))
}

/// A success that was observed is not lost either.
fn keeps_what_it_observed(after: &Ledger, turn: &Turn) -> Verdict {
    match turn.answer() {
        Some((work, _, Answer::Succeeded { .. })) => {
            ensure(after.log(work).end == End::Succeeded, || format!("the success of {work:?} was lost"))
        }
        _ => Ok(()),
    }
}

fn may_start(ledger: &Ledger, step: usize) -> Verdict {
    let plan = &ledger.plan;
    let phase = plan.phase_of(step);
    let first = plan.steps_of(phase).start;
    let after = &plan.step(step).after;
    let holds = ledger.phases[phase].end == PhaseEnd::Running
        && after.iter().all(|place| ledger.steps[first + place].end == End::Succeeded);
    ensure(holds, || format!("step {step} started before what it waits for"))
}

fn is_let_go_on(ledger: &Ledger, phase: usize) -> Verdict {
    let mut dependencies = ledger.plan.phases()[phase].depends_on.iter();
    ensure(dependencies.all(|on| ledger.phases[*on].end.lets_go_on()), || {
        format!("phase {phase} goes on though something it depends on did not go well")
    })
}

fn is_rightly_skipped(ledger: &Ledger, phase: usize, cause: &SkipCause) -> Verdict {
    let seed = &ledger.plan.phases()[phase];
    match cause {
        SkipCause::Condition => {
            is_let_go_on(ledger, phase)?;
            ensure(seed.when.is_some(), || format!("phase {phase} has no condition"))
        }
        SkipCause::Dependency(on) => {
            let on = ledger.phase_at(on);
            let blocks = matches!(ledger.phases[on].end, PhaseEnd::Failed | PhaseEnd::Blocked);
            let holds = blocks && seed.depends_on.contains(&on);
            ensure(holds, || {
                format!("phase {phase} was skipped for phase {on}, which is {:?}", ledger.phases[on])
            })
        }
        SkipCause::Sibling(_) | SkipCause::Halted | SkipCause::Vacant => {
            Err(Violation(format!("phase {phase} skipped: {cause}")))
        }
    }
}

fn has_all(ledger: &Ledger, phase: usize) -> bool {
    ledger.plan.steps_of(phase).all(|step| ledger.steps[step].end == End::Succeeded)
}

/// A phase that did not do all it should is tolerated if the plan says so and nobody stopped the run, and failed otherwise.
fn fails_rightly(ledger: &Ledger, phase: usize, tolerated: bool) -> Verdict {
    ensure(!has_all(ledger, phase), || format!("phase {phase} failed though all of its steps succeeded"))?;
    let tolerates = ledger.plan.phases()[phase].continue_on_failure && ledger.halted.is_none();
    ensure(tolerates == tolerated, || {
        format!("phase {phase} tolerates failure: {tolerates}, not {tolerated}")
    })
}

fn may_complete(ledger: &Ledger) -> Verdict {
    let holds = ledger.halted.is_none() && ledger.phases.iter().all(|phase| phase.end.lets_go_on());
    ensure(holds, || format!("the run completed with {:?} and {:?}", ledger.halted, ledger.phases))
}

/// What the run says of itself at its end is what happened.
fn reports_what_happened(ledger: &Ledger, story: &Story) -> Verdict {
    let run = story.end();
    let state = match ledger.end {
        None => return Ok(()),
        Some(RunEnd::Completed) => State::Completed,
        Some(RunEnd::Failed) => State::Failed,
        Some(RunEnd::Cancelled) => State::Cancelled,
        Some(RunEnd::RolledBack) => State::RolledBack,
        Some(RunEnd::Stuck) => State::Stuck,
    };
    ensure(run.state() == state, || format!("the run ended as {state} and says {}", run.state()))?;
    ensure(run.reason().is_empty() == (state == State::Completed), || format!("reason {:?}", run.reason()))?;
    for (at, phase) in ledger.phases.iter().enumerate() {
        let told = run.phase(at).state;
        ensure(told == phase_state(ledger, at), || format!("phase {at} is {phase:?} and says {told:?}"))?;
    }
    (0..ledger.steps.len()).try_for_each(|step| {
        let (log, told) = (ledger.log(Work::Step(step)), run.step(step));
        // What was rejected can be read as well: a rejection is an answer.
        let was_rejected = told.trial.failure.as_ref().is_some_and(|failure| {
            failure.kind == FailureKind::Rejected && failure.detail.is_some() && log.end == End::Failed
        });
        let holds = (log.end == End::Succeeded || was_rejected) == told.output.is_some();
        ensure(holds, || format!("step {step} is {:?} and has the output {:?}", log.end, told.output))?;
        let is_idle =
            told.trial.due.is_none() && told.trial.deadline.is_none() && told.trial.stopping.is_none();
        ensure(is_idle, || format!("step {step} ended and still awaits something: {:?}", told.trial))
    })
}

fn phase_state(ledger: &Ledger, phase: usize) -> PhaseState {
    let was_undone = ledger.undone.contains(&phase);
    let is_stuck = ledger.undo[phase].iter().any(|log| log.end == End::Failed);
    match ledger.phases[phase].end {
        _ if was_undone => PhaseState::Undone,
        _ if is_stuck => PhaseState::UndoFailed,
        PhaseEnd::Pending => PhaseState::Pending,
        PhaseEnd::Running => PhaseState::Running,
        PhaseEnd::Succeeded => PhaseState::Succeeded,
        PhaseEnd::Failed => PhaseState::Failed,
        PhaseEnd::Tolerated => PhaseState::Tolerated,
        PhaseEnd::Unwanted | PhaseEnd::Blocked => PhaseState::Skipped,
    }
}
