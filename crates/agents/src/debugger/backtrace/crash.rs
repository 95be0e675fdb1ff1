//! A crash that systemd-coredump keeps, laid out as a core file for gdb.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use op_agent::{Call, Failure};
use serde_json::Value;

use crate::process::{Program, read};
use crate::tools::Desk;

/// A crash, and its core file, which goes with this value.
#[derive(Debug)]
pub(super) struct Crash {
    pid: u64,
    pub(super) program: Option<PathBuf>,
    core: PathBuf,
}

impl Crash {
    /// The newest crash that fits.
    pub(super) async fn find(desk: &Desk, call: &Call, which: &str) -> Result<Self, Failure> {
        if which.is_empty() || which.starts_with('-') {
            return Err(Failure::rejected("invalid_arguments", format!("`{which}` names no crash")));
        }
        let Some(state) = &desk.settings.state else {
            return Err(Failure::failed(
                "not_configured",
                "a core file needs a place, and the agent has none",
            )
            .hint("let the daemon start the agent: it gives each a directory of its own"));
        };
        let listed = coredumpctl(desk, &["list", "--json=short", "-1", which]);
        let listed = read(listed, call).await?.succeeded("coredumpctl list").map_err(|failure| {
            failure.hint("`coredumpctl list` shows the crashes that are kept; members of `systemd-journal` see all of them")
        })?;
        let found: Value = serde_json::from_slice(&listed.stdout.bytes).map_err(|error| {
            Failure::failed("coredumpctl_failed", format!("what coredumpctl lists is no JSON: {error}"))
        })?;
        let Some(pid) = found[0]["pid"].as_u64() else {
            return Err(Failure::failed("not_found", format!("no crash is kept that fits `{which}`")));
        };
        let program = found[0]["exe"].as_str().map(PathBuf::from).filter(|path| path.is_file());
        // One call has one key, so no other writes the same file.
        let core = state.join(format!("core.{}", call.key().replace('/', "-")));
        let crash = Self { pid, program, core };
        let output = format!("--output={}", crash.core.display());
        read(coredumpctl(desk, &["dump", &output, "-1", &pid.to_string()]), call)
            .await?
            .succeeded("coredumpctl dump")
            .map_err(|failure| {
                failure.hint("the core file may have been cleared away, or belong to another user")
            })?;
        Ok(crash)
    }

    /// Its core file.
    pub(super) fn core(&self) -> &Path {
        &self.core
    }
}

impl Drop for Crash {
    fn drop(&mut self) {
        // What was not written needs no clearing away.
        let _ = fs::remove_file(&self.core);
    }
}

impl fmt::Display for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the crash of process {}", self.pid)?;
        self.program.iter().try_for_each(|program| write!(f, " ({})", program.display()))
    }
}

fn coredumpctl<'a>(desk: &'a Desk, args: &[&str]) -> Program<'a> {
    Program::new(&desk.settings, "coredumpctl", Path::new("/")).args(["--no-pager", "--quiet"]).args(args)
}
