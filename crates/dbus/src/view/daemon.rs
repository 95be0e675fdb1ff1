//! What the daemon shows of itself.

use super::Properties;

/// The daemon as it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Daemon {
    /// `running`, `degraded`, `draining` or `stopping`.
    pub(crate) state: &'static str,
    /// Whether new runs are refused.
    pub(crate) draining: bool,
    /// Generation of the configuration.
    pub(crate) generation: u64,
    /// Why the last reload was refused.
    pub(crate) errors: Vec<String>,
    /// Runs under way.
    pub(crate) active: u32,
    /// Runs that wait for a place.
    pub(crate) queued: u32,
    /// Agents that take calls.
    pub(crate) ready: u32,
    /// Agents in all.
    pub(crate) total: u32,
}

impl Daemon {
    /// What `PropertiesChanged` tells of it.
    pub(crate) fn properties(&self) -> Properties {
        Properties::from([
            ("State", self.state.into()),
            ("Draining", self.draining.into()),
            ("ConfigGeneration", self.generation.into()),
            ("ConfigErrors", self.errors.clone().into()),
            ("RunsActive", self.active.into()),
            ("RunsQueued", self.queued.into()),
            ("AgentsReady", self.ready.into()),
            ("AgentsTotal", self.total.into()),
        ])
    }
}
