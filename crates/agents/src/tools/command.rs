//! `command`: a program, run and watched to its end.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Desk;
use crate::process::{self, Program};

/// What to run, where, and with what.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Command {
    /// The program: a name that is looked for in the agent's PATH, or a path. No shell reads it.
    program: String,
    /// Its arguments, each one as it is.
    #[serde(default)]
    args: Vec<String>,
    /// The directory it runs in; a relative path starts at the first root, which is also the default.
    cwd: Option<PathBuf>,
    /// Variables that it gets beside those of the agent. Only names on the agent's allow-list are taken.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// What it reads as its standard input; nothing by default.
    stdin: Option<String>,
}

/// A program that ended with the exit code 0.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// Its exit code.
    exit_code: i32,
    /// What it said; what is not UTF-8 in it is replaced.
    stdout: String,
    /// What it said aside.
    stderr: String,
    /// How many bytes of both were too many to be kept.
    dropped_bytes: u64,
}

/// Runs a program.
pub(super) async fn command(desk: Arc<Desk>, call: Call, args: Command) -> Result<Output, Failure> {
    let directory = desk.roots.existing(&args.cwd.unwrap_or_else(|| PathBuf::from(".")))?;
    let program = Program::new(&desk.settings, &args.program, &directory)
        .args(&args.args)
        .environment(args.env)?
        .input(args.stdin);
    let ended = process::run(program, &call).await?.succeeded(&args.program)?;
    Ok(Output {
        exit_code: 0,
        stdout: ended.stdout.text(),
        stderr: ended.stderr.text(),
        dropped_bytes: ended.stdout.dropped + ended.stderr.dropped,
    })
}
