//! The hall: the conductor of every run, the ports to the world, the guards around calls, and the [`Engine`] handle that the
//! doors knock at.
//!
//! A run is one task with one inbox. For every input it decides, appends the events to the journal and awaits that they are on
//! disk, takes them into the run, publishes them, and only then acts on what is outstanding. This room knows no gRPC, D-Bus or
//! SQL; it asks for them through [`ports`].
//!
//! ```text
//!            door                              door
//!             │ start, cancel                   ▲ watch
//!             ▼                                 │
//!   Engine ─▶ conductor ── decide ── append ── publish
//!                ▲            (op_run)  │ Journal
//!                │ answer               ▼
//!             Perform ◀── guards ◀── outstanding
//! ```
//!
//! - [`handle`]: what doors call; [`start`]: from a request to a run; [`names`]: what a name means
//! - [`library`]: plans and casts; `places`: runs that count together; `idle`: runs that only wait; `beat`: whether conductors turn; `child`: plans inside plans
//! - `conductor`: the task of a run; `calls`: what it has under way; [`recover`]: runs from the journal
//! - [`feed`]: what is published of a live run; [`watch`]: following a run from any sequence; [`output`]: kept output
//! - [`guard`]: wrappers around calls, and what skills add to calls or hold against them; [`host`]: what operations ask the hub for
//! - [`session`]: sessions of clients; [`batch`]: several calls as one; [`pattern`]: calls that are made again and again
//! - [`failure`]: what errors say to every door; [`warden`]: who may do what
//! - [`ports`]: the journal, performers, agents, the clock, the authority and the daemon around it all; `fakes`: their twins (feature `fakes`)

mod audit;
pub mod batch;
mod beat;
mod calls;
mod child;
mod conductor;
pub mod failure;
pub mod feed;
pub mod guard;
pub mod handle;
pub mod host;
mod idle;
pub mod library;
pub mod names;
pub mod output;
pub mod pattern;
mod places;
pub mod ports;
pub mod recover;
pub mod session;
pub mod start;
pub mod warden;
pub mod watch;

#[cfg(feature = "fakes")]
pub mod fakes;

pub use handle::{Engine, Limits, Ports};
pub use host::Grants;
pub use library::Library;
pub use warden::Warden;
