//! A step: what it waits for, what it does, what becomes of its answer.

use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::{Plan, Retry};
use crate::catalogue::Performer;
use crate::expression::Expression;
use crate::mapping::Mapping;

/// Who performs a step: named by the plan, or left to the cast.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// An operation of an agent.
    Performer(Performer),
    /// A role, with the performer that plays it unless the run's cast says otherwise.
    Role {
        /// The role, or who a plan calls by a name of its own.
        name: String,
        /// The role that such a one plays: what its player is told, and another name that a cast knows it by.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        plays: Option<String>,
        /// Who plays it by default; nobody does otherwise, and the step is skipped.
        default: Option<Performer>,
    },
    /// Nobody by itself: the cast of each run says who.
    Open,
}

impl Part {
    /// Who plays the part when the cast says nothing.
    pub fn default_performer(&self) -> Option<&Performer> {
        match self {
            Self::Performer(performer) => Some(performer),
            Self::Role { default, .. } => default.as_ref(),
            Self::Open => None,
        }
    }

    /// Names of roles that a cast knows it by, the nearest first.
    pub(crate) fn roles(&self) -> impl Iterator<Item = &str> {
        let (name, plays) = match self {
            Self::Role { name, plays, .. } => (Some(name), plays.as_ref()),
            Self::Performer(_) | Self::Open => (None, None),
        };
        name.into_iter().chain(plays).map(String::as_str)
    }

    /// What `last_output` knows it by: the role, or the agent.
    pub fn voice(&self) -> Option<&str> {
        match self {
            Self::Performer(performer) => Some(&performer.agent),
            Self::Role { name, .. } => Some(name),
            Self::Open => None,
        }
    }
}

/// A call of a performer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// Who performs it.
    pub part: Part,
    /// Its arguments; resolves to a JSON object.
    pub arguments: Mapping,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Calls a performer.
    Call(Call),
    /// Runs another plan.
    Plan {
        /// The plan, as it was when this one was read.
        plan: Arc<Plan>,
        /// Its inputs; resolves to a JSON object.
        inputs: Mapping,
    },
    /// Nothing: the step is its gate, and answers what came through it.
    Pass,
}

impl Action {
    /// The call, if it is one.
    pub fn call(&self) -> Option<&Call> {
        match self {
            Self::Call(call) => Some(call),
            Self::Plan { .. } | Self::Pass => None,
        }
    }

    /// What it hands on: the arguments of its call, or the inputs of its plan.
    pub fn arguments(&self) -> Option<&Mapping> {
        match self {
            Self::Call(call) => Some(&call.arguments),
            Self::Plan { inputs, .. } => Some(inputs),
            Self::Pass => None,
        }
    }
}

/// What a step waits for before it acts; nothing else of the run waits with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// Time.
    Delay(Duration),
    /// A named signal from outside; the limit of the step is that of the wait.
    Signal(String),
    /// A person.
    Approval(Approval),
}

/// A question to a person. The answer is bound to the exact call that was shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    /// What is asked; resolves to text.
    pub message: Mapping,
    /// How long it waits.
    pub timeout: Option<Duration>,
    /// What happens then.
    pub on_timeout: OnTimeout,
}

/// What happens to a question that nobody answered in time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnTimeout {
    /// It counts as rejected.
    #[default]
    Reject,
    /// It counts as approved.
    Approve,
    /// It goes on waiting, and the run says that it is overdue.
    Park,
}

/// One step for each item of a list, side by side, with the outputs as a list in the same order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fan {
    /// Resolves to the list.
    pub over: Mapping,
    /// Most items at the same time; the limit of the run otherwise.
    pub max_parallel: Option<usize>,
}

/// Which answers of a performer count as what was asked for. Others are rejections, which are never repeated by themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Accept {
    /// All.
    #[default]
    Any,
    /// All but objects that say `approved = false`.
    Approved,
    /// Those for which this holds; the answer is `output` in it.
    When(Expression),
}

impl Accept {
    /// Whether every answer counts.
    pub fn is_any(&self) -> bool {
        *self == Self::Any
    }
}

/// The only unit of work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Unique in the plan; has no `/` or `:`.
    pub id: String,
    /// Steps of the same phase, by position in it, that must end well before this one starts.
    pub after: Vec<usize>,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
    /// What it does.
    pub action: Action,
    /// The list that it is done for, item by item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_each: Option<Fan>,
    /// Who takes over, in this order, when its performer failed for good.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fallback: Vec<Part>,
    /// Skills that its call is given, by name, beside those that are active in it by themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skills: Vec<String>,
    /// Which answers count.
    #[serde(default, skip_serializing_if = "Accept::is_any")]
    pub accept: Accept,
    /// Whether its phase goes on when it failed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// How long what it returned stands for calling again with the same arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<Duration>,
    /// When it is tried again.
    pub retry: Retry,
    /// Limit of one attempt, or of the wait for a signal.
    pub timeout: Option<Duration>,
    /// Variable that keeps its output.
    pub store_as: Option<String>,
    /// Variables that keep what is made of its output, which is `output` in them.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub outputs: IndexMap<String, Mapping>,
}

impl Step {
    /// A step without any wishes.
    pub fn new(id: impl Into<String>, action: Action) -> Self {
        Self {
            id: id.into(),
            after: Vec::new(),
            gate: None,
            action,
            for_each: None,
            fallback: Vec::new(),
            skills: Vec::new(),
            accept: Accept::Any,
            optional: false,
            cache: None,
            retry: Retry::default(),
            timeout: None,
            store_as: None,
            outputs: IndexMap::new(),
        }
    }

    /// Whether a person lets it go on: nobody else does, and it does not go on without.
    pub(crate) fn asks_person(&self) -> bool {
        let asks =
            matches!(&self.gate, Some(Gate::Approval(asked)) if asked.on_timeout != OnTimeout::Approve);
        asks && !self.optional
    }

    /// Names of what it stores.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.store_as.as_deref().into_iter().chain(self.outputs.keys().map(String::as_str))
    }
}

/// A call that undoes something a phase did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Undo {
    /// What to call.
    pub call: Call,
    /// Limit of one attempt.
    pub timeout: Option<Duration>,
    /// When it is tried again.
    pub retry: Retry,
}
