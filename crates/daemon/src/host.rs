//! The daemon inside the process of a client: the same parts, on a private socket, with the journal in the same place. It wakes
//! only the runs it is asked for.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use op_engine::guard::rate::RateLimits;
use op_engine::ports::{ReloadError, Service, Standing};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::Configuration;
use crate::app::{App, BuildError, Parts};
use crate::settings::BusChoice;

/// What a hosted daemon does other than its configuration says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostOptions {
    /// Folders that agents may work in, beside those of the configuration.
    pub roots: Vec<PathBuf>,
}

/// Why no daemon can be hosted.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// There is no place for its sockets.
    #[error("cannot make a folder for the sockets of the daemon")]
    Place(#[source] std::io::Error),
    /// It did not come up.
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// The configuration of a hosted daemon: what its host gave it, and nothing else.
struct Fixed(watch::Sender<Standing>);

impl Default for Fixed {
    fn default() -> Self {
        Self(watch::Sender::new(Standing { generation: 1, errors: Vec::new() }))
    }
}

#[async_trait]
impl Service for Fixed {
    async fn reload(&self) -> Result<u64, ReloadError> {
        Err(ReloadError::Fixed)
    }

    fn standing(&self) -> watch::Receiver<Standing> {
        self.0.subscribe()
    }

    fn log_level(&self) -> String {
        "error".to_owned()
    }

    fn set_log_level(&self, _level: &str) -> Result<(), String> {
        Err("this daemon logs for its host, who decides what".to_owned())
    }
}

/// A daemon in this process.
pub struct Host {
    app: App,
    socket: PathBuf,
    sleeping: usize,
    /// Gone with the host.
    _folder: TempDir,
}

impl Host {
    /// Brings up a daemon in this process. Agents are connected when the first call needs them. Children of this process that are no
    /// agents are taken for what agents left behind, so it must start none.
    ///
    /// # Errors
    /// When it does not come up, such as when another daemon has the journal.
    pub async fn start(configuration: &Configuration, options: HostOptions) -> Result<Self, HostError> {
        let folder = tempfile::Builder::new().prefix("op-dbus-").tempdir().map_err(HostError::Place)?;
        let mut settings = configuration.settings().clone();
        settings.socket = folder.path().join("grpc.sock");
        settings.listen = None;
        settings.bus = BusChoice::Off;
        settings.roots.splice(0..0, options.roots);
        // It is for a client who names what it needs by calling it, or opens a session.
        settings.pool.hold = false;
        settings.limits.rate = RateLimits::OFF;
        for agent in &mut settings.agents {
            // A hosted agent must not meet the one of a daemon on its port.
            if agent.launch {
                agent.address = None;
            }
        }
        let parts = Parts::build(configuration, &settings).await?;
        let sleeping = parts.engine.unfinished().await.map_err(BuildError::from)?.len();
        let app = parts.open(&BusChoice::Off, Arc::new(Fixed::default())).await?;
        Ok(Self { app, socket: settings.socket, sleeping, _folder: folder })
    }

    /// Where it listens.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Runs of the journal that have not ended and sleep on.
    pub fn sleeping(&self) -> usize {
        self.sleeping
    }

    /// Ends it; runs under way sleep in the journal.
    pub async fn stop(self) {
        self.app.drain().await;
    }
}
