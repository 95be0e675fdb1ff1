//! The port to the daemon around the engine: what doors ask of it that is no business of runs.

use async_trait::async_trait;
use tokio::sync::watch;

/// How the configuration stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Counted up with every configuration that came into force; 1 is the one of the start.
    pub generation: u64,
    /// Why the last attempt to read it was refused, a sentence for each error; empty after one that succeeded.
    pub errors: Vec<String>,
}

/// Why a configuration does not come into force. The one before stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReloadError {
    /// Its files cannot be taken.
    #[error("the configuration cannot be taken; the one before stays in force:\n{}", errors.join("\n"))]
    Invalid {
        /// A sentence for each error.
        errors: Vec<String>,
    },
    /// This daemon lives in another program and keeps the configuration it was given.
    #[error("this daemon is part of another program and keeps its configuration")]
    Fixed,
}

/// The daemon as its doors know it.
#[async_trait]
pub trait Service: Send + Sync + 'static {
    /// Reads the configuration again and brings it into force as a whole, or not at all; tells its generation.
    async fn reload(&self) -> Result<u64, ReloadError>;

    /// How the configuration stands, now and after each change.
    fn standing(&self) -> watch::Receiver<Standing>;

    /// What is logged: `error`, `warn`, `info`, `debug` or `trace`.
    fn log_level(&self) -> String;

    /// Changes what is logged; a sentence when there is no such level.
    fn set_log_level(&self, level: &str) -> Result<(), String>;
}
