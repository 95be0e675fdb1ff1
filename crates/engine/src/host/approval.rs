//! What an agent asks a person. The question is a run of its own that waits, so that it is found, answered and kept like any other
//! approval, and outlives the daemon.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use op_plan::catalogue::HUB;
use op_plan::plan::FailureKind;
use op_plan::{Catalogue, Performer, Plan, Source, load};
use op_run::run::State;
use op_run::{Answer, Evidence, Failure, Run, RunId};
use serde_json::{Map, Value, json};

use super::{Asker, refusal, refused};
use crate::handle::Engine;
use crate::ports::{AppendError, CallRecord};
use crate::session;
use crate::start::{StartError, StartRequest};

/// What agents ask the hub itself for.
const OPERATION: &str = "approve";

/// The question as a plan.
const PLAN: &str = r#"
[templates.approval]
description = "A person lets an agent go on, or does not"

[templates.approval.inputs]
message = { type = "string", required = true }

[[templates.approval.steps]]
name = "Ask"
step_type = "wait"
approval = "${message}"
"#;

static APPROVAL: LazyLock<Arc<Plan>> = LazyLock::new(|| {
    let source = Source { name: "approval.toml".to_owned(), text: PLAN.to_owned() };
    let loaded = load(&[source], &Catalogue::default());
    Arc::clone(loaded.plans.get("approval").expect("the plan is right"))
});

/// Whether a person is asked.
pub(super) fn is_asked(performer: &Performer) -> bool {
    performer.agent == HUB && performer.operation == OPERATION
}

/// Asks a person, for at most so long, and returns `{ "approved", "comment", "user" }`. A repeat under the same key comes back to the
/// same question.
pub(super) async fn ask(
    engine: &Engine,
    asker: &Asker,
    key: &str,
    arguments: &Value,
    limit: Duration,
) -> Answer {
    let began = Instant::now();
    let Some(message) = arguments.get("message").and_then(Value::as_str) else {
        let message = format!("`{HUB}.{OPERATION}` wants the question as `message`");
        return refused(refusal("invalid_arguments", message, ""));
    };
    let request = request(asker, key, message);
    let run = match engine.start_plan(Arc::clone(&APPROVAL), request).await {
        Ok(started) => started.run,
        // Who asks is let go of, and asks the next daemon.
        Err(StartError::GoingDown | StartError::Append(AppendError::Closed)) => std::future::pending().await,
        Err(error) => return refused(refusal("not_asked", error.to_string(), "")),
    };
    let mut question = Question { engine: engine.clone(), run: Some(run.clone()) };
    let ended = tokio::time::timeout(limit, engine.ended(&run)).await.ok();
    let evidence = Evidence { peer: format!("run {run}"), duration: began.elapsed(), ..Evidence::default() };
    let Some(ended) = ended else {
        let message = format!("nobody answered run {run} in time");
        let failure = Failure::new(FailureKind::TimedOut, "approval_timed_out", message);
        return Answer::Failed { failure, evidence };
    };
    question.run = None;
    ended.map_or_else(|error| refused(refusal("not_asked", error, "")), |run| answer(&run, evidence))
}

fn request(asker: &Asker, key: &str, message: &str) -> StartRequest {
    let agent = &asker.performer.agent;
    let of = asker.key.split('/').next().unwrap_or_default();
    let labels = [(session::PARENT, of), ("asked_by", agent.as_str())];
    StartRequest {
        plan: APPROVAL.id().to_owned(),
        inputs: Map::from_iter([("message".to_owned(), json!(format!("Agent `{agent}` asks: {message}")))]),
        user: CallRecord::agent(agent),
        idempotency_key: Some(format!("ask:{key}")),
        session: Some(asker.session.clone()).filter(|session| !session.is_empty()),
        labels: labels
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect::<BTreeMap<_, _>>(),
        ..StartRequest::default()
    }
}

/// That a person said no is an answer too.
fn answer(run: &Run, evidence: Evidence) -> Answer {
    let step = run.step(0);
    if run.state() == State::Completed {
        return Answer::Succeeded { value: step.output.clone().unwrap_or_default(), evidence };
    }
    match &step.trial.failure {
        Some(Failure { reason, detail: Some(detail), .. }) if reason == "not_approved" => {
            Answer::Succeeded { value: Value::clone(detail), evidence }
        }
        _ => {
            let message = format!("run {} is {}: {}", run.id(), run.state(), run.reason());
            Answer::Failed { failure: Failure::new(FailureKind::Failed, "not_answered", message), evidence }
        }
    }
}

/// A question that is taken back when nobody waits for its answer any more.
struct Question {
    engine: Engine,
    /// Gone once it was answered.
    run: Option<RunId>,
}

impl Drop for Question {
    fn drop(&mut self) {
        // One who asked a daemon that goes down asks the next one again.
        let Some(run) = self.run.take().filter(|_| !self.engine.hall.shutdown.is_cancelled()) else { return };
        let engine = self.engine.clone();
        self.engine.hall.tasks.spawn(async move {
            if let Err(error) = engine.cancel(run.as_str(), false, "nobody waits for the answer", "hub").await
            {
                tracing::info!(%run, %error, "the question was not taken back");
            }
        });
    }
}
