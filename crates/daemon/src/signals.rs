//! Signals that the daemon hears: those that end it, and the end of its children.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signals from the moment this is made. They do not end the process by themselves any more.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    child: Signal,
}

impl Signals {
    /// Takes the signals over.
    pub(crate) fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            child: signal(SignalKind::child())?,
        })
    }

    /// Resolves with the name of the signal when the daemon is asked to end. Until then it reaps the orphans that end.
    pub(crate) async fn ended(&mut self) -> &'static str {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return "SIGTERM",
                _ = self.interrupt.recv() => return "SIGINT",
                _ = self.child.recv() => op_pool::reap(),
            }
        }
    }
}
