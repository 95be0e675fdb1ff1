//! The daemon in the foreground.

use crate::Configuration;
use crate::app::{BuildError, FatalError, Parts};
use crate::signals::Signals;

/// Why the daemon ended other than by being asked to.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// It did not come up.
    #[error("the daemon cannot come up")]
    Build(#[from] BuildError),
    /// It could not go on.
    #[error("the daemon cannot go on")]
    Fatal(#[from] FatalError),
    /// It cannot hear signals.
    #[error("the daemon cannot hear signals")]
    Signals(#[source] std::io::Error),
}

/// Runs a daemon until SIGTERM or SIGINT. Runs that had not ended go on; those under way at the end sleep in the journal.
///
/// # Errors
/// When it does not come up, or a part of it ends by itself.
pub async fn serve(configuration: Configuration) -> Result<(), ServeError> {
    for note in configuration.notes() {
        tracing::warn!(note);
    }
    // Heard before anybody can know of the daemon, so that no signal kills it in the middle.
    let mut signals = Signals::listen().map_err(ServeError::Signals)?;
    let settings = configuration.settings();
    let parts = Parts::build(&configuration, settings).await?;
    let recovered = parts.recover().await?;
    parts.engine.keep_schedules();
    let mut app = parts.open();
    tracing::info!(
        socket = %settings.socket.display(),
        plans = app.engine.library().plans.len(),
        agents = settings.agents.len(),
        recovered = recovered.awake.len(),
        "ready"
    );
    let ended = tokio::select! {
        signal = signals.ended() => {
            tracing::info!(signal, "draining");
            Ok(())
        }
        fatal = app.failed() => Err(fatal.into()),
    };
    app.drain().await;
    ended
}
