//! What comes in to a run.

use std::collections::BTreeMap;
use std::time::Duration;

use op_plan::Performer;
use op_plan::cast::{Cast, Fallback, Player};
use op_plan::input::Inputs;
use serde_json::Value;

use crate::answer::{Answer, Evidence, Failure};
use crate::key::Work;
use crate::run::State;
use crate::time::Timestamp;

/// What a run is started with.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// Who plays each step, by position; as long as the plan has steps.
    pub cast: Cast,
    /// Steps that somebody else plays than was asked for.
    pub fallbacks: Vec<Fallback>,
    /// Complete and checked inputs.
    pub inputs: Inputs,
    /// Who starts it.
    pub user: String,
    /// Free labels.
    pub labels: BTreeMap<String, String>,
    /// Replaces the plan's own limit on the whole run.
    pub timeout: Option<Duration>,
    /// Runs with this key count together.
    pub concurrency: Option<String>,
    /// Whether it waits until it is admitted.
    pub queued: bool,
}

/// The answer of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The step that waits for it.
    pub step: String,
    /// The question that was shown; any when empty.
    pub digest: String,
    /// Whether it goes on.
    pub approved: bool,
    /// What the person says.
    pub comment: String,
    /// Who.
    pub user: String,
}

/// Something that happened outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Happening {
    /// Somebody starts the run.
    Start(Start),
    /// A call ended.
    Answered {
        /// What it was made for.
        work: Work,
        /// Which attempt, counted from 1.
        attempt: u32,
        /// How it ended.
        answer: Answer,
    },
    /// The performer of a call asked the hub for something, which is about to be performed.
    HostCalled {
        /// What the call was made for.
        work: Work,
        /// Which attempt, counted from 1.
        attempt: u32,
        /// Which of the things it asks for, counted from 1.
        number: u32,
        /// Who performs it.
        performer: Performer,
        /// Digest of its arguments.
        arguments: String,
    },
    /// What the performer of a call asked for ended.
    HostAnswered {
        /// What the call was made for.
        work: Work,
        /// Which attempt, counted from 1.
        attempt: u32,
        /// Which of the things it asked for.
        number: u32,
        /// Why it did not succeed; none when it did.
        failure: Option<Failure>,
        /// What was observed.
        evidence: Evidence,
    },
    /// Time passed.
    Tick,
    /// Somebody stops the run.
    Cancel {
        /// Whether to undo what was done.
        rollback: bool,
        /// Why.
        reason: String,
        /// Who.
        user: String,
    },
    /// There is a place for a run that waits for one.
    Admit,
    /// Somebody holds the run.
    Pause {
        /// Why.
        reason: String,
        /// Who.
        user: String,
    },
    /// Somebody lets it go on.
    Resume {
        /// Who.
        user: String,
    },
    /// Somebody sends a signal.
    Signal {
        /// Its name.
        signal: String,
        /// What it carries.
        data: Value,
        /// Who.
        user: String,
    },
    /// A person answers.
    Approve(Verdict),
    /// Somebody wants others to play steps that have not started.
    Recast {
        /// Who plays them, by step.
        cast: BTreeMap<String, Vec<Player>>,
        /// Who says so.
        user: String,
    },
    /// Somebody wants an ended run undone.
    Rollback {
        /// The last phase that stays; all are undone otherwise.
        to: Option<String>,
        /// Who.
        user: String,
    },
    /// Somebody wants an ended run to go on, keeping what succeeded.
    Retry {
        /// The step or phase to go on from; from what failed otherwise.
        from: Option<String>,
        /// Who.
        user: String,
    },
    /// Somebody says how a stuck run goes on.
    Resolve {
        /// Whether what could not be undone is accepted as it is; it is tried again otherwise.
        accept: bool,
        /// Who.
        user: String,
    },
}

/// Something that happened outside, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// When.
    pub at: Timestamp,
    /// What.
    pub happening: Happening,
}

/// Why an input changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A run is started once.
    #[error("the run was started before")]
    Started,
    /// The cast does not fit the plan.
    #[error("the cast names {given} performers and the plan has {wanted} steps")]
    Cast {
        /// How many were given.
        given: usize,
        /// How many the plan needs.
        wanted: usize,
    },
    /// The answer is for a call that is not outstanding: it was answered before, or never made.
    #[error("nobody waits for this answer")]
    Unexpected,
    /// A run that ended, or that undoes itself, cannot be cancelled.
    #[error("the run is {0} and cannot be cancelled")]
    State(State),
    /// Cancelling twice changes nothing.
    #[error("the run is being cancelled")]
    Cancelling,
    /// The run cannot be steered this way in its state.
    #[error("the run is {state} and cannot be {what}")]
    Unfit {
        /// Its state.
        state: State,
        /// What was asked for, as a participle.
        what: &'static str,
    },
    /// The run has no such phase or step.
    #[error("the run has no phase or step `{0}`")]
    Unknown(String),
    /// Nothing waits for the answer of a person there.
    #[error("{}", not_asked(step, waiting_now))]
    NotAsked {
        /// The step; empty when none was named.
        step: String,
        /// Steps that do.
        waiting_now: Vec<String>,
    },
    /// The question has changed since it was shown.
    #[error("step `{0}` asks something else by now: look at it again")]
    OtherQuestion(String),
    /// No step of the plan waits for such a signal.
    #[error("no step of the plan waits for a signal `{signal}`{}", waiting(known))]
    NoSignal {
        /// The signal.
        signal: String,
        /// Signals that steps wait for.
        known: Vec<String>,
    },
    /// More signals than are kept.
    #[error("{0} signals that nobody took are kept, as many as allowed")]
    TooManySignals(usize),
    /// A step that has begun keeps its performer.
    #[error("step `{step}` is {state} and keeps who plays it")]
    Begun {
        /// The step.
        step: String,
        /// Its state.
        state: &'static str,
    },
    /// Nothing is left to undo.
    #[error("nothing of it is left to undo")]
    NothingToUndo,
    /// Nothing is left to do.
    #[error("nothing of it failed: say from which step it is to go on")]
    NothingToRetry,
}

fn not_asked(step: &str, waiting_now: &[String]) -> String {
    match (step, waiting_now) {
        ("", []) => "nothing in this run waits for an approval".to_owned(),
        ("", several) => format!("several steps wait for an approval: name one of {}", several.join(", ")),
        (step, others) => format!("step `{step}` waits for no approval{}", waiting(others)),
    }
}

fn waiting(known: &[String]) -> String {
    if known.is_empty() { String::new() } else { format!("; there is {}", known.join(", ")) }
}
