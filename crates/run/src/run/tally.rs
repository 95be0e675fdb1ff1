//! What a run counts because skills demand it. It counts from its start; what a change of the cast adds, from there.

use std::sync::Arc;

use imbl::Vector;
use op_plan::skill::Pattern;
use op_plan::{Performer, Player};
use serde_json::Value;

/// Calls that skills have a run count. Without such skills it counts nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Tally {
    /// The calls.
    watched: Arc<Vec<Pattern>>,
    /// How many of each there were.
    counts: Vector<Count>,
    /// What was promised to follow and has not.
    owed: Vector<Owed>,
}

/// How many calls there were. Those that undo something are none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// Attempts that began.
    pub(crate) begun: u32,
    /// Calls that succeeded.
    pub(crate) succeeded: u32,
}

/// A call that must follow.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Owed {
    /// After which step.
    pub(crate) step: usize,
    /// By which skill.
    pub(crate) skill: String,
    /// One of these.
    pub(crate) calls: Vec<Pattern>,
}

impl Tally {
    /// Counts also what the skills of these players demand.
    pub(crate) fn watch<'p>(&mut self, players: impl Iterator<Item = &'p Player>) {
        let constraints = players.flat_map(|player| &player.skills).flat_map(|skill| &skill.constraints);
        for pattern in constraints.flat_map(op_plan::skill::Constraint::counted) {
            if !self.watched.contains(pattern) {
                Arc::make_mut(&mut self.watched).push(pattern.clone());
                self.counts.push_back(Count::default());
            }
        }
    }

    /// Whether anything is counted.
    pub(crate) fn is_idle(&self) -> bool {
        self.watched.is_empty()
    }

    /// An attempt begins. Returns the positions of what it counts as.
    pub(crate) fn begin(&mut self, performer: &Performer, arguments: &Value) -> Arc<[usize]> {
        let matched =
            self.watched.iter().enumerate().filter(|(_, watched)| watched.matches(performer, arguments));
        let matched: Arc<[usize]> = matched.map(|(at, _)| at).collect();
        for at in matched.iter() {
            self.counts[*at].begun += 1;
        }
        matched
    }

    /// A call succeeded that counts as these; it pays what is owed.
    pub(crate) fn succeed(&mut self, counted: &[usize]) {
        for at in counted {
            self.counts[*at].succeeded += 1;
            let paid = &self.watched[*at];
            self.owed.retain(|owed| !owed.calls.contains(paid));
        }
    }

    /// Something must follow.
    pub(crate) fn owe(&mut self, owed: Owed) {
        self.owed.push_back(owed);
    }

    /// What must follow and has not, the oldest first.
    pub(crate) fn owed(&self) -> impl Iterator<Item = &Owed> {
        self.owed.iter()
    }

    /// How many calls of this pattern there were.
    pub(crate) fn count(&self, pattern: &Pattern) -> Count {
        let at = self.watched.iter().position(|watched| watched == pattern);
        at.map(|at| self.counts[at]).unwrap_or_default()
    }
}
