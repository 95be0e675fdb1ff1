//! The bundled agents: each does real work in a process of its own, reached through the agent protocol.
//!
//! - `tools`: files, commands, HTTP, D-Bus, builds, images, clusters, units, reports: the atomic operations that plans call by
//!   their bare name
//! - `rust_pro`: cargo, with structured diagnostics
//! - `python_pro`: Python's tests, linters, type checkers and formatters, answered as data
//! - `backend_architect`, `security_auditor`: static analysis that ends in a [`review::Review`]
//! - `memory`: values by key, found again by key, word, tag or pattern
//! - `mem0`: facts about users, agents and runs, with their history
//! - `models`: a language model behind an OpenAI-compatible endpoint
//! - `search_specialist`: text, symbols and references in source code, by ripgrep and by syntax
//! - `offline`: plain programs that play the roles of plans where there is no model
//! - `context_manager`: contexts by name with all of their versions
//! - `sequential_thinking`: chains of thoughts, judged by rules
//! - `debugger`: logs, the journal, processes and crashes, looked at
//! - `deployment`: units, containers, clusters and hosts, brought into a state and back
//!
//! What they share: [`settings`] (what an agent may touch), [`roots`] (which paths those are), [`sandbox`](mod@sandbox) (the kernel
//! holds it to them), [`process`] (children that never outlive their call), [`lifeline`] (nor their daemon),
//! `database` (what an agent keeps), `lexicon` (full-text search in it), `origin` (whom that comes from),
//! `cargo` (one run of it, watched), `staging` (files, all of them or none), `exchange` (one request over HTTP),
//! `text` (how texts are read).
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
mod context_manager;
mod database;
mod debugger;
mod deployment;
mod engine;
mod exchange;
mod kubectl;
mod lexicon;
mod mem0;
mod memory;
mod models;
mod offline;
mod origin;
mod python_pro;
mod rust_pro;
mod scope;
mod search_specialist;
mod security_auditor;
mod sequential_thinking;
mod source;
mod staging;
mod systemd;
mod text;
mod tools;
mod undo;

use op_agent::Agent;

pub use sandbox::{SandboxError, SandboxReport, sandbox};
pub use settings::{ModelSettings, Settings};

/// The bundled agents, by the names that plans use.
pub const NAMES: [&str; 14] = [
    "tools",
    "rust_pro",
    "backend_architect",
    "sequential_thinking",
    "memory",
    "context_manager",
    "security_auditor",
    "search_specialist",
    "python_pro",
    "debugger",
    "deployment",
    "mem0",
    "models",
    "offline",
];

/// Builds the bundled agent `name`; `None` when there is no such agent.
pub fn build(name: &str, settings: &Settings) -> Option<Agent> {
    match name {
        "tools" => Some(tools::agent(settings)),
        "rust_pro" => Some(rust_pro::agent(settings)),
        "backend_architect" => Some(backend_architect::agent(settings)),
        "security_auditor" => Some(security_auditor::agent(settings)),
        "memory" => Some(memory::agent(settings)),
        "mem0" => Some(mem0::agent(settings)),
        "models" => Some(models::agent(settings)),
        "offline" => Some(offline::agent(settings)),
        "context_manager" => Some(context_manager::agent(settings)),
        "sequential_thinking" => Some(sequential_thinking::agent(settings)),
        "search_specialist" => Some(search_specialist::agent(settings)),
        "python_pro" => Some(python_pro::agent(settings)),
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
