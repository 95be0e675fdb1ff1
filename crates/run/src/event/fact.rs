//! What can become true in a run.

use std::collections::BTreeMap;

use op_plan::Performer;
use op_plan::cast::{Cast, Fallback, Player};
use op_plan::input::Inputs;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Activation, Destination, HostCallEnd, HostCallStart, Retried, SkipCause, StopCause, Waiting};
use crate::answer::{Evidence, Failure};
use crate::time::Timestamp;

/// What became true in a run. Phases and steps stand by their ids.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fact {
    /// The run was accepted; unless it waits in a queue, it began.
    RunStarted {
        /// Plan by id.
        plan: String,
        /// Digest of the plan; it stays the plan of this run.
        digest: String,
        /// Who plays each step, by position.
        cast: Cast,
        /// Complete inputs.
        inputs: Inputs,
        /// Who started it.
        user: String,
        /// Free labels.
        labels: BTreeMap<String, String>,
        /// When the whole run must have ended.
        deadline: Option<Timestamp>,
        /// Runs with this key count together.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        concurrency: Option<String>,
        /// Whether it waits until there is a place under its key.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        queued: bool,
    },
    /// A step is played by somebody else than was asked for.
    CastFellBack(Fallback),
    /// There is a place for the run: it begins.
    RunAdmitted,
    /// Somebody holds the run: no new step starts.
    RunPaused {
        /// Why.
        reason: String,
        /// Who.
        user: String,
    },
    /// The run goes on.
    RunResumed {
        /// Who.
        user: String,
    },
    /// Somebody else plays steps that have not started.
    CastChanged {
        /// Who plays them, by step.
        cast: BTreeMap<String, Vec<Player>>,
        /// Who says so.
        user: String,
    },
    /// A signal came from outside. It is kept until a step that waits for it takes it.
    SignalReceived {
        /// Its name.
        signal: String,
        /// What it carries.
        data: Value,
        /// Who sent it.
        user: String,
    },
    /// A phase began: its dependencies are settled and its condition holds.
    PhaseStarted {
        /// The phase.
        phase: String,
        /// When it must have ended.
        deadline: Option<Timestamp>,
    },
    /// The time limit of a phase passed: nothing of it starts any more.
    PhaseTimedOut {
        /// The phase.
        phase: String,
    },
    /// A phase runs once more.
    PhaseRepeated {
        /// The phase.
        phase: String,
        /// Which visit it is, counted from 1.
        visit: u32,
    },
    /// A step waits at its gate.
    StepWaiting {
        /// The step.
        step: String,
        /// What it waits for.
        waits_for: Waiting,
        /// When the wait ends by itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline: Option<Timestamp>,
    },
    /// A step came through its gate.
    StepPassed {
        /// The step.
        step: String,
        /// What came through.
        answer: Value,
        /// Who let it through; empty when nobody did.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        user: String,
    },
    /// A question was not answered in time, and goes on waiting.
    ApprovalOverdue {
        /// The step.
        step: String,
    },
    /// A step goes over a list.
    StepFanned {
        /// The step.
        step: String,
        /// The list.
        items: Vec<Value>,
        /// How many of them an earlier visit did: these are not done again.
        #[serde(default)]
        done: usize,
    },
    /// An item of the list of a step is done.
    ItemSucceeded {
        /// The step.
        step: String,
        /// The item, counted from 0.
        item: usize,
        /// Its output.
        output: Value,
        /// What was observed.
        evidence: Evidence,
    },
    /// An item of the list of a step failed for good: no other one starts.
    ItemFailed {
        /// The step.
        step: String,
        /// The item, counted from 0.
        item: usize,
        /// Why.
        failure: Failure,
        /// What was observed; absent when no call was made.
        evidence: Option<Evidence>,
    },
    /// A step does not run.
    StepSkipped {
        /// The step.
        step: String,
        /// Why.
        cause: SkipCause,
    },
    /// The performer of a step failed for good, and another one takes over.
    StepFellBack {
        /// The step.
        step: String,
        /// The item of its list.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<usize>,
        /// Why the one before failed.
        failure: Failure,
        /// What was observed.
        evidence: Evidence,
        /// Who takes over.
        performer: Performer,
    },
    /// The performer of a step asked the hub for something, and the hub performs it as part of the call.
    HostCallStarted(HostCallStart),
    /// What the performer of a step asked for ended.
    HostCallEnded(HostCallEnd),
    /// A skill is active in the call of a step, for all of its attempts.
    SkillActivated(Activation),
    /// An attempt of a step began.
    StepStarted {
        /// The step.
        step: String,
        /// The item of its list.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<usize>,
        /// Which attempt, counted from 1.
        attempt: u32,
        /// Arguments of the call.
        arguments: Value,
        /// When the attempt must have ended.
        deadline: Option<Timestamp>,
    },
    /// The call of a step is asked to stop.
    StepStopping {
        /// The step.
        step: String,
        /// The item of its list.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<usize>,
        /// Why.
        cause: StopCause,
    },
    /// A step did what was asked.
    StepSucceeded {
        /// The step.
        step: String,
        /// Its output.
        output: Value,
        /// What it stores beside its output.
        #[serde(default, skip_serializing_if = "Map::is_empty")]
        stored: Map<String, Value>,
        /// What was observed.
        evidence: Evidence,
    },
    /// An attempt of a step failed, and another one follows.
    RetryScheduled {
        /// The step.
        step: String,
        /// The item of its list.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<usize>,
        /// Why the attempt failed.
        failure: Failure,
        /// What was observed.
        evidence: Evidence,
        /// When the next attempt begins.
        due: Timestamp,
    },
    /// A step failed for good.
    StepFailed {
        /// The step.
        step: String,
        /// Why.
        failure: Failure,
        /// What was observed; absent when no call was made.
        evidence: Option<Evidence>,
    },
    /// Every step of a phase succeeded.
    PhaseSucceeded {
        /// The phase.
        phase: String,
    },
    /// A phase failed.
    PhaseFailed {
        /// The phase.
        phase: String,
        /// Why, in one sentence.
        reason: String,
    },
    /// A phase failed, and what depends on it goes on.
    PhaseTolerated {
        /// The phase.
        phase: String,
        /// Why it failed, in one sentence.
        reason: String,
    },
    /// A phase does not run.
    PhaseSkipped {
        /// The phase.
        phase: String,
        /// Why.
        cause: SkipCause,
    },
    /// A machine went from one phase to another, or to its end.
    Moved {
        /// The phase it left.
        from: String,
        /// Where it goes.
        to: Destination,
    },
    /// A machine went round more often than allowed: nothing new starts.
    RunExhausted {
        /// Why, in one sentence.
        reason: String,
    },
    /// Somebody stopped the run: nothing new starts.
    CancelRequested {
        /// Whether what was done is undone.
        rollback: bool,
        /// Why.
        reason: String,
        /// Who.
        user: String,
    },
    /// The time limit of the whole run passed: nothing new starts.
    RunTimedOut,
    /// Somebody wants what was done undone, after the run had ended.
    RollbackRequested {
        /// The last phase that stays; all are undone otherwise.
        to: Option<String>,
        /// Who.
        user: String,
    },
    /// Somebody wants the run to go on from a phase, after it had ended.
    RunRetried(Retried),
    /// Somebody says how a stuck run goes on.
    StuckResolved {
        /// Whether what could not be undone is accepted as it is; it is tried again otherwise.
        accepted: bool,
        /// Who.
        user: String,
    },
    /// Phases are being undone.
    RollbackStarted {
        /// The phases, in the order they are undone.
        phases: Vec<String>,
        /// Which visit of each; the last one where nothing is said.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        visits: Vec<u32>,
    },
    /// An attempt of an undo began.
    UndoStarted {
        /// The phase.
        phase: String,
        /// The entry of its undo list.
        place: usize,
        /// Which attempt, counted from 1.
        attempt: u32,
        /// Arguments of the call.
        arguments: Value,
        /// When the attempt must have ended.
        deadline: Option<Timestamp>,
    },
    /// The call of an undo is asked to stop.
    UndoStopping {
        /// The phase.
        phase: String,
        /// The entry of its undo list.
        place: usize,
    },
    /// An undo did what was asked.
    UndoSucceeded {
        /// The phase.
        phase: String,
        /// The entry of its undo list.
        place: usize,
        /// What was observed.
        evidence: Evidence,
    },
    /// An undo has nothing to do: what it refers to never came to be.
    UndoSkipped {
        /// The phase.
        phase: String,
        /// The entry of its undo list.
        place: usize,
        /// Why, in one sentence.
        reason: String,
    },
    /// An attempt of an undo failed, and another one follows.
    UndoRetryScheduled {
        /// The phase.
        phase: String,
        /// The entry of its undo list.
        place: usize,
        /// Why the attempt failed.
        failure: Failure,
        /// What was observed.
        evidence: Evidence,
        /// When the next attempt begins.
        due: Timestamp,
    },
    /// An undo failed for good.
    UndoFailed {
        /// The phase.
        phase: String,
        /// The entry of its undo list.
        place: usize,
        /// Why.
        failure: Failure,
        /// What was observed.
        evidence: Evidence,
    },
    /// A phase is undone.
    PhaseUndone {
        /// The phase.
        phase: String,
    },
    /// The run did what its plan says.
    RunCompleted {
        /// What it answers.
        output: Value,
    },
    /// The run failed.
    RunFailed {
        /// Why, in one sentence.
        reason: String,
    },
    /// The run was stopped.
    RunCancelled {
        /// Why, in one sentence.
        reason: String,
    },
    /// The run is undone.
    RunRolledBack {
        /// Why, in one sentence.
        reason: String,
    },
    /// An undo failed: a person must resolve it.
    RunStuck {
        /// Why, in one sentence.
        reason: String,
    },
}
