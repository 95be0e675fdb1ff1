//! How a link stands, and why, told to people.

use op_engine::ports::AgentState;
use op_run::Timestamp;

use super::Keeper;
use crate::link::Happening;

impl Keeper {
    /// Why the link is in the state that this leads to; empty when that goes without saying.
    pub(super) fn reason(&self, happening: &Happening) -> String {
        match happening {
            Happening::Failed(fault) | Happening::Broken(fault) | Happening::Exited(fault) => {
                fault.reason.clone()
            }
            Happening::Draining => self.farewell.clone(),
            Happening::Health(false) => "it reports that it is not serving".to_owned(),
            Happening::Dismissed => "it was disconnected".to_owned(),
            Happening::Closing | Happening::Parting => "the hub is shutting down".to_owned(),
            Happening::Connected | Happening::Health(true) => String::new(),
            // These lead on from where the link was, for the reason that brought it there.
            Happening::Wanted | Happening::Returned | Happening::Emptied | Happening::Tick => {
                self.agent.standing.borrow().reason.clone()
            }
        }
    }

    pub(super) fn publish(&self, before: AgentState, now: Timestamp, reason: &str, faults: u64) {
        let state = self.link.state();
        let (pid, restarts) = (self.pid(), self.starts.saturating_sub(1));
        let changed = self.agent.standing.send_if_modified(|standing| {
            let is_same = state == standing.state && faults == 0;
            if is_same && pid == standing.pid && restarts == standing.restarts {
                return false;
            }
            if !is_same {
                (standing.state, standing.since) = (state, now);
                reason.clone_into(&mut standing.reason);
            }
            standing.wire.clone_from(&self.wire);
            standing.faults += faults;
            (standing.pid, standing.restarts) = (pid, restarts);
            true
        });
        if changed && before != state {
            let (from, to) = (before.word(), state.word());
            tracing::info!(agent = self.agent.settings.name, from, to, reason, "link");
        }
    }
}
