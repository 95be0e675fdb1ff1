//! Agents that the hub starts: as child processes, which never outlive it, or as units, which are systemd's to keep.

mod child;
mod lines;
pub(crate) mod orphans;
mod systemd;
mod unit;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::settings::Launch;
use child::Child;
use unit::Unit;

/// An agent that the hub started.
#[derive(Debug)]
pub(crate) enum Process {
    Child(Child),
    Unit(Unit),
}

/// Why an agent cannot be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot start `{}`: {error}", program.display())]
pub(crate) struct StartError {
    program: PathBuf,
    error: io::Error,
}

impl Process {
    /// Starts an agent. A child runs when this returns; whether a unit does, tell [`started`](Self::started) and
    /// [`ended`](Self::ended).
    pub(crate) fn start(agent: &str, launch: &Launch) -> Result<Self, StartError> {
        match launch {
            Launch::Child(launch) => {
                let failed = |error| StartError { program: launch.program.clone(), error };
                Child::start(agent, launch).map(Self::Child).map_err(failed)
            }
            Launch::Unit(launch) => Ok(Self::Unit(Unit::start(launch.clone()))),
        }
    }

    /// Resolves once the agent runs; never, if it does not come to that.
    pub(crate) fn started(&self) -> BoxFuture<'static, ()> {
        match self {
            Self::Child(_) => std::future::ready(()).boxed(),
            Self::Unit(unit) => unit.started().boxed(),
        }
    }

    /// Its process, if that is known.
    pub(crate) fn id(&self) -> Option<u32> {
        match self {
            Self::Child(child) => Some(child.id()),
            Self::Unit(unit) => unit.id(),
        }
    }

    /// Returns once the agent has ended by itself.
    pub(crate) async fn ended(&self) {
        match self {
            Self::Child(child) => child.ended().await,
            Self::Unit(unit) => unit.ended().await,
        }
    }

    /// Asks the agent to end, and kills it when it has not within the grace.
    pub(crate) async fn stop(self, grace: Duration) {
        match self {
            Self::Child(child) => child.stop(grace).await,
            Self::Unit(unit) => unit.stop(grace).await,
        }
    }

    /// Lets go of the agent because the hub ends. A child ends with the hub. A unit runs on, for the next hub, until systemd stops it
    /// because there is none.
    pub(crate) async fn leave(self, grace: Duration) {
        match self {
            Self::Child(child) => child.stop(grace).await,
            Self::Unit(unit) => drop(unit),
        }
    }

    /// Clears away what is left of an agent that has ended, and says how it ended.
    pub(crate) async fn reap(self) -> String {
        match self {
            Self::Child(child) => child.reap().await,
            Self::Unit(unit) => unit.reap(),
        }
    }
}
