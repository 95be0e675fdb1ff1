//! What objects on the bus show: written by the herald alone, read by whoever asks. What is shown here is what was or will be
//! told in `PropertiesChanged`.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use op_engine::ports::AgentStatus;
use op_plan::Plan;
use op_run::Timestamp;
use zbus::Variant;

pub(crate) mod agent;
pub(crate) mod daemon;
pub(crate) mod run;

pub(crate) use daemon::Daemon;
pub(crate) use run::RunView;

/// Properties by name, as `PropertiesChanged` carries them.
pub(crate) type Properties = HashMap<&'static str, Variant<'static>>;

/// Everything that is shown.
#[derive(Debug, Default)]
pub(crate) struct Board {
    /// Runs that stand on the bus, by id.
    pub(crate) runs: Mutex<HashMap<String, Arc<RunView>>>,
    /// Agents by name.
    pub(crate) agents: Mutex<BTreeMap<String, Arc<Mutex<AgentStatus>>>>,
    /// Plans that stand on the bus, by id.
    pub(crate) plans: Mutex<BTreeMap<String, Arc<Plan>>>,
    /// The daemon itself.
    pub(crate) daemon: Mutex<Daemon>,
}

/// Locks what is held for moments only.
pub(crate) fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An instant in microseconds since 1970.
pub(crate) fn micros(at: Timestamp) -> u64 {
    at.as_millis().saturating_mul(1000)
}

/// An instant in microseconds since 1970; 0 where there is none yet.
pub(crate) fn micros_or_none(at: Option<Timestamp>) -> u64 {
    at.map_or(0, micros)
}

/// What was told of an object last.
#[derive(Debug, Default)]
pub(crate) struct Told(Properties);

impl Told {
    /// What differs from what was told.
    pub(crate) fn changes(&self, now: Properties) -> Properties {
        now.into_iter().filter(|(name, value)| self.0.get(name) != Some(value)).collect()
    }

    /// Takes what is being told.
    pub(crate) fn tell(&mut self, changes: &Properties) {
        for (name, value) in changes {
            let value = value.try_clone().expect("no property is a file descriptor");
            self.0.insert(name, value);
        }
    }
}
