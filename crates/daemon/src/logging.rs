//! Logs: to the journal of the host with the fields of each event where standard error leads there, else lines on standard error.

use std::io::IsTerminal as _;
use std::os::unix::fs::MetadataExt as _;
use std::sync::{Arc, Mutex, PoisonError};

use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

/// Variable that says what is logged, such as `info,op_pool=debug`.
const VARIABLE: &str = "OP_DBUS_LOG";

/// What the D-Bus library would log beside it: every message with its arguments, and that its connection closed, which the door
/// tells in its own words.
const QUIET: &str = "zbus=error";

/// Levels by name, from the fewest lines to the most.
const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

/// What is logged, to be changed while the program runs.
#[derive(Clone)]
pub struct Levels {
    handle: Option<reload::Handle<EnvFilter, Registry>>,
    level: Arc<Mutex<String>>,
}

impl Levels {
    /// What is logged: a level, or what `OP_DBUS_LOG` says.
    pub fn level(&self) -> String {
        self.level.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Logs this level from now on; a sentence when it is none.
    pub(crate) fn set(&self, level: &str) -> Result<(), String> {
        if !LEVELS.contains(&level) {
            return Err(format!("`{level}` is no level; there are {}", LEVELS.join(", ")));
        }
        let Some(handle) = &self.handle else {
            return Err("this program logs for somebody else, who decides what".to_owned());
        };
        let filter = EnvFilter::new(format!("{level},{QUIET}"));
        handle.reload(filter).map_err(|error| format!("the level cannot be changed: {error}"))?;
        level.clone_into(&mut self.level.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(())
    }
}

/// Begins to log; a second call changes nothing. Logs what `default` says unless `OP_DBUS_LOG` says otherwise.
pub fn begin(default: &str) -> Levels {
    start(default, true)
}

/// As [`begin`], for an agent whose lines its daemon logs on: the daemon's line has the time.
pub fn begin_below(default: &str) {
    start(default, false);
}

fn start(default: &str, timed: bool) -> Levels {
    let told = std::env::var(VARIABLE).ok().filter(|told| EnvFilter::try_new(told).is_ok());
    let level = told.unwrap_or_else(|| default.to_owned());
    let (filter, handle) = reload::Layer::new(EnvFilter::new(format!("{QUIET},{level}")));
    let sink = journal().unwrap_or_else(|| lines(timed));
    let began = Registry::default().with(filter.and_then(sink)).try_init();
    Levels { handle: began.is_ok().then_some(handle), level: Arc::new(Mutex::new(level)) }
}

type Sink = Box<dyn Layer<Registry> + Send + Sync>;

/// The journal of the host, when standard error is a stream to it. The fields of an event become fields of the entry under their own
/// names, so that `journalctl RUN=...` finds them.
fn journal() -> Option<Sink> {
    let stream = std::env::var("JOURNAL_STREAM").ok()?;
    let error = std::fs::metadata("/proc/self/fd/2").ok()?;
    (stream == format!("{}:{}", error.dev(), error.ino())).then_some(())?;
    let journal = tracing_journald::layer().ok()?;
    Some(journal.with_field_prefix(None).with_syslog_identifier("op-dbus".to_owned()).boxed())
}

fn lines(timed: bool) -> Sink {
    let lines = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    if timed { lines.boxed() } else { lines.without_time().boxed() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_one_of_five() {
        let (_filter, handle) = reload::Layer::new(EnvFilter::new("info"));
        let levels = Levels { handle: Some(handle), level: Arc::new(Mutex::new("info".to_owned())) };
        assert!(levels.set("loud").unwrap_err().contains("error, warn, info, debug, trace"));
        levels.set("debug").expect("a level");
        assert_eq!(levels.level(), "debug");
    }
}
