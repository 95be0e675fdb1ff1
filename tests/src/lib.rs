//! The street: what the tests from outside stand on. The product appears here as processes and sockets only.
//!
//! - [`support::binary`]: the real `op-dbus`, built once
//! - [`support::place`]: folders of its own for one test, and programs that run in them
//! - [`support::daemon`], [`support::client`]: `op-dbus serve` as a process, and a client of it
//! - [`support::control`]: runs steered over gRPC
//! - [`support::fixture`]: small cargo workspaces, good and bad
//! - [`support::scripted`]: agents that behave as a test says, right or wrong
//! - [`support::python`]: agents in Python
//! - [`support::process`], [`support::until`]: what runs, and waiting for what must come

pub mod support;
