//! The port to performers: call in, chunks out, one outcome.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use op_plan::plan::FailureKind;
use op_run::{Answer, Evidence, Failure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

/// A call on its way to a performer.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Name and idempotency key: `run/step/visit/attempt`.
    pub key: String,
    /// Who performs it.
    pub performer: op_plan::Performer,
    /// Its arguments; an object.
    pub arguments: Arc<Value>,
    /// How long it may take. The caller stops it then; the performer is told so that it can stop by itself.
    pub timeout: Option<Duration>,
    /// Whether it may have been sent before, by a hub that was restarted since.
    pub repeat: bool,
    /// Credentials that its arguments may name.
    pub secrets: Vec<String>,
    /// The session for whose sake it is made: that of a client, or the run itself; empty for none.
    pub session: String,
    /// Whether a person approved of it. Operations of critical risk are refused otherwise.
    pub approved: bool,
    /// How what it returns is kept; what is kept already may stand for it.
    pub keep: Option<Arc<Keep>>,
}

/// How what a call returns is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keep {
    /// Names the call: the step of a plan, for whom the run is, who performs it, and its arguments.
    pub key: String,
    /// The step that makes it.
    pub step: String,
    /// How long it stands for calling again.
    pub lasts: Duration,
    /// Whether one that is kept already may stand for this call.
    pub takes: bool,
}

/// Where a piece of output came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Standard output, or the performer's own text.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A piece of output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Where it came from.
    pub channel: Channel,
    /// The bytes.
    pub data: bytes::Bytes,
}

/// What a call does before it ends. Not journalled.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// A piece of output.
    Output(Chunk),
    /// How far it is.
    Fraction {
        /// Between 0 and 1; `None` when unknown.
        fraction: Option<f64>,
        /// One line for people.
        note: String,
    },
}

/// What an operation asks the hub for while it is performed.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Tells it from others of the same call, counted from 1.
    pub number: u32,
    /// `agent.operation`, or a tool by its bare name.
    pub performer: String,
    /// Arguments as JSON text.
    pub arguments: String,
    /// How long it may take; as long as the call at most.
    pub timeout: Option<Duration>,
}

/// Takes what a call does before it ends, and answers what it asks for.
pub trait Sink: Send + Sync + 'static {
    /// Takes one piece. Never waits: what it has no room for it folds.
    fn take(&self, progress: Progress);

    /// Answers what the call asks for; dropping the future stops that. A sink that grants nothing refuses.
    fn ask(&self, question: Question) -> BoxFuture<'static, Answer> {
        let message = format!("nobody answers here who could perform `{}`", question.performer);
        let failure = Failure::new(FailureKind::Refused, "not_allowed", message);
        Box::pin(ready(Answer::Failed { failure, evidence: Evidence::default() }))
    }
}

/// Takes what nobody watches, and grants nothing.
#[derive(Debug, Clone, Copy)]
pub struct Deaf;

impl Sink for Deaf {
    fn take(&self, _progress: Progress) {}
}

/// Performs calls.
#[async_trait]
pub trait Perform: Send + Sync + 'static {
    /// Performs a call and returns how it ended. When it returns, nobody works on the call any more, or nobody can be reached who
    /// does. After `stop` is cancelled it returns within the performer's grace.
    async fn perform(&self, request: Request, sink: Arc<dyn Sink>, stop: CancellationToken) -> Answer;

    /// Tells that the outcome of a call is on disk, so that the performer need not keep it. Never waits.
    fn acknowledge(&self, performer: &op_plan::Performer, key: &str);
}
