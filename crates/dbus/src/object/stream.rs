//! Events of a run through a pipe: the kernel's own flow control, and nothing of it on the bus.

use std::os::fd::OwnedFd as StdFd;
use std::sync::Arc;

use futures::StreamExt as _;
use op_engine::watch::{Seen, Watch};
use op_run::RunId;
use tokio::io::AsyncWriteExt as _;
use tokio::net::unix::pipe;
use zbus::OwnedFd;

use crate::fault::Fault;
use crate::guests::Guest;
use crate::house::House;

/// Opens a stream of the events after one; the reading end.
pub(super) async fn open(
    house: &Arc<House>,
    guest: &Guest,
    run: &RunId,
    after: u64,
) -> Result<OwnedFd, Fault> {
    let place = guest.stream()?;
    let watched = house.engine.watch(run.as_str(), after.saturating_add(1), false).await;
    let (id, events) = watched.map_err(|error| Fault::of(&error))?;
    let broken = |error: std::io::Error| Fault::internal(format!("no pipe can be made: {error}"));
    let (sender, receiver) = pipe::pipe().map_err(broken)?;
    let reader: StdFd = receiver.into_blocking_fd().map_err(broken)?;
    let (gone, shutdown) = (guest.gone(), house.shutdown.clone());
    house.tasks.spawn(async move {
        let _place = place;
        tokio::select! {
            () = gone.cancelled() => {}
            () = shutdown.cancelled() => {}
            written = write(sender, id, events) => {
                if let Err(error) = written {
                    tracing::debug!(%error, "the reader of a stream of events went away");
                }
            }
        }
    });
    Ok(reader.into())
}

/// Writes events until they end, or nobody reads.
async fn write(mut sender: pipe::Sender, run: RunId, mut events: Watch) -> std::io::Result<()> {
    while let Some(seen) = events.next().await {
        let Seen::Event(recorded) = seen.map_err(std::io::Error::other)? else { continue };
        let mut line = serde_json::json!({
            "run": run.as_str(),
            "sequence": recorded.sequence,
            "event": recorded.event,
        })
        .to_string();
        line.push('\n');
        sender.write_all(line.as_bytes()).await?;
    }
    Ok(())
}
