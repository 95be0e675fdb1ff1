//! The laws of the wide world, checked at every event.

use op_plan::plan::{Action, Flow, Gate, Target};
use op_run::event::{Destination, Waiting};
use op_run::{Answer, Command, Event, Evidence, Fact, Outside, Work};
use serde_json::Value;

use super::sight::{End, Sight};
use crate::law::{Verdict, Violation, ensure};
use crate::outstanding::never_stalls;
use crate::story::{Story, Turn};

/// Reads a story event by event.
fn walk(
    story: &Story,
    on_event: impl Fn(&Sight, &Turn, &Event) -> Verdict,
    on_turn: impl Fn(&Sight, &Turn) -> Verdict,
) -> Verdict {
    let mut sight = Sight::new(&story.plan);
    for turn in &story.turns {
        for event in turn.events() {
            on_event(&sight, turn, event)?;
            sight.take(event);
        }
        on_turn(&sight, turn)?;
    }
    Ok(())
}

/// What is begun is with its performer until it is answered, nothing is lost, and a run always ends when the world answers
/// everything.
pub(crate) fn nothing_outstanding_is_lost(story: &Story) -> Verdict {
    ensure(story.end().state().is_over(), || {
        format!("the story does not end: it is {}", story.end().state())
    })?;
    walk(
        story,
        |_, _, _| Ok(()),
        |sight, turn| {
            never_stalls(turn)?;
            calls_are_those_begun(sight, turn)?;
            somebody_is_listened_to(sight, turn)
        },
    )
}

fn calls_are_those_begun(sight: &Sight, turn: &Turn) -> Verdict {
    let calls: Vec<_> = turn.calls().map(|call| call.work).collect();
    let begun: Vec<_> = sight.flights.keys().copied().collect();
    let mut sorted = calls.clone();
    sorted.sort();
    ensure(sorted == begun, || format!("{calls:?} are outstanding, and {begun:?} began"))?;
    for call in turn.calls() {
        let flight = &sight.flights[&call.work];
        let holds = (call.attempt, call.key.visit, &*call.arguments)
            == (flight.attempt, flight.visit, &flight.arguments);
        ensure(holds, || format!("{call:?} began as {flight:?}"))?;
        let is_stopped = turn.commands.iter().any(|command| match command {
            Command::Stop { work, .. } => *work == call.work,
            Command::Call(_) | Command::Wake(_) | Command::Await(_) => false,
        });
        ensure(is_stopped == flight.is_stopping, || format!("{call:?} is stopped: {is_stopped}"))?;
        let is_halted = sight.halt.is_some() && call.work.step().is_some();
        ensure(!is_halted || is_stopped, || format!("{call:?} runs on after a halt"))?;
    }
    Ok(())
}

fn somebody_is_listened_to(sight: &Sight, turn: &Turn) -> Verdict {
    let mut wanted: Vec<_> = sight.gates().into_iter().map(Outside::Gate).collect();
    if sight.is_paused {
        wanted.insert(0, Outside::Resume);
    }
    let mut heard: Vec<_> = turn
        .commands
        .iter()
        .filter_map(|command| match command {
            Command::Await(outside) => Some(outside.clone()),
            _ => None,
        })
        .collect();
    let is_queued = matches!(heard.first(), Some(Outside::Place(_)));
    ensure(is_queued == sight.is_queued, || format!("{heard:?} while queued is {}", sight.is_queued))?;
    heard.retain(|outside| !matches!(outside, Outside::Place(_)));
    ensure(heard == wanted, || format!("{heard:?} is listened to, and {wanted:?} can come"))
}

/// Nothing begins while the run is held, queued, halted, over or being undone, nor more than there is room for.
pub(crate) fn nothing_begins_that_should_not(story: &Story) -> Verdict {
    walk(story, begins_rightly, |sight, turn| {
        // An answer counts once: what it was for is not in flight with the same number any more.
        match turn.answer() {
            Some((work, attempt, _)) => {
                let again = sight.flights.get(&work).is_some_and(|flight| flight.attempt == attempt);
                let begins =
                    |event: &Event| matches!(event.fact, Fact::StepStarted { .. } | Fact::UndoStarted { .. });
                let is_new = turn.events().iter().any(begins);
                ensure(!again || is_new, || format!("{work:?} is in flight after its answer"))
            }
            None => Ok(()),
        }
    })
}

fn begins_rightly(sight: &Sight, _: &Turn, event: &Event) -> Verdict {
    match &event.fact {
        Fact::PhaseStarted { phase, .. } => {
            is_free(sight, phase)?;
            let at = sight.phase_at(phase);
            let well =
                |on: &usize| matches!(sight.phases[*on].end, Some("succeeded" | "tolerated" | "skipped"));
            ensure(sight.plan.phases()[at].depends_on.iter().all(well), || {
                format!("{phase} begins too early")
            })
        }
        Fact::StepWaiting { step, .. } | Fact::StepFanned { step, .. } => is_free(sight, step),
        Fact::StepStarted { step, item, attempt, arguments, .. } => {
            is_free(sight, step)?;
            step_begins_rightly(sight, step, *item, *attempt)?;
            is_what_was_approved(sight, step, arguments)
        }
        Fact::UndoStarted { phase, place, attempt, .. } => {
            ensure(!sight.is_paused, || format!("{phase} is undone while the run is held"))?;
            ensure(sight.flights.is_empty(), || format!("{phase} is undone while calls run"))?;
            ensure(*attempt == sight.undo_attempts + 1, || {
                format!("undo {place} of {phase} has attempt {attempt} after {}", sight.undo_attempts)
            })
        }
        _ => Ok(()),
    }
}

fn is_free(sight: &Sight, what: &str) -> Verdict {
    let is_held = sight.is_paused || sight.is_queued;
    ensure(!is_held, || format!("{what} begins while the run is held"))?;
    ensure(sight.halt.is_none(), || format!("{what} begins after the run was {:?}", sight.halt))?;
    ensure(!sight.is_over && sight.undoing.is_none(), || format!("{what} begins after the end"))
}

fn step_begins_rightly(sight: &Sight, step: &str, item: Option<usize>, attempt: u32) -> Verdict {
    let at = sight.step_at(step);
    let phase = sight.plan.phase_of(at);
    let first = sight.plan.steps_of(phase).start;
    let (seen, plan) = (&sight.steps[at], sight.plan.step(at));
    let room = sight.plan.draft().max_parallel;
    ensure(sight.calls() < room, || format!("{step} is one more than {room} at a time"))?;
    let is_trying = sight.phases[phase].is_running && !sight.phases[phase].has_timed_out;
    ensure(is_trying && seen.end == End::Open, || format!("{step} begins in {:?}", sight.phases[phase]))?;
    let is_ready = plan.after.iter().all(|place| sight.is_well(first + place));
    ensure(is_ready, || format!("{step} begins before what it waits for"))?;
    let is_open = plan.gate.is_none() || seen.passed.is_some();
    ensure(is_open, || format!("{step} begins before its gate is open"))?;
    let before = seen.attempts.get(&item).copied().unwrap_or_default();
    ensure(attempt == before + 1, || format!("{step} has attempt {attempt} after {before}"))?;
    match (&plan.for_each, item) {
        (None, None) => Ok(()),
        (Some(list), Some(item)) => {
            let many = seen.items.as_ref().map_or(0, Vec::len);
            ensure(item < many && !seen.has_failed_item, || format!("{step}[{item}] begins of {many}"))?;
            ensure(!seen.outputs.contains_key(&item), || format!("{step}[{item}] begins, and it is done"))?;
            let flights = sight.flights.keys().filter(|work| work.step() == Some(at)).count();
            let waiting = seen.waiting.iter().filter(|waiting| **waiting != Some(item)).count();
            let most = list.max_parallel.unwrap_or(usize::MAX);
            ensure(flights + waiting < most, || format!("{step}[{item}] is one more than {most}"))
        }
        _ => Err(Violation(format!("{step} begins with item {item:?}"))),
    }
}

/// What a person approved is what is called.
fn is_what_was_approved(sight: &Sight, step: &str, arguments: &Value) -> Verdict {
    match &sight.steps[sight.step_at(step)].waits_for {
        Some(Waiting::Approval { call, .. }) => {
            let holds = call.get("arguments").is_none_or(|approved| approved == arguments);
            ensure(holds, || format!("{step} calls with {arguments}, and {call} was approved"))
        }
        _ => Ok(()),
    }
}

/// Success is what was observed: of calls, of all items, of what came through a gate, of all steps, of all phases.
pub(crate) fn no_success_is_made_up(story: &Story) -> Verdict {
    walk(story, succeeds_rightly, |_, _| Ok(()))
}

fn succeeds_rightly(sight: &Sight, turn: &Turn, event: &Event) -> Verdict {
    match &event.fact {
        Fact::ItemSucceeded { step, item, output, evidence } => {
            let work = Work::Item { step: sight.step_at(step), item: *item };
            was_observed(turn, work, output, evidence)
        }
        Fact::StepSucceeded { step, output, evidence, .. } => {
            let at = sight.step_at(step);
            let (seen, plan) = (&sight.steps[at], sight.plan.step(at));
            match (&plan.for_each, &plan.action) {
                (Some(_), _) => all_items_did(seen.items.as_deref(), &seen.outputs, output, step),
                (None, Action::Pass) => ensure(seen.passed.as_ref() == Some(output), || {
                    format!("{step} says {output}, and {:?} came through", seen.passed)
                }),
                (None, Action::Call(_) | Action::Plan { .. }) => {
                    was_observed(turn, Work::Step(at), output, evidence)
                }
            }
        }
        Fact::StepPassed { step, .. } => gate_opens_rightly(sight, turn, event, sight.step_at(step)),
        Fact::PhaseSucceeded { phase } | Fact::PhaseRepeated { phase, .. } => {
            let at = sight.phase_at(phase);
            let mut steps = sight.plan.steps_of(at);
            ensure(steps.all(|step| sight.is_well(step)), || {
                format!("{phase} succeeds without all of its steps")
            })
        }
        Fact::RunCompleted { .. } => completes_rightly(sight),
        _ => Ok(()),
    }
}

fn was_observed(turn: &Turn, of: Work, output: &Value, evidence: &Evidence) -> Verdict {
    let holds = matches!(turn.answer(), Some((work, _, Answer::Succeeded { value, evidence: seen }))
        if (work, value, seen) == (of, output, evidence));
    ensure(holds, || format!("{of:?} succeeds, which was not observed"))
}

fn all_items_did(
    items: Option<&[Value]>,
    outputs: &std::collections::BTreeMap<usize, Value>,
    output: &Value,
    step: &str,
) -> Verdict {
    let many = items.map_or(0, <[Value]>::len);
    let all: Vec<_> = outputs.values().cloned().collect();
    let holds = all.len() == many && *output == Value::Array(all);
    ensure(holds, || format!("{step} says {output} for {many} items with {outputs:?}"))
}

fn gate_opens_rightly(sight: &Sight, turn: &Turn, event: &Event, step: usize) -> Verdict {
    let signal = |name: &str| {
        let was_sent =
            |seen: &Event| matches!(&seen.fact, Fact::SignalReceived { signal, .. } if signal == name);
        turn.events().iter().any(was_sent) || turn.before.sequence() > 0
    };
    let Fact::StepPassed { answer, .. } = &event.fact else { return Ok(()) };
    let holds = match &sight.plan.step(step).gate {
        Some(Gate::Delay(_)) => {
            turn.before.step(step).gate.as_ref().and_then(|gate| gate.deadline) <= Some(event.at)
        }
        Some(Gate::Signal(name)) => signal(name),
        Some(Gate::Approval(_)) => answer["approved"] == true,
        None => false,
    };
    ensure(holds && sight.gates().contains(&step), || format!("{step} came through its gate with {answer}"))
}

fn completes_rightly(sight: &Sight) -> Verdict {
    ensure(sight.halt.is_none(), || format!("the run completed after it was {:?}", sight.halt))?;
    let holds = if sight.plan.draft().flow.is_graph() {
        let well = |end: Option<&str>| matches!(end, Some("succeeded" | "tolerated" | "skipped"));
        sight.phases.iter().all(|phase| well(phase.end))
    } else {
        sight.reached == Some(true)
    };
    ensure(holds, || format!("the run completed with {:?}", sight.phases))
}

/// Loops are bounded, and a machine goes where its plan says.
pub(crate) fn all_ways_are_bounded(story: &Story) -> Verdict {
    walk(story, goes_rightly, |_, _| Ok(()))
}

fn goes_rightly(sight: &Sight, _: &Turn, event: &Event) -> Verdict {
    match &event.fact {
        Fact::PhaseRepeated { phase, visit } => {
            is_free_or_held(sight, phase)?;
            let at = sight.phase_at(phase);
            let seen = &sight.phases[at];
            let max = sight.plan.phases()[at].repeat.as_ref().map_or(0, |repeat| repeat.max);
            let holds = *visit == seen.visit + 1 && visit - seen.first < max && !seen.has_timed_out;
            ensure(holds, || format!("{phase} is repeated as visit {visit} of {max}: {seen:?}"))
        }
        Fact::Moved { from, to } => {
            is_free(sight, from)?;
            ensure(sight.phases[sight.phase_at(from)].end.is_some(), || format!("{from} is left early"))?;
            moves_rightly(sight, sight.phase_at(from), to)
        }
        _ => Ok(()),
    }
}

/// A repeat while the run is held begins no step.
fn is_free_or_held(sight: &Sight, what: &str) -> Verdict {
    ensure(sight.halt.is_none() && !sight.is_over, || format!("{what} is repeated after the end"))
}

fn moves_rightly(sight: &Sight, from: usize, to: &Destination) -> Verdict {
    let Flow::Machine { max_visits, .. } = sight.plan.draft().flow else {
        return Err(Violation("a graph moves".to_owned()));
    };
    let ways = &sight.plan.phases()[from].next;
    let is_way = |to: usize| ways.iter().any(|way| matches!(way.to, Target::Phase(phase) if phase == to));
    match to {
        Destination::Phase { phase, visit } => {
            let at = sight.phase_at(phase);
            let most = sight.plan.phases()[at].max_visits.unwrap_or(10);
            let holds = is_way(at) && sight.moves + 1 < max_visits && sight.phases[at].entries < most;
            let is_next = *visit == sight.phases[at].visit + u32::from(sight.phases[at].end.is_some());
            ensure(holds && is_next, || format!("it moves to {phase}: {:?}", sight.phases[at]))
        }
        Destination::End(end) => {
            let is_way = ways.iter().any(|way| way.to == Target::End(end.clone()));
            let is_plain = ["completed", "failed"].contains(&end.name.as_str()) && end.message.is_empty();
            ensure(is_way || is_plain, || format!("it ends in {end:?}"))?;
            ensure(!end.is_success || sight.phases[from].end != Some("failed"), || {
                "a phase that failed leads to a good end".to_owned()
            })
        }
    }
}

/// What is undone is undone once, in reverse order of its end, all of it, and nothing runs meanwhile.
pub(crate) fn undo_is_done_in_reverse_and_once(story: &Story) -> Verdict {
    walk(story, undoes_rightly, |_, _| Ok(()))
}

fn undoes_rightly(sight: &Sight, turn: &Turn, event: &Event) -> Verdict {
    match &event.fact {
        Fact::RollbackStarted { phases, visits } => {
            ensure(!sight.is_paused && sight.flights.is_empty(), || "undo begins too early".to_owned())?;
            let visits = sight.visits(phases, visits);
            let places: Option<Vec<_>> = visits.iter().map(|visit| place(&sight.ended, *visit)).collect();
            let is_reverse = |places: &Vec<usize>| places.is_sorted_by(|one, other| one > other);
            ensure(places.as_ref().is_some_and(is_reverse), || {
                format!("{visits:?} are undone of {:?}", sight.ended)
            })?;
            let are_fresh = visits.iter().all(|visit| !sight.undone.contains(visit));
            ensure(are_fresh, || format!("{visits:?} are undone once more"))?;
            is_previewed(turn, &visits)
        }
        Fact::UndoStarted { phase, place, .. } | Fact::UndoSkipped { phase, place, .. } => {
            let front = sight.undoing.as_ref().and_then(|visits| visits.first());
            let next = sight.places.last().map_or(0, |place| place + 1);
            let holds = front.is_some_and(|(front, _)| *front == sight.phase_at(phase)) && next == *place;
            ensure(holds, || format!("{place} of {phase} is undone out of turn"))
        }
        Fact::PhaseUndone { phase } => {
            let all = sight.plan.phases()[sight.phase_at(phase)].undo_calls();
            ensure(sight.places.len() == all, || format!("{phase} is undone before all of its undo list is"))
        }
        Fact::RunCompleted { .. }
        | Fact::RunFailed { .. }
        | Fact::RunCancelled { .. }
        | Fact::RunRolledBack { .. } => {
            let is_done = sight.undoing.as_ref().is_none_or(Vec::is_empty) && sight.flights.is_empty();
            ensure(is_done, || format!("{:?} comes before all is undone or answered", event.fact))
        }
        _ => Ok(()),
    }
}

fn place(ended: &[(usize, u32)], visit: (usize, u32)) -> Option<usize> {
    ended.iter().position(|ended| *ended == visit)
}

/// What a rollback was said to do is what it does.
fn is_previewed(turn: &Turn, visits: &[(usize, u32)]) -> Verdict {
    let Some(op_run::input::Happening::Rollback { to, .. }) = turn.taken().map(|input| &input.happening)
    else {
        return Ok(());
    };
    let shown = op_run::preview(&turn.before, to.as_deref()).unwrap_or_default();
    let shown: Vec<_> = shown.into_iter().map(|undone| (undone.phase, undone.visit)).collect();
    ensure(shown == visits, || format!("{shown:?} was shown, and {visits:?} is undone"))
}
