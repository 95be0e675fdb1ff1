//! One request over HTTP, as every operation makes it that asks somebody: no longer than its call, and no larger than the limit.

use std::io::Read;
use std::time::Duration;

use op_agent::{Call, Failure};
use tokio::time::Instant;
use ureq::{Agent, Body};

use crate::tools::blocking;

/// How long a request may take: `most`, or what is left of the call.
pub(crate) fn time_limit(most: Duration, call: &Call) -> Duration {
    call.deadline().map_or(most, |deadline| most.min(deadline.saturating_duration_since(Instant::now())))
}

/// Asks with an agent that lives for this request alone, on a thread where it holds up nobody. A call that is cancelled closes its
/// connections, and with them the request that waits there; `what` is what was cut off.
pub(crate) async fn ask<R: Send + 'static>(
    agent: Agent,
    call: &Call,
    what: &str,
    work: impl FnOnce(&Agent) -> Result<R, Failure> + Send + 'static,
) -> Result<R, Failure> {
    let cut = Cut(agent.clone());
    let answer = tokio::select! {
        answer = blocking(move || work(&agent)) => answer,
        () = call.cancelled() => Err(Failure::cancelled(format!("{what} was cut off"))),
    };
    drop(cut);
    answer
}

/// Closes the connections of an agent.
struct Cut(Agent);

impl Drop for Cut {
    fn drop(&mut self) {
        self.0.clone().shutdown();
    }
}

/// Reads all of a body, which `what` names, up to a limit in bytes; `broken` says what a broken connection is.
pub(crate) fn read(
    body: Body,
    limit: u64,
    what: &str,
    broken: fn(&ureq::Error) -> Failure,
) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let mut reader = body.into_with_config().limit(u64::MAX).reader().take(limit.saturating_add(1));
    reader.read_to_end(&mut bytes).map_err(|error| broken(&error.into()))?;
    if bytes.len() as u64 <= limit {
        return Ok(bytes);
    }
    Err(Failure::failed("too_large", format!("{what} is longer than {limit} bytes"))
        .hint("raise `output_limit` in the settings of the agent"))
}
