//! Ctrl-C and the other ways in which a person or the system asks this process to end.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::failure::Failure;

/// What was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interrupt {
    /// Ctrl-C: a person wants it to stop.
    Stop,
    /// The process must go: it is terminated, or its terminal is gone.
    Leave,
}

/// Signals from the moment this is made. They do not end the process by themselves any more.
pub(crate) struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Interrupts {
    /// Takes the signals over.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let take = |kind| {
            signal(kind)
                .map_err(|error: io::Error| Failure::broken("cannot listen for signals").because(&error))
        };
        Ok(Self {
            interrupt: take(SignalKind::interrupt())?,
            terminate: take(SignalKind::terminate())?,
            hangup: take(SignalKind::hangup())?,
        })
    }

    /// Waits for the next one. Dropping the future loses none.
    pub(crate) async fn next(&mut self) -> Interrupt {
        tokio::select! {
            _ = self.interrupt.recv() => Interrupt::Stop,
            _ = self.terminate.recv() => Interrupt::Leave,
            _ = self.hangup.recv() => Interrupt::Leave,
        }
    }
}
