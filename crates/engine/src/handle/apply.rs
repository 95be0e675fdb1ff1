//! Steering every run that matches.

use op_run::RunId;

use super::Engine;
use super::control::Control;
use crate::ports::{ReadError, RunFilter};

/// Runs that are steered between two looks at the journal.
const PAGE: usize = 200;

/// Most refusals that are told one by one.
const TOLD: usize = 100;

/// What became of runs that matched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Runs that matched.
    pub matched: usize,
    /// Runs that were steered.
    pub steered: usize,
    /// Runs that were not, with why; the first hundred.
    pub refused: Vec<(RunId, String)>,
    /// The last run that was looked at: after it one can go on.
    pub last: Option<RunId>,
}

impl Engine {
    /// Steers every run that matches, newest first, as many as the filter says. It is done to the end also when who asked goes
    /// away; asked again, it goes on where it was, since what was steered matches no more or refuses to be steered twice.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn apply(&self, filter: RunFilter, control: Control, user: &str) -> Result<Applied, ReadError> {
        let (engine, user) = (self.clone(), user.to_owned());
        let task = self.hall.tasks.spawn(async move { engine.apply_all(filter, &control, &user).await });
        task.await.expect("steering many neither breaks off nor is aborted")
    }

    async fn apply_all(
        &self,
        mut filter: RunFilter,
        control: &Control,
        user: &str,
    ) -> Result<Applied, ReadError> {
        let mut applied = Applied::default();
        let most = filter.limit;
        while applied.matched < most && !self.hall.shutdown.is_cancelled() {
            filter.limit = PAGE.min(most - applied.matched);
            let page = self.list(&filter).await?;
            let is_last = page.len() < filter.limit;
            for record in page {
                applied.matched += 1;
                match self.control(record.id.as_str(), control.clone(), user).await {
                    Ok(_) => applied.steered += 1,
                    Err(error) if applied.refused.len() < TOLD => {
                        applied.refused.push((record.id.clone(), error.to_string()));
                    }
                    Err(_) => {}
                }
                applied.last = Some(record.id.clone());
            }
            filter.after.clone_from(&applied.last);
            if is_last {
                break;
            }
        }
        Ok(applied)
    }
}
