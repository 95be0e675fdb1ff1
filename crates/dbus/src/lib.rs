//! The D-Bus door: control, properties, signals, polkit.
//!
//! Every method is four lines: convert, call, convert, reply. What happens is told by one task, the herald, in an order that calls
//! have no part in, and never faster than the bus takes it; what is fast or large goes over gRPC.
//!
//! ```text
//!  caller ── method ──▶ object ──▶ engine ── events ──▶ herald ── properties, signals ──▶ bus
//!                         └────────── settle ─────────────▲
//! ```
//!
//! What a client can rely on:
//! - an object stands on the bus before its path is told, and its newest state was told before a method that changed it returns;
//! - the reply to who started a run goes before its `RunNew`; `Finished` comes exactly once for an end, after the last
//!   `PropertiesChanged` of it; a run stays for ten minutes after its end, the last 64 of them;
//! - at most 100 signals a second go out; what is left out was overtaken by something newer that is told.
//!
//! - [`door`]: the door; `bus`, `link`: the connection; [`polkit`]: who may do what
//! - `herald`: what goes out, and when; `view`: what objects show
//! - `object`: the interfaces; `calls`: operations called over the bus; `guests`: who is calling; `house`: what all of it stands on
//! - `fault`, `options`, `value`, `path`: errors, tables of options, JSON, object paths

mod bus;
mod calls;
pub mod door;
mod fault;
mod guests;
mod herald;
mod house;
mod link;
mod object;
mod options;
mod path;
pub mod polkit;
mod value;
mod view;

pub use bus::Bus;
pub use door::{Door, ServeError};
pub use house::Pace;
pub use link::OpenError;
pub use polkit::Polkit;

/// The name that the daemon owns on the bus.
pub const NAME: &str = "org.opdbus.Orchestrator1";
