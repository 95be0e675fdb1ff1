//! `typecheck`: whether the types agree. Code whose types do not is a failure, as code that does not compile is elsewhere.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::diagnostic::{self, Diagnostic, OUTPUT, Said, Severity, broke, lines, number};
use super::project::Project;
use super::tool::{Tool, first};
use crate::process::{self, Ended, Program};
use crate::review::plural;
use crate::tools::Desk;

/// What checks types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Checker {
    Mypy,
    Pyright,
}

/// What to check.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Typecheck {
    /// The directory of the project; a relative path starts at the first root, which is also the default.
    path: PathBuf,
    /// Files and directories to look at; relative paths start at `path`. All of the project by default.
    files: Vec<PathBuf>,
    /// What checks; by default the first that is there of mypy and pyright.
    tool: Option<Checker>,
    /// How many seconds it may take, if less than the settings allow.
    timeout_secs: Option<u64>,
}

/// Types that agree.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Typechecked {
    /// What the checker says about itself.
    tool: String,
    #[serde(flatten)]
    found: Said,
    /// How long it took.
    duration: Duration,
}

/// Checks the types.
pub(super) async fn typecheck(desk: Arc<Desk>, call: Call, args: Typecheck) -> Result<Typechecked, Failure> {
    let project = Project::new(&desk, &args.path)?;
    let chosen = project.chosen(&args.files)?;
    let names: &[&'static str] = match args.tool {
        Some(Checker::Mypy) => &["mypy"],
        Some(Checker::Pyright) => &["pyright"],
        None => &["mypy", "pyright"],
    };
    let tool = first(&project, &call, names).await?;
    let program = program(&project, &tool)
        .args(chosen)
        .keeping(OUTPUT)
        .within(args.timeout_secs.map(Duration::from_secs));
    let ended = process::read(program, &call).await?;
    let found = Said::new(found(&project, &tool, &ended)?);
    found.tell(&call).await;
    if found.errors > 0 {
        let message = format!("{} of types", plural(found.errors, "error"));
        let detail = json!({ "exit_code": ended.status.code(), "tool": tool.version, "found": found });
        return Err(Failure::failed("type_errors", message).detail(detail));
    }
    Ok(Typechecked { tool: tool.version, found, duration: ended.duration })
}

/// The checker with its arguments. It looks for packages where the project's own interpreter finds them.
fn program<'a>(project: &Project<'a>, tool: &Tool) -> Program<'a> {
    let interpreter = project.interpreter().map(|path| path.display().to_string());
    let (arguments, option): (&[&str], _) = match tool.name {
        "pyright" => (&["--outputjson"], "--pythonpath"),
        _ => (
            &[
                "--show-column-numbers",
                "--show-error-codes",
                "--hide-error-context",
                "--no-pretty",
                "--no-color-output",
                "--no-error-summary",
            ],
            "--python-executable",
        ),
    };
    project.program(tool.name).args(arguments).args(interpreter.iter().flat_map(|path| [option, path]))
}

/// What the checker found, if it did its work.
fn found(project: &Project<'_>, tool: &Tool, ended: &Ended) -> Result<Vec<Diagnostic>, Failure> {
    let found = match tool.name {
        "pyright" => pyright(project, ended),
        _ => Some(lines(project, &ended.stdout.whole(), Severity::Note)),
    };
    let has_errors = |found: &[Diagnostic]| found.iter().any(|one| one.severity == Severity::Error);
    found
        .filter(|found| ended.is_whole() && (ended.status.success() || has_errors(found)))
        .ok_or_else(|| broke("typecheck_failed", tool.name, ended))
}

fn pyright(project: &Project<'_>, ended: &Ended) -> Option<Vec<Diagnostic>> {
    let told = diagnostic::json(ended)?;
    let place = |value: &Value| number(value).map(|number| number + 1);
    let read = |one: &Value| Diagnostic {
        severity: match one["severity"].as_str() {
            Some("error") => Severity::Error,
            Some("warning") => Severity::Warning,
            _ => Severity::Note,
        },
        file: project.shown(one["file"].as_str().unwrap_or_default()),
        line: place(&one["range"]["start"]["line"]),
        column: place(&one["range"]["start"]["character"]),
        code: one["rule"].as_str().map(str::to_owned),
        message: one["message"].as_str().unwrap_or_default().to_owned(),
    };
    Some(told["generalDiagnostics"].as_array()?.iter().map(read).collect())
}
