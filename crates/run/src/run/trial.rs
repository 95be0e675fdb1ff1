//! A call and its attempts.

use std::sync::Arc;

use imbl::Vector;
use serde_json::Value;

use crate::answer::{Evidence, Failure};
use crate::event::StopCause;
use crate::time::Timestamp;

/// A skill that is active in a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveSkill {
    /// Its name.
    pub name: String,
    /// Bytes of its text that the performer is given.
    pub given: usize,
}

/// A call that is made again and again until it succeeds or is given up: of a step, or of an undo.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trial {
    /// Attempts begun.
    pub attempts: u32,
    /// Which visit of its step they are of.
    pub(crate) visit: u32,
    /// Which of the players of its step has it.
    pub turn: usize,
    /// Attempts of those that had it before.
    pub before: u32,
    /// Skills that are active in it, in the order in which they became so.
    pub skills: Vector<ActiveSkill>,
    /// Calls that the run counts, by position, of which the attempt in flight is one.
    pub(crate) counted: Arc<[usize]>,
    /// The highest number of what the attempt in flight asked the hub for.
    pub asked: u32,
    /// Arguments of the attempt in flight.
    pub arguments: Arc<Value>,
    /// When the attempt in flight began.
    pub began: Timestamp,
    /// When the attempt in flight must have ended.
    pub deadline: Option<Timestamp>,
    /// Why the attempt in flight is asked to stop.
    pub stopping: Option<StopCause>,
    /// When the next attempt begins.
    pub due: Option<Timestamp>,
    /// Why the last attempt failed.
    pub failure: Option<Failure>,
    /// What was observed of the last attempt that ended.
    pub evidence: Option<Evidence>,
}

impl Trial {
    pub(crate) fn begin(
        &mut self,
        at: Timestamp,
        (visit, attempt): (u32, u32),
        arguments: &Value,
        deadline: Option<Timestamp>,
    ) {
        self.visit = visit;
        self.attempts = attempt;
        self.arguments = Arc::new(arguments.clone());
        self.began = at;
        self.asked = 0;
        self.deadline = deadline;
        self.stopping = None;
        self.due = None;
    }

    /// The next player has it, with attempts of its own.
    pub(crate) fn hand_on(&mut self) {
        self.turn += 1;
        self.skills.clear();
        self.before = self.attempts;
    }

    /// Arguments can be large and are not needed any more.
    pub(crate) fn end(&mut self, failure: Option<&Failure>, evidence: Option<&Evidence>) {
        self.arguments = Arc::default();
        self.deadline = None;
        self.stopping = None;
        self.due = None;
        self.failure = failure.cloned();
        self.evidence = evidence.cloned();
    }
}
