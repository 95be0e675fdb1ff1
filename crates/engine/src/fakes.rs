//! In-memory twins of the ports, for tests.

pub mod agents;
pub mod clock;
pub mod journal;
pub mod perform;
pub mod service;

pub use agents::FixedAgents;
pub use clock::HandClock;
pub use journal::MemoryJournal;
pub use perform::{ScriptedPerform, succeed};
pub use service::FixedService;
