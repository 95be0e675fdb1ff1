//! Names of runs and of calls.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Names a run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    /// Takes a text as the name of a run.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a call is made for, by position in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Work {
    /// A step, counted over all phases.
    Step(usize),
    /// An item of the list of a step.
    Item {
        /// The step.
        step: usize,
        /// The item.
        item: usize,
    },
    /// An entry of the undo list of a phase.
    Undo {
        /// The phase.
        phase: usize,
        /// The entry.
        place: usize,
    },
}

impl Work {
    /// The step that it is made for; none for an undo.
    pub fn step(self) -> Option<usize> {
        match self {
            Self::Step(step) | Self::Item { step, .. } => Some(step),
            Self::Undo { .. } => None,
        }
    }
}

/// Names a call, and is its idempotency key: a repeat after a crash carries the same one.
///
/// Written `run/step/visit/attempt`; an item stands as `STEP[ITEM]` and an undo as `undo:PHASE:PLACE` where the step would.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallKey {
    /// The run.
    pub run: RunId,
    /// The step or undo.
    pub step: String,
    /// Which visit of the step, counted from 1.
    pub visit: u32,
    /// Which attempt of the visit, counted from 1.
    pub attempt: u32,
}

impl fmt::Display for CallKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.run, self.step, self.visit, self.attempt)
    }
}
