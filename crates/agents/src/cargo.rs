//! One run of cargo, and what it came to: shared by every operation that compiles.
//!
//! What cargo says is read from its JSON messages, passed on as it comes, and answered as data. Its exit code decides.

mod diagnostic;
pub(crate) mod lines;
mod messages;
mod selection;
mod tally;

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::process::{Channel, Program};
use crate::review::plural;
use crate::tools::Desk;

pub(crate) use diagnostic::{Diagnostic, Level};
use messages::Messages;
pub(crate) use selection::{Selection, name};
pub(crate) use tally::{Measured, Tests};

/// How much of the end of cargo's own words a failure carries.
const LAST_WORDS: usize = 16 * 1024;

/// What cargo says when it cannot get at a dependency. It has no exit code of its own for that.
const UNAVAILABLE: [&str; 9] = [
    "failed to download",
    "failed to fetch",
    "failed to query replaced source",
    "failed to load source for dependency",
    "Unable to update",
    "Could not resolve host",
    "Couldn't resolve host",
    "no matching package named",
    "--offline was specified",
];

/// What cargo or rustup say when a part of the toolchain is not installed.
const NOT_INSTALLED: [&str; 2] = ["is not installed for the toolchain", "error: no such command:"];

/// The common part of every result.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Compiled {
    /// What the compiler and the lints said: errors first, then by place; at most 1,000.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// How many there are.
    pub(crate) counts: Counts,
    /// How long it took.
    pub(crate) duration: Duration,
}

impl Compiled {
    /// Why it does not compile: how many errors, and the first with its place.
    fn why(&self) -> String {
        let count = plural(self.counts.errors, "error");
        let first = self.diagnostics.iter().find(|told| told.severity == Level::Error);
        match first.map(|first| (&first.message, first.file.as_ref().zip(first.line))) {
            None => count,
            Some((message, None)) => format!("{count}: {message}"),
            Some((message, Some((file, line)))) => format!("{count}; the first, at {file}:{line}: {message}"),
        }
    }
}

/// How many diagnostics there are.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Counts {
    /// Errors.
    pub(crate) errors: usize,
    /// Warnings.
    pub(crate) warnings: usize,
    /// How many more there were than are kept.
    pub(crate) left_out: usize,
}

/// A run of cargo that came to its end, well or not.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) messages: Messages,
    pub(crate) stderr: String,
    duration: Duration,
}

/// The directory of a package or a workspace.
pub(crate) fn project(desk: &Desk, path: &Path) -> Result<PathBuf, Failure> {
    let project = desk.roots.existing(path)?;
    if project.join("Cargo.toml").is_file() {
        return Ok(project);
    }
    let message = format!("{} holds no Cargo.toml", path.display());
    Err(Failure::rejected("not_a_cargo_project", message)
        .hint("set `path` to the directory of a package or workspace"))
}

/// Runs a command of cargo that compiles, and passes on what it says. `flags` come before `--` and `rest` after it.
pub(crate) async fn compile(
    desk: &Desk,
    call: &Call,
    selection: &Selection,
    command: &str,
    flags: &[&str],
    rest: &[String],
) -> Result<Finished, Failure> {
    let project = project(desk, &selection.path)?;
    let mut program = Program::new(&desk.settings, "cargo", &project)
        .args([command, "--message-format=json", "--color=never"])
        .args(selection.flags())
        .args(flags)
        .within(selection.time_limit);
    if let Some(directory) = &selection.target_dir {
        program = program.args(["--target-dir".into(), desk.roots.future(directory)?]);
    }
    if !rest.is_empty() {
        program = program.args(["--"]).args(rest);
    }
    listen(program, call, &project, desk.settings.output_limit()).await
}

/// Runs `test` or `bench`: those whose name contains `filter`, the rest of them also when some fail. It fails when something
/// does not compile; what became of the tests is in what is returned.
pub(crate) async fn test(
    desk: &Desk,
    call: &Call,
    selection: &Selection,
    command: &str,
    filter: Option<String>,
) -> Result<Finished, Failure> {
    let filter: Vec<String> = filter.into_iter().collect();
    for word in &filter {
        name(word, "a test")?;
    }
    let finished = compile(desk, call, selection, command, &["--no-fail-fast"], &filter).await?;
    finished.check()?;
    Ok(finished)
}

async fn listen(
    program: Program<'_>,
    call: &Call,
    project: &Path,
    limit: usize,
) -> Result<Finished, Failure> {
    let mut messages = Messages::new(project, limit);
    let mut running = program.start(call)?;
    while let Some((channel, piece)) = running.next().await {
        match channel {
            Channel::Stderr => running.tell(Channel::Stderr, &piece).await,
            Channel::Stdout => {
                for (channel, text) in messages.hear(&piece) {
                    running.tell(channel, text.as_bytes()).await;
                }
            }
        }
    }
    for (channel, text) in messages.finish() {
        running.tell(channel, text.as_bytes()).await;
    }
    let ended = running.end().await?;
    Ok(Finished { status: ended.status, messages, stderr: ended.stderr.text(), duration: ended.duration })
}

impl Finished {
    /// The common part of the result.
    pub(crate) fn compiled(&self) -> Compiled {
        let diagnostics = self.messages.diagnostics();
        let count = |level| diagnostics.iter().filter(|diagnostic| diagnostic.severity == level).count();
        let left_out = self.messages.left_out;
        let counts = Counts { errors: count(Level::Error), warnings: count(Level::Warning), left_out };
        Compiled { diagnostics, counts, duration: self.duration }
    }

    /// What the programs said that cargo ran.
    pub(crate) fn said(&self) -> String {
        String::from_utf8_lossy(&self.messages.said).into_owned()
    }

    /// Fails unless everything that was asked for was compiled.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.status.success() || self.messages.built == Some(true) {
            return Ok(());
        }
        let compiled = self.compiled();
        let failure = match why(&self.stderr, compiled.counts.errors) {
            Why::NotInstalled => {
                Failure::failed("program_missing", "a part of the Rust toolchain is not installed")
                    .hint(last_error(&self.stderr))
            }
            Why::Unavailable => Failure::failed("dependencies_unavailable", last_error(&self.stderr))
                .hint("run `cargo fetch` where there is a network, or mend the dependency, and try again"),
            Why::Broken => Failure::failed("build_failed", compiled.why()),
            Why::Refused => Failure::failed("cargo_failed", last_error(&self.stderr)),
        };
        Err(failure.detail(self.detail(json!({}))))
    }

    /// The tests that were run; a failure if one of them failed, or a test program did.
    pub(crate) fn tests(&self) -> Result<&Tests, Failure> {
        let tests = &self.messages.tally.tests;
        if self.status.success() {
            return Ok(tests);
        }
        let message = match tests.failed {
            0 => "a test program failed without saying which test".to_owned(),
            count => {
                format!("{count} of {} tests failed: {}", count + tests.passed, tests.failures.join(", "))
            }
        };
        let detail = self.detail(json!({ "tests": tests, "output": self.said() }));
        Err(Failure::failed("tests_failed", message).detail(detail))
    }

    /// What there is to say about a failure, and `more`.
    pub(crate) fn detail(&self, more: Value) -> Value {
        let compiled = self.compiled();
        let mut detail = json!({
            "exit_code": self.status.code(),
            "diagnostics": compiled.diagnostics,
            "counts": compiled.counts,
            "stderr": tail(&self.stderr),
        });
        if let (Some(detail), Value::Object(more)) = (detail.as_object_mut(), more) {
            detail.extend(more);
        }
        detail
    }
}

/// Why nothing was built.
#[derive(Debug, PartialEq)]
enum Why {
    NotInstalled,
    Unavailable,
    Broken,
    Refused,
}

fn why(stderr: &str, errors: usize) -> Why {
    let says = |words: &[&str]| words.iter().any(|word| stderr.contains(word));
    match errors {
        1.. => Why::Broken,
        0 if says(&NOT_INSTALLED) => Why::NotInstalled,
        0 if says(&UNAVAILABLE) => Why::Unavailable,
        0 => Why::Refused,
    }
}

/// What cargo calls the error, with the causes that it gives.
pub(crate) fn last_error(stderr: &str) -> String {
    let lines: Vec<&str> = stderr.lines().collect();
    let start =
        lines.iter().rposition(|line| line.starts_with("error")).unwrap_or(lines.len().saturating_sub(1));
    let text: Vec<&str> = lines[start.min(lines.len())..].iter().map(|line| line.trim()).collect();
    let text = text.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    if text.is_empty() { "cargo failed and did not say why".to_owned() } else { tail(&text).to_owned() }
}

/// The end of a text.
fn tail(text: &str) -> &str {
    let start = text.len().saturating_sub(LAST_WORDS);
    let start = (start..=text.len()).find(|index| text.is_char_boundary(*index)).unwrap_or(start);
    &text[start..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_of_a_failure_is_read_off_what_cargo_says() {
        assert_eq!(why("error: could not compile `x`", 2), Why::Broken);
        assert_eq!(why("error: no matching package named `x` found", 0), Why::Unavailable);
        assert_eq!(why("warning: spurious network error: Could not resolve host: x", 0), Why::Unavailable);
        assert_eq!(why("error: no such command: `clippy`", 0), Why::NotInstalled);
        assert_eq!(why("error: failed to parse manifest", 0), Why::Refused);
        assert_eq!(
            why("error: could not compile `x`; failed to fetch", 1),
            Why::Broken,
            "errors of the code come first"
        );
    }

    #[test]
    fn the_last_error_is_told_with_its_causes() {
        let text =
            "warning: x\nerror: failed to parse manifest at `/x`\n\nCaused by:\n  missing field `name`\n";
        assert_eq!(
            last_error(text),
            "error: failed to parse manifest at `/x` Caused by: missing field `name`"
        );
        assert_eq!(last_error("something odd\n"), "something odd");
        assert!(!last_error("").is_empty());
    }

    #[test]
    fn the_end_of_a_text_is_cut_between_characters() {
        let text = "ü".repeat(LAST_WORDS);
        assert!(tail(&text).len() <= LAST_WORDS);
        assert_eq!(tail("short"), "short");
    }
}
