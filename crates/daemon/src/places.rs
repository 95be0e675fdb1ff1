//! Where things are kept: what systemd says, else where a user's programs keep them.

use std::env;
use std::path::PathBuf;

/// Configuration of the host, when there is one.
pub(crate) const SYSTEM_CONFIGURATION: &str = "/etc/op-dbus";

/// The socket of a daemon that runs as a service of the host.
pub(crate) const SYSTEM_SOCKET: &str = "/run/op-dbus/grpc.sock";

/// What must last: the journal.
pub(crate) fn state() -> PathBuf {
    from_systemd("STATE_DIRECTORY").unwrap_or_else(|| user("XDG_STATE_HOME", ".local/state").join("op-dbus"))
}

/// What is gone with the daemon: sockets. Beside the state when the host offers no such place.
pub(crate) fn runtime() -> PathBuf {
    from_systemd("RUNTIME_DIRECTORY").unwrap_or_else(|| match absolute("XDG_RUNTIME_DIR") {
        Some(directory) => directory.join("op-dbus"),
        None => state().join("run"),
    })
}

/// Skills of the user whose program this is.
pub(crate) fn skills() -> Option<PathBuf> {
    let below_home = || Some(env::home_dir().filter(|home| home.is_absolute())?.join(".config"));
    absolute("XDG_CONFIG_HOME").or_else(below_home).map(|directory| directory.join("op-dbus/skills"))
}

/// Secrets, by name.
pub(crate) fn credentials() -> Option<PathBuf> {
    absolute("CREDENTIALS_DIRECTORY")
}

/// systemd names several directories with colons between them; the first is ours.
fn from_systemd(variable: &str) -> Option<PathBuf> {
    let value = env::var(variable).ok()?;
    value.split(':').next().map(PathBuf::from).filter(|path| path.is_absolute())
}

fn user(variable: &str, below_home: &str) -> PathBuf {
    absolute(variable).unwrap_or_else(|| env::home_dir().unwrap_or_else(|| "/".into()).join(below_home))
}

fn absolute(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute())
}
