//! The gRPC door: work, progress, reflection, health.
//!
//! Every RPC is four lines: convert, call, convert, reply. It decides nothing; what it cannot convert it refuses with the
//! name of the field.
//!
//! - [`server`]: listeners and services; `visitor`, `peer`: who is calling; `desk`: what services work with, and who may do what
//! - `runs`, `plans`, `agents` (with `batches`), `tools`, `skills`, `sessions`, `journal`: the services of `proto/opdbus/v1`
//! - `convert`: between the engine's words and the wire's
//! - [`failure`]: errors as `google.rpc.Status` with details

mod agents;
mod batches;
mod convert;
mod desk;
pub mod failure;
mod journal;
mod peer;
mod plans;
mod runs;
pub mod server;
mod sessions;
mod skills;
mod tools;
mod visitor;

pub use server::{Doors, ServeError, serve};
