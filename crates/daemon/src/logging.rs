//! Logs of the daemon: one line per transition to standard error.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// Variable that says what is logged, such as `info,op_pool=debug`.
const VARIABLE: &str = "OP_DBUS_LOG";

/// Begins to log; a second call changes nothing. Logs `info` and above unless `OP_DBUS_LOG` says otherwise.
pub fn begin(default: &str) {
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new(default));
    let logger = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    drop(logger.try_init());
}
