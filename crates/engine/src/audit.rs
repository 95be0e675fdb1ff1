//! The events of all runs, published as they are committed, and the calls of clients.

use std::sync::Arc;

use op_run::{Event, Run};
use tokio::sync::broadcast;

use crate::ports::{Audited, CallRecord, Recorded};

/// Events that a reader may be behind before it is cut off.
const BEHIND: usize = 4096;

/// Publishes the events of all runs, and the calls of clients; costs nothing while nobody reads. Shared, so that places for as
/// many as a reader may be behind are small.
#[derive(Debug, Clone)]
pub(crate) struct Audit {
    events: broadcast::Sender<Arc<Audited>>,
    calls: broadcast::Sender<Arc<CallRecord>>,
}

impl Audit {
    pub(crate) fn new() -> Self {
        Self { events: broadcast::Sender::new(BEHIND), calls: broadcast::Sender::new(BEHIND) }
    }

    /// Events from now on.
    pub(crate) fn listen(&self) -> broadcast::Receiver<Arc<Audited>> {
        self.events.subscribe()
    }

    /// Calls from now on.
    pub(crate) fn listen_to_calls(&self) -> broadcast::Receiver<Arc<CallRecord>> {
        self.calls.subscribe()
    }

    pub(crate) fn publish_call(&self, call: &CallRecord) {
        if self.calls.receiver_count() > 0 {
            // The last reader may have left meanwhile.
            drop(self.calls.send(Arc::new(call.clone())));
        }
    }

    pub(crate) fn publish(&self, run: &Run, first: u64, events: &[Event]) {
        if self.events.receiver_count() == 0 {
            return;
        }
        let Some(origin) = run.origin() else { return };
        for (event, sequence) in events.iter().zip(first..) {
            // The last reader may have left meanwhile.
            drop(self.events.send(Arc::new(Audited {
                run: run.id().clone(),
                plan: run.plan().id().to_owned(),
                user: origin.user.clone(),
                recorded: Recorded { sequence, event: event.clone() },
            })));
        }
    }
}
