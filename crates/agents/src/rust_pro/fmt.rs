//! `fmt`: whether it is formatted, or making it so.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::arguments::Fmt;
use crate::cargo::{last_error, project};
use crate::process::{self, Program};
use crate::tools::Desk;

/// A package that is formatted.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Formatted {
    /// The files that were not formatted before, relative to the path of the call where they are below it.
    changed: Vec<String>,
}

/// Checks that it is formatted, or formats it.
pub(super) async fn fmt(desk: Arc<Desk>, call: Call, args: Fmt) -> Result<Formatted, Failure> {
    let project = project(&desk, &args.path)?;
    let program = Program::new(&desk.settings, "cargo", &project)
        .args([
            "fmt".to_owned(),
            args.package.map_or_else(|| "--all".to_owned(), |name| format!("--package={name}")),
        ])
        .args((!args.fix).then_some("--check"))
        .args(["--", "-l"])
        .within(args.timeout_secs.map(Duration::from_secs));
    let ended = process::run(program, &call).await?;
    let changed = names(&ended.stdout.text(), &project);
    if ended.status.success() {
        return Ok(Formatted { changed });
    }
    let stderr = ended.stderr.text();
    let detail = json!({ "exit_code": ended.status.code(), "files": changed, "stderr": stderr });
    let failure = match changed.len() {
        0 if stderr.contains("is not installed") || stderr.contains("no such command") => {
            Failure::failed("program_missing", "rustfmt is not installed")
                .hint("rustup component add rustfmt")
        }
        0 => Failure::failed("fmt_failed", last_error(&stderr)),
        count => Failure::failed("not_formatted", format!("{count} files are not formatted"))
            .hint("call it with `fix`, or run `cargo fmt`"),
    };
    Err(failure.detail(detail))
}

/// The files that rustfmt names, one a line.
fn names(text: &str, project: &Path) -> Vec<String> {
    let mut names: Vec<String> = text
        .lines()
        .map(Path::new)
        .filter(|path| path.is_absolute())
        .map(|path| path.strip_prefix(project).unwrap_or(path).display().to_string())
        .collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_once_and_from_the_project() {
        let text = "/x/src/b.rs\n/x/src/a.rs\n/x/src/a.rs\nwarning: odd\n/y/c.rs\n";
        assert_eq!(names(text, Path::new("/x")), ["/y/c.rs", "src/a.rs", "src/b.rs"]);
    }
}
