//! The events of all runs, published as they are committed.

use op_run::{Event, Run};
use tokio::sync::broadcast;

use crate::ports::{Audited, Recorded};

/// Events that a reader may be behind before it is cut off.
const BEHIND: usize = 4096;

/// Publishes the events of all runs; costs nothing while nobody reads.
#[derive(Debug, Clone)]
pub(crate) struct Audit(broadcast::Sender<Audited>);

impl Audit {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(BEHIND))
    }

    /// Events from now on.
    pub(crate) fn listen(&self) -> broadcast::Receiver<Audited> {
        self.0.subscribe()
    }

    pub(crate) fn publish(&self, run: &Run, first: u64, events: &[Event]) {
        if self.0.receiver_count() == 0 {
            return;
        }
        let Some(origin) = run.origin() else { return };
        for (event, sequence) in events.iter().zip(first..) {
            // The last reader may have left meanwhile.
            drop(self.0.send(Audited {
                run: run.id().clone(),
                plan: run.plan().id().to_owned(),
                user: origin.user.clone(),
                recorded: Recorded { sequence, event: event.clone() },
            }));
        }
    }
}
