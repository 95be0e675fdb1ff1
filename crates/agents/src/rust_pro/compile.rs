//! `check`, `build` and `doc`: the operations that compile and run nothing.

use std::path::PathBuf;
use std::sync::Arc;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::Serialize;

use super::arguments::Compile;
use crate::cargo::{Compiled, Finished, Selection, compile};
use crate::tools::Desk;

/// What was built.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Built {
    #[serde(flatten)]
    compiled: Compiled,
    /// The programs that were built.
    executables: Vec<PathBuf>,
}

/// Checks that it compiles.
pub(super) async fn check(desk: Arc<Desk>, call: Call, mut args: Compile) -> Result<Compiled, Failure> {
    Ok(finished(&desk, &call, &args.selection(), "check", &[]).await?.compiled())
}

/// Compiles.
pub(super) async fn build(desk: Arc<Desk>, call: Call, mut args: Compile) -> Result<Built, Failure> {
    let finished = finished(&desk, &call, &args.selection(), "build", &[]).await?;
    Ok(Built { compiled: finished.compiled(), executables: finished.messages.executables })
}

/// Builds the documentation, without that of the dependencies.
pub(super) async fn doc(desk: Arc<Desk>, call: Call, mut args: Compile) -> Result<Compiled, Failure> {
    let selection = args.selection();
    selection.refuse_all_targets("doc")?;
    Ok(finished(&desk, &call, &selection, "doc", &["--no-deps"]).await?.compiled())
}

async fn finished(
    desk: &Desk,
    call: &Call,
    selection: &Selection,
    command: &str,
    flags: &[&str],
) -> Result<Finished, Failure> {
    let finished = compile(desk, call, selection, command, flags, &[]).await?;
    finished.check()?;
    Ok(finished)
}
