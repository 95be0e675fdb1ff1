//! Telling of runs.

use std::sync::Arc;

use op_run::replay::ReplayError;
use op_run::{Run, RunId, replay};

use super::Engine;
use crate::ports::{
    Audited, CallFilter, CallRecord, EventFilter, KeptOutput, ReadError, RunFilter, RunRecord,
};
use crate::watch::{Watch, watch};

/// Events read from the journal at a time.
const PAGE: usize = 4096;

/// Why no single run is meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    /// No run has this name.
    #[error("no run's id begins with `{0}`")]
    Unknown(String),
    /// More than one run has a name that begins so.
    #[error("more than one run's id begins with `{prefix}`: {}", runs.join(", "))]
    Ambiguous {
        /// What was given.
        prefix: String,
        /// Some of the runs.
        runs: Vec<String>,
    },
    /// The journal cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Why a run cannot be told of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GetError {
    /// No single run is meant.
    #[error(transparent)]
    Find(#[from] FindError),
    /// The journal cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The journal has no plan for the run, or one that does not fit its events.
    #[error("run {run} cannot be read from the journal: {error}")]
    Replay {
        /// The run.
        run: RunId,
        /// Why.
        error: ReplayError,
    },
    /// The plan of the run is gone.
    #[error("the journal has no plan {digest} for run {run}")]
    NoPlan {
        /// The run.
        run: RunId,
        /// Digest of the plan.
        digest: String,
    },
    /// The plan has no such step.
    #[error("run {run} has no step `{step}`{}", nearest.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    Step {
        /// The run.
        run: RunId,
        /// The step.
        step: String,
        /// The nearest one it has.
        nearest: Option<String>,
    },
}

impl Engine {
    /// The run whose id is this, or begins with it if that is only one.
    ///
    /// # Errors
    /// When no run or more than one is meant.
    pub async fn find(&self, prefix: &str) -> Result<RunRecord, FindError> {
        let unknown = || FindError::Unknown(prefix.to_owned());
        if prefix.is_empty() {
            return Err(unknown());
        }
        let mut found = self.hall.ports.journal.find(prefix, 5).await?;
        if let Some(exact) = found.iter().position(|record| record.id.as_str() == prefix) {
            return Ok(found.swap_remove(exact));
        }
        match found.len() {
            0 => Err(unknown()),
            1 => Ok(found.remove(0)),
            _ => Err(FindError::Ambiguous {
                prefix: prefix.to_owned(),
                runs: found.into_iter().map(|record| record.id.to_string()).collect(),
            }),
        }
    }

    /// A run as it stands.
    ///
    /// # Errors
    /// When no single run is meant or the journal cannot be read.
    pub async fn get(&self, run: &str) -> Result<Arc<Run>, GetError> {
        let record = self.find(run).await?;
        match self.find_live(&record.id) {
            Some(live) => Ok(live.feed.run()),
            None => self.load(&record).await.map(Arc::new),
        }
    }

    /// Why a run is where it is, in plain sentences.
    ///
    /// # Errors
    /// When no single run is meant or the journal cannot be read.
    pub async fn explain(&self, run: &str) -> Result<(Arc<Run>, Vec<String>), GetError> {
        let run = self.get(run).await?;
        let mut sentences = op_run::explain(&run, self.hall.ports.clock.now());
        // Right after its state.
        sentences.splice(1..1, self.explain_children(&run).await?);
        Ok((run, sentences))
    }

    /// Runs that match, newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn list(&self, filter: &RunFilter) -> Result<Vec<RunRecord>, ReadError> {
        self.hall.ports.journal.list(filter).await
    }

    /// Follows a run from a sequence on. Facts come in order, with no gap and no repeat; the stream ends after the last one.
    ///
    /// # Errors
    /// When no single run is meant.
    pub async fn watch(&self, run: &str, from: u64, with_progress: bool) -> Result<(RunId, Watch), GetError> {
        let record = self.find(run).await?;
        let attended = self.attend(&record.id).await?;
        let feed = attended.as_ref().map(|(feed, _)| Arc::clone(feed));
        let journal = Arc::clone(&self.hall.ports.journal);
        Ok((record.id.clone(), watch(journal, record.id, from, feed, with_progress)))
    }

    /// The kept output of an attempt of a step and the run it belongs to; of the last visit and the last attempt where nothing is
    /// said. An item of a list is named `STEP[ITEM]`.
    ///
    /// # Errors
    /// When no single run is meant, it has no such step, or the journal cannot be read.
    pub async fn output(
        &self,
        run: &str,
        step: &str,
        visit: Option<u32>,
        attempt: Option<u32>,
    ) -> Result<(Arc<Run>, Option<KeptOutput>), GetError> {
        let run = self.get(run).await?;
        let id = step.split('[').next().unwrap_or(step);
        if run.plan().find_step(id).is_none() && !step.starts_with("undo:") {
            let steps: Vec<_> =
                (0..run.plan().step_count()).map(|at| run.plan().step(at).id.clone()).collect();
            let nearest = crate::names::nearest(step, steps.iter());
            return Err(GetError::Step { run: run.id().clone(), step: step.to_owned(), nearest });
        }
        let kept = self.hall.ports.journal.output(run.id(), step, visit, attempt).await?;
        Ok((run, kept))
    }

    /// Events of all runs that match, oldest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn audit(&self, filter: &EventFilter) -> Result<Vec<Audited>, ReadError> {
        self.hall.ports.journal.audit(filter).await
    }

    /// Calls of clients that match, oldest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn calls(&self, filter: &CallFilter) -> Result<Vec<CallRecord>, ReadError> {
        self.hall.ports.journal.calls(filter).await
    }

    /// Folds a run from its events.
    pub(crate) async fn load(&self, record: &RunRecord) -> Result<Run, GetError> {
        let journal = &self.hall.ports.journal;
        let plan = journal
            .plan(&record.digest)
            .await?
            .ok_or_else(|| GetError::NoPlan { run: record.id.clone(), digest: record.digest.clone() })?;
        let mut events = Vec::new();
        loop {
            let page = journal.events(&record.id, events.len() as u64 + 1, PAGE).await?;
            let is_last = page.len() < PAGE;
            events.extend(page.into_iter().map(|recorded| recorded.event));
            if is_last {
                break;
            }
        }
        replay(record.id.clone(), plan, &events)
            .map_err(|error| GetError::Replay { run: record.id.clone(), error })
    }
}
