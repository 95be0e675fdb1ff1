//! `[debates.ID]`.

use schemars::JsonSchema;

use super::Args;
use super::head::Head;
use super::step::Repeats;
use super::time::{Keeping, Limit};

/// A debate: participants argue in rounds, and a rule says whether most of them agree.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Debate {
    #[schemars(flatten)]
    head: Head,
    /// What is debated. Usually a run is asked for it.
    question: Option<String>,
    /// What there is to choose from.
    options: Option<Vec<Choice>>,
    /// Who takes part: two at least, those that take over not counted.
    participants: Option<Vec<Participant>>,
    /// How many more can join while it runs, as `seat_1` and so on. Usually 0.
    #[schemars(range(max = 8))]
    seats: Option<u32>,
    /// How long it goes on.
    rounds: Option<Rounds>,
    /// What happens in it, in this order. Usually arguments, answers, the check and the decision.
    #[schemars(length(max = 8))]
    steps: Option<Vec<DebateStep>>,
    /// Who writes the decision: a participant, a role, or `agent.operation`. Usually the first participant.
    decision: Option<String>,
    /// What happens when the rounds are over and nobody agreed. Usually `decide`.
    no_consensus: Option<NoConsensus>,
    /// How long a person is waited for with `no_consensus = "escalate"`.
    escalate_timeout: Option<Limit>,
    /// Whether the debate fails when one participant does not answer. Usually false.
    require_all: Option<bool>,
}

/// Something to choose.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Choice {
    /// Its name alone.
    Name(String),
    /// Its name, with what speaks for it and against it.
    Table(DebateOption),
}

/// Something to choose.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct DebateOption {
    /// What it is called.
    name: String,
    /// What speaks for it.
    pros: Option<Vec<String>>,
    /// What speaks against it.
    cons: Option<Vec<String>>,
}

/// Somebody who takes part.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Participant {
    /// What the others and a cast call it. Usually its role, its model or its agent.
    id: Option<String>,
    /// The role that it plays.
    role: Option<String>,
    /// The agent that plays it, alone or as `agent.operation`.
    agent: Option<String>,
    /// The operation of the agent or role.
    operation: Option<String>,
    /// The model that it wants.
    model: Option<String>,
    /// Whether it only takes over from others who fail. Usually false.
    fallback: Option<bool>,
}

/// How long a debate goes on.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Rounds {
    /// Rounds before agreement counts. Usually 1.
    #[schemars(range(min = 1, max = 100))]
    min: Option<u32>,
    /// Rounds after which it is over. Usually 2.
    #[schemars(range(min = 1, max = 100))]
    max: Option<u32>,
    /// The score from which participants agree, above 0 and at most 1. Usually 0.8.
    #[schemars(range(min = 0, max = 1))]
    consensus_threshold: Option<f64>,
}

/// A step of a debate.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct DebateStep {
    /// What happens in it.
    #[schemars(rename = "type")]
    kind: DebateStepType,
    /// What it is called; participants are told that of a custom step.
    name: Option<String>,
    /// What it is for, for people and participants.
    description: Option<String>,
    /// What participants are told besides; only of a custom step.
    args: Option<Args>,
    #[schemars(flatten)]
    repeats: Repeats,
    /// How long what each call of it returned stands for calling again with the same arguments; `true` is an hour.
    cache: Option<Keeping>,
    /// How long each call of it may take.
    timeout: Option<Limit>,
}

/// What happens in a step of a debate.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum DebateStepType {
    /// Everybody argues without hearing the others.
    InitialArguments,
    /// Everybody answers the others; a new round.
    CounterArguments,
    /// Everybody says more clearly what was meant.
    Clarification,
    /// Everybody does what the step says.
    Custom,
    /// The positions are weighed.
    ConsensusCheck,
    /// The decision is written.
    FinalDecision,
}

/// What happens when nobody agreed.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum NoConsensus {
    /// It is decided as if they had.
    Decide,
    /// A person decides.
    Escalate,
}
