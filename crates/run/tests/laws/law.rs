//! What a law is: a check of a whole story.

use std::fmt;

use op_run::Event;

use crate::ledger::Ledger;
use crate::story::{Story, Turn};

/// What was broken, in one sentence.
#[derive(Debug)]
pub(crate) struct Violation(pub(crate) String);

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a law held.
pub(crate) type Verdict = Result<(), Violation>;

/// A law.
pub(crate) type Law = fn(&Story) -> Verdict;

/// Holds a condition to be true.
pub(crate) fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(Violation(otherwise())) }
}

/// Reads a story event by event. `on_event` sees what was known before the event, `on_turn` what is known after the turn.
pub(crate) fn walk(
    story: &Story,
    mut on_event: impl FnMut(&Ledger, &Turn, &Event) -> Verdict,
    mut on_turn: impl FnMut(&Ledger, &Ledger, &Turn) -> Verdict,
) -> Verdict {
    let mut ledger = Ledger::new(&story.plan);
    for turn in &story.turns {
        let before = ledger.clone();
        for event in turn.events() {
            on_event(&ledger, turn, event)?;
            ledger.take(event);
        }
        on_turn(&before, &ledger, turn)?;
    }
    Ok(())
}
