//! Keeps the configuration: reads it again when somebody asks, and brings it into force as a whole or not at all.
//!
//! Plans, casts, roles, agents and what these are told change at once, for runs that start from then on; agents that did not change
//! keep their connections, and those that did end their calls first. What the daemon was built on, such as its sockets and its
//! journal, changes with its next start, and it says so.

use std::sync::Arc;

use async_trait::async_trait;
use op_engine::ports::{ReloadError, Service, Standing};
use op_engine::{Engine, Limits};
use op_pool::Pool;
use tokio::sync::{Mutex, watch};

use crate::Configuration;
use crate::agents::agents;
use crate::logging::Levels;
use crate::settings::Settings;
use crate::status::sentence;
use crate::systemd;

/// Keeps the configuration.
pub(crate) struct Steward {
    engine: Engine,
    pool: Arc<Pool>,
    /// What is in force; who holds it is the only one to change it.
    configuration: Mutex<Configuration>,
    /// What the parts were built from that are built once.
    built: Settings,
    standing: watch::Sender<Standing>,
    levels: Levels,
}

impl Steward {
    /// Keeps the configuration that the parts were built from.
    pub(crate) fn new(engine: Engine, pool: Arc<Pool>, configuration: Configuration, levels: Levels) -> Self {
        let built = configuration.settings().clone();
        let standing = watch::Sender::new(Standing { generation: 1, errors: Vec::new() });
        Self { engine, pool, configuration: Mutex::new(configuration), built, standing, levels }
    }

    /// Brings what the files say now into force; the errors leave what was there before.
    async fn renew(&self, configuration: &mut Configuration) -> Result<Vec<String>, Vec<String>> {
        let read = configuration.clone();
        let read = tokio::task::spawn_blocking(move || read_again(&read)).await;
        let (next, library) = read.map_err(|_| vec!["reading it broke off".to_owned()])??;
        let settings = next.settings();
        let agents = agents(settings, &next.catalogue()).map_err(|error| vec![with_causes(&error)])?;
        // The last thing that can fail goes first.
        let renewed = self.pool.renew(agents).map_err(|error| vec![error.to_string()])?;
        self.engine.set_library(library);
        tracing::info!(
            plans = self.engine.library().plans.len(),
            added = renewed.added.join(" "),
            changed = renewed.changed.join(" "),
            removed = renewed.removed.join(" "),
            "the configuration is in force"
        );
        let later = later(&self.built, settings);
        *configuration = next;
        Ok(later)
    }
}

#[async_trait]
impl Service for Steward {
    async fn reload(&self) -> Result<u64, ReloadError> {
        let mut configuration = self.configuration.lock().await;
        systemd::reloading();
        let renewed = self.renew(&mut configuration).await;
        let result = match renewed {
            Ok(notes) => {
                for note in &notes {
                    tracing::warn!(note, "a setting takes a restart");
                }
                self.standing.send_modify(|standing| {
                    standing.generation += 1;
                    standing.errors = notes;
                });
                Ok(self.standing.borrow().generation)
            }
            Err(errors) => {
                for error in &errors {
                    tracing::error!(error, "the configuration is not taken; the one before stays in force");
                }
                self.standing.send_modify(|standing| standing.errors.clone_from(&errors));
                Err(ReloadError::Invalid { errors })
            }
        };
        let standing = self.standing.borrow().clone();
        systemd::ready(&sentence(&self.engine, &standing).await);
        result
    }

    fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    fn log_level(&self) -> String {
        self.levels.level()
    }

    fn set_log_level(&self, level: &str) -> Result<(), String> {
        self.levels.set(level)
    }
}

/// Reads the files of a configuration again. Unlike at a start, one bad plan is reason enough to leave everything as it is.
fn read_again(before: &Configuration) -> Result<(Configuration, op_engine::Library), Vec<String>> {
    let next = before.reread().map_err(|error| vec![with_causes(&error)])?;
    let loaded = next.plans();
    let errors = loaded.diagnostics.iter().filter(|diagnostic| diagnostic.is_error());
    let errors: Vec<_> = errors.map(|diagnostic| diagnostic.render(false)).collect();
    if !errors.is_empty() {
        return Err(errors);
    }
    let library = next.library(loaded);
    Ok((next, library))
}

/// What the daemon is bounded by, wherever it is held.
fn bounds(of: &Settings) -> (Limits, usize, u64) {
    (of.limits, of.arguments, of.results)
}

/// What differs from what the daemon was built on: a sentence for each.
fn later(built: &Settings, now: &Settings) -> Vec<String> {
    let differs = [
        ("state", built.state != now.state),
        ("credentials", built.credentials != now.credentials),
        ("grpc.socket", built.socket != now.socket),
        ("grpc.listen", built.listen != now.listen),
        ("grpc.users", built.users != now.users),
        ("[limits]", bounds(built) != bounds(now)),
        ("[pool]", built.pool != now.pool),
    ];
    let differs = differs.into_iter().filter(|(_, differs)| *differs);
    differs.map(|(key, _)| format!("`{key}` changed; it is taken at the next start of the daemon")).collect()
}

fn with_causes(error: &dyn std::error::Error) -> String {
    op_engine::failure::sentence(error)
}
