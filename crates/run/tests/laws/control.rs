//! Law 9: cancel, pause, timeout and undo are one design.

use op_plan::Rollback;
use op_run::event::{StopCause, UNDO_LIMIT};
use op_run::{Command, Event, Fact, Timestamp, Work};

use crate::law::{Verdict, ensure, walk};
use crate::ledger::{End, Halted, Ledger, PhaseEnd, RunEnd};
use crate::story::{Story, Turn};

pub(crate) fn cancel_pause_timeout_and_undo_are_one_design(story: &Story) -> Verdict {
    walk(story, on_event, |before, after, turn| {
        limits_act(before, after, turn)?;
        a_halt_stops_what_runs(before, after, turn)?;
        every_stop_stands_until_its_answer(after, turn)
    })
}

fn on_event(ledger: &Ledger, turn: &Turn, event: &Event) -> Verdict {
    match &event.fact {
        Fact::PhaseStarted { phase, .. } => nothing_stands_against(ledger, phase),
        Fact::StepStarted { step, deadline, .. } => {
            let at = ledger.step_at(step);
            nothing_stands_against(ledger, step)?;
            step_may_start(ledger, at)?;
            let limit = ledger.plan.step(at).timeout.map(|limit| event.at.after(limit));
            ensure(*deadline == limit, || format!("{step} must end by {deadline:?}, not by {limit:?}"))
        }
        Fact::RetryScheduled { step, .. } => nothing_stands_against(ledger, step),
        Fact::RunTimedOut => {
            let is_live = ledger.halted.is_none() && ledger.rollback.is_none() && ledger.end.is_none();
            ensure(is_live, || format!("the limit of a run acts that is {:?}", ledger.halted))?;
            has_passed(event, ledger.deadline)
        }
        Fact::PhaseTimedOut { phase } => {
            let log = &ledger.phases[ledger.phase_at(phase)];
            ensure(log.end == PhaseEnd::Running && !log.timed_out, || format!("{phase} is {log:?}"))?;
            has_passed(event, log.deadline)
        }
        Fact::StepStopping { step, .. } => is_asked_once(ledger, Work::Step(ledger.step_at(step))),
        Fact::UndoStopping { phase, place } => {
            is_asked_once(ledger, Work::Undo { phase: ledger.phase_at(phase), place: *place })
        }
        Fact::RollbackStarted { phases, .. } => {
            let phases: Vec<_> = phases.iter().map(|phase| ledger.phase_at(phase)).collect();
            undo_begins_rightly(ledger, turn, &phases)
        }
        Fact::UndoStarted { phase, place, deadline, .. } => {
            let at = ledger.phase_at(phase);
            undo_is_next(ledger, at, *place)?;
            let limit = event.at.after(ledger.plan.phases()[at].undo[*place].timeout.unwrap_or(UNDO_LIMIT));
            ensure(*deadline == Some(limit), || format!("{phase} must end by {deadline:?}, not by {limit}"))
        }
        Fact::UndoSkipped { phase, place, .. } => undo_is_next(ledger, ledger.phase_at(phase), *place),
        Fact::PhaseUndone { phase } => {
            let at = ledger.phase_at(phase);
            let mut logs = ledger.undo[at].iter();
            ensure(logs.all(|log| matches!(log.end, End::Succeeded | End::Skipped)), || {
                format!("{phase} is undone before all of its undo list is")
            })
        }
        Fact::RunCompleted { .. } => ends(ledger, RunEnd::Completed),
        Fact::RunFailed { .. } => ends(ledger, RunEnd::Failed),
        Fact::RunCancelled { .. } => ends(ledger, RunEnd::Cancelled),
        Fact::RunRolledBack { .. } => ends(ledger, RunEnd::RolledBack),
        Fact::RunStuck { .. } => ends(ledger, RunEnd::Stuck),
        _ => Ok(()),
    }
}

fn has_passed(event: &Event, limit: Option<Timestamp>) -> Verdict {
    let holds = limit.is_some_and(|limit| limit <= event.at);
    ensure(holds, || format!("{:?} at {}, and the limit is {limit:?}", event.fact, event.at))
}

fn nothing_stands_against(ledger: &Ledger, what: &str) -> Verdict {
    let holds =
        ledger.halted.is_none() && ledger.rollback.is_none() && ledger.end.is_none() && !ledger.undoes_all();
    ensure(holds, || format!("{what} starts though {:?}", ledger.halted))
}

fn step_may_start(ledger: &Ledger, step: usize) -> Verdict {
    let phase = ledger.plan.phase_of(step);
    ensure(!ledger.gave_up(phase), || format!("step {step} starts though its phase gave up"))?;
    let is_free = ledger.steps[step].flight.is_none() && ledger.steps[step].end == End::Open;
    ensure(is_free, || format!("step {step} starts though it is {:?}", ledger.steps[step]))?;
    let room = ledger.plan.draft().max_parallel;
    ensure(ledger.steps_in_flight() < room, || format!("step {step} is one more than {room} at a time"))
}

fn is_asked_once(ledger: &Ledger, work: Work) -> Verdict {
    let flight = ledger.log(work).flight.as_ref();
    let holds = flight.is_some_and(|flight| flight.stopping.is_none());
    ensure(holds, || format!("{work:?} is asked to stop, and it is {flight:?}"))
}

/// A limit that has passed when an input comes in has acted after it.
fn limits_act(before: &Ledger, after: &Ledger, turn: &Turn) -> Verdict {
    let Some(input) = turn.taken() else { return Ok(()) };
    let passed = |limit: Option<Timestamp>| limit.is_some_and(|limit| limit <= input.at);
    let is_live = before.rollback.is_none() && before.end.is_none();
    let run_acts = after.halted.is_some() || !is_live || !passed(after.deadline);
    ensure(run_acts, || "the limit of the run passed".to_owned())?;
    for (at, phase) in after.phases.iter().enumerate() {
        let acts = phase.end != PhaseEnd::Running || phase.timed_out || !passed(phase.deadline);
        ensure(acts, || format!("the limit of phase {at} passed"))?;
    }
    after.flights().into_iter().try_for_each(|(work, flight)| {
        let acts = flight.stopping.is_some() || !passed(flight.deadline);
        ensure(acts, || format!("the limit of {work:?} passed"))
    })
}

fn a_halt_stops_what_runs(before: &Ledger, after: &Ledger, turn: &Turn) -> Verdict {
    let (Some(halted), true) = (after.halted, before.halted != after.halted) else { return Ok(()) };
    let cause = match halted {
        Halted::Cancelled { .. } => StopCause::Cancelled,
        Halted::TimedOut => StopCause::TimedOut,
    };
    for (work, flight) in after.flights().into_iter().filter(|(work, _)| matches!(work, Work::Step(_))) {
        let earlier = before.log(work).flight.as_ref().and_then(|flight| flight.stopping);
        // At one and the same tick a limit of a part may pass as well; the cause is time for both.
        let wanted = earlier.unwrap_or(cause);
        ensure(flight.stopping == Some(wanted), || {
            format!("{work:?} is stopping for {:?} at {:?}", flight.stopping, turn.act)
        })?;
    }
    Ok(())
}

/// A call that was asked to stop has its stop command, once, until it is answered; no other call has one.
fn every_stop_stands_until_its_answer(ledger: &Ledger, turn: &Turn) -> Verdict {
    for call in turn.calls() {
        let wanted = ledger.log(call.work).flight.as_ref().and_then(|flight| flight.stopping);
        let stops = turn.commands.iter().filter_map(|command| match command {
            Command::Stop { key, cause, .. } if *key == call.key => Some(*cause),
            Command::Stop { .. } | Command::Call(_) | Command::Wake(_) | Command::Await(_) => None,
        });
        let stops: Vec<_> = stops.collect();
        ensure(stops == Vec::from_iter(wanted), || {
            format!("{} should stop for {wanted:?}: {stops:?}", call.key)
        })?;
    }
    let stops = turn.commands.iter().filter(|command| matches!(command, Command::Stop { .. })).count();
    let stopping = ledger.flights().iter().filter(|(_, flight)| flight.stopping.is_some()).count();
    ensure(stops == stopping, || format!("{stops} stops for {stopping} calls that are stopping"))
}

/// Undo takes the phases that its policy names, in reverse order of their end, once nothing is in flight.
fn undo_begins_rightly(ledger: &Ledger, turn: &Turn, phases: &[usize]) -> Verdict {
    ensure(ledger.flights().is_empty(), || "undo begins while calls are in flight".to_owned())?;
    let wanted = owed(ledger);
    ensure(phases == wanted && !wanted.is_empty(), || {
        format!("{phases:?} are undone, not {wanted:?}, by {:?}", turn.act)
    })
}

/// What is to be undone in a run that did not complete: only where a call was made and the plan says how.
fn owed(ledger: &Ledger) -> Vec<usize> {
    let is_named = |phase: usize| match (ledger.halted, ledger.plan.draft().rollback) {
        (Some(Halted::Cancelled { rollback }), _) => rollback,
        (_, Rollback::Run) => true,
        (_, Rollback::Phase) => ledger.phases[phase].end == PhaseEnd::Failed,
        (_, Rollback::None) => false,
    };
    let acted = |phase| ledger.plan.steps_of(phase).any(|step| ledger.steps[step].attempts > 0);
    let can = |phase: usize| !ledger.plan.phases()[phase].undo.is_empty() && acted(phase);
    ledger.ended.iter().rev().copied().filter(|phase| is_named(*phase) && can(*phase)).collect()
}

/// One undo at a time, by the list from the top, in the order that was announced.
fn undo_is_next(ledger: &Ledger, phase: usize, place: usize) -> Verdict {
    ensure(ledger.flights().is_empty(), || "an undo begins while a call is in flight".to_owned())?;
    let next = ledger.rollback.as_ref().and_then(|phases| phases.get(ledger.undone.len()));
    ensure(next == Some(&phase), || format!("phase {phase} is undone, and {next:?} is next"))?;
    let next = ledger.undo[phase].iter().position(|log| log.end == End::Open);
    ensure(next == Some(place), || {
        format!("entry {place} of phase {phase} is undone, and {next:?} is next")
    })?;
    let failed = ledger.undo.iter().flatten().any(|log| log.end == End::Failed);
    ensure(!failed, || "an undo begins after one failed".to_owned())
}

/// The end fits what was asked and what became of it, and leaves nothing behind.
fn ends(ledger: &Ledger, end: RunEnd) -> Verdict {
    ensure(ledger.flights().is_empty(), || format!("{end:?} while calls are in flight"))?;
    let is_running = ledger.phases.iter().any(|phase| phase.end == PhaseEnd::Running);
    ensure(!is_running && ledger.end.is_none(), || format!("{end:?} while phases run"))?;
    let failed_undo = ledger.undo.iter().flatten().any(|log| log.end == End::Failed);
    let undoes_all = match ledger.halted {
        Some(Halted::Cancelled { .. }) => true,
        Some(Halted::TimedOut) | None => ledger.plan.draft().rollback == Rollback::Run,
    };
    let holds = match end {
        RunEnd::Stuck => failed_undo,
        _ if failed_undo => false,
        RunEnd::RolledBack => ledger.rollback.is_some() && undoes_all,
        _ if ledger.rollback.is_some() && undoes_all => false,
        RunEnd::Cancelled => matches!(ledger.halted, Some(Halted::Cancelled { .. })),
        RunEnd::Completed => ledger.halted.is_none(),
        RunEnd::Failed => !matches!(ledger.halted, Some(Halted::Cancelled { .. })),
    };
    ensure(holds, || format!("{end:?} after {:?} and {:?}", ledger.halted, ledger.rollback))?;
    let owes = end != RunEnd::Completed && ledger.rollback.is_none() && !owed(ledger).is_empty();
    ensure(!owes, || format!("{end:?} without undoing anything"))
}
