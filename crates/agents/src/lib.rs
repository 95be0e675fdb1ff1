//! The bundled agents: each does real work in a process of its own, reached through the agent protocol.
//!
//! - `tools`: files, commands, HTTP, D-Bus, builds, images, clusters, units, reports: the atomic operations that plans call by
//!   their bare name
//! - `rust_pro`: cargo, with structured diagnostics
//! - `backend_architect`, `security_auditor`: static analysis that ends in a [`review::Review`]
//! - `models`: a language model behind an OpenAI-compatible endpoint
//! - `offline`: plain programs that play the roles of plans where there is no model
//! - `debugger`: logs, the journal, processes and crashes, looked at
//! - `deployment`: units, containers, clusters and hosts, brought into a state and back
//!
//! What they share: [`settings`] (what an agent may touch), [`roots`] (which paths those are), [`sandbox`](mod@sandbox) (the kernel
//! holds it to them), [`process`] (children that never outlive their call), [`lifeline`] (nor their daemon),
//! `cargo` (one run of it, watched), `staging` (files, all of them or none), `exchange` (one request over HTTP).
//!
//! They know neither the daemon nor each other, and nothing in here answers without having looked.

pub mod lifeline;
pub mod process;
pub mod review;
pub mod roots;
pub mod sandbox;
pub mod settings;

mod backend_architect;
mod bus;
mod cargo;
mod debugger;
mod deployment;
mod engine;
mod exchange;
mod kubectl;
mod models;
mod offline;
mod rust_pro;
mod security_auditor;
mod source;
mod staging;
mod systemd;
mod tools;
mod undo;

use op_agent::Agent;

pub use sandbox::{SandboxError, SandboxReport, sandbox};
pub use settings::{ModelSettings, Settings};

/// The bundled agents, by the names that plans use.
pub const NAMES: [&str; 8] = [
    "tools",
    "rust_pro",
    "backend_architect",
    "security_auditor",
    "models",
    "offline",
    "debugger",
    "deployment",
];

/// Builds the bundled agent `name`; `None` when there is no such agent.
pub fn build(name: &str, settings: &Settings) -> Option<Agent> {
    match name {
        "tools" => Some(tools::agent(settings)),
        "rust_pro" => Some(rust_pro::agent(settings)),
        "backend_architect" => Some(backend_architect::agent(settings)),
        "security_auditor" => Some(security_auditor::agent(settings)),
        "models" => Some(models::agent(settings)),
        "offline" => Some(offline::agent(settings)),
        "debugger" => Some(debugger::agent(settings)),
        "deployment" => Some(deployment::agent(settings)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_builds_the_agent_of_that_name() {
        for name in NAMES {
            let agent = build(name, &Settings::default()).expect(name);
            assert_eq!(agent.name(), name);
        }
        assert!(build("nobody", &Settings::default()).is_none());
    }
}
