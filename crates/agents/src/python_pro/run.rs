//! `run`: a script or a module, watched to its end.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use op_agent::{Call, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::project::{Project, word};
use crate::process;
use crate::tools::Desk;

/// What to run, where, and with what: a script or a module.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Run {
    /// The directory that it runs in; a relative path starts at the first root, which is also the default.
    path: PathBuf,
    /// The script; a relative path starts at `path`.
    script: Option<PathBuf>,
    /// The module, as `python -m` takes it.
    module: Option<String>,
    /// The arguments of the program.
    args: Vec<String>,
    /// What it reads as its standard input; nothing by default.
    stdin: Option<String>,
    /// How many seconds it may take, if less than the settings allow.
    timeout_secs: Option<u64>,
}

/// A program that ended with the exit code 0.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Ran {
    /// Its exit code.
    exit_code: i32,
    /// What it said, from its beginning; what is not UTF-8 in it is replaced.
    stdout: String,
    /// What it said aside.
    stderr: String,
    /// How many bytes of both were too many to be kept.
    dropped_bytes: u64,
    /// How long it took.
    duration: Duration,
}

/// Runs a program.
pub(super) async fn run(desk: Arc<Desk>, call: Call, args: Run) -> Result<Ran, Failure> {
    let project = Project::new(&desk, &args.path)?;
    let what = what(&project, &args)?;
    let name = what.join(" ");
    let program = project
        .python()
        .args(what)
        .args(&args.args)
        .input(args.stdin)
        .within(args.timeout_secs.map(Duration::from_secs));
    let ended = process::run(program, &call).await?.succeeded(&name)?;
    Ok(Ran {
        exit_code: 0,
        stdout: ended.stdout.text(),
        stderr: ended.stderr.text(),
        dropped_bytes: ended.stdout.dropped + ended.stderr.dropped,
        duration: ended.duration,
    })
}

/// The arguments of the interpreter that choose what is run.
fn what(project: &Project<'_>, args: &Run) -> Result<Vec<String>, Failure> {
    match (&args.script, &args.module) {
        (Some(script), None) => {
            let file = project.file(script)?;
            if !file.is_file() {
                let message = format!("{} is not a file", script.display());
                return Err(Failure::rejected("not_a_file", message));
            }
            Ok(vec![file.display().to_string()])
        }
        (None, Some(module)) => {
            module.split('.').try_for_each(|part| word(part, "the name of a module"))?;
            Ok(vec!["-m".to_owned(), module.clone()])
        }
        _ => Err(Failure::rejected("invalid_arguments", "give either `script` or `module`, and not both")),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::settings::Settings;
    use crate::source::fixture::tree;

    #[test]
    fn what_is_run_is_a_file_below_the_roots_or_a_name() {
        let place = tree(&[("a.py", ""), ("-c", "")]);
        let desk = Desk::new(&Settings { roots: vec![place.path().to_owned()], ..Settings::default() });
        let project = Project::new(&desk, Path::new("")).unwrap();
        let what = |json: &str| what(&project, &serde_json::from_str(json).unwrap());
        let root = place.path().canonicalize().unwrap();
        assert_eq!(what(r#"{"script": "a.py"}"#).unwrap(), [root.join("a.py").display().to_string()]);
        assert_eq!(what(r#"{"script": "-c"}"#).unwrap(), [root.join("-c").display().to_string()]);
        assert_eq!(what(r#"{"module": "a.b"}"#).unwrap(), ["-m", "a.b"]);
        for (wrong, reason) in [
            ("{}", "invalid_arguments"),
            (r#"{"module": "-c"}"#, "invalid_arguments"),
            (r#"{"module": "a..b"}"#, "invalid_arguments"),
            (r#"{"script": "a.py", "module": "a"}"#, "invalid_arguments"),
            (r#"{"script": "/etc/hostname"}"#, "outside_roots"),
            (r#"{"script": "b.py"}"#, "not_found"),
            (r#"{"script": "."}"#, "not_a_file"),
        ] {
            assert_eq!(what(wrong).unwrap_err().reason(), reason, "{wrong}");
        }
    }
}
