//! The roof: settings, build, run, drain.
//!
//! ```text
//!  files ─▶ fragments ─▶ Settings ─▶ App (journal, pool, guards, engine, doors) ─▶ run ─▶ drain
//!    ▲                                             │
//!    └────────────── steward ◀── reload ───────────┘
//! ```
//!
//! [`serve`] is the daemon in the foreground; [`Host`] is the same daemon inside the process of a client, on a private socket,
//! with a journal in the same place. There is no second implementation.
//!
//! - [`configuration`]: what ships, overlaid by a directory; plans and the catalogue
//! - [`settings`]: fragments as written, merged, settings without holes; `steward`: reading them again
//! - `app`: the parts, put together and taken apart in order; `doors`, `bus`, `agents`, `units`: what they are made of
//! - [`host`], [`daemon`](mod@daemon): the two ways to run one; `signals`, [`logging`], `credentials`, `places`; `skills`: where skills are found
//! - `systemd`, `status`, `watchdog`: what the host's service manager is told

mod agents;
mod app;
mod bus;
pub mod configuration;
mod credentials;
pub mod daemon;
mod doors;
pub mod host;
pub mod logging;
mod places;
pub mod settings;
mod signals;
mod skills;
mod status;
mod steward;
mod systemd;
mod units;
mod watchdog;

pub use configuration::{Configuration, ConfigurationError};
pub use daemon::{ServeError, serve};
pub use host::{Host, HostError, HostOptions};
