//! How what is large is sent: as output, in chunks of 64 KiB.

use op_agent::{Call, Failure};

/// Bytes of a chunk. What is no larger than one comes in the value.
pub(super) const CHUNK: usize = 64 * 1024;

/// Sends bytes in chunks, and answers how many there were.
pub(super) async fn send(call: &Call, bytes: &[u8]) -> Result<usize, Failure> {
    let mut sent = 0;
    for chunk in bytes.chunks(CHUNK) {
        if call.is_cancelled() {
            return Err(Failure::cancelled(format!("the sending was stopped after {sent} chunks")));
        }
        call.stdout(chunk).await;
        sent += 1;
    }
    Ok(sent)
}
