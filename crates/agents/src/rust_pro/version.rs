//! `version`: which Rust tools there are.

use std::sync::Arc;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::Serialize;

use super::arguments::Version;
use crate::process::{Program, read};
use crate::tools::Desk;

/// The tools, each with the line that it says about itself.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Tools {
    /// cargo.
    cargo: String,
    /// The compiler.
    rustc: String,
    /// The lints; `null` if they are not installed.
    clippy: Option<String>,
    /// The formatter; `null` if it is not installed.
    rustfmt: Option<String>,
}

/// Asks each tool for its version.
pub(super) async fn version(desk: Arc<Desk>, call: Call, args: Version) -> Result<Tools, Failure> {
    let directory = desk.roots.existing(&args.path)?;
    let ask = |program: &'static str| {
        let program = Program::new(&desk.settings, program, &directory).args(["--version"]);
        line(program, &call)
    };
    Ok(Tools {
        cargo: ask("cargo").await?.ok_or_else(|| broken("cargo"))?,
        rustc: ask("rustc").await?.ok_or_else(|| broken("rustc"))?,
        clippy: ask("clippy-driver").await.ok().flatten(),
        rustfmt: ask("rustfmt").await.ok().flatten(),
    })
}

/// The first line that a program says; `None` if it fails.
async fn line(program: Program<'_>, call: &Call) -> Result<Option<String>, Failure> {
    let ended = read(program, call).await?;
    let said = ended.stdout.text();
    Ok(said.lines().next().filter(|_| ended.status.success()).map(str::to_owned))
}

fn broken(program: &str) -> Failure {
    Failure::failed("cargo_failed", format!("{program} is there and cannot tell its version"))
}
