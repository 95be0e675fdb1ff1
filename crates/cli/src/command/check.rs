//! `op-dbus check`: what is wrong with files of plans. Needs no daemon.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use clap::Args;
use op_plan::diagnostic::render_all;
use op_plan::{Diagnostic, Source};
use serde_json::{Value, json};

use crate::failure::{Exit, Failure};
use crate::print;
use crate::seat::Context;

const EXAMPLES: &str = "\
Examples:
  op-dbus check plans.d/*.toml
  op-dbus check - < draft.toml
  op-dbus check workstacks.toml --json

Silent when nothing is wrong. The files are checked as they would be loaded: over the plans, agents and roles of the
configuration. Exits with 2 when there are errors; warnings alone do not count.";

/// Check files of plans
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Check {
    /// TOML files; - reads standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

impl Check {
    /// Does it.
    pub(crate) fn run(self, ctx: &Context) -> Result<Exit, Failure> {
        let sources = self.files.iter().map(|file| read(file)).collect::<Result<Vec<_>, _>>()?;
        let mut found = ctx.hosted_configuration()?.check(&sources).diagnostics;
        // What is wrong elsewhere is not asked for, unless a file brings it about.
        found.retain(|one| is_about(one, &sources));
        let exit = if found.iter().any(Diagnostic::is_error) { Exit::Refused } else { Exit::Done };
        if ctx.terminal.json {
            print::json(&found.iter().map(told).collect::<Value>())?;
        } else if !found.is_empty() {
            print::text(&render_all(&found, ctx.terminal.paint.is_on()))?;
        }
        Ok(exit)
    }
}

fn read(file: &Path) -> Result<Source, Failure> {
    let (name, text) = if file == Path::new("-") {
        let mut text = String::new();
        ("<stdin>".to_owned(), io::stdin().read_to_string(&mut text).map(|_| text))
    } else {
        (file.display().to_string(), fs::read_to_string(file))
    };
    let text = text.map_err(|error| Failure::refused(format!("cannot read `{name}`")).because(&error))?;
    Ok(Source { name, text })
}

fn is_about(found: &Diagnostic, sources: &[Source]) -> bool {
    let mut files = found.notes.iter().map(|note| &note.spot.file).chain([&found.spot.file]);
    files.any(|file| sources.iter().any(|source| source.name == *file))
}

fn told(found: &Diagnostic) -> Value {
    json!({
        "severity": found.severity,
        "message": found.message,
        "file": found.spot.file,
        "line": found.spot.line,
        "column": found.spot.column,
        "hint": found.hint,
        "rendered": found.render(false),
    })
}
