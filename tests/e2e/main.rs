//! The real binary, real agents, kill -9, and clients that nobody here wrote.

mod agents;
mod bulk;
mod cancel;
mod children;
mod commands;
mod configuration;
mod conform;
mod crash;
mod debates;
mod deploy;
mod drain;
mod keys;
mod loops;
mod plans;
mod refusal;
mod reload;
mod review;
mod schedule;
mod scribe;
mod secret;
mod service;
mod setup;
mod shapes;
mod steer;
mod waits;
mod watch;
