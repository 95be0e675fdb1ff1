//! The three functions under test, so that broken ones can stand in for the real ones.

use op_run::{Command, Event, Input, Refused, Run};

/// A decider: the real one, or one with a planted fault.
#[derive(Clone, Copy)]
pub(crate) struct Decider {
    pub(crate) decide: fn(&Run, &Input) -> Result<Vec<Event>, Refused>,
    pub(crate) evolve: fn(&mut Run, &Event),
    pub(crate) outstanding: fn(&Run) -> Vec<Command>,
}

/// The one that the daemon runs on.
pub(crate) const REAL: Decider =
    Decider { decide: op_run::decide, evolve: op_run::evolve, outstanding: op_run::outstanding };
