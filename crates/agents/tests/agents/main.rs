//! The bundled agents as their hub sees them: over a socket, with real programs, buses and servers.

mod commands;
mod dbus;
mod files;
mod http;
mod lifeline;
mod reviews;
mod rust_pro;
mod sandbox;
mod support;
