//! Runs from the journal, after a restart.

use std::collections::BTreeSet;

use crate::handle::Engine;
use crate::ports::{ReadError, RunRecord};

/// What was found in the journal.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recovered {
    /// Runs that go on.
    pub awake: Vec<RunRecord>,
    /// Runs that cannot go on, each with why, in one sentence.
    pub broken: Vec<(RunRecord, String)>,
}

impl Engine {
    /// Wakes every run that had not ended. When this returns, each has a conductor. A run that cannot be read does not keep
    /// the others asleep, and one that is awake already stays as it is.
    ///
    /// # Errors
    /// When the journal cannot tell which runs there are.
    pub async fn recover(&self) -> Result<Recovered, ReadError> {
        let mut recovered = Recovered::default();
        let mut keys = BTreeSet::new();
        for record in self.unfinished().await? {
            let _lock = self.hall.idle.lock(&record.id).await;
            if self.find_live(&record.id).is_some() {
                continue;
            }
            match self.load(&record).await {
                Ok(run) => {
                    if let Some(entered) = self.enter(&run, usize::MAX) {
                        self.join_session(&run, false);
                        self.settle_place(&run);
                        keys.extend(run.origin().and_then(|origin| origin.concurrency.clone()));
                        self.conduct(entered, true);
                        recovered.awake.push(record);
                    }
                }
                Err(error) => {
                    tracing::error!(run = %record.id, %error, "the run cannot go on");
                    recovered.broken.push((record, error.to_string()));
                }
            }
        }
        // Only now is it known who has a place.
        keys.iter().for_each(|key| self.admit(key));
        Ok(recovered)
    }

    /// Runs that have not ended, oldest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn unfinished(&self) -> Result<Vec<RunRecord>, ReadError> {
        self.journal().unfinished().await
    }
}
