//! What a run does and waits for.

use op_plan::plan::{Gate, OnTimeout, Retry};

use super::words::{ago, ahead, names, shown, span};
use crate::event::Waiting;
use crate::key::Work;
use crate::run::{GateRun, PhaseState, Run, StepState, Trial};
use crate::time::Timestamp;

/// Most sentences about one kind of thing.
const MOST: usize = 12;

/// Calls that are with their performers.
pub(super) fn calls(run: &Run, now: Timestamp) -> Vec<String> {
    few(run.active.iter().filter_map(|work| Some(call(run, *work, run.trial(*work)?, now))), "calls run")
}

fn call(run: &Run, work: Work, trial: &Trial, now: Timestamp) -> String {
    let retry = work.step().map(|step| &run.plan.step(step).retry);
    let mut told = vec![format!(
        "{} runs at `{}` for {}{}",
        name(run, work),
        run.performer(work),
        span(now.since(trial.began)),
        attempt(trial, trial.attempts, retry)
    )];
    told.extend(match (trial.stopping, trial.deadline) {
        (Some(cause), _) => Some(format!("it was asked to stop, because {cause}")),
        (None, Some(deadline)) => Some(format!("it must have ended by {}", ahead(deadline, now))),
        (None, None) => None,
    });
    told.extend(trial.failure.as_ref().map(|failure| format!("the attempt before failed: {failure}")));
    let output = work.step().map(|step| {
        format!(" To see what it says: `op-dbus output {} {}`.", run.id(), run.plan.step(step).id)
    });
    format!("{}.{}", told.join("; "), output.unwrap_or_default())
}

/// Which attempt it is, where there may be several.
fn attempt(trial: &Trial, attempt: u32, retry: Option<&Retry>) -> String {
    match retry {
        Some(retry) if retry.max > 0 => {
            format!(" (attempt {} of at most {})", attempt - trial.before, retry.max + 1)
        }
        Some(_) | None if attempt > 1 => format!(" (attempt {attempt})"),
        Some(_) | None => String::new(),
    }
}

fn name(run: &Run, work: Work) -> String {
    match work {
        Work::Step(step) => format!("`{}`", run.plan.step(step).id),
        Work::Item { step, item } => format!("Item {item} of `{}`", run.plan.step(step).id),
        Work::Undo { phase, place } => {
            let entry = &run.plan.phases()[phase];
            format!("The undo of `{}` ({} of {})", entry.id, place + 1, entry.undo_calls())
        }
    }
}

/// The undo that is under way, and what comes after it.
pub(super) fn undo(run: &Run, now: Timestamp) -> Vec<String> {
    let Some(front) = run.undoing.visits.front() else { return Vec::new() };
    let work = Work::Undo { phase: front.phase, place: run.undoing.place };
    let trial = &run.undoing.trial;
    let mut told = Vec::new();
    if run.undoing.active {
        told.push(call(run, work, trial, now));
    }
    if let (Some(due), Some(failure)) = (trial.due, &trial.failure) {
        told.push(format!("{} is tried again at {}, after: {failure}.", name(run, work), ahead(due, now)));
    }
    let rest: Vec<_> = run.undoing.visits.iter().skip(1).collect();
    if !rest.is_empty() {
        let phases = rest.iter().map(|ended| run.plan.phases()[ended.phase].id.as_str());
        told.push(format!("Still to be undone after it: {}.", names(phases)));
    }
    told
}

/// Steps that go over lists.
pub(super) fn lists(run: &Run) -> Vec<String> {
    let told = run.fanned.iter().filter_map(|step| {
        let fan = run.steps[*step].fan.as_ref()?;
        let id = &run.plan.step(*step).id;
        Some(format!(
            "`{id}` goes over a list: {} of {} items are done, {} are under way.",
            fan.done,
            fan.items.len(),
            fan.busy
        ))
    });
    few(told, "lists are gone over")
}

/// Calls that wait for their next attempt.
pub(super) fn repeats(run: &Run, now: Timestamp) -> Vec<String> {
    let told = run.due_calls().filter_map(|(due, work)| {
        let trial = run.trial(work)?;
        let retry = work.step().map(|step| &run.plan.step(step).retry);
        let attempt = attempt(trial, trial.attempts + 1, retry);
        let after = trial.failure.as_ref().map(|failure| format!(", after: {failure}")).unwrap_or_default();
        let when = if due > now { ahead(due, now) } else { "the next occasion, being due".to_owned() };
        Some(format!("{} is tried again at {when}{attempt}{after}.", name(run, work)))
    });
    few(told, "calls wait for their next attempt")
}

/// Steps that wait at their gates.
pub(super) fn gates(run: &Run, now: Timestamp) -> Vec<String> {
    let told =
        run.gated.iter().filter_map(|step| Some(gate(run, *step, run.steps[*step].gate.as_ref()?, now)));
    few(told, "steps wait at their gates")
}

fn gate(run: &Run, step: usize, gate: &GateRun, now: Timestamp) -> String {
    let id = &run.plan.step(step).id;
    let since = ago(gate.since, now);
    match &gate.waits_for {
        Waiting::Delay => {
            let until =
                gate.deadline.map(|until| format!(" until {}", ahead(until, now))).unwrap_or_default();
            format!("`{id}` waits{until}.")
        }
        Waiting::Signal(signal) => {
            let end =
                gate.deadline.map(|end| format!(", and fails at {}", ahead(end, now))).unwrap_or_default();
            let send = format!("To send it: `op-dbus signal {} {signal}`.", run.id());
            format!("`{id}` waits for the signal `{signal}` since {since}{end}. {send}")
        }
        Waiting::Approval { message, call, .. } => {
            let call = if call.is_null() { String::new() } else { format!(" It will call {}.", shown(call)) };
            let answer = format!("To answer: `op-dbus approve {} {id}`.", run.id());
            let end = unanswered(run, step, gate, now);
            format!("`{id}` waits for a person since {since}: {message}{call} {answer}{end}")
        }
    }
}

/// What becomes of a question that nobody answers.
fn unanswered(run: &Run, step: usize, gate: &GateRun, now: Timestamp) -> String {
    let Some(Gate::Approval(approval)) = &run.plan.step(step).gate else { return String::new() };
    match (gate.deadline, approval.on_timeout) {
        (None, _) if approval.timeout.is_some() => " It is overdue.".to_owned(),
        (None, _) => String::new(),
        (Some(at), OnTimeout::Reject) => format!(" It counts as rejected at {}.", ahead(at, now)),
        (Some(at), OnTimeout::Approve) => format!(" It counts as approved at {}.", ahead(at, now)),
        (Some(at), OnTimeout::Park) => format!(" It is overdue at {}.", ahead(at, now)),
    }
}

/// Phases and steps that did not begin, and what they wait for.
pub(super) fn phases(run: &Run) -> Vec<String> {
    if run.halt().is_some() {
        return Vec::new();
    }
    let plan = &run.plan;
    let waiting = plan.phases().iter().enumerate().filter_map(|(at, phase)| {
        let is_open =
            |on: &&usize| matches!(run.phases[**on].state, PhaseState::Pending | PhaseState::Running);
        let waits: Vec<_> = phase.depends_on.iter().filter(is_open).collect();
        let is_waiting = run.phases[at].state == PhaseState::Pending && !waits.is_empty();
        let on = names(waits.into_iter().map(|on| plan.phases()[*on].id.as_str()));
        is_waiting.then(|| format!("Phase `{}` waits for {on}.", phase.id))
    });
    let mut told = few(run.running.iter().flat_map(|phase| steps(run, *phase)), "steps wait for others");
    told.extend(few(waiting, "phases wait for others"));
    told.extend(room(run));
    told
}

/// Steps of a phase that wait for others of it.
fn steps(run: &Run, phase: usize) -> impl Iterator<Item = String> {
    let first = run.plan.steps_of(phase).start;
    run.plan.steps_of(phase).filter_map(move |step| {
        let is_open = |place: &&usize| {
            use StepState::{Pending, Running, Waiting};
            matches!(run.steps[first + **place].state, Pending | Running | Waiting)
        };
        let waits: Vec<_> = run.plan.step(step).after.iter().filter(is_open).collect();
        let is_waiting = run.steps[step].state == StepState::Pending && !waits.is_empty();
        let on = names(waits.into_iter().map(|place| run.plan.step(first + place).id.as_str()));
        is_waiting.then(|| format!("Step `{}` waits for {on}.", run.plan.step(step).id))
    })
}

/// What could begin if there were room.
fn room(run: &Run) -> Option<String> {
    let ready = run.ready.iter().map(|step| run.plan.step(*step).id.as_str());
    let open = run.open.iter().map(|phase| run.plan.phases()[*phase].id.as_str());
    let waiting: Vec<_> = ready.chain(open).collect();
    let is_full = !waiting.is_empty() && !run.has_room();
    let most = run.plan.draft().max_parallel;
    is_full.then(|| format!("Ready, but no more than {most} calls run at a time: {}.", names(waiting)))
}

/// The first sentences; the others are counted.
fn few(told: impl Iterator<Item = String>, what: &str) -> Vec<String> {
    let mut told: Vec<_> = told.collect();
    if told.len() > MOST {
        let more = told.len() - MOST;
        told.truncate(MOST);
        told.push(format!("{more} more {what}."));
    }
    told
}
