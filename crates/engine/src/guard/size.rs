//! Refuses arguments that are too large before they are sent.

use std::sync::Arc;

use async_trait::async_trait;
use op_plan::Performer;
use op_run::Answer;
use tokio_util::sync::CancellationToken;

use super::{Guard, refuse};
use crate::ports::{Perform, Request, Sink};

/// A guard that lets arguments of at most this many bytes of JSON through.
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
        let mut counter = Counter { left: self.limit };
        if serde_json::to_writer(&mut counter, &*request.arguments).is_err() {
            let message =
                format!("the arguments of {} are larger than {} bytes", request.performer, self.limit);
            return refuse("arguments_too_large", message, "hand large data over by path");
        }
        self.inner.perform(request, sink, stop).await
    }

    fn acknowledge(&self, performer: &Performer, key: &str) {
        self.inner.acknowledge(performer, key);
    }
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
