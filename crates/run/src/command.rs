//! What goes out of a run.

use std::sync::Arc;
use std::time::Duration;

use op_plan::{Performer, Plan};
use serde_json::Value;

use crate::event::StopCause;
use crate::key::{CallKey, Work};
use crate::time::Timestamp;

/// What the world must be doing for a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// This call must be with its performer until it is answered.
    Call(Call),
    /// This call must be asked to stop; its answer is still awaited.
    Stop {
        /// The call.
        key: CallKey,
        /// What it is made for.
        work: Work,
        /// Why.
        cause: StopCause,
    },
    /// A tick must come at this instant.
    Wake(Timestamp),
    /// Somebody outside must be listened to.
    Await(Outside),
}

/// What only somebody outside can bring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outside {
    /// A place among the runs of this key; empty where runs have none.
    Place(String),
    /// That a person lets it go on.
    Resume,
    /// What opens the gate of this step.
    Gate(usize),
}

/// A skill that a call is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lesson {
    /// Its name.
    pub name: String,
    /// Its markdown.
    pub text: Arc<str>,
}

/// A call that must be with its performer.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Its name and idempotency key.
    pub key: CallKey,
    /// What it is made for.
    pub work: Work,
    /// Which attempt, counted from 1.
    pub attempt: u32,
    /// Who performs it.
    pub performer: Performer,
    /// The plan to run, where that is what is to be performed.
    pub plan: Option<Arc<Plan>>,
    /// Its arguments.
    pub arguments: Arc<Value>,
    /// Skills that it is given, in this order.
    pub skills: Vec<Lesson>,
    /// How long what it returns stands for calling again with the same arguments.
    pub cache: Option<Duration>,
    /// How long it may take from its start; the run stops it then.
    pub timeout: Option<Duration>,
}
