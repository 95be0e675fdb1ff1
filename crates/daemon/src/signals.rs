//! Signals that the daemon hears: those that end it, the one that has it read its configuration, and the end of its children.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signals from the moment this is made. They do not end the process by themselves any more.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    child: Signal,
}

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// That the daemon ends, by the signal of this name.
    End(&'static str),
    /// That it reads its configuration again.
    Reload,
}

impl Signals {
    /// Takes the signals over.
    pub(crate) fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            child: signal(SignalKind::child())?,
        })
    }

    /// Resolves when a signal asks for something. Until then it reaps the orphans that end.
    pub(crate) async fn next(&mut self) -> Asked {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return Asked::End("SIGTERM"),
                _ = self.interrupt.recv() => return Asked::End("SIGINT"),
                _ = self.hangup.recv() => return Asked::Reload,
                _ = self.child.recv() => op_pool::reap(),
            }
        }
    }
}
