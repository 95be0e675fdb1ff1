//! Starting and steering runs.

use std::sync::Arc;

use op_run::input::Happening;
use op_run::run::State;
use op_run::{Event, Input, Refused, Run, RunId, decide, evolve};
use tokio::sync::oneshot;

use super::Engine;
use super::query::FindError;
use crate::conductor::Message;
use crate::ports::{AppendError, Entry, Idempotency, RunRecord};
use crate::start::{StartError, StartRequest, Started, new_id, prepare};

/// Why a run is not cancelled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// Which run is meant is not clear.
    #[error(transparent)]
    Find(#[from] FindError),
    /// The run cannot be steered this way in its state.
    #[error("run {run}: {refused}")]
    Refused {
        /// The run.
        run: RunId,
        /// Why.
        refused: Refused,
    },
    /// The run sleeps in the journal; this host does not conduct it.
    #[error("run {0} sleeps in the journal and is not conducted by this host; `op-dbus serve` wakes it")]
    Asleep(RunId),
}

impl Engine {
    /// Starts a run. When this returns, its start is on disk.
    ///
    /// # Errors
    /// When the plan, an input or a part of the cast does not exist or does not fit, the idempotency key stands for another
    /// request, too many runs are under way, or the journal does not take the start. Nothing was started then.
    pub async fn start(&self, request: StartRequest) -> Result<Started, StartError> {
        if self.hall.shutdown.is_cancelled() {
            return Err(StartError::GoingDown);
        }
        if let Some(started) = self.started_before(&request).await? {
            return Ok(started);
        }
        let plan = self.find_plan(&request.plan)?;
        let start = prepare(&request, &plan, &self.catalogue())?;
        let mut run = Run::new(new_id(), Arc::clone(&plan));
        let input = Input { at: self.hall.ports.clock.now(), happening: Happening::Start(start) };
        let events = decide(&run, &input).expect("a new run takes a start with a full cast");
        events.iter().for_each(|event| evolve(&mut run, event));
        // Who asks may go away while the journal takes the start, and a run that is on disk needs its conductor all the same.
        let engine = self.clone();
        let begun = self.hall.tasks.spawn(async move { engine.begin(&request, run, events).await });
        begun.await.expect("a start neither breaks off nor is aborted")
    }

    /// Puts the start of a run on disk and gives the run to a conductor.
    async fn begin(
        &self,
        request: &StartRequest,
        run: Run,
        events: Vec<Event>,
    ) -> Result<Started, StartError> {
        let limit = self.hall.limits.runs;
        let entered = self.enter(&run, limit).ok_or(StartError::TooMany(limit))?;
        if let Err(error) = self.hall.ports.journal.append(first_entry(request, &run, &events)).await {
            self.leave(run.id());
            return self.not_begun(request, error).await;
        }
        tracing::info!(run = %run.id(), plan = run.plan().id(), "started");
        self.hall.audit.publish(&run, 1, &events);
        let id = run.id().clone();
        entered.feed.publish(1, events, run);
        self.conduct(entered, false);
        Ok(Started { run: id, existing: false })
    }

    /// Somebody else may have been faster with the same key.
    async fn not_begun(&self, request: &StartRequest, error: AppendError) -> Result<Started, StartError> {
        let started = match &error {
            AppendError::KeyTaken(_) => self.started_before(request).await?,
            _ => None,
        };
        started.ok_or(StartError::Append(error))
    }

    /// Stops a run: nothing new starts, calls in flight are stopped, and with `rollback` what was done is undone. When this
    /// returns, the decision is on disk; the state is that of the run then.
    ///
    /// # Errors
    /// When no run or more than one is meant, or the run is over, undoing or being cancelled already.
    pub async fn cancel(
        &self,
        run: &str,
        rollback: bool,
        reason: &str,
        user: &str,
    ) -> Result<(RunId, State), ControlError> {
        let record = self.find(run).await?;
        let refuse = |refused| ControlError::Refused { run: record.id.clone(), refused };
        let not_conducted = |state: State| {
            if state.is_over() {
                refuse(Refused::State(state))
            } else {
                ControlError::Asleep(record.id.clone())
            }
        };
        let Some(live) = self.find_live(&record.id) else { return Err(not_conducted(record.state)) };
        let (reply, answer) = oneshot::channel();
        let message = Message::Cancel { rollback, reason: reason.to_owned(), user: user.to_owned(), reply };
        // A run that ended or went to sleep meanwhile has no ear any more: then nobody answers.
        drop(live.inbox.send(message).await);
        match answer.await {
            Ok(Ok(state)) => Ok((record.id, state)),
            Ok(Err(refused)) => Err(refuse(refused)),
            Err(_) => Err(not_conducted(live.feed.run().state())),
        }
    }

    async fn started_before(&self, request: &StartRequest) -> Result<Option<Started>, StartError> {
        let Some(key) = &request.idempotency_key else { return Ok(None) };
        match self.hall.ports.journal.started_by(key).await? {
            None => Ok(None),
            Some((record, digest)) if digest == request.digest() => {
                Ok(Some(Started { run: record.id, existing: true }))
            }
            Some((record, _)) => Err(StartError::KeyReused { key: key.clone(), run: record.id }),
        }
    }
}

fn first_entry(request: &StartRequest, run: &Run, events: &[Event]) -> Entry {
    let key = request.idempotency_key.as_ref();
    Entry {
        first: 1,
        events: events.to_vec(),
        record: RunRecord::of(run),
        plan: Some(Arc::clone(run.plan())),
        idempotency: key.map(|key| Idempotency { key: key.clone(), request: request.digest() }),
        outputs: Vec::new(),
    }
}
