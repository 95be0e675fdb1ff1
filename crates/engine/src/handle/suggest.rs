//! Suggesting plans for what is called again and again.

use std::collections::HashSet;
use std::time::Duration;

use op_plan::{Performer, write};
use op_run::Timestamp;

use super::Engine;
use crate::pattern::{self, LOOKED_AT, Pattern};
use crate::ports::{CallFilter, ReadError};

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggesting {
    /// Whose calls; `None` are those of whomever.
    pub user: Option<String>,
    /// At least so often.
    pub times: usize,
    /// Since so long ago.
    pub within: Duration,
}

/// A plan that would do what somebody does by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// What is done by hand.
    pub pattern: Pattern,
    /// The id of the plan: no plan has it, and no other suggestion that was made with it.
    pub plan: String,
    /// The plan, as a file of plans has it.
    pub toml: String,
}

impl Engine {
    /// Workstacks for sequences of calls that were made again and again outside of runs, in the order of [`pattern::find`].
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn suggest(&self, of: Suggesting) -> Result<Vec<Suggestion>, ReadError> {
        let Suggesting { user, times, within } = of;
        let within = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
        let now = self.hall.ports.clock.now().as_millis();
        let since = Some(Timestamp::from_millis(now.saturating_sub(within)));
        let calls = self.calls(&CallFilter { user, since, until: None, limit: LOOKED_AT }).await?;
        let is_usable = |operation: &str| self.agents().has(&Performer::parse(operation));
        Ok(self.written(pattern::find(&calls, times, is_usable)))
    }

    fn written(&self, patterns: Vec<Pattern>) -> Vec<Suggestion> {
        let (library, catalogue) = (self.library(), self.catalogue());
        let mut taken: HashSet<String> = library.plans.keys().cloned().collect();
        let written = patterns.into_iter().map(|pattern| {
            let calls: Vec<_> = pattern.operations.iter().map(|name| Performer::parse(name)).collect();
            let plan = write::id(&calls, |id| taken.contains(id));
            taken.insert(plan.clone());
            let toml = write::workstack(&plan, &calls, &catalogue);
            Suggestion { pattern, plan, toml }
        });
        written.collect()
    }
}
