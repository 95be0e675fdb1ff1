//! The agent `rust_pro`: cargo, watched message by message.
//!
//! What cargo says is read from its JSON messages, passed on as it comes, and answered as data. Its exit code
//! decides: a build that failed is a failure that carries its diagnostics, never a text that sounds like success.

mod arguments;
mod clippy;
mod compile;
mod fmt;
mod run;
mod test;
mod version;

use op_agent::{Agent, Operation};

use crate::settings::Settings;
use crate::tools::{Desk, at};

/// Builds the agent.
pub(crate) fn agent(settings: &Settings) -> Agent {
    let desk = &Desk::new(settings);
    let cargo = |name: &str, about: &str| Operation::write(name, about).streaming();
    Agent::new("rust_pro", env!("CARGO_PKG_VERSION"))
        .describe_as(
            "Checks, builds, tests, lints, formats, documents, runs and measures Rust packages with cargo.",
        )
        .max_concurrent(2)
        .operation(cargo("check", "Checks that a package compiles.").idempotent(), at(desk, compile::check))
        .operation(cargo("build", "Compiles a package.").idempotent(), at(desk, compile::build))
        .operation(
            cargo("doc", "Builds the documentation of a package.").idempotent(),
            at(desk, compile::doc),
        )
        .operation(
            cargo("test", "Runs the tests of a package, all of them also when some fail."),
            at(desk, test::test),
        )
        .operation(cargo("bench", "Runs the benchmarks of a package."), at(desk, test::bench))
        .operation(cargo("run", "Compiles a program and runs it."), at(desk, run::run))
        .operation(
            cargo("clippy", "Lints a package; performance lints are its medium findings.").idempotent(),
            at(desk, clippy::clippy),
        )
        .operation(
            cargo("review", "Reviews a package by its lints, or by its errors when it does not compile.")
                .idempotent(),
            at(desk, clippy::review),
        )
        .operation(
            cargo("fmt", "Checks that a package is formatted, or formats it.").idempotent(),
            at(desk, fmt::fmt),
        )
        .operation(
            Operation::read("version", "Tells which Rust tools there are.").idempotent(),
            at(desk, version::version),
        )
}
