//! The roof: settings, build, run, drain.
//!
//! ```text
//!  files ─▶ fragments ─▶ Settings ─▶ App (journal, pool, guards, engine, door) ─▶ run ─▶ drain
//! ```
//!
//! [`serve`] is the daemon in the foreground; [`Host`] is the same daemon inside the process of a client, on a private socket,
//! with a journal in the same place. There is no second implementation.
//!
//! - [`configuration`]: what ships, overlaid by a directory; plans and the catalogue
//! - [`settings`]: fragments as written, merged, settings without holes
//! - `app`: the parts, put together and taken apart in order; `units`: agents that systemd keeps
//! - [`host`], [`daemon`](mod@daemon): the two ways to run one; `signals`, [`logging`], `credentials`, `places`

mod app;
pub mod configuration;
mod credentials;
pub mod daemon;
pub mod host;
pub mod logging;
mod places;
pub mod settings;
mod signals;
mod units;

pub use configuration::{Configuration, ConfigurationError};
pub use daemon::{ServeError, serve};
pub use host::{Host, HostError, HostOptions};
