//! Logs of the daemon: one line per transition to standard error.

use std::io::{IsTerminal as _, Stderr};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::SubscriberBuilder;
use tracing_subscriber::fmt::format::{DefaultFields, Format};

/// Variable that says what is logged, such as `info,op_pool=debug`.
const VARIABLE: &str = "OP_DBUS_LOG";

/// Begins to log; a second call changes nothing. Logs what `default` says unless `OP_DBUS_LOG` says otherwise.
pub fn begin(default: &str) {
    drop(logger(default).try_init());
}

/// As [`begin`], for an agent whose lines its daemon logs on: the daemon's line has the time.
pub fn begin_below(default: &str) {
    drop(logger(default).without_time().try_init());
}

fn logger(default: &str) -> SubscriberBuilder<DefaultFields, Format, EnvFilter, fn() -> Stderr> {
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr as fn() -> Stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
}
