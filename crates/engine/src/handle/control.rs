//! Steering runs.

use std::collections::BTreeMap;

use op_plan::cast;
use op_run::input::{Happening, Verdict};
use op_run::run::State;
use op_run::{Refused, RunId};
use serde_json::Value;
use tokio::sync::oneshot;

use super::Engine;
use super::query::{FindError, GetError};
use crate::conductor::Message;
use crate::names;
use crate::ports::RunRecord;
use crate::start::{self, StartError};

/// How often a run is looked for that ends, or leaves memory, just while somebody has something for it.
const TRIES: usize = 5;

/// What somebody wants of a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Control {
    /// That nothing new starts and what runs is stopped.
    Cancel {
        /// Whether what was done is undone.
        rollback: bool,
        /// Why.
        reason: String,
    },
    /// That no new step starts until it is resumed.
    Pause {
        /// Why.
        reason: String,
    },
    /// That it goes on.
    Resume,
    /// That it hears a signal.
    Signal {
        /// Its name.
        signal: String,
        /// What it carries.
        data: Value,
    },
    /// That a question is answered.
    Approve {
        /// The step that asks; the only one when empty.
        step: String,
        /// The question that was shown; any when empty.
        digest: String,
        /// Whether it goes on.
        approved: bool,
        /// What the person says.
        comment: String,
    },
    /// That others play what has not begun: step or role to role, agent or `agent.operation`.
    Recast(BTreeMap<String, String>),
    /// That what was done is undone, after its end.
    Rollback {
        /// The last phase that stays.
        to: Option<String>,
    },
    /// That it goes on after its end, keeping what succeeded.
    Retry {
        /// The step or phase to go on from; from what failed otherwise.
        from: Option<String>,
    },
    /// That it goes on although something could not be undone.
    Resolve {
        /// Whether that is accepted; it is tried again otherwise.
        accept: bool,
    },
}

/// Why a run is not steered. Nothing happened.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ControlError {
    /// Which run is meant is not clear.
    #[error(transparent)]
    Find(#[from] FindError),
    /// The run cannot be read.
    #[error(transparent)]
    Get(#[from] GetError),
    /// The run cannot be steered this way in its state.
    #[error("run {run}: {refused}")]
    Refused {
        /// The run.
        run: RunId,
        /// Why.
        refused: Refused,
    },
    /// The new cast does not fit.
    #[error(transparent)]
    Cast(#[from] StartError),
    /// The daemon goes down, or the run never listened.
    #[error("run {0} cannot be steered now: the daemon is going down")]
    Deaf(RunId),
}

impl Engine {
    /// Steers a run. When this returns, the decision is on disk; the state is that of the run then. A run that is out of memory,
    /// asleep or over comes back for it.
    ///
    /// # Errors
    /// When no run or more than one is meant, or what is wanted makes no sense in its state.
    pub async fn control(
        &self,
        run: &str,
        control: Control,
        user: &str,
    ) -> Result<(RunId, State), ControlError> {
        let record = self.find(run).await?;
        let happening = self.happening(&record, control, user).await?;
        self.deliver(&record, happening).await
    }

    /// Stops a run: nothing new starts, calls in flight are stopped, and with `rollback` what was done is undone.
    ///
    /// # Errors
    /// As [`Engine::control`].
    pub async fn cancel(
        &self,
        run: &str,
        rollback: bool,
        reason: &str,
        user: &str,
    ) -> Result<(RunId, State), ControlError> {
        self.control(run, Control::Cancel { rollback, reason: reason.to_owned() }, user).await
    }

    /// Brings something to the run that it must hear.
    pub(crate) async fn deliver(
        &self,
        record: &RunRecord,
        happening: Happening,
    ) -> Result<(RunId, State), ControlError> {
        for _ in 0..TRIES {
            if self.hall.shutdown.is_cancelled() {
                break;
            }
            let (reply, answer) = oneshot::channel();
            let message = Message { happening: happening.clone(), reply };
            // A run that ended or left memory meanwhile has no ear any more: then nobody answers.
            match self.find_live(&record.id) {
                Some(live) => drop(live.inbox.send(message).await),
                None => self.rouse(record, Some(message)).await?,
            }
            match answer.await {
                Ok(Ok(state)) => return Ok((record.id.clone(), state)),
                Ok(Err(refused)) => return Err(ControlError::Refused { run: record.id.clone(), refused }),
                Err(_) => {}
            }
        }
        Err(ControlError::Deaf(record.id.clone()))
    }

    async fn happening(
        &self,
        record: &RunRecord,
        control: Control,
        user: &str,
    ) -> Result<Happening, ControlError> {
        let user = user.to_owned();
        Ok(match control {
            Control::Cancel { rollback, reason } => Happening::Cancel { rollback, reason, user },
            Control::Pause { reason } => Happening::Pause { reason, user },
            Control::Resume => Happening::Resume { user },
            Control::Signal { signal, data } => Happening::Signal { signal, data, user },
            Control::Approve { step, digest, approved, comment } => {
                Happening::Approve(Verdict { step, digest, approved, comment, user })
            }
            Control::Recast(words) => self.recast(record, &words, user).await?,
            Control::Rollback { to } => Happening::Rollback { to, user },
            Control::Retry { from } => Happening::Retry { from, user },
            Control::Resolve { accept } => Happening::Resolve { accept, user },
        })
    }

    /// Who plays what from now on, as exactly as at the start of a run.
    async fn recast(
        &self,
        record: &RunRecord,
        words: &BTreeMap<String, String>,
        user: String,
    ) -> Result<Happening, ControlError> {
        let run = self.get(record.id.as_str()).await?;
        start::check_parts(words, run.plan())?;
        let catalogue = self.catalogue();
        let check = |performer: &op_plan::Performer| names::operation(performer, &catalogue).map(drop);
        let cast = cast::assign_some(run.plan(), &catalogue, words, check)
            .map_err(|error| start::uncast(run.plan(), error))?;
        Ok(Happening::Recast { cast, user })
    }
}
