//! What the herald does next for something on the bus; each costs a token.

use tokio::time::Instant;

use crate::view::Properties;

/// The moment at which something is looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// The time.
    pub(crate) now: Instant,
    /// Whether a reply goes before its signals.
    pub(crate) is_held: bool,
    /// Whether it must not appear yet.
    pub(crate) is_parked: bool,
    /// Whether somebody waits for it.
    pub(crate) is_urgent: bool,
}

/// What comes next.
#[derive(Debug, PartialEq)]
pub(crate) enum Next {
    /// It is put on the bus.
    Export,
    /// It is taken off the bus.
    Unexport,
    /// `PropertiesChanged`: with their values, and without.
    Properties(Properties, Vec<&'static str>),
    /// A signal of its own.
    Signal(Signal),
    /// Nothing before this time.
    At(Instant),
    /// Nothing while somebody is starting a run.
    Park,
    /// Nothing until something happens.
    Nothing,
    /// Nothing ever again.
    Forget,
}

/// A signal.
#[derive(Debug, PartialEq)]
pub(crate) enum Signal {
    /// A run stands on the bus.
    RunNew,
    /// A run stands there no more; how it ended.
    RunRemoved(&'static str),
    /// A phase of a run changed its state.
    Phase {
        /// Sequence of the last event that is in it.
        sequence: u64,
        /// The phase.
        phase: String,
        /// The state that was told before.
        old: &'static str,
        /// Its state.
        new: &'static str,
        /// Which visit of it this is.
        visit: u32,
    },
    /// A run ended: how, and name and sentence of its error.
    Finished(&'static str, String, String),
    /// The configuration was read again: its generation, whether it is in force, and why not.
    Reloaded(u64, bool, String),
    /// A call ended.
    CallFinished(&'static str),
}
