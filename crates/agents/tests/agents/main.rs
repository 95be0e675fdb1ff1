//! The bundled agents as their hub sees them: over a socket, with real programs, buses and servers.

mod cargo_nodes;
mod commands;
mod dbus;
mod debugger;
mod deployment;
mod docker;
mod files;
mod http;
mod kubectl;
mod lifeline;
mod models;
mod offline;
mod reviews;
mod rust_pro;
mod sandbox;
mod stand_ins;
mod support;
mod units;
