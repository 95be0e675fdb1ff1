//! Plans that steps of other runs run: a run of its own, that its parent awaits.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use op_plan::input::SECRET;
use op_plan::plan::FailureKind;
use op_plan::{InputType, Plan};
use op_run::command::Call;
use op_run::run::{Halt, State};
use op_run::{Answer, Command, Evidence, Failure, Run, RunId, Work, outstanding};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use crate::calls::Children;
use crate::handle::Engine;
use crate::ports::{AppendError, ReadError, RunRecord};
use crate::session;
use crate::start::{StartError, StartRequest};

mod undo;

/// Most children that are told of one by one.
const MOST_TOLD: usize = 12;

#[async_trait]
impl Children for Engine {
    async fn run(&self, call: Call, stop: CancellationToken) -> Answer {
        if let Work::Undo { .. } = call.work {
            return self.undo_children(&call).await;
        }
        let Some(plan) = call.plan.clone() else { return refused("the step runs no plan") };
        let parent = self.find_live(&call.key.run).map(|live| live.feed.run());
        let request = request(&call, parent.as_deref());
        let child = match self.start_plan(plan, request).await {
            Ok(started) => started.run,
            // The key is that of this call, whoever plays what by now: it is the run that was begun for it.
            Err(StartError::KeyReused { run, .. }) => run,
            // Who asks sleeps as well, and asks again at the next start.
            Err(StartError::GoingDown | StartError::Append(AppendError::Closed)) => {
                return std::future::pending().await;
            }
            Err(error) => return refused(&error.to_string()),
        };
        let end = tokio::select! {
            end = self.ended(&child) => end,
            () = stop.cancelled() => {
                self.cancel_child(&child, &call.key.run).await;
                self.ended(&child).await
            }
        };
        end.map_or_else(|error| refused(&error), |run| answer(&run))
    }
}

impl Engine {
    /// The run once it is over.
    pub(crate) async fn ended(&self, run: &RunId) -> Result<Arc<Run>, String> {
        let (feed, mut changes) = loop {
            if let Some(attended) = self.attend(run).await.map_err(|error| error.to_string())? {
                break attended;
            }
            let found = self.get(run.as_str()).await.map_err(|error| error.to_string())?;
            if found.state().is_over() {
                return Ok(found);
            }
            // After a restart the parent may be awake before its child.
            self.wake(run).await.map_err(|error| error.to_string())?;
        };
        // A run that goes to sleep with the daemon changes no more, and who waits here is dropped then.
        let ended = changes.wait_for(|run| run.state().is_over()).await;
        let ended = ended.map(|run| Arc::clone(&run));
        drop(feed);
        ended.map_err(|_| format!("run {run} is not conducted any more"))
    }

    /// Which runs of plans a run waits for, in plain sentences; the first ones where there are many.
    pub(crate) async fn explain_children(&self, run: &Run) -> Result<Vec<String>, ReadError> {
        let calls = outstanding(run).into_iter().filter_map(|command| match command {
            Command::Call(call) if call.plan.is_some() && call.work.step().is_some() => Some(call),
            Command::Call(_) | Command::Stop { .. } | Command::Wake(_) | Command::Await(_) => None,
        });
        let mut told = Vec::new();
        for call in calls.take(MOST_TOLD) {
            let begun = self.journal().started_by(&key(&call.key.to_string())).await?;
            told.extend(begun.map(|(child, _)| {
                let RunRecord { id, plan, state, .. } = child;
                let step = &call.key.step;
                format!(
                    "`{step}` waits for run {id} of plan `{plan}`, which is {state}. To see why: `op-dbus explain {id}`."
                )
            }));
        }
        Ok(told)
    }

    /// A child is undone if its parent is.
    async fn cancel_child(&self, run: &RunId, parent: &RunId) {
        let halt = self.find_live(parent).and_then(|live| live.feed.run().halt().cloned());
        let (rollback, reason) = match halt {
            Some(Halt::Cancelled { rollback, reason }) => (rollback, reason),
            Some(Halt::TimedOut | Halt::Exhausted(_)) | None => (true, "its time limit passed".to_owned()),
        };
        let reason = format!("run {parent} stopped it: {reason}");
        if let Err(error) = self.cancel(run.as_str(), rollback, &reason, "hub").await {
            tracing::info!(%run, %error, "the child was not cancelled");
        }
    }
}

fn request(call: &Call, parent: Option<&Run>) -> StartRequest {
    let origin = parent.and_then(Run::origin);
    let labels = [(session::PARENT, call.key.run.to_string()), ("step", call.key.step.clone())];
    StartRequest {
        plan: call.plan.as_ref().map(|plan| plan.id().to_owned()).unwrap_or_default(),
        inputs: call.plan.as_deref().map(|plan| inputs(call, plan)).unwrap_or_default(),
        cast: parent
            .zip(call.plan.as_deref())
            .map(|(parent, plan)| handed_on(parent, plan))
            .unwrap_or_default(),
        user: origin.map(|origin| origin.user.clone()).unwrap_or_default(),
        idempotency_key: Some(key(&call.key.to_string())),
        session: Some(parent.map_or(call.key.run.as_str(), session::of_run).to_owned()),
        labels: labels.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        ..StartRequest::default()
    }
}

/// What the child is given. A secret is handed on by the name of its credential, to an input that is a secret too; to any other one
/// it stays a name, which nothing reveals there.
fn inputs(call: &Call, plan: &Plan) -> Map<String, Value> {
    let given = call.arguments.as_object().into_iter().flatten();
    let inputs = given.map(|(name, value)| {
        let is_secret = plan.draft().inputs.get(name).is_some_and(|input| input.kind == InputType::Secret);
        let credential = value.get(SECRET).filter(|_| is_secret);
        (name.clone(), credential.unwrap_or(value).clone())
    });
    inputs.collect()
}

/// Roles of the child that the parent has too are played by the same.
fn handed_on(parent: &Run, child: &Plan) -> BTreeMap<String, String> {
    let wanted = op_plan::cast::parts(child);
    let steps = 0..parent.plan().step_count();
    let roles = steps.filter_map(|step| {
        let role = parent.plan().step(step).action.call()?.part.voice()?;
        let player = parent.player(step)?;
        let word = player.role.clone().filter(|name| name != role);
        wanted
            .iter()
            .any(|part| part == role)
            .then(|| (role.to_owned(), word.unwrap_or_else(|| player.performer.to_string())))
    });
    roles.collect()
}

/// The idempotency key of the run that is begun for a call.
fn key(call: &str) -> String {
    format!("child:{call}")
}

fn refused(message: &str) -> Answer {
    let failure = Failure::new(FailureKind::Refused, "not_started", message);
    Answer::Failed { failure, evidence: Evidence { peer: "hub".to_owned(), ..Evidence::default() } }
}

fn answer(run: &Run) -> Answer {
    let began = run.origin().map(|origin| origin.at).unwrap_or_default();
    let duration = run.ended_at().unwrap_or(began).since(began);
    let evidence = Evidence { peer: format!("run {}", run.id()), duration, ..Evidence::default() };
    let kind = match run.state() {
        State::Completed => {
            return Answer::Succeeded { value: run.output().cloned().unwrap_or_default(), evidence };
        }
        State::Cancelled => FailureKind::Cancelled,
        _ => FailureKind::Failed,
    };
    let message =
        format!("run {} of plan `{}` is {}: {}", run.id(), run.plan().id(), run.state(), run.reason());
    let hint = format!("op-dbus explain {}", run.id());
    let detail = json!({ "run": run.id().as_str(), "state": run.state().word() });
    Answer::Failed {
        failure: Failure::new(kind, "child_failed", message).hint(hint).detail(detail),
        evidence,
    }
}
