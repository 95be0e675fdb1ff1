//! The daemon in the foreground.

use std::sync::Arc;
use std::time::Duration;

use op_engine::ports::Service;

use crate::app::{App, BuildError, FatalError, Parts};
use crate::configuration::Configuration;
use crate::logging::Levels;
use crate::signals::{Asked, Signals};
use crate::status::{self, sentence};
use crate::steward::Steward;
use crate::{systemd, watchdog};

/// What going down takes beside the calls in flight: agents that end, the journal that closes.
const MARGIN: Duration = Duration::from_secs(10);

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

/// Runs a daemon until SIGTERM or SIGINT; SIGHUP has it read its configuration again. Runs that had not ended go on; those under
/// way at the end sleep in the journal.
///
/// # Errors
/// When it does not come up, or a part of it ends by itself.
pub async fn serve(configuration: Configuration, levels: Levels) -> Result<(), ServeError> {
    for note in configuration.notes() {
        tracing::warn!(note);
    }
    // Heard before anybody can know of the daemon, so that no signal kills it in the middle.
    let mut signals = Signals::listen().map_err(ServeError::Signals)?;
    let settings = configuration.settings().clone();
    let parts = Parts::build(&configuration, &settings).await?;
    let steward = Steward::new(parts.engine.clone(), Arc::clone(&parts.pool), configuration, levels);
    let steward: Arc<dyn Service> = Arc::new(steward);
    let recovered = parts.recover().await?;
    parts.engine.keep_schedules();
    let mut app = parts.open(&settings.bus, Arc::clone(&steward)).await?;
    tracing::info!(
        socket = %app.socket.display(),
        plans = app.engine.library().plans.len(),
        agents = settings.agents.len(),
        recovered = recovered.awake.len(),
        "ready"
    );
    let standing = steward.standing().borrow().clone();
    systemd::ready(&sentence(&app.engine, &standing).await);
    app.beside(watchdog::feed(app.engine.clone()));
    app.beside(status::tell(app.engine.clone(), Arc::clone(&steward)));
    let ended = run(&mut app, &mut signals, &steward).await;
    systemd::stopping(settings.limits.drain + settings.pool.grace + MARGIN);
    app.drain().await;
    ended
}

/// Does what signals ask for, until one asks for the end or the daemon cannot go on.
async fn run(app: &mut App, signals: &mut Signals, steward: &Arc<dyn Service>) -> Result<(), ServeError> {
    loop {
        tokio::select! {
            asked = signals.next() => match asked {
                Asked::End(signal) => {
                    tracing::info!(signal, "draining");
                    return Ok(());
                }
                Asked::Reload => {
                    let steward = Arc::clone(steward);
                    // What went wrong is told where the configuration stands.
                    app.beside(async move { drop(steward.reload().await) });
                }
            },
            fatal = app.failed() => return Err(fatal.into()),
        }
    }
}
