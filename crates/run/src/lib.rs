//! The decider: what happens next in a run.
//!
//! A run is a fold over its events. Three functions are all there is:
//!
//! - [`decide()`] looks at the run and an input and says which events become true, or refuses;
//! - [`evolve()`] takes one event into the run; it is total and makes no choice;
//! - [`outstanding()`] reads off the run what the world must be doing for it right now.
//!
//! ```text
//!            input                    events                    commands
//! world ───────────────▶ decide ───────────────▶ evolve ───▶ outstanding ──────▶ world
//!          (answer, tick,            (journal first)
//!           start, cancel)
//! ```
//!
//! This room knows no clock, socket, file, log or random number: time comes in with the input.
//!
//! States of a run:
//!
//! ```text
//! pending ─▶ running ─▶ completed        (running ◀─▶ waiting, running ◀─▶ paused)
//!               ├─────▶ failed ◀──────────┐
//!               ├─────▶ cancelled         │
//!               └─▶ rolling_back ─────────┤
//!                        ├─▶ rolled_back  │
//!                        └─▶ stuck        │ (the failed phases alone were undone)
//!
//! after the end: retried ─▶ running, rolled back ─▶ rolling_back; resolved: stuck ─▶ rolling_back
//! ```
//!
//! - [`run`]: the state; [`event`]: facts; [`input`]: what comes in; [`command`]: what goes out
//! - [`mod@explain`]: why a run is where it is, in words
//! - [`answer`]: how a call ended; [`key`]: its idempotency key; [`time`]: instants

pub mod answer;
pub mod command;
pub mod decide;
pub mod event;
mod evolve;
pub mod explain;
pub mod input;
pub mod key;
mod outstanding;
pub mod replay;
pub mod run;
mod scope;
pub mod time;

pub use answer::{Answer, Evidence, Failure, Kept};
pub use command::{Command, Outside};
pub use decide::{RolledBack, decide, hold, next, preview};
pub use event::{Event, Fact};
pub use evolve::evolve;
pub use explain::explain;
pub use input::{Input, Refused};
pub use key::{CallKey, RunId, Work};
pub use outstanding::outstanding;
pub use replay::replay;
pub use run::Run;
pub use time::Timestamp;
