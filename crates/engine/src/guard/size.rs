//! Refuses arguments that are too large before they are sent.

use std::sync::Arc;

use async_trait::async_trait;
use op_plan::Performer;
use op_run::Answer;
use tokio_util::sync::CancellationToken;

use super::{Guard, refuse};
use crate::ports::{Perform, Request, Sink};

/// Largest value of a call, in bytes of JSON: what undoes the call is given it beside the arguments of the call.
const VALUE: usize = 4 << 20;

/// Bytes around the two.
const AROUND: usize = 1 << 10;

/// A guard that lets arguments of at most this many bytes of JSON through, and of an undo also what its call returned.
pub fn size(limit: usize) -> Guard {
    Box::new(move |inner| Arc::new(Size { limit, inner }))
}

struct Size {
    limit: usize,
    inner: Arc<dyn Perform>,
}

#[async_trait]
impl Perform for Size {
    async fn perform(&self, request: Request, sink: Arc<dyn Sink>, stop: CancellationToken) -> Answer {
        let limit = if is_undo(&request.key) { self.limit + VALUE + AROUND } else { self.limit };
        let mut counter = Counter { left: limit };
        if serde_json::to_writer(&mut counter, &*request.arguments).is_err() {
            let message = format!("the arguments of {} are larger than {limit} bytes", request.performer);
            return refuse("arguments_too_large", message, "hand large data over by path");
        }
        self.inner.perform(request, sink, stop).await
    }

    fn acknowledge(&self, performer: &Performer, key: &str) {
        self.inner.acknowledge(performer, key);
    }
}

/// Whether a key names an undo: `run/undo:PHASE:PLACE/visit/attempt`.
fn is_undo(key: &str) -> bool {
    key.split('/').nth(1).is_some_and(|step| step.starts_with("undo:"))
}

/// Counts bytes and fails at the limit, so that too large a value is not written out to be measured.
struct Counter {
    left: usize,
}

impl std::io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.left = self.left.checked_sub(bytes.len()).ok_or_else(|| std::io::Error::other("too large"))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
