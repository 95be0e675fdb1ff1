//! Which of several programs there is.

use std::time::Duration;

use op_agent::{Call, Failure};
use serde_json::{Map, Value};

use super::project::Project;
use crate::process;

/// Longest time in which a program must tell its version.
const PATIENCE: Duration = Duration::from_secs(30);

/// A program that is there.
#[derive(Debug)]
pub(super) struct Tool {
    pub(super) name: &'static str,
    /// The line that it says about itself.
    pub(super) version: String,
}

/// The first of `names` that is there and works, in the environment of the project or in the PATH of the agent.
///
/// Some programs are only there in name, as those that pyenv puts into the PATH: so each is asked for its version.
pub(super) async fn first(
    project: &Project<'_>,
    call: &Call,
    names: &[&'static str],
) -> Result<Tool, Failure> {
    let mut tried = Map::new();
    for name in names {
        match version(project, call, name).await? {
            Ok(version) => return Ok(Tool { name, version }),
            Err(why) => tried.insert((*name).to_owned(), Value::String(why)),
        };
    }
    let message = format!("there is no program `{}`", names.join("` or `"));
    let hint = format!(
        "`pip install {}` in the virtual environment of the project, or where the agent's PATH leads",
        names[0]
    );
    Err(Failure::failed("program_missing", message).hint(hint).detail(Value::Object(tried)))
}

/// What a program says about itself; the inner error is why it does not.
async fn version(project: &Project<'_>, call: &Call, name: &str) -> Result<Result<String, String>, Failure> {
    let program = project.program(name).args(["--version"]).within(Some(PATIENCE));
    match process::read(program, call).await {
        Ok(ended) if ended.status.success() => Ok(Ok(line(&ended.stdout.text()))),
        Ok(ended) => Ok(Err(line(ended.stderr.text().trim_end().rsplit('\n').next().unwrap_or_default()))),
        Err(failure) if call.is_cancelled() => Err(failure),
        Err(failure) => Ok(Err(failure.message().to_owned())),
    }
}

fn line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().chars().take(200).collect()
}
