//! The real binary, real agents, kill -9, and clients that nobody here wrote.

mod agents;
mod bulk;
mod cancel;
mod configuration;
mod crash;
mod drain;
mod keys;
mod plans;
mod refusal;
mod review;
mod secret;
mod setup;
mod watch;
