//! What systemd is told of an agent that runs as a unit with `Type=notify`; nobody hears it elsewhere
//! ([sd_notify(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html)).

use sd_notify::NotifyState;

/// The agent takes calls.
pub(crate) fn ready(agent: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(&format!("{agent} takes calls"))]);
}

/// The agent takes nothing new, and lets what is in flight end.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd cannot be told how the agent stands");
    }
}
