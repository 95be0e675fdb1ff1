//! What systemd is told of the daemon; nobody hears it elsewhere
//! ([sd_notify(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html)).

use std::time::Duration;

use sd_notify::NotifyState;

/// Everything is up: runs are recovered and the doors open. Also the end of a reload, whether it succeeded or not.
pub(crate) fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// The configuration is being read again. The stamp goes in the same message, or systemd would not know which reload is meant.
pub(crate) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(stamp) => tell(&[NotifyState::Reloading, stamp]),
        Err(error) => {
            tracing::warn!(%error, "the clock cannot be read, so systemd is not told of the reload");
        }
    }
}

/// The daemon goes down, and may need this long for it.
pub(crate) fn stopping(longest: Duration) {
    let microseconds = u32::try_from(longest.as_micros()).unwrap_or(u32::MAX);
    tell(&[NotifyState::Stopping, NotifyState::ExtendTimeoutUsec(microseconds)]);
}

/// How the daemon stands, in a sentence for `systemctl status`.
pub(crate) fn status(sentence: &str) {
    tell(&[NotifyState::Status(sentence)]);
}

/// Whether anybody hears what is told.
pub(crate) fn listens() -> bool {
    std::env::var_os("NOTIFY_SOCKET").is_some()
}

/// How often systemd wants to hear that the daemon lives; `None` when nobody waits for it.
pub(crate) fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

/// The daemon lives.
pub(crate) fn alive() {
    tell(&[NotifyState::Watchdog]);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd cannot be told how the daemon stands");
    }
}
