//! `run`: a program of the package.

use std::sync::Arc;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::arguments::Run;
use crate::cargo::{Compiled, compile};
use crate::tools::Desk;

/// A program that ended with the exit code 0.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Ran {
    #[serde(flatten)]
    compiled: Compiled,
    /// Its exit code.
    exit_code: i32,
    /// What it said, from its beginning.
    stdout: String,
    /// What cargo and it said aside.
    stderr: String,
}

/// Compiles a program and runs it.
pub(super) async fn run(desk: Arc<Desk>, call: Call, mut args: Run) -> Result<Ran, Failure> {
    let selection = args.selection();
    selection.refuse_all_targets("run")?;
    let finished = compile(&desk, &call, &selection, "run", &[], &args.args).await?;
    finished.check()?;
    let stdout = finished.said();
    if finished.status.success() {
        return Ok(Ran { compiled: finished.compiled(), exit_code: 0, stdout, stderr: finished.stderr });
    }
    let message = match finished.status.code() {
        Some(code) => format!("the program ended with the exit code {code}"),
        None => "the program was ended by a signal".to_owned(),
    };
    Err(Failure::failed("exit_status", message).detail(finished.detail(json!({ "stdout": stdout }))))
}
