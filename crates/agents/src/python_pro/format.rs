//! `format`: whether code is formatted, or making it so.
//!
//! Files are formatted in memory, all of them before the first is written, and each is put in its place in one step. A file that
//! cannot be formatted, or that somebody else changed meanwhile, leaves all of them as they were.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::diagnostic::broke;
use super::project::Project;
use super::tool::{Tool, first};
use crate::process::{self, Program};
use crate::review::plural;
use crate::source::MAX_FILE;
use crate::staging;
use crate::tools::{Desk, blocking};

/// How much of a formatter's words is read, and how long a formatted file may be.
const OUTPUT: usize = 8 * 1024 * 1024;

/// How much text is held in memory before it is written.
const MOST: usize = 64 * 1024 * 1024;

/// What formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Formatter {
    Ruff,
    Black,
}

/// What to format.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Format {
    /// The directory of the project; a relative path starts at the first root, which is also the default.
    path: PathBuf,
    /// Files and directories to look at; relative paths start at `path`. All of the project by default.
    files: Vec<PathBuf>,
    /// What formats; by default the first that is there of ruff and black.
    tool: Option<Formatter>,
    /// Whether to format; by default it is only checked.
    fix: bool,
    /// How many seconds each run of the formatter may take, if less than the settings allow.
    timeout_secs: Option<u64>,
}

/// Code that is formatted.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Formatted {
    /// What the formatter says about itself.
    tool: String,
    /// The files that were not formatted before, relative to the path of the call where they are below it.
    changed: Vec<String>,
}

/// A file that was formatted in memory.
struct Draft {
    path: PathBuf,
    old: String,
    new: String,
}

/// Checks that code is formatted, or formats it.
pub(super) async fn format(desk: Arc<Desk>, call: Call, args: Format) -> Result<Formatted, Failure> {
    let project = Project::new(&desk, &args.path)?;
    let chosen = project.chosen(&args.files)?;
    let names: &[&'static str] = match args.tool {
        Some(Formatter::Ruff) => &["ruff"],
        Some(Formatter::Black) => &["black"],
        None => &["ruff", "black"],
    };
    let tool = first(&project, &call, names).await?;
    let limit = args.timeout_secs.map(Duration::from_secs);
    let files = unformatted(&project, &call, &tool, &chosen, limit).await?;
    let changed: Vec<String> = files.iter().map(|file| project.shown(&file.display().to_string())).collect();
    if files.is_empty() {
        return Ok(Formatted { tool: tool.version, changed });
    }
    if !args.fix {
        let message = format!(
            "{} not formatted",
            match changed.len() {
                1 => "1 file is".to_owned(),
                count => format!("{count} files are"),
            }
        );
        return Err(Failure::failed("not_formatted", message)
            .hint("call it with `fix`")
            .detail(json!({ "files": changed, "tool": tool.version })));
    }
    let drafts = drafts(&project, &call, &tool, files, limit).await?;
    let writer = Arc::clone(&desk);
    blocking(move || put(&writer, &drafts)).await?;
    for file in &changed {
        call.stdout(format!("formatted {file}\n")).await;
    }
    Ok(Formatted { tool: tool.version, changed })
}

/// The files that are not formatted.
async fn unformatted(
    project: &Project<'_>,
    call: &Call,
    tool: &Tool,
    chosen: &[PathBuf],
    limit: Option<Duration>,
) -> Result<Vec<PathBuf>, Failure> {
    let program = match tool.name {
        "black" => project.program("black").args(["--check", "--diff", "--quiet", "--no-color", "--"]),
        _ => project.program("ruff").args(["format", "--diff", "--no-cache", "--"]),
    };
    let ended = process::run(program.args(chosen).keeping(OUTPUT).within(limit), call).await?;
    let files = named(&ended.stdout.whole());
    match (ended.status.code(), files.is_empty()) {
        (Some(0), _) => Ok(Vec::new()),
        (Some(1), false) if ended.is_whole() => {
            // A notebook is formatted cell by cell; that is not done here.
            let modules = files.iter().filter(|file| !file.contains(".ipynb"));
            Ok(modules.map(|file| project.directory.join(file)).collect())
        }
        _ => Err(broke("format_failed", tool.name, &ended)),
    }
}

/// The files of a unified diff: `--- a.py`, `+++ a.py`, `@@`; black adds a time after a tab.
fn named(diff: &str) -> Vec<String> {
    let lines: Vec<&str> = diff.lines().collect();
    let name = |three: &[&str]| {
        let old = three[0]
            .strip_prefix("--- ")
            .filter(|_| three[1].starts_with("+++ ") && three[2].starts_with("@@"))?;
        Some(old.split('\t').next().unwrap_or(old).to_owned())
    };
    lines.windows(3).filter_map(name).collect()
}

/// Formats the files in memory.
async fn drafts(
    project: &Project<'_>,
    call: &Call,
    tool: &Tool,
    files: Vec<PathBuf>,
    limit: Option<Duration>,
) -> Result<Vec<Draft>, Failure> {
    let mut drafts = Vec::new();
    let mut held = 0;
    for path in files {
        let old = read(project.desk, &path)?;
        let program = filter(project, tool, &path).input(Some(old.clone())).keeping(OUTPUT).within(limit);
        let ended = process::read(program, call).await?;
        let new = String::from_utf8(ended.stdout.bytes.clone()).ok().filter(|new| !new.is_empty());
        let Some(new) = new.filter(|_| ended.status.success() && ended.is_whole()) else {
            return Err(broke("format_failed", tool.name, &ended));
        };
        held += old.len() + new.len();
        if held > MOST {
            let message = format!("the files are more than {} MiB", MOST / 1024 / 1024);
            return Err(Failure::rejected("too_many_files", message).hint("format a part of them at a time"));
        }
        drafts.push(Draft { path, old, new });
    }
    Ok(drafts)
}

/// The formatter as a filter from standard input to standard output.
fn filter<'a>(project: &Project<'a>, tool: &Tool, path: &Path) -> Program<'a> {
    let program = match tool.name {
        "black" => project.program("black").args(["--quiet"]),
        _ => project.program("ruff").args(["format", "--no-cache"]),
    };
    program.args(["--stdin-filename".as_ref(), path.as_os_str(), "-".as_ref()])
}

fn read(desk: &Desk, path: &Path) -> Result<String, Failure> {
    let failed =
        |error: std::io::Error| Failure::failed("io_error", format!("reading {}: {error}", path.display()));
    let file = desk.roots.open(path)?;
    if file.metadata().map_err(failed)?.len() > MAX_FILE {
        let message = format!("{} is larger than {} MiB", path.display(), MAX_FILE / 1024 / 1024);
        return Err(
            Failure::rejected("too_large", message).hint("leave it out in the settings of the formatter")
        );
    }
    let mut text = String::new();
    file.take(MAX_FILE + 1).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

/// Puts the files in their places, if they are still what they were.
fn put(desk: &Desk, drafts: &[Draft]) -> Result<(), Failure> {
    for draft in drafts {
        if read(desk, &draft.path)? != draft.old {
            let message = format!("{} was changed while it was formatted", draft.path.display());
            return Err(
                Failure::failed("changed_meanwhile", message).hint("call it again; nothing was written")
            );
        }
    }
    for (written, draft) in drafts.iter().enumerate() {
        let (folder, name) = desk.roots.parent(&draft.path)?;
        staging::put(folder, &[(&name, &draft.new)]).map_err(|error| {
            let before = plural(written, "file");
            let message =
                format!("writing {}: {error}; {before} before it are formatted", draft.path.display());
            Failure::failed("io_error", message)
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::settings::Settings;
    use crate::source::fixture::tree;

    #[test]
    fn files_that_somebody_changed_meanwhile_stay_all_as_they_are() {
        let place = tree(&[("a.py", "a"), ("b.py", "b")]);
        let desk = Desk::new(&Settings { roots: vec![place.path().to_owned()], ..Settings::default() });
        let draft = |name: &str, old: &str| Draft {
            path: place.path().join(name),
            old: old.into(),
            new: "new".into(),
        };
        let refused = put(&desk, &[draft("a.py", "a"), draft("b.py", "other")]).unwrap_err();
        assert_eq!(refused.reason(), "changed_meanwhile");
        assert_eq!(fs::read_to_string(place.path().join("a.py")).unwrap(), "a");
        put(&desk, &[draft("a.py", "a"), draft("b.py", "b")]).unwrap();
        assert_eq!(fs::read_to_string(place.path().join("b.py")).unwrap(), "new");
    }

    #[test]
    fn the_files_that_formatters_name_are_read() {
        let diff = "--- a.py\n+++ a.py\n@@ -1 +1 @@\n--- x\n+x\n--- /x/b c.py\t2026\n+++ /x/b c.py\t2026\n@@ -1 +1 @@\n-1\n+2\n";
        assert_eq!(named(diff), ["a.py", "/x/b c.py"]);
    }
}
