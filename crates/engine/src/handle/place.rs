//! Places for runs that count together.

use op_plan::plan::OnConflict;
use op_run::input::Happening;
use op_run::run::State;
use op_run::{Run, RunId};

use super::Engine;

impl Engine {
    /// A run that is woken has its place, or waits for one.
    pub(crate) fn settle_place(&self, run: &Run) {
        let (Some(origin), Some(concurrency)) = (run.origin(), &run.plan().draft().concurrency) else {
            return;
        };
        let Some(key) = &origin.concurrency else { return };
        match run.state() {
            State::Pending => self.hall.places.queue(key, run.id(), concurrency.limit),
            state if state.is_over() => {}
            _ => self.hall.places.hold(key, run.id(), concurrency.limit),
        }
    }

    /// A run that goes on after its end holds its place, or waits for one as a new run does.
    pub(crate) fn take_place_again(&self, run: &Run) {
        self.join_session(run, false);
        // One that is told to wait may not have given back yet what it had.
        if run.state() == State::Pending {
            self.give_place_back(run);
        }
        self.settle_place(run);
        self.make_way(run);
        let key = run.origin().and_then(|origin| origin.concurrency.as_ref());
        key.into_iter().for_each(|key| self.admit(key));
    }

    /// A run that is over is forgotten, and its place is free. Until it is forgotten nobody else conducts it.
    pub(crate) fn leave_over(&self, run: &Run) {
        self.give_place_back(run);
        self.leave_session(run);
        self.leave(run.id());
    }

    /// A run that is over needs its place no more.
    pub(crate) fn give_place_back(&self, run: &Run) {
        if let Some(key) = run.origin().and_then(|origin| origin.concurrency.as_ref()) {
            self.hall.places.leave(key, run.id());
            self.admit(key);
        }
    }

    /// Lets runs begin for which there is a place.
    pub(crate) fn admit(&self, key: &str) {
        while let Some(run) = self.hall.places.next(key) {
            let engine = self.clone();
            self.hall.tasks.spawn(async move {
                if let Err(error) = engine.let_in(&run).await {
                    tracing::error!(%run, error, "the run cannot be admitted");
                }
            });
        }
    }

    async fn let_in(&self, run: &RunId) -> Result<(), String> {
        let record = self.find(run.as_str()).await.map_err(|error| error.to_string())?;
        // One that was cancelled meanwhile gives its place back when it ends.
        let admitted = self.deliver(&record, Happening::Admit).await;
        admitted.map(drop).map_err(|error| error.to_string())
    }

    /// The oldest runs are cancelled for a new one, where its plan says so.
    pub(crate) fn make_way(&self, newer: &Run) {
        let key = newer.origin().and_then(|origin| origin.concurrency.as_ref());
        let concurrency = newer.plan().draft().concurrency.as_ref();
        let concurrency = concurrency.filter(|of| of.on_conflict == OnConflict::Cancel);
        let (Some(key), Some(_)) = (key, concurrency) else { return };
        for oldest in self.hall.places.before(key, newer.id()) {
            let (engine, newer) = (self.clone(), newer.id().clone());
            self.hall.tasks.spawn(async move {
                let reason = format!("run {newer} takes its place");
                if let Err(error) = engine.cancel(oldest.as_str(), false, &reason, "hub").await {
                    tracing::info!(run = %oldest, %error, "the run does not make way");
                }
            });
        }
    }
}
