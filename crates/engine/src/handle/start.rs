//! Starting runs.

use std::sync::Arc;

use op_plan::Plan;
use op_plan::plan::OnConflict;
use op_run::input::{Happening, Start};
use op_run::{Event, Input, Run, next};

use super::Engine;
use crate::places::Answer;
use crate::ports::{AppendError, Entry, Idempotency, RunRecord};
use crate::session;
use crate::start::{StartError, StartRequest, Started, new_id, prepare};

impl Engine {
    /// Starts a run. When this returns, its start is on disk.
    ///
    /// # Errors
    /// When the plan, an input or a part of the cast does not exist or does not fit, the idempotency key stands for another
    /// request, too many runs are under way, or the journal does not take the start. Nothing was started then.
    pub async fn start(&self, request: StartRequest) -> Result<Started, StartError> {
        if let Some(started) = self.started_before(&request).await? {
            return Ok(started);
        }
        if self.is_draining() {
            return Err(StartError::Draining);
        }
        if request.labels.contains_key(session::PARENT) {
            return Err(StartError::Label(session::PARENT));
        }
        if let Some(session) = request.session() {
            self.hall.sessions.check(session, &request.user)?;
        }
        let plan = self.find_plan(&request.plan)?;
        self.start_plan(plan, request).await
    }

    /// Starts a run of a plan, whether it can be run by its name or not.
    pub(crate) async fn start_plan(
        &self,
        plan: Arc<Plan>,
        request: StartRequest,
    ) -> Result<Started, StartError> {
        // A shutdown waits for it, and nothing starts after one.
        let _held = self.hall.tasks.token();
        if self.hall.shutdown.is_cancelled() {
            return Err(StartError::GoingDown);
        }
        if let Some(started) = self.started_before(&request).await? {
            return Ok(started);
        }
        let mut start = prepare(&request, &plan, &self.library(), &self.catalogue())?;
        let run = Run::new(new_id(), Arc::clone(&plan));
        start.queued = self.ask_for_place(&run, &start)?;
        let input = Input { at: self.hall.ports.clock.now(), happening: Happening::Start(start) };
        let (run, events) = next(&run, &input).expect("a new run takes a start with a full cast");
        // Who asks may go away while the journal takes the start, and a run that is on disk needs its conductor all the same.
        let engine = self.clone();
        let begun = self.hall.tasks.spawn(async move { engine.begin(&request, run, events).await });
        begun.await.expect("a start neither breaks off nor is aborted")
    }

    /// Whether a run must wait until there is a place for it.
    fn ask_for_place(&self, run: &Run, start: &Start) -> Result<bool, StartError> {
        let (Some(key), Some(concurrency)) = (&start.concurrency, &run.plan().draft().concurrency) else {
            return Ok(false);
        };
        let holders = match self.hall.places.take(key, run.id(), concurrency.limit) {
            Answer::Taken => return Ok(false),
            Answer::Full(holders) => holders,
        };
        match (concurrency.on_conflict, holders.first()) {
            (OnConflict::Skip, Some(holder)) => {
                let plan = run.plan().id().to_owned();
                return Err(StartError::Busy { plan, key: key.clone(), run: holder.clone() });
            }
            (OnConflict::Queue | OnConflict::Skip | OnConflict::Cancel, _) => {}
        }
        self.hall.places.queue(key, run.id(), concurrency.limit);
        Ok(true)
    }

    /// Puts the start of a run on disk and gives the run to a conductor.
    async fn begin(
        &self,
        request: &StartRequest,
        run: Run,
        events: Vec<Event>,
    ) -> Result<Started, StartError> {
        let limit = self.hall.limits.runs;
        let Some(entered) = self.enter(&run, limit) else {
            self.give_place_back(&run);
            return Err(StartError::TooMany(limit));
        };
        if let Err(error) = self.hall.ports.journal.append(first_entry(request, &run, &events)).await {
            self.leave(run.id());
            self.give_place_back(&run);
            return self.not_begun(request, error).await;
        }
        tracing::info!(run = %run.id(), plan = run.plan().id(), "started");
        self.hall.audit.publish(&run, 1, &events);
        let id = run.id().clone();
        let key = run.origin().and_then(|origin| origin.concurrency.clone());
        entered.feed.publish(1, events, run.clone());
        self.join_session(&run, true);
        self.conduct(entered, false);
        // Only for a run that has begun.
        self.make_way(&run);
        key.iter().for_each(|key| self.admit(key));
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
