//! Signals that end the daemon.

use tokio::signal::unix::{SignalKind, signal};

/// Resolves with the name of the signal when the daemon is asked to end.
pub(crate) async fn ended() -> std::io::Result<&'static str> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    })
}
