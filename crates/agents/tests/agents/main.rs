//! The bundled agents as their hub sees them: over a socket, with real programs, buses and servers.

mod cargo_nodes;
mod commands;
mod conform;
mod context_manager;
mod dbus;
mod debugger;
mod deployment;
mod docker;
mod files;
mod http;
mod kubectl;
mod lifeline;
mod mem0;
mod memory;
mod models;
mod offline;
mod python_pro;
mod python_tools;
mod reviews;
mod rust_pro;
mod sandbox;
mod search_specialist;
mod sequential_thinking;
mod stand_ins;
mod support;
mod units;
