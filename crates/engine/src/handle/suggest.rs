//! Suggesting plans for what is called again and again.

use std::collections::HashSet;
use std::time::Duration;

use op_plan::{Performer, write};
use op_run::Timestamp;

use super::Engine;
use crate::pattern::{self, LOOKED_AT, Pattern};
use crate::ports::{CallFilter, CallRecord, ReadError};

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
    /// The calls of a user, or of whomever where none is named, that are looked at: the newest since so long ago.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn calls_within(
        &self,
        user: Option<String>,
        within: Duration,
    ) -> Result<Vec<CallRecord>, ReadError> {
        let within = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
        let now = self.hall.ports.clock.now().as_millis();
        let since = Some(Timestamp::from_millis(now.saturating_sub(within)));
        self.calls(&CallFilter { user, since, until: None, limit: LOOKED_AT }).await
    }

    /// Workstacks for sequences that were called at least so many times, in the order of [`pattern::find`]. Of many calls this takes
    /// a while, in which it waits for nothing.
    pub fn suggest(&self, calls: &[CallRecord], times: usize) -> Vec<Suggestion> {
        let is_usable = |operation: &str| self.agents().has(&Performer::parse(operation));
        let (library, catalogue) = (self.library(), self.catalogue());
        let mut taken: HashSet<String> = library.plans.keys().cloned().collect();
        let written = pattern::find(calls, times, is_usable).into_iter().map(|pattern| {
            let calls: Vec<_> = pattern.operations.iter().map(|name| Performer::parse(name)).collect();
            let plan = write::id(&calls, |id| taken.contains(id));
            taken.insert(plan.clone());
            let toml = write::workstack(&plan, &calls, &catalogue);
            Suggestion { pattern, plan, toml }
        });
        written.collect()
    }
}
