//! Law 1: decide, commit, act.

use op_run::Input;
use op_run::input::Happening;

use crate::law::{Verdict, ensure};
use crate::story::{Act, Story, Turn, Wanted};

pub(crate) fn decide_commit_act(story: &Story) -> Verdict {
    story.turns.iter().try_for_each(|turn| match &turn.act {
        Act::Heard { input, wanted, .. } => {
            answers_as_wanted(turn, *wanted)?;
            is_pure(story, turn, input)?;
            changes_by_events_alone(story, turn)?;
            is_done(story, turn)
        }
        Act::Restarted => Ok(()),
    })
}

fn answers_as_wanted(turn: &Turn, wanted: Wanted) -> Verdict {
    let Act::Heard { input, decision, .. } = &turn.act else { return Ok(()) };
    let holds = match wanted {
        Wanted::Taken => decision.is_ok(),
        Wanted::Refused => decision.is_err(),
        Wanted::Either => true,
        Wanted::Nothing => decision.as_ref().is_ok_and(Vec::is_empty),
    };
    ensure(holds, || format!("{input:?} should be {wanted:?}, and was {decision:?}"))?;
    let is_timely = turn.events().iter().all(|event| event.at == input.at);
    ensure(is_timely, || format!("an event of {input:?} has another time"))
}

fn is_pure(story: &Story, turn: &Turn, input: &Input) -> Verdict {
    let Act::Heard { decision, .. } = &turn.act else { return Ok(()) };
    let run = turn.before.clone();
    let again = (story.decider.decide)(&run, input);
    ensure(again == *decision, || format!("{input:?} was decided as {decision:?} and then as {again:?}"))?;
    ensure(run == turn.before, || format!("deciding {input:?} changed the run"))
}

fn changes_by_events_alone(story: &Story, turn: &Turn) -> Verdict {
    let mut run = turn.before.clone();
    turn.events().iter().for_each(|event| (story.decider.evolve)(&mut run, event));
    ensure(run == turn.after, || format!("{:?} changed more than its events say", turn.act))?;
    let counted = run.sequence() - turn.before.sequence();
    ensure(counted == turn.events().len() as u64, || format!("{counted} events were counted"))
}

/// What can be decided is decided at once: a tick at the same instant finds nothing left to do.
fn is_done(story: &Story, turn: &Turn) -> Verdict {
    let Some(input) = turn.taken() else { return Ok(()) };
    let tick = Input { at: input.at, happening: Happening::Tick };
    let again = (story.decider.decide)(&turn.after, &tick);
    ensure(again.as_ref().is_ok_and(Vec::is_empty), || format!("a tick after it found {again:?} to do"))
}
