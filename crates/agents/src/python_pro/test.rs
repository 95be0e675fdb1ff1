//! `test`: the tests of a project, each with what became of it.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::diagnostic::tail;
use super::project::{Project, word};
use super::report::Tally;
use crate::process::{self, Ended};
use crate::review::plural;
use crate::tools::Desk;

const PYTEST: &str = include_str!("drivers/pytest.py");
const UNITTEST: &str = include_str!("drivers/unittest.py");

/// Ends with 0 if pytest is there for the interpreter. The directory itself is not looked into: it may hold a `pytest.py`.
const IS_THERE: &str =
    "import sys; sys.path.pop(0); import importlib.util as u; sys.exit(u.find_spec('pytest') is None)";

/// What runs tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Runner {
    Pytest,
    Unittest,
}

/// Which tests.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Test {
    /// The directory of the project; a relative path starts at the first root, which is also the default.
    path: PathBuf,
    /// What runs the tests; by default pytest if the project's interpreter has it, else unittest.
    runner: Option<Runner>,
    /// Files and directories with tests, or tests in a file, such as `tests/test_a.py::TestA::test_one`; relative paths start at `path`.
    /// All tests by default.
    targets: Vec<String>,
    /// Only tests whose name contains this word; capitals do not matter.
    filter: Option<String>,
    /// How many seconds it may take, if less than the settings allow.
    timeout_secs: Option<u64>,
}

/// Tests that were run, of which none failed.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Tested {
    /// What ran them.
    runner: Runner,
    #[serde(flatten)]
    tally: Tally,
    /// The end of what was said, at most 16 KiB.
    output: String,
    /// How long it took.
    duration: Duration,
}

/// Runs the tests.
pub(super) async fn test(desk: Arc<Desk>, call: Call, args: Test) -> Result<Tested, Failure> {
    let project = Project::new(&desk, &args.path)?;
    let targets = args.targets.iter().map(|name| target(&project, name)).collect::<Result<Vec<_>, _>>()?;
    args.filter.iter().try_for_each(|filter| word(filter, "a word"))?;
    let runner = runner(&project, &call, args.runner).await?;

    let failed = |error| Failure::failed("io_error", format!("making a place for the report: {error}"));
    let report = tempfile::NamedTempFile::new().map_err(failed)?;
    let program = project.python().within(args.timeout_secs.map(Duration::from_secs));
    let program = match runner {
        Runner::Pytest => {
            let filter = args.filter.iter().flat_map(|filter| ["-k", filter]);
            program.args(["-c", PYTEST]).args([report.path()]).args(filter)
        }
        Runner::Unittest => {
            program.args(["-c", UNITTEST]).args([report.path()]).args([args.filter.as_deref().unwrap_or("")])
        }
    };
    let ended = process::run(program.args(targets), &call).await?;
    let tally = Tally::read(report.path())?;
    let output = said(&ended);
    if let Some(failure) = verdict(ended.status, runner, &tally) {
        let detail =
            json!({ "exit_code": ended.status.code(), "runner": runner, "tests": tally, "output": output });
        return Err(failure.detail(detail));
    }
    Ok(Tested { runner, tally, output, duration: ended.duration })
}

/// A target as the runners take it: with an absolute path, which is no option.
fn target(project: &Project<'_>, name: &str) -> Result<String, Failure> {
    let (path, inside) = name.split_once("::").map_or((name, ""), |(path, inside)| (path, inside));
    let file = project.file(path.as_ref())?.display().to_string();
    Ok(if inside.is_empty() { file } else { format!("{file}::{inside}") })
}

async fn runner(project: &Project<'_>, call: &Call, asked: Option<Runner>) -> Result<Runner, Failure> {
    if asked == Some(Runner::Unittest) {
        return Ok(Runner::Unittest);
    }
    let is_there = process::read(project.python().args(["-c", IS_THERE]), call).await?.status.success();
    match (is_there, asked) {
        (true, _) => Ok(Runner::Pytest),
        (false, None) => Ok(Runner::Unittest),
        (false, Some(_)) => {
            Err(Failure::failed("program_missing", "pytest is not installed for the project's Python").hint(
                "`pip install pytest` in the virtual environment of the project, or leave `runner` out",
            ))
        }
    }
}

/// Why the tests are no success: one failed, none was run, or nobody knows.
fn verdict(status: ExitStatus, runner: Runner, tally: &Tally) -> Option<Failure> {
    let bad = tally.failed + tally.errors;
    if bad > 0 {
        let first =
            tally.cases.first().map(|case| format!("; the first is {}", case.test)).unwrap_or_default();
        let message = format!("{bad} of {} failed{first}", plural(tally.ran(), "test"));
        return Some(Failure::failed("tests_failed", message));
    }
    if tally.ran() == 0 && tally.is_whole {
        let message = match tally.skipped {
            0 => "there is no test to run".to_owned(),
            count => format!(
                "no test was run: {} skipped",
                if count == 1 { "one was".to_owned() } else { format!("all {count} were") }
            ),
        };
        return Some(
            Failure::failed("no_tests", message).hint("name the files in `targets`, or mend `filter`"),
        );
    }
    if status.success() && tally.is_whole {
        return None;
    }
    let how = status.code().map_or("by a signal".to_owned(), |code| format!("with the exit code {code}"));
    let message = match (runner, tally.is_whole) {
        (Runner::Pytest, true) => format!("pytest found no test wrong and ended {how}"),
        (Runner::Unittest, true) => format!("unittest found no test wrong and ended {how}"),
        (_, false) => format!("the tests did not come to their end: the interpreter ended {how}"),
    };
    Some(Failure::failed("tests_not_run", message))
}

fn said(ended: &Ended) -> String {
    let (stdout, stderr) = (ended.stdout.text(), ended.stderr.text());
    if stderr.is_empty() { tail(&stdout).to_owned() } else { tail(&format!("{stdout}\n{stderr}")).to_owned() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn judged(code: i32, tally: &Tally) -> Option<String> {
        verdict(ExitStatus::from_raw(code << 8), Runner::Pytest, tally)
            .map(|failure| failure.reason().to_owned())
    }

    #[test]
    fn only_tests_that_were_run_to_the_end_and_did_not_fail_are_a_success() {
        let whole = Tally { is_whole: true, ..Tally::default() };
        let passed = Tally { passed: 1, ..whole.clone() };
        assert_eq!(judged(0, &passed), None);
        assert_eq!(judged(0, &Tally { expected_failures: 1, ..whole.clone() }), None);
        assert_eq!(judged(0, &Tally { failed: 1, ..passed.clone() }).unwrap(), "tests_failed");
        assert_eq!(judged(2, &Tally { errors: 1, ..whole.clone() }).unwrap(), "tests_failed");
        assert_eq!(judged(5, &whole).unwrap(), "no_tests");
        assert_eq!(judged(0, &Tally { skipped: 2, ..whole.clone() }).unwrap(), "no_tests");
        assert_eq!(judged(0, &Tally { is_whole: false, ..passed.clone() }).unwrap(), "tests_not_run");
        assert_eq!(judged(3, &passed).unwrap(), "tests_not_run");
        assert_eq!(judged(4, &Tally::default()).unwrap(), "tests_not_run");
    }
}
