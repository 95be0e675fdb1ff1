//! A story: the record of one run in a random world.

use std::sync::Arc;

use op_plan::Plan;
use op_run::command::Call;
use op_run::input::Happening;
use op_run::{Answer, Command, Event, Input, Refused, Run, Timestamp, Work};

use crate::decider::Decider;

/// What must become of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// It makes sense.
    Taken,
    /// It makes no sense.
    Refused,
    /// It makes sense and changes nothing.
    Nothing,
    /// It may make sense or not.
    Either,
}

/// What happened in a turn.
#[derive(Debug)]
pub(crate) enum Act {
    /// An input came in.
    Heard { input: Box<Input>, wanted: Wanted, decision: Result<Vec<Event>, Refused> },
    /// The run was read from its journal.
    Restarted,
}

/// One turn of a story.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) before: Run,
    pub(crate) act: Act,
    pub(crate) after: Run,
    /// What is outstanding after it.
    pub(crate) commands: Vec<Command>,
}

impl Turn {
    pub(crate) fn events(&self) -> &[Event] {
        match &self.act {
            Act::Heard { decision: Ok(events), .. } => events,
            Act::Heard { decision: Err(_), .. } | Act::Restarted => &[],
        }
    }

    /// The input of this turn, unless it was refused.
    pub(crate) fn taken(&self) -> Option<&Input> {
        match &self.act {
            Act::Heard { input, decision: Ok(_), .. } => Some(input),
            Act::Heard { decision: Err(_), .. } | Act::Restarted => None,
        }
    }

    /// The answer that this turn took in.
    pub(crate) fn answer(&self) -> Option<(Work, u32, &Answer)> {
        match &self.taken()?.happening {
            Happening::Answered { work, attempt, answer } => Some((*work, *attempt, answer)),
            _ => None,
        }
    }

    pub(crate) fn calls(&self) -> impl Iterator<Item = &Call> {
        calls(&self.commands)
    }
}

/// A run from its start to its end.
pub(crate) struct Story {
    pub(crate) decider: Decider,
    pub(crate) plan: Arc<Plan>,
    pub(crate) turns: Vec<Turn>,
}

impl Story {
    pub(crate) fn events(&self) -> impl Iterator<Item = &Event> {
        self.turns.iter().flat_map(Turn::events)
    }

    pub(crate) fn end(&self) -> &Run {
        &self.turns.last().expect("a story begins").after
    }
}

/// The calls among commands.
pub(crate) fn calls(commands: &[Command]) -> impl Iterator<Item = &Call> {
    commands.iter().filter_map(|command| match command {
        Command::Call(call) => Some(call),
        Command::Stop { .. } | Command::Wake(_) | Command::Await(_) => None,
    })
}

/// The wake among commands.
pub(crate) fn wake(commands: &[Command]) -> Option<Timestamp> {
    commands.iter().find_map(|command| match command {
        Command::Wake(at) => Some(*at),
        Command::Call(_) | Command::Stop { .. } | Command::Await(_) => None,
    })
}
