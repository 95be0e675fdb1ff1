//! `lint`: what a linter finds. Findings are the result, and no failure.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::diagnostic::{Diagnostic, OUTPUT, Said, Severity, broke, json, lines, number};
use super::project::Project;
use super::tool::first;
use crate::process::{self, Ended, Program};
use crate::tools::Desk;

const SYNTAX: &str = include_str!("drivers/syntax.py");

/// What lints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Linter {
    Ruff,
    Flake8,
    Pyflakes,
    /// The interpreter, which checks the syntax and nothing else.
    Syntax,
}

/// What to lint.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Lint {
    /// The directory of the project; a relative path starts at the first root, which is also the default.
    path: PathBuf,
    /// Files and directories to look at; relative paths start at `path`. All of the project by default.
    files: Vec<PathBuf>,
    /// What lints; by default the first that is there of ruff, flake8 and pyflakes, and `syntax` if none is.
    tool: Option<Linter>,
    /// How many seconds it may take, if less than the settings allow.
    timeout_secs: Option<u64>,
}

/// What was found.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Linted {
    /// What linted.
    tool: Linter,
    /// What it says about itself; `null` for the syntax alone.
    version: Option<String>,
    /// Whether nothing but the syntax was checked, because there is no linter or it was asked for.
    syntax_only: bool,
    #[serde(flatten)]
    found: Said,
    /// How long it took.
    duration: Duration,
}

/// Lints the code.
pub(super) async fn lint(desk: Arc<Desk>, call: Call, args: Lint) -> Result<Linted, Failure> {
    let project = Project::new(&desk, &args.path)?;
    let (tool, version) = linter(&project, &call, args.tool).await?;
    let program = program(&project, tool, &args.files)?
        .keeping(OUTPUT)
        .within(args.timeout_secs.map(Duration::from_secs));
    let ended = process::read(program, &call).await?;
    let found = Said::new(found(&project, tool, &ended)?);
    found.tell(&call).await;
    Ok(Linted { tool, version, syntax_only: tool == Linter::Syntax, found, duration: ended.duration })
}

async fn linter(
    project: &Project<'_>,
    call: &Call,
    asked: Option<Linter>,
) -> Result<(Linter, Option<String>), Failure> {
    let names: &[&'static str] = match asked {
        Some(Linter::Syntax) => return Ok((Linter::Syntax, None)),
        Some(asked) => &[asked.name()],
        None => &["ruff", "flake8", "pyflakes"],
    };
    match first(project, call, names).await {
        Ok(tool) => {
            let linters = [Linter::Ruff, Linter::Flake8, Linter::Pyflakes];
            let linter = linters.into_iter().find(|linter| linter.name() == tool.name);
            Ok((linter.unwrap_or(Linter::Syntax), Some(tool.version)))
        }
        Err(failure) if asked.is_none() && failure.reason() == "program_missing" => {
            call.stderr("there is no linter: only the syntax is checked\n").await;
            Ok((Linter::Syntax, None))
        }
        Err(failure) => Err(failure),
    }
}

impl Linter {
    fn name(self) -> &'static str {
        match self {
            Self::Ruff => "ruff",
            Self::Flake8 => "flake8",
            Self::Pyflakes => "pyflakes",
            Self::Syntax => "python3",
        }
    }
}

/// The linter with its arguments. Whatever the project's own settings say, nothing is changed.
fn program<'a>(project: &Project<'a>, tool: Linter, files: &[PathBuf]) -> Result<Program<'a>, Failure> {
    Ok(match tool {
        Linter::Ruff => project
            .program("ruff")
            .args(["check", "--no-fix", "--no-cache", "--output-format=json", "--"])
            .args(project.chosen(files)?),
        Linter::Flake8 => project
            .program("flake8")
            .args(["--format=%(path)s:%(row)d:%(col)d: %(code)s %(text)s", "--color=never"])
            .args(["--extend-exclude=.venv,venv,node_modules", "--"])
            .args(project.chosen(files)?),
        Linter::Pyflakes => project.program("pyflakes").args(project.listed(files)?),
        Linter::Syntax => {
            let listed: Vec<_> =
                project.listed(files)?.iter().map(|file| file.display().to_string()).collect();
            project.python().args(["-c", SYNTAX]).input(Some(serde_json::json!(listed).to_string()))
        }
    })
}

/// What the linter found, if it did its work.
fn found(project: &Project<'_>, tool: Linter, ended: &Ended) -> Result<Vec<Diagnostic>, Failure> {
    let failed = || broke("lint_failed", tool.name(), ended);
    let code = ended.status.code();
    match tool {
        Linter::Ruff | Linter::Syntax => {
            let known = json(ended).filter(|_| matches!(code, Some(0 | 1)));
            let Some(Value::Array(all)) = known else { return Err(failed()) };
            Ok(all
                .iter()
                .map(|one| if tool == Linter::Ruff { ruff(project, one) } else { syntax(project, one) })
                .collect())
        }
        Linter::Flake8 | Linter::Pyflakes => {
            let mut found = lines(project, &ended.stdout.whole(), Severity::Warning);
            // Syntax errors are told aside by pyflakes, and under a code of their own by flake8.
            found.extend(lines(project, &ended.stderr.whole(), Severity::Error));
            for one in found.iter_mut().filter(|one| one.code.as_deref() == Some("E999")) {
                one.severity = Severity::Error;
            }
            let did = matches!((code, found.is_empty()), (Some(0), _) | (Some(1), false));
            if did && ended.is_whole() { Ok(found) } else { Err(failed()) }
        }
    }
}

fn ruff(project: &Project<'_>, one: &Value) -> Diagnostic {
    let code = one["code"].as_str().filter(|code| *code != "invalid-syntax");
    Diagnostic {
        severity: if code.is_some() { Severity::Warning } else { Severity::Error },
        file: project.shown(one["filename"].as_str().unwrap_or_default()),
        line: number(&one["location"]["row"]),
        column: number(&one["location"]["column"]),
        code: code.map(str::to_owned),
        message: one["message"].as_str().unwrap_or_default().to_owned(),
    }
}

fn syntax(project: &Project<'_>, one: &Value) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        file: project.shown(one["file"].as_str().unwrap_or_default()),
        line: number(&one["line"]),
        column: number(&one["column"]),
        code: None,
        message: one["message"].as_str().unwrap_or_default().to_owned(),
    }
}
