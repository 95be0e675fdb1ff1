//! Events of all runs, as they come.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures::stream::{BoxStream, Stream, StreamExt as _, iter, unfold};
use op_run::RunId;
use tokio::sync::broadcast;

use super::Engine;
use crate::ports::{Audited, CallFilter, CallRecord, EventFilter, ReadError};

/// Why a tail ended before its reader did.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TailError {
    /// The reader was slower than the runs.
    #[error("the reader fell {0} events behind; ask again from the time of the last event")]
    Slow(u64),
}

impl Engine {
    /// Events of all runs that match, those in the journal first, then those to come; each once, and those of one run in
    /// order and without gap. A reader that is too slow is cut off with an error and costs no run its speed.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn tail(
        &self,
        filter: EventFilter,
    ) -> Result<BoxStream<'static, Result<Audited, TailError>>, ReadError> {
        let live = self.hall.audit.listen();
        let past = self.audit(&filter).await?;
        let mut told: HashMap<RunId, u64> = HashMap::new();
        for audited in &past {
            told.insert(audited.run.clone(), audited.recorded.sequence);
        }
        let coming = following(live).filter(move |audited| {
            let is_new = match audited {
                Ok(audited) => {
                    matches(&filter, audited) && told.get(&audited.run) < Some(&audited.recorded.sequence)
                }
                Err(_) => true,
            };
            std::future::ready(is_new)
        });
        Ok(iter(past).map(Ok).chain(coming).boxed())
    }

    /// Calls of clients that match, those in the journal first, then those to come; each once. A reader that is too slow is cut
    /// off with an error.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn tail_calls(
        &self,
        filter: CallFilter,
    ) -> Result<BoxStream<'static, Result<CallRecord, TailError>>, ReadError> {
        let live = self.hall.audit.listen_to_calls();
        let past = self.calls(&filter).await?;
        let told: HashSet<_> = past.iter().map(|call| call.id.clone()).collect();
        let coming = following(live).filter(move |call| {
            let is_new = call.as_ref().map_or(true, |call| filter.wants(call) && !told.contains(&call.id));
            std::future::ready(is_new)
        });
        Ok(iter(past).map(Ok).chain(coming).boxed())
    }
}

/// What is published from now on; ends with an error when it is not read fast enough.
fn following<T: Clone + Send + Sync + 'static>(
    live: broadcast::Receiver<Arc<T>>,
) -> impl Stream<Item = Result<T, TailError>> + Send {
    unfold(Some(live), |live| async {
        let mut live = live?;
        match live.recv().await {
            Ok(published) => Some((Ok(Arc::unwrap_or_clone(published)), Some(live))),
            Err(broadcast::error::RecvError::Lagged(missed)) => Some((Err(TailError::Slow(missed)), None)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    })
}

fn matches(filter: &EventFilter, audited: &Audited) -> bool {
    let EventFilter { run, kinds, user, since, until, limit: _ } = filter;
    let at = audited.recorded.event.at;
    let kind = audited.recorded.event.fact.kind();
    run.as_ref().is_none_or(|run| *run == audited.run)
        && (kinds.is_empty() || kinds.iter().any(|wanted| wanted == kind))
        && user.as_ref().is_none_or(|user| *user == audited.user)
        && since.is_none_or(|since| at >= since)
        && until.is_none_or(|until| at < until)
}
