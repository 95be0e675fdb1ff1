//! The words on the wire: generated types of the protos under `proto/`, and the addresses they travel to.
//!
//! It decides nothing and knows no other room, so that an agent built with the kit carries only what it speaks.
//!
//! - [`agent::v1`]: the agent protocol, between the hub and its agents
//! - [`v1`]: the services of the hub, for its clients
//! - [`address`]: where a peer listens
//!
//! The code under `generated/` is committed; the test `the_generated_code_is_what_the_protos_say` keeps it fresh.

pub mod address;

pub use address::Address;

/// Encoded file descriptors of all protos, for server reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!("generated/descriptor.bin");

/// The agent protocol.
pub mod agent {
    /// Version 1.
    #[allow(clippy::pedantic, missing_docs, unreachable_pub, reason = "generated")]
    pub mod v1 {
        include!("generated/opdbus.agent.v1.rs");
    }
}

/// The services of the hub, version 1.
#[allow(clippy::pedantic, missing_docs, unreachable_pub, reason = "generated")]
pub mod v1 {
    include!("generated/opdbus.v1.rs");
}
