//! Law 2: what is outstanding can be read off the run.

use op_run::{Run, Work, replay};

use crate::law::{Verdict, ensure, walk};
use crate::ledger::Ledger;
use crate::story::{Act, Story, Turn, wake};
use crate::teller::run_id;

pub(crate) fn what_is_outstanding_can_be_read_off_the_run(story: &Story) -> Verdict {
    ensure(story.end().state().is_over(), || "the story does not end".to_owned())?;
    let mut outstanding = Vec::new();
    walk(
        story,
        |_, _, _| Ok(()),
        |_, ledger, turn| {
            if matches!(turn.act, Act::Restarted) {
                ensure(turn.after == turn.before, || "the run changed by a restart".to_owned())?;
                ensure(turn.commands == outstanding, || "the commands changed by a restart".to_owned())?;
            }
            outstanding.clone_from(&turn.commands);
            never_stalls(turn)?;
            calls_are_those_begun(ledger, turn)
        },
    )
}

/// The run and its commands can be read from every prefix of the journal.
pub(crate) fn every_prefix_of_the_journal_is_the_run(story: &Story) -> Verdict {
    let mut journal = Vec::new();
    for turn in &story.turns {
        journal.extend(turn.events());
        let run = replay(run_id(), story.plan.clone(), journal.iter().copied());
        ensure(run.as_ref() == Ok(&turn.after), || format!("{} events make another run", journal.len()))?;
        let commands = (story.decider.outstanding)(&turn.after);
        ensure(commands == turn.commands, || format!("{} events make other commands", journal.len()))?;
    }
    Ok(())
}

/// A run that is over wants nothing; one that is not always wants something, and never what is past.
pub(crate) fn never_stalls(turn: &Turn) -> Verdict {
    let run: &Run = &turn.after;
    let is_over = run.state().is_over();
    ensure(is_over == turn.commands.is_empty(), || {
        format!("the run is {} and wants {:?}", run.state(), turn.commands)
    })?;
    match (turn.taken(), wake(&turn.commands)) {
        (Some(input), Some(wake)) => {
            ensure(wake > input.at, || format!("an input at {} left a wake at {wake}", input.at))
        }
        _ => Ok(()),
    }
}

/// The calls are those that began and were not answered, as they began.
fn calls_are_those_begun(ledger: &Ledger, turn: &Turn) -> Verdict {
    let begun = ledger.flights();
    let mut calls: Vec<_> = turn.calls().collect();
    calls.sort_by_key(|call| call.work);
    ensure(calls.len() == begun.len(), || format!("{} calls, and {} began", calls.len(), begun.len()))?;
    for (call, (work, flight)) in calls.into_iter().zip(begun) {
        let performer = match work {
            Work::Step(step) | Work::Item { step, .. } => format!("cast.o{step}"),
            Work::Undo { .. } => "worker.work".to_owned(),
        };
        let holds = call.work == work
            && call.attempt == flight.attempt
            && *call.arguments == flight.arguments
            && call.performer.to_string() == performer
            && call.timeout == flight.deadline.map(|deadline| deadline.since(flight.began));
        ensure(holds, || format!("{call:?} is not {work:?} as it began: {flight:?}"))?;
    }
    Ok(())
}
